"""A deployment under the traffic of a trace, in discrete events: requests come, the rule is asked, replicas follow."""

from collections.abc import Sequence
from heapq import heappop, heappush
from itertools import count
from math import ceil
from random import Random

from gemma4_operator.sim.fleet import Act, Fleet
from gemma4_operator.sim.front import Front, Service
from gemma4_operator.sim.gateway import Gateway
from gemma4_operator.sim.ledger import Ledger
from gemma4_operator.sim.member import Member
from gemma4_operator.sim.policy import Policy, View
from gemma4_operator.sim.request import Request
from gemma4_operator.sim.routing import router_of
from gemma4_operator.sim.run import Circumstances, Played


def play(trace: Sequence[Request], policy: Policy, *, circumstances: Circumstances) -> Played:
    """Return what becomes of a trace, whose requests are in the order of their arrival, under a rule."""
    return _World(trace, policy, circumstances).play()


class _World:
    """One run."""

    def __init__(self, trace: Sequence[Request], policy: Policy, circumstances: Circumstances) -> None:
        setting = circumstances.setting
        self._trace = trace
        self._policy = policy
        self._setting = setting
        self._duration_seconds = trace[-1].arrival_seconds if trace else 0.0
        self._end_seconds = self._duration_seconds + circumstances.drain_seconds
        self._events: list[tuple[float, int, Act]] = []
        self._order = count()
        self._arrived = 0
        self._is_polling = False
        self._ledger = Ledger(trace)
        router = router_of(circumstances.routing, Random(f"routing {circumstances.seed}"))
        self._front: Front = (
            Gateway(self._ledger, router, setting) if circumstances.has_gateway else Service(self._ledger, router)
        )
        self._fleet = Fleet(circumstances, self._ledger, later=self._later, on_serving=self._dispatch)
        self._wanted = [(0.0, circumstances.start)]

    def play(self) -> Played:
        """Return what is left when the trace is over and its answers are given."""
        self._fleet.begin()
        self._scrape_for(ceil(self._setting.scrape_delay_seconds / self._policy.interval_seconds))
        self._ask_at(0)
        events, take = self._events, self._front.take
        for index, request in enumerate(self._trace):
            now_seconds = request.arrival_seconds
            while events and events[0][0] <= now_seconds:
                self._next()
            self._arrived = index + 1
            take(index)
            self._dispatch(now_seconds)
        while events and events[0][0] <= self._end_seconds:
            self._next()
        self._fleet.advance(self._end_seconds)
        return Played(
            ledger=self._ledger,
            duration_seconds=self._duration_seconds,
            end_seconds=self._end_seconds,
            lives=self._fleet.lives,
            wanted=self._wanted,
            preemptions=self._fleet.preemptions,
        )

    def _later(self, at_seconds: float, act: Act) -> None:
        heappush(self._events, (at_seconds, next(self._order), act))

    def _next(self) -> None:
        at_seconds, _, act = heappop(self._events)
        act(at_seconds)

    def _dispatch(self, now_seconds: float) -> None:
        front = self._front
        front.dispatch(self._fleet.serving, now_seconds)
        if front.poll_seconds is not None and front.waiting and not self._is_polling:
            self._is_polling = True
            self._later(now_seconds + front.poll_seconds, self._poll)

    def _poll(self, now_seconds: float) -> None:
        self._is_polling = False
        self._dispatch(now_seconds)

    def _scrape_for(self, turn: int) -> None:
        """Have all engines scraped, for that turn of the rule and in time for it, and so for each later turn."""

        def scrape(now_seconds: float) -> None:
            for member in self._fleet.present:
                if member.serving_since_seconds is not None:
                    member.scrape(now_seconds)
            self._scrape_for(turn + 1)

        at_seconds = self._scrape_seconds(turn)
        if at_seconds <= self._duration_seconds:
            self._later(at_seconds, scrape)

    def _scrape_seconds(self, turn: int) -> float:
        return turn * self._policy.interval_seconds - self._setting.scrape_delay_seconds

    def _ask_at(self, turn: int) -> None:
        """Ask the rule at that turn, and at each later one until the trace ends."""

        def ask(now_seconds: float) -> None:
            self._fleet.advance(now_seconds)
            members = self._fleet.present
            for member in members:
                member.learn(self._scrape_seconds(turn))
            self._heed(self._policy.wanted(self._view(members, now_seconds)), now_seconds)
            self._ask_at(turn + 1)

        at_seconds = turn * self._policy.interval_seconds
        if at_seconds <= self._duration_seconds:
            self._later(at_seconds, ask)

    def _view(self, members: Sequence[Member], now_seconds: float) -> View:
        capacity = self._setting.engine.cache_tokens
        return View(
            now_seconds=now_seconds,
            wanted=self._fleet.wanted,
            replicas=tuple(member.seen(cache_capacity_tokens=capacity) for member in members),
            gateway_waiting=self._front.waiting,
            arrived=self._arrived,
        )

    def _heed(self, answer: int, now_seconds: float) -> None:
        wanted = min(max(answer, self._setting.minimum), self._setting.maximum)
        if wanted != self._fleet.wanted:
            self._wanted.append((now_seconds, wanted))
            self._fleet.scale(wanted, now_seconds)
