"""A queue before all replicas that knows each request's deadline, and gives away only what is begun soon.

A request is held until a replica has little to read, so that a new replica helps with all that waits, at once. Those
that can still have their first token in time go first, in the order of their arrival; one that cannot would only make
others late too, and goes to a second lane, which gets a small share as long as both have requests.
"""

from collections import deque
from collections.abc import Sequence

from gemma4_operator.sim.ledger import Ledger
from gemma4_operator.sim.member import Member
from gemma4_operator.sim.routing import Router
from gemma4_operator.sim.setting import Setting

QUEUED_SECONDS = 0.4
"""A replica with so much to read gets nothing more."""
FRESH_FOR_LATE = 9
"""Prompt tokens of the first lane for each of the second, while both have requests."""


class Gateway:
    """The queue."""

    poll_seconds: float | None = 0.02
    """Shorter than most steps, so that a replica with nothing to read hardly waits."""

    def __init__(self, ledger: Ledger, router: Router, setting: Setting) -> None:
        engine = setting.engine
        self._ledger = ledger
        self._router = router
        self._engine = engine
        self._first_token_seconds = setting.objectives.first_token_seconds
        self._fresh: deque[int] = deque()
        self._late: deque[int] = deque()
        self._credit_tokens = 0

    @property
    def waiting(self) -> int:
        """Requests that are held."""
        return len(self._fresh) + len(self._late)

    def take(self, index: int) -> None:
        """Take a request."""
        self._fresh.append(index)

    def dispatch(self, members: Sequence[Member], now_seconds: float) -> None:
        """Give away what is begun soon."""
        if not self.waiting:
            return
        for member in members:
            member.engine.advance(now_seconds)
        while self.waiting:
            lane = self._next_lane(members, now_seconds)
            index = lane[0]
            request = self._ledger.requests[index]
            able = [member for member in members if self._takes(member, request.input_tokens)]
            if not able:
                return
            lane.popleft()
            self._account(lane, request.input_tokens)
            self._router(able, now_seconds).engine.submit(index, request, at_seconds=now_seconds)

    def _next_lane(self, members: Sequence[Member], now_seconds: float) -> deque[int]:
        """Return the lane whose turn it is, after those that cannot be in time any more have changed theirs."""
        fresh, late = self._fresh, self._late
        while fresh and self._is_late(fresh[0], members, now_seconds):
            late.append(fresh.popleft())
        if not fresh or (late and self._credit_tokens >= FRESH_FOR_LATE * self._ledger.requests[late[0]].input_tokens):
            return late
        return fresh

    def _account(self, lane: deque[int], prompt_tokens: int) -> None:
        if lane is self._late:
            self._credit_tokens = max(0, self._credit_tokens - FRESH_FOR_LATE * prompt_tokens)
        else:
            self._credit_tokens = self._credit_tokens + prompt_tokens if self._late else 0

    def _is_late(self, index: int, members: Sequence[Member], now_seconds: float) -> bool:
        """Whether no replica could have read it in time, after what it has to read before."""
        request = self._ledger.requests[index]
        soonest = min((self._reading_seconds(member, request.input_tokens) for member in members), default=0.0)
        return now_seconds + soonest > request.arrival_seconds + self._first_token_seconds

    def _takes(self, member: Member, prompt_tokens: int) -> bool:
        """Whether a replica would begin it soon; one that has nothing to do takes any."""
        engine = member.engine
        if not engine.running and not engine.waiting:
            return True
        has_room = engine.committed_tokens + prompt_tokens <= self._engine.cache_tokens
        return has_room and self._reading_seconds(member, 0) < QUEUED_SECONDS

    def _reading_seconds(self, member: Member, prompt_tokens: int) -> float:
        """Return how long a replica reads at all that it has, and so much more.

        A prompt shares its steps with sequences that decode, so that each of its tokens takes a part of such a step.
        """
        engine = self._engine
        token_seconds = engine.prompt_token_seconds + member.engine.decode_seconds / engine.max_batched_tokens
        return (member.engine.queued_prompt_tokens + prompt_tokens) * token_seconds
