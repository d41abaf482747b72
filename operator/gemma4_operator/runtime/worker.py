"""Workers: they take keys, run passes, and see to it that one bad object never hinders another."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import NoReturn

from gemma4_operator.kube.errors import ApiError, LeadershipLost
from gemma4_operator.kube.retry import Backoff
from gemma4_operator.runtime.metrics import Metrics, Outcome
from gemma4_operator.runtime.queue import KeyedQueue
from gemma4_operator.runtime.store import Key

BACKOFF = Backoff(first_seconds=1.0, maximum_seconds=300.0)
log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Workers:
    """What all workers share: the queue, the pass, and how often each key failed in a row."""

    queue: KeyedQueue[Key]
    reconcile: Callable[[Key], Awaitable[bool]]
    metrics: Metrics
    jitter: Callable[[], float]
    failures: dict[Key, int] = field(default_factory=dict)

    async def work(self) -> NoReturn:
        """Work for ever. Raises `LeadershipLost`."""
        while True:
            key = await self.queue.take()
            try:
                outcome = await self._pass(key)
            finally:
                self.queue.done(key)
            self._schedule(key, outcome)

    async def _pass(self, key: Key) -> Outcome:
        started = monotonic()
        outcome = Outcome.ERROR
        try:
            again = await self.reconcile(key)
            outcome = Outcome.AGAIN if again else Outcome.DONE
        except LeadershipLost:
            raise
        except ApiError as error:
            outcome = Outcome.UNAVAILABLE
            log.warning("%s/%s: %s; it is tried again", key.namespace, key.name, error.message)
        except Exception:  # A bug must not take the other objects with it; it is logged, counted and tried again.
            log.exception("%s/%s: the pass failed", key.namespace, key.name)
        self.metrics.reconciled(outcome, seconds=monotonic() - started)
        return outcome

    def _schedule(self, key: Key, outcome: Outcome) -> None:
        if outcome is Outcome.DONE:
            self.failures.pop(key, None)
            return
        failures = self.failures[key] = self.failures.get(key, 0) + 1
        self.queue.add(key, after_seconds=BACKOFF.delay_seconds(failures, jitter=self.jitter))
