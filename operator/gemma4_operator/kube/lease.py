"""Leadership by a Lease of our own: at most one replica writes, and losing the Lease ends the process.

The holder renews every `retry_seconds`. It stops writing by itself once `renew_deadline_seconds` have passed on its
own monotonic clock since the last renewal; others wait `duration_seconds` from when they last saw the Lease change,
on theirs. The difference between the two is longer than one request may take, so two never write at once, whatever
their wall clocks say.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

from gemma4_operator.kube.api import Api, Object
from gemma4_operator.kube.errors import ApiError, Conflict, LeadershipLost, NotFound
from gemma4_operator.kube.kinds import LEASE


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseTimes:
    """The three times of leader election, in client-go's defaults."""

    duration_seconds: int = 15
    renew_deadline_seconds: float = 10.0
    retry_seconds: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What the Lease looked like, and when it last changed on our monotonic clock."""

    fingerprint: tuple[Any, ...]
    at_seconds: float


class LeaseElector:
    """Acquires, renews and releases one Lease.

    Args:
        api: Client without a write guard: renewing must not depend on being the leader.
        namespace: The Lease's namespace.
        name: The Lease's name.
        identity: Unique for each process.
        monotonic: This process's monotonic clock, in seconds.
        now: The wall clock; it is only written down for people, never compared.
        times: The three times.
    """

    def __init__(
        self,
        api: Api,
        *,
        namespace: str,
        name: str,
        identity: str,
        monotonic: Callable[[], float],
        now: Callable[[], datetime],
        times: LeaseTimes | None = None,
    ) -> None:
        self._api = api
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._monotonic = monotonic
        self._now = now
        self._times = times or LeaseTimes()
        self._lease: Object | None = None
        self._seen: _Seen | None = None
        self._renewed_at_seconds: float | None = None

    @property
    def is_leader(self) -> bool:
        """Whether this process may write at this moment."""
        renewed = self._renewed_at_seconds
        return renewed is not None and self._monotonic() - renewed < self._times.renew_deadline_seconds

    def require(self) -> None:
        """Raise `LeadershipLost` unless this process may write at this moment."""
        if not self.is_leader:
            raise LeadershipLost(f"the Lease '{self._namespace}/{self._name}' was not renewed in time")

    async def acquire(self, *, on_wait: Callable[[str], None]) -> None:
        """Return once this process holds the Lease; `on_wait` hears who holds it, or what failed, when that changes."""
        said = ""
        while True:
            try:
                if await self._try():
                    return
                waiting_for = f"the Lease is held by '{self._holder()}'"
            except ApiError as error:
                waiting_for = f"the Lease cannot be read or written: {error.message}"
            if waiting_for != said:
                on_wait(waiting_for)
                said = waiting_for
            await asyncio.sleep(self._times.retry_seconds)

    async def hold(self) -> NoReturn:
        """Renew for ever. Raises `LeadershipLost` when the deadline has passed or another holds the Lease."""
        while True:
            await asyncio.sleep(self._times.retry_seconds)
            try:
                if not await self._try():
                    self._renewed_at_seconds = None
            except ApiError:
                pass  # An answer that is missing is not a loss yet: the deadline decides.
            self.require()

    async def release(self) -> None:
        """Let the next replica take over at once. What cannot be said now is found out by time."""
        if not self.is_leader:
            return
        self._renewed_at_seconds = None
        with suppress(ApiError):
            # What a renewal that was cut short has come to, only the server knows: it is asked, not remembered. Such a
            # renewal may even be stored between the two requests, once.
            if not await self._let_go():
                await self._let_go()

    async def _let_go(self) -> bool:
        """One attempt to leave the Lease to others; whether it is no longer ours."""
        self._lease = await self._api.get(LEASE, namespace=self._namespace, name=self._name)
        if self._holder() != self._identity:
            return True
        spec = {**self._lease["spec"], "holderIdentity": "", "renewTime": self._timestamp()}
        try:
            await self._api.replace(LEASE, {**self._lease, "spec": spec})
        except Conflict:
            return False
        return True

    async def _try(self) -> bool:
        """One attempt to take or to renew; whether the Lease is ours now."""
        # What we wrote last is what is there, unless a conflict says otherwise: one request instead of two.
        if self.is_leader and self._lease and await self._write(self._api.replace, self._taken(self._lease)):
            return True
        try:
            self._lease = await self._api.get(LEASE, namespace=self._namespace, name=self._name)
        except NotFound:
            return await self._write(self._api.create, self._fresh())
        self._look()
        if self._holder() not in {"", self._identity} and not self._expired():
            return False
        return await self._write(self._api.replace, self._taken(self._lease))

    async def _write(self, write: Callable[[Any, Object], Any], lease: Object) -> bool:
        started = self._monotonic()
        try:
            self._lease = await write(LEASE, lease)
        except (Conflict, NotFound):
            return False
        # From before this request: the server cannot have stored it earlier, so the others wait as long at least. What
        # went before does not count, or a Lease that was slow to look at would be lost before it is first renewed.
        self._renewed_at_seconds = started
        return True

    def _look(self) -> None:
        spec = (self._lease or {}).get("spec", {})
        fingerprint = (spec.get("holderIdentity"), spec.get("renewTime"), spec.get("leaseTransitions"))
        if self._seen is None or self._seen.fingerprint != fingerprint:
            self._seen = _Seen(fingerprint=fingerprint, at_seconds=self._monotonic())

    def _expired(self) -> bool:
        spec = (self._lease or {}).get("spec", {})
        duration = spec.get("leaseDurationSeconds") or self._times.duration_seconds
        return self._seen is not None and self._monotonic() - self._seen.at_seconds > duration

    def _holder(self) -> str:
        return str(((self._lease or {}).get("spec") or {}).get("holderIdentity") or "")

    def _timestamp(self) -> str:
        return self._now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def _fresh(self) -> Object:
        now = self._timestamp()
        return {
            "apiVersion": LEASE.api_version,
            "kind": LEASE.kind,
            "metadata": {"namespace": self._namespace, "name": self._name},
            "spec": {
                "holderIdentity": self._identity,
                "leaseDurationSeconds": self._times.duration_seconds,
                "acquireTime": now,
                "renewTime": now,
                "leaseTransitions": 0,
            },
        }

    def _taken(self, lease: Object) -> Object:
        spec = lease.get("spec") or {}
        now = self._timestamp()
        changed = {"holderIdentity": self._identity, "leaseDurationSeconds": self._times.duration_seconds}
        if self._holder() != self._identity:
            changed |= {"acquireTime": now, "leaseTransitions": int(spec.get("leaseTransitions") or 0) + 1}
        return {**lease, "spec": {**spec, **changed, "renewTime": now}}
