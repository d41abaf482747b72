"""Samples from a Prometheus that scrapes the pods already, for clusters where nothing else may reach them.

Its address comes from the operator's settings and never from a resource. Where it does not answer there are no samples,
and why is told; a sample that was scraped once is given as the same one until another was scraped.
"""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence

import aiohttp

from gemma4_operator.runtime import promql
from gemma4_operator.runtime.promql import NoAnswer
from gemma4_operator.runtime.sampler import Target
from gemma4_operator.runtime.scrape import body
from gemma4_operator.runtime.store import Key
from gemma4_operator.scaling.sample import Sample

PODS_AT_ONCE = 100
"""In one query: an answer of a hundred pods has some megabytes."""
MOST_BYTES = 16 * 2**20
TIMEOUT_SECONDS = 5.0
AT_ONCE = 4
"""How many queries there are at the same time, of all resources."""
UNKNOWN_SECONDS = 90.0
"""For how long it may know none of a resource's pods: they are scraped once a minute where nothing else is set."""
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


class Unconfigured:
    """Stands where a Prometheus is asked for and the operator knows none."""

    async def read(self, key: Key, targets: Sequence[Target]) -> Mapping[str, Sample]:
        """Return nothing."""
        del key, targets
        return {}

    def trouble(self, key: Key) -> str:
        """Return that there is none, and what to do."""
        del key
        return (
            "`spec.autoscaling.metricsSource` is 'Prometheus', and the operator knows none: set GEMMA4_PROMETHEUS_URL "
            "(`prometheus.url` in the chart), or ask for 'Pods'."
        )

    def forget(self, key: Key) -> None:
        """Do nothing."""


class Prometheus:
    """Asks one Prometheus, or what speaks like it.

    Args:
        url: Its address, with the path before `/api/v1` where there is one.
        monotonic: The clock of the samples.
        namespace_label: The label that has a pod's namespace; so has `pod_label` its name.
        timeout_seconds: What one query may take.

    Raises:
        ValueError: For an address or a label that cannot be.
    """

    def __init__(
        self,
        *,
        url: str,
        monotonic: Callable[[], float],
        namespace_label: str = "namespace",
        pod_label: str = "pod",
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"Prometheus' address is '{url}'; it must begin with http:// or https://.")
        for label in (namespace_label, pod_label):
            if not _LABEL.fullmatch(label):
                raise ValueError(f"'{label}' is no label of Prometheus; it must have letters, digits and _ only.")
        self._url = f"{url.rstrip('/')}/api/v1/query"
        self._monotonic = monotonic
        self._namespace_label = namespace_label
        self._pod_label = pod_label
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._places = asyncio.Semaphore(AT_ONCE)
        self._session: aiohttp.ClientSession | None = None
        self._last: dict[Key, dict[str, tuple[float, Sample]]] = {}
        self._trouble: dict[Key, str] = {}
        self._unknown_since: dict[Key, float] = {}

    async def read(self, key: Key, targets: Sequence[Target]) -> Mapping[str, Sample]:
        """Return what the pods of a resource said last, by their names; those of which nothing is known are missing."""
        targets = [target for target in targets if target.dialects]
        before = self._last.get(key, {})
        last: dict[str, tuple[float, Sample]] = {}
        trouble = ""
        for first in range(0, len(targets), PODS_AT_ONCE):
            part = targets[first : first + PODS_AT_ONCE]
            try:
                last |= await self._some(key, part, before)
            except NoAnswer as error:
                trouble = f"Prometheus at {self._url} gives no figures: {error}."
        kept = {target.name: before[target.name] for target in targets if target.name in before}
        self._last[key], self._trouble[key] = {**kept, **last}, trouble
        if last or not targets:
            self._unknown_since.pop(key, None)
        elif not trouble:
            self._unknown_since.setdefault(key, self._monotonic())
        return {name: sample for name, (_, sample) in last.items()}

    def trouble(self, key: Key) -> str:
        """Return why a resource's last round was not whole, as a sentence; empty: it was, or may soon be."""
        trouble, since = self._trouble.get(key, ""), self._unknown_since.get(key)
        if trouble or since is None or self._monotonic() - since < UNKNOWN_SECONDS:
            return trouble
        return (
            f"Prometheus at {self._url} answers and has figures of none of these pods by its labels "
            f"`{self._namespace_label}` and `{self._pod_label}`: see that a scrape job reads the pods, or set "
            "GEMMA4_PROMETHEUS_NAMESPACE_LABEL and GEMMA4_PROMETHEUS_POD_LABEL to the labels that it gives them."
        )

    def forget(self, key: Key) -> None:
        """Drop what is remembered of a resource's pods."""
        self._last.pop(key, None)
        self._trouble.pop(key, None)
        self._unknown_since.pop(key, None)

    async def close(self) -> None:
        """End the session."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _some(
        self, key: Key, targets: Sequence[Target], before: Mapping[str, tuple[float, Sample]]
    ) -> dict[str, tuple[float, Sample]]:
        dialects = {target.name: target.dialects for target in targets}
        query = promql.query(
            tuple(dict.fromkeys(dialect for spoken in dialects.values() for dialect in spoken)),
            namespace=key.namespace,
            pods=dialects,
            namespace_label=self._namespace_label,
            pod_label=self._pod_label,
        )
        data, asked_seconds = await self._ask(query)
        found = promql.answer(data, dialects, pod_label=self._pod_label)
        last = {}
        for name, said in found.items():
            known = before.get(name)
            sample = Sample(at_seconds=asked_seconds - said.age_seconds, counts=said.counts)
            last[name] = known if known is not None and known[0] == said.stamp else (said.stamp, sample)
        return last

    async def _ask(self, query: str) -> tuple[bytes, float]:
        """Return the answer to a query, and when it was asked. Raises `NoAnswer`."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout, trust_env=False)
        async with self._places:
            # Only now, as Prometheus counts ages from the question; and not later, as the answer may take long.
            asked_seconds = self._monotonic()
            try:
                # A query for many pods is longer than an address may be.
                async with self._session.post(self._url, data={"query": query}, allow_redirects=False) as answer:
                    data = await body(answer, most_bytes=MOST_BYTES)
                    status = answer.status
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
                raise NoAnswer(f"it cannot be asked ({str(error) or type(error).__name__})") from error
        if data is None:
            raise NoAnswer(f"its answer has more than {MOST_BYTES} bytes")
        # Refusals come as JSON too, with 4xx and 5xx, and say more than the code.
        if status != 200 and not data.startswith(b"{"):
            raise NoAnswer(f"it answers with HTTP {status}")
        return data, asked_seconds
