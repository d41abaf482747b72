"""The search: every candidate on every class of GPUs, the best way that works, and one reason for each that lost.

Classes, then candidates on them, then counts of GPUs wait in one heap in the order of the best place they could have.
What is on top is looked at more closely, at last worked out in full. Once the top cannot be better than the best way
that was found, nothing can. Who lost by that alone is said when it is asked for, since few plans tell of all.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import heapify, heappop, heappush, nsmallest
from typing import NamedTuple

from gemma4_operator.api.objectives import OptimizeFor
from gemma4_operator.planner.ask import Ask
from gemma4_operator.planner.bounds import class_bounds, is_hopeless, pair_bound, try_bound
from gemma4_operator.planner.candidates import Candidate
from gemma4_operator.planner.configure import Failure
from gemma4_operator.planner.found import Found, worked_out
from gemma4_operator.planner.inventory import GpuClass
from gemma4_operator.planner.levers import way
from gemma4_operator.planner.lost import Because, Lost, nearness, shortfall
from gemma4_operator.planner.ranking import Comparison, Key
from gemma4_operator.planner.reachable import Reachable, reachable
from gemma4_operator.planner.suited import counts_of, excluded

__all__ = ["Found", "Result", "search"]


_Pair = tuple[int, int]
"""A class and a candidate, by their places."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What the search found."""

    best: Found | None
    search: "_Search"

    @cached_property
    def lost(self) -> tuple[Lost, ...]:
        """Every way that was not taken, each candidate on each class once, in the order of the classes."""
        self.search.settle_hopeless()
        for number in range(len(self.search.classes)):
            self.search.settle(pair for pair, _ in self.search.lost_on(number))
        return tuple(one for number in range(len(self.search.classes)) for _, one in self.search.lost_on(number))

    def nearest(self, count: int) -> list[Lost]:
        """Return so many of them, the nearest first: those that come next in the order, then those that failed last.

        Beside them the first that would be cheaper if its GPUs were free, since that is what not waiting costs.
        What is told is worked out: a bound says that a way cannot win, and not that it would work.
        """
        self.search.run(1 + count)
        self.search.look_at_busy()
        return nsmallest(count, self.search.settled(), key=nearness)


class _Step(NamedTuple):
    """A part of the search space by the best place that it could have; the rest makes the order complete.

    `candidate` is -1 for all of a class; `is_tight` says that the bound knows what the GPUs reach.
    """

    bound: Key
    gpus: int
    candidate: int
    place: int
    is_tight: bool


def search(ask: Ask, fit: Sequence[Candidate], classes: Sequence[GpuClass]) -> Result:
    """Return the best way for candidates that no GPU-independent reason excludes; the order of classes is no matter."""
    found = _Search(ask, fit, sorted(classes, key=_order))
    found.run(1)
    return Result(best=found.best, search=found)


def _order(gpus: GpuClass) -> tuple[object, ...]:
    device = gpus.device
    return (device.product, gpus.resource, device.memory_bytes, gpus.node_labels, gpus.gpus_by_node, gpus.free_by_node)


class _Search:
    """One search at work: the heap, and for each pair the best that was found or the failure that got furthest."""

    def __init__(self, ask: Ask, fit: Sequence[Candidate], classes: Sequence[GpuClass]) -> None:
        self.classes = classes
        self.best: Found | None = None
        self._ask = ask
        self._fit = fit
        self._counts: dict[_Pair, tuple[int, ...]] = {}
        self._reach: dict[tuple[_Pair, int], Reachable] = {}
        self._found: dict[_Pair, Found] = {}
        self._failed: dict[_Pair, tuple[int, float, int, Failure]] = {}
        self._closed = {
            number: failure for number, gpus in enumerate(classes) if (failure := excluded(ask, gpus)) is not None
        }
        self._settled: set[_Pair] = set()
        self._hopeless: list[tuple[_Pair, int]] = []
        bounds = class_bounds(ask, fit, classes) if fit else []
        self._heap = [
            _Step(bound, number, -1, 0, False) for number, bound in enumerate(bounds) if number not in self._closed
        ]
        heapify(self._heap)

    def run(self, count: int) -> None:
        """Go on until so many pairs are found, the best there are."""
        limit = self._limit(count)
        while self._heap and (limit is None or self._heap[0].bound <= limit):
            if self._step():
                limit = self._limit(count)

    def look_at_busy(self) -> None:
        """Go on with what would have to wait and may be cheaper than the best, until one is found."""
        best = self.best
        if best is None:
            return
        known = len(self._found)
        rest: list[_Step] = []
        busy: list[_Step] = []
        for step in self._heap:
            is_cheaper = step.bound.waits > best.key.waits and step.bound.cost < best.key.cost
            (busy if is_cheaper else rest).append(step)
        heapify(busy)
        self._heap = busy
        while self._heap and len(self._found) == known and self._heap[0].bound.cost < best.key.cost:
            self._step()
        self._heap += rest
        heapify(self._heap)

    def _step(self) -> bool:
        """Look at what is on top more closely; return whether a way was found."""
        step = heappop(self._heap)
        if step.candidate < 0:
            self._open(step.gpus)
        elif step.is_tight:
            return self._work_out((step.gpus, step.candidate), step.place)
        else:
            self._look_closer(step)
        return False

    def _limit(self, count: int) -> Key | None:
        """Return the place behind which nobody is among so many; None: there are not as many yet."""
        return sorted(found.key for found in self._found.values())[count - 1] if len(self._found) >= count else None

    def _open(self, gpus: int) -> None:
        for candidate in range(len(self._fit)):
            counts = counts_of(self._ask, self._fit[candidate], self.classes[gpus])
            if isinstance(counts, Failure):
                self._failed[gpus, candidate] = (-1, 0.0, 0, counts)
            else:
                self._counts[gpus, candidate] = counts
                self._push(gpus, candidate, 0)

    def _push(self, gpus: int, candidate: int, place: int) -> None:
        counts = self._counts[gpus, candidate]
        if place < len(counts):
            bound = pair_bound(self._ask, self._fit[candidate], self.classes[gpus], count=counts[place])
            heappush(self._heap, _Step(bound, gpus, candidate, place, False))

    def _look_closer(self, step: _Step) -> None:
        candidate, gpus = self._fit[step.candidate], self.classes[step.gpus]
        count = self._counts[step.gpus, step.candidate][step.place]
        reach = reachable(self._ask, way(candidate, gpus.device, count))
        self._reach[(step.gpus, step.candidate), step.place] = reach
        if is_hopeless(self._ask, reach, gpus, count=count):
            self._hopeless.append(((step.gpus, step.candidate), step.place))
        else:
            bound = try_bound(self._ask, step.bound, reach, hourly_price=count * gpus.device.hourly_price)
            heappush(self._heap, _Step(bound, step.gpus, step.candidate, step.place, True))
        self._push(step.gpus, step.candidate, step.place + 1)

    def _work_out(self, pair: _Pair, place: int) -> bool:
        """Work a way out; return whether it is the best of its pair so far."""
        gpus, candidate = pair
        count = self._counts[pair][place]
        reach = self._reach.get((pair, place))
        outcome = worked_out(self._ask, self._fit[candidate], self.classes[gpus], count, reach)
        if isinstance(outcome, Failure):
            # Of two that failed alike, the nearer: the one that lacks less, then the one of fewer GPUs.
            failed = (_ORDER[outcome.because], -shortfall(*outcome), -count, outcome)
            self._failed[pair] = max(self._failed.get(pair, failed), failed, key=lambda one: one[:3])
            return False
        if pair in self._found and self._found[pair].key <= outcome.key:
            return False
        self._found[pair] = outcome
        if self.best is None or outcome.key < self.best.key:
            self.best = outcome
        return True

    def settled(self) -> Iterator[Lost]:
        """Yield the reasons of the ways that were worked out; where nothing is left to look at, of all."""
        if not self._heap:
            self.settle_hopeless()
            yield from (one for number in range(len(self.classes)) for _, one in self.lost_on(number))
            return
        for (gpus, place), found in self._found.items():
            if found is not self.best:
                one = self.classes[gpus]
                yield self._ranked(self._fit[place], one, found.key, found.option.shape.gpus, at_best=False)

    def lost_on(self, number: int) -> list[tuple[_Pair, Lost]]:
        """Return one reason for each candidate that was not taken on a class."""
        gpus = self.classes[number]
        if number in self._closed:
            failure = self._closed[number]
            return [((number, place), _lost(one, gpus, failure)) for place, one in enumerate(self._fit)]
        waiting = self._waiting(number)
        return [
            ((number, place), self._reason(number, place, waiting.get(place)))
            for place, candidate in enumerate(self._fit)
            if self.best is None or self.best.candidate is not candidate or self.best.gpus is not gpus
        ]

    def settle_hopeless(self) -> None:
        """Work out for their reasons what could not work."""
        for pair, place in self._hopeless:
            self._work_out(pair, place)
        self._hopeless.clear()

    def settle(self, pairs: Iterable[_Pair]) -> bool:
        """Work out what only bounds spoke against so far; return whether there was any."""
        is_news = False
        for pair in pairs:
            if pair not in self._settled and pair[0] not in self._closed:
                self._settled.add(pair)
                is_news |= self._settle(pair)
        return is_news

    def _settle(self, pair: _Pair) -> bool:
        gpus, candidate = self.classes[pair[0]], self._fit[pair[1]]
        counts = self._counts.get(pair) or counts_of(self._ask, candidate, gpus)
        if isinstance(counts, Failure):
            return False
        self._counts[pair] = counts
        for place in range(len(counts)):
            self._work_out(pair, place)
            found = self._found.get(pair)
            if found is not None and found.option.replicas == 1 and self._ask.optimize_for is not OptimizeFor.LATENCY:
                break
        return True

    def _waiting(self, number: int) -> dict[int, _Step]:
        """Return what was not worked out on a class, the best of each candidate."""
        found: dict[int, _Step] = {}
        for step in self._heap:
            if step.gpus != number or (number, step.candidate) in self._settled:
                continue
            if step.candidate not in found or step < found[step.candidate]:
                found[step.candidate] = step
        return found

    def _reason(self, number: int, place: int, waiting: _Step | None) -> Lost:
        candidate, gpus, pair = self._fit[place], self.classes[number], (number, place)
        if pair in self._found:
            found = self._found[pair]
            return self._ranked(candidate, gpus, found.key, found.option.shape.gpus, at_best=False)
        if waiting is not None:
            count = self._counts[pair][waiting.place]
            return self._ranked(candidate, gpus, waiting.bound, count, at_best=True)
        if pair in self._failed:
            *_, count, failure = self._failed[pair]
            return _lost(candidate, gpus, failure, -count)
        counts = counts_of(self._ask, candidate, gpus)
        if isinstance(counts, Failure):
            return _lost(candidate, gpus, counts)
        bound = pair_bound(self._ask, candidate, gpus, count=counts[0])
        return self._ranked(candidate, gpus, bound, counts[0], at_best=True)

    def _ranked(self, candidate: Candidate, gpus: GpuClass, key: Key, count: int, *, at_best: bool) -> Lost:
        assert self.best is not None, "only the best way ends a search early"
        than = Comparison(key, self.best.key, self._ask.optimize_for, at_best)
        lost = _lost(candidate, gpus, Failure(Because.RANKED, (("than", than),)), count)
        return lost._replace(hourly_cost=key.cost, place=key)


_ORDER = {because: place for place, because in enumerate(Because)}


def _lost(candidate: Candidate, gpus: GpuClass, failure: Failure, count: int = 0) -> Lost:
    return Lost(
        candidate.checkpoint,
        candidate.engine.engine,
        failure.because,
        failure.figures,
        gpus.device.product,
        count,
    )
