"""Workers: they take keys, run passes, and see to it that one bad object never hinders another."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import NoReturn

from gemma4_operator.kube.errors import ApiError, LeadershipLost
from gemma4_operator.kube.retry import Backoff
from gemma4_operator.runtime.metrics import Metrics, Outcome
from gemma4_operator.runtime.passing import passing
from gemma4_operator.runtime.queue import KeyedQueue
from gemma4_operator.runtime.store import Key

BACKOFF = Backoff(first_seconds=1.0, maximum_seconds=300.0)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """That a key is to be looked at without news.

    Attributes:
        after_seconds: When; None: after ever longer pauses, as long as it goes on.
    """

    after_seconds: float | None = None


@dataclass(slots=True, kw_only=True)
class Workers:
    """What all workers share: the queue, the pass, and how often each key failed in a row."""

    queue: KeyedQueue[Key]
    reconcile: Callable[[Key], Awaitable[Again | None]]
    metrics: Metrics
    jitter: Callable[[], float]
    failures: dict[Key, int] = field(default_factory=dict)

    async def work(self) -> NoReturn:
        """Work for ever. Raises `LeadershipLost`."""
        while True:
            key = await self.queue.take()
            try:
                with passing(key):
                    again = await self._pass(key)
            finally:
                self.queue.done(key)
            self._schedule(key, again)

    async def _pass(self, key: Key) -> Again | None:
        started = monotonic()
        outcome: Outcome = Outcome.ERROR
        again: Again | None = Again()
        try:
            again = await self.reconcile(key)
            outcome = Outcome.DONE if again is None else Outcome.AGAIN
        except LeadershipLost:
            raise
        except ApiError as error:
            outcome = Outcome.UNAVAILABLE
            self.metrics.failed(error)
            log.warning("%s/%s: %s; it is tried again", key.namespace, key.name, error.message)
        except Exception as error:  # A bug must not take the other objects with it; it is tried again.
            self.metrics.failed(error)
            log.exception("%s/%s: the pass failed", key.namespace, key.name)
        seconds = monotonic() - started
        self.metrics.reconciled(outcome, seconds=seconds)
        log.debug("%s/%s: the pass has ended as '%s' after %.3f s", key.namespace, key.name, outcome, seconds)
        return again

    def _schedule(self, key: Key, again: Again | None) -> None:
        if again is None or again.after_seconds is not None:
            self.failures.pop(key, None)
        if again is None:
            return
        if again.after_seconds is not None:
            self.queue.add(key, after_seconds=again.after_seconds)
            return
        failures = self.failures[key] = self.failures.get(key, 0) + 1
        self.queue.add(key, after_seconds=BACKOFF.delay_seconds(failures, jitter=self.jitter))
