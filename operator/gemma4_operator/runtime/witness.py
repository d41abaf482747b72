"""What stands behind a failure: the end of a failing container's log, and the events about its pod, claims and node.

Both are asked for only of pods that fail, or have been loading for so long that they may stand still, and events also
of pods without a node, for which one may be on its way: of few at a time, and not again before a container was started
anew or a while has passed. Without the right to read them the pod's own status has to do.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple, TypeVar

from gemma4_operator.kube.api import Api
from gemma4_operator.kube.errors import ApiError, Forbidden
from gemma4_operator.kube.events import about
from gemma4_operator.kube.kinds import EVENT
from gemma4_operator.runtime.kubelets import Kubelets
from gemma4_operator.status.diagnosis.progress import STALLED_SECONDS
from gemma4_operator.status.evidence import LOG_BYTES, LOG_LINES, Evidence, gather
from gemma4_operator.status.pods import PodView, loader, of_now
from gemma4_operator.status.subjects import subjects
from gemma4_operator.status.unplaced import nodes_coming, without_node
from gemma4_operator.status.unready import silent
from gemma4_operator.status.words import Wanted, last_words

MOST_PODS = 3
"""Of one resource, that fail, and as many without a node: pods of one plan mostly fail for one reason."""
FRESH_SECONDS = 30.0
"""For which what was read of a pod serves, as long as nothing in it was started again."""
DENIED_SECONDS = 600.0
"""After which what might not be read is asked for again: a right may be given later, or come back."""
_LOGS, _EVENTS, _EVENTS_OF_NODES = "logs of pods", "events of pods", "events of nodes"
_T = TypeVar("_T")
log = logging.getLogger(__name__)


class _Read(NamedTuple):
    at_seconds: float
    mark: tuple[object, ...]
    evidence: Evidence


class Witness:
    """Reads what a diagnosis needs beyond the pods' status.

    Args:
        monotonic: Seconds that only grow.
        now: The time, by which a log is silent.
    """

    def __init__(self, api: Api, *, monotonic: Callable[[], float], now: Callable[[], datetime]) -> None:
        self._api = api
        self._monotonic = monotonic
        self._now = now
        self._read: dict[tuple[str, str], _Read] = {}
        self._denied: dict[tuple[str, str], float] = {}
        self._kubelets = Kubelets(monotonic=monotonic)

    async def evidence(self, namespace: str, pods: Sequence[PodView]) -> Mapping[str, Evidence]:
        """Return what is known of pods that fail or have no node, by their names; of others the status says it all."""
        speaking = of_now(pods)
        # One that is still to serve goes before those that have ended.
        failing = sorted((pod for pod in speaking if self._fails(pod)), key=lambda pod: pod.ended)
        slow = [pod for pod in speaking if pod not in failing and self._is_slow(pod)]
        self._forget_stale()
        found = {pod.name: await self._of(namespace, pod) for pod in (*failing, *slow)[:MOST_PODS]}
        return {**found, **await self._of_waiting(namespace, without_node(pods))}

    async def _of_waiting(self, namespace: str, pods: Sequence[PodView]) -> Mapping[str, Evidence]:
        """Return what is known of pods without a node, those first that have waited longest.

        Where a node comes for each of the first, the others are taken to get theirs: they are asked once those have it.
        """
        found = {pod.name: await self._of(namespace, pod) for pod in pods[:MOST_PODS]}
        if not found or len(nodes_coming(found)) < len(found):
            return found
        youngest = list(found.values())[-1]
        return {pod.name: found.get(pod.name) or replace(youngest, pod=pod) for pod in pods}

    def _fails(self, pod: PodView) -> bool:
        """Whether more is to be known than that a pod waits for its node or loads."""
        if pod.unschedulable:
            return False
        troubled = any(one.ended is not None or one.waiting for one in pod.containers)
        return troubled or pod.sandboxed is False or bool(silent(pod, now=self._now()))

    def _is_slow(self, pod: PodView) -> bool:
        """Whether a pod has been loading for so long that it may stand still."""
        container = loader(pod)
        if container is None or container.since is None:
            return False
        return (self._now() - container.since).total_seconds() >= STALLED_SECONDS

    async def _of(self, namespace: str, pod: PodView) -> Evidence:
        mark = (pod.containers, pod.sandboxed, pod.phase)
        known = self._read.get((namespace, pod.name))
        if known is None or known.mark != mark:
            events = await self._events(namespace, pod)
            said = await last_words(pod, lambda one: self._log(namespace, pod, one), now=self._now)
            evidence = gather(pod, events, said.text, silent_seconds=said.silent_seconds, read_at=self._now())
            known = self._read[namespace, pod.name] = _Read(self._monotonic(), mark, evidence)
        return replace(known.evidence, pod=pod)

    def _forget_stale(self) -> None:
        """Drop what would be read anew anyway; by age, since pods of other resources are none of this call's."""
        now = self._monotonic()
        self._read = {pod: read for pod, read in self._read.items() if now - read.at_seconds < FRESH_SECONDS}

    async def _events(self, namespace: str, pod: PodView) -> Sequence[Mapping[str, object]]:
        """Return what happened to a pod, and to what it hangs on."""
        found = list(await self._about(namespace, _EVENTS, about("Pod", pod.name)))
        for one in subjects(pod):
            what = _EVENTS_OF_NODES if one.namespace else _EVENTS
            found += await self._about(one.namespace or namespace, what, about(one.kind, one.name))
        return found

    async def _about(self, namespace: str, what: str, selector: str) -> Sequence[Mapping[str, object]]:
        found = await self._allowed(
            namespace, what, lambda: self._api.list(EVENT, namespace=namespace, field_selector=selector)
        )
        return found.items if found is not None else ()

    async def _log(self, namespace: str, pod: PodView, one: Wanted) -> str:
        def ask() -> Awaitable[str]:
            return self._api.log(
                namespace=namespace,
                pod=pod.name,
                container=one.container,
                previous=one.previous,
                timestamps=True,
                lines=LOG_LINES,
                limit_bytes=LOG_BYTES,
            )

        return await self._allowed(namespace, _LOGS, lambda: self._kubelets.ask(pod.node, ask)) or ""

    async def _allowed(self, namespace: str, what: str, ask: Callable[[], Awaitable[_T]]) -> _T | None:
        """Return an answer, or nothing where it may not be asked for or does not come: a diagnosis can do without."""
        denied_seconds = self._denied.get((namespace, what), float("-inf"))
        if self._monotonic() - denied_seconds < DENIED_SECONDS:
            return None
        try:
            return await ask()
        except Forbidden as error:
            if not error.namespace_is_terminating:
                self._deny(namespace, what)
        except ApiError as error:
            log.debug("The %s cannot be read: %s", what, error.message)
        return None

    def _deny(self, namespace: str, what: str) -> None:
        if (namespace, what) not in self._denied:
            log.log(
                # Who watches some namespaces alone is not meant to read the one where nodes have theirs.
                logging.INFO if what == _EVENTS_OF_NODES else logging.WARNING,
                "The %s may not be read in %s: what keeps pods from serving is told less exactly.",
                what,
                namespace,
            )
        self._denied[namespace, what] = self._monotonic()
