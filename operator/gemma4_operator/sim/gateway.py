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
LATE_SHARE = 0.1
"""Of the prompt tokens that are given away while both lanes have requests."""


class Gateway:
    """The queue."""

    poll_seconds: float | None = 0.02
    """Shorter than most steps, so that a replica with nothing to read hardly waits."""

    def __init__(self, ledger: Ledger, router: Router, setting: Setting) -> None:
        engine = setting.engine
        self._ledger = ledger
        self._router = router
        self._cache_tokens = engine.cache_tokens
        self._first_token_seconds = setting.objectives.first_token_seconds
        # A prompt shares its steps with sequences that decode: each of its tokens takes a part of such a step too.
        self._token_seconds = engine.prompt_token_seconds + engine.fixed_seconds / engine.max_batched_tokens
        self._fresh: deque[int] = deque()
        self._late: deque[int] = deque()
        self._credit_tokens = 0.0

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
            lane = self._next_lane(now_seconds)
            index = lane[0]
            request = self._ledger.requests[index]
            able = [member for member in members if self._takes(member, request.input_tokens)]
            if not able:
                return
            lane.popleft()
            self._account(lane, request.input_tokens)
            self._router(able, now_seconds).engine.submit(index, request, at_seconds=now_seconds)

    def _next_lane(self, now_seconds: float) -> deque[int]:
        """Return the lane whose turn it is, after those that cannot be in time any more have changed theirs."""
        fresh, late = self._fresh, self._late
        while fresh and self._is_late(fresh[0], now_seconds):
            late.append(fresh.popleft())
        if not fresh or (late and self._credit_tokens >= self._ledger.requests[late[0]].input_tokens):
            return late
        return fresh

    def _account(self, lane: deque[int], prompt_tokens: int) -> None:
        if not self._late and lane is self._fresh:
            self._credit_tokens = 0.0
        elif lane is self._fresh:
            self._credit_tokens += prompt_tokens * LATE_SHARE / (1 - LATE_SHARE)
        else:
            self._credit_tokens = max(0.0, self._credit_tokens - prompt_tokens)

    def _is_late(self, index: int, now_seconds: float) -> bool:
        request = self._ledger.requests[index]
        first_token = now_seconds + request.input_tokens * self._token_seconds
        return first_token > request.arrival_seconds + self._first_token_seconds

    def _takes(self, member: Member, prompt_tokens: int) -> bool:
        """Whether a replica would begin it soon; one that has nothing to do takes any."""
        engine = member.engine
        if not engine.running and not engine.waiting:
            return True
        queued = engine.queued_prompt_tokens
        is_free = queued * self._token_seconds < QUEUED_SECONDS
        return is_free and engine.committed_tokens + prompt_tokens <= self._cache_tokens
