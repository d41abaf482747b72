"""What stands before the replicas: nothing but a Service, which sends each request on at once."""

from collections import deque
from collections.abc import Sequence
from typing import Protocol

from gemma4_operator.sim.ledger import Ledger
from gemma4_operator.sim.member import Member
from gemma4_operator.sim.routing import Router


class Front(Protocol):
    """It takes requests, and gives them to replicas, at once or when there is room."""

    @property
    def waiting(self) -> int:
        """Requests that it holds."""

    @property
    def poll_seconds(self) -> float | None:
        """After which time it wants to be asked again while it holds requests; None: only when a replica comes."""

    def take(self, index: int) -> None:
        """Take a request of the ledger."""

    def dispatch(self, members: Sequence[Member], now_seconds: float) -> None:
        """Give what it can to those that serve, perhaps none."""


class Service:
    """A plain Service; while no replica serves, requests wait for the first that does, as with clients that retry."""

    poll_seconds: float | None = None

    def __init__(self, ledger: Ledger, router: Router) -> None:
        self._ledger = ledger
        self._router = router
        self._held: deque[int] = deque()

    @property
    def waiting(self) -> int:
        """Requests that came while nothing served."""
        return len(self._held)

    def take(self, index: int) -> None:
        """Take a request."""
        self._held.append(index)

    def dispatch(self, members: Sequence[Member], now_seconds: float) -> None:
        """Give all to those that serve."""
        while members and self._held:
            index = self._held.popleft()
            engine = self._router(members, now_seconds).engine
            engine.advance(now_seconds)
            engine.submit(index, self._ledger.requests[index], at_seconds=now_seconds)
