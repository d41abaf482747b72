"""The search: every candidate on every class of GPUs, the best way that works, and one reason for each that lost.

Ways wait in a heap in the order of the best place they could have, and are worked out from its top: first for a bound
that knows how fast the GPUs are, then in full. Once the top cannot be better than the best way found, nothing can.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from heapq import heappop, heappush
from typing import NamedTuple

from gemma4_operator.planner.ask import Ask
from gemma4_operator.planner.candidates import Candidate
from gemma4_operator.planner.configure import Failure, Option, Way, configure, reachable
from gemma4_operator.planner.inventory import GpuClass
from gemma4_operator.planner.lost import Because, Lost
from gemma4_operator.planner.ranking import Comparison, Key, first_bound, key_of, tight_bound
from gemma4_operator.planner.suited import counts_of, excluded


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One way that works: a candidate, configured, on a class of GPUs."""

    candidate: Candidate
    gpus: GpuClass
    option: Option
    hourly_cost: Decimal
    """Of all replicas."""
    placeable: bool
    """Whether all replicas have free GPUs now."""
    key: Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What the search found; `lost` holds everything else, each candidate on each class once."""

    best: Found | None
    lost: tuple[Lost, ...]


class _Pair(NamedTuple):
    """A candidate on a class, with the counts of GPUs that are worth a try."""

    candidate: Candidate
    gpus: GpuClass
    counts: tuple[int, ...]


class _Try(NamedTuple):
    """One count of one pair, by the best place it could have; pair and count make the order complete."""

    bound: Key
    pair: int
    place: int
    is_tight: bool


def search(ask: Ask, fit: Sequence[Candidate], classes: Sequence[GpuClass]) -> Result:
    """Return the best way for candidates that no GPU-independent reason excludes; the order of classes is no matter."""
    lost: list[Lost] = []
    pairs: list[_Pair] = []
    for gpus in sorted(classes, key=_order):
        because = excluded(ask, gpus)
        for candidate in fit:
            counts = because or counts_of(ask, candidate, gpus)
            if isinstance(counts, Failure):
                lost.append(_lost(candidate, gpus, counts))
            else:
                pairs.append(_Pair(candidate, gpus, counts))
    outcome = _Search(ask, pairs).run()
    return Result(best=outcome.best, lost=(*outcome.lost(), *lost))


def _order(gpus: GpuClass) -> tuple[object, ...]:
    device = gpus.device
    return (device.product, gpus.resource, device.memory_bytes, gpus.node_labels, gpus.gpus_by_node, gpus.free_by_node)


class _Search:
    """One search at work: the heap, and for each pair the best that was found or the failure that got furthest."""

    def __init__(self, ask: Ask, pairs: Sequence[_Pair]) -> None:
        self._ask = ask
        self._pairs = pairs
        self._found: dict[int, Found] = {}
        self._failed: dict[int, tuple[int, int, Failure]] = {}
        # Heads of sorted runs: a sorted list is a heap.
        self._heap = sorted(_Try(self._first(pair, 0), number, 0, False) for number, pair in enumerate(pairs))
        self._best = -1

    @property
    def best(self) -> Found | None:
        return self._found.get(self._best)

    def run(self) -> "_Search":
        heap = self._heap
        while heap:
            best = self.best
            if best is not None and heap[0].bound > best.key:
                break
            one = heappop(heap)
            pair = self._pairs[one.pair]
            if one.is_tight:
                self._work_out(one, pair, best)
                continue
            if one.place + 1 < len(pair.counts):
                heappush(heap, _Try(self._first(pair, one.place + 1), one.pair, one.place + 1, False))
            heappush(heap, one._replace(bound=self._tight(one.bound, pair, pair.counts[one.place]), is_tight=True))
        return self

    def _first(self, pair: _Pair, place: int) -> Key:
        return first_bound(self._ask, pair.candidate, pair.gpus, count=pair.counts[place])

    def _tight(self, bound: Key, pair: _Pair, count: int) -> Key:
        reach = reachable(self._ask, way(pair.candidate, pair.gpus, count))
        return tight_bound(self._ask, bound, reach, hourly_price=count * pair.gpus.device.hourly_price)

    def _work_out(self, one: _Try, pair: _Pair, best: Found | None) -> None:
        count = pair.counts[one.place]
        outcome = worked_out(self._ask, pair.candidate, pair.gpus, count)
        if isinstance(outcome, Failure):
            self._failed[one.pair] = max(
                self._failed.get(one.pair, (-1, 0, outcome)),
                (_ORDER[outcome.because], count, outcome),
                key=lambda failed: failed[:2],
            )
            return
        known = self._found.get(one.pair)
        if known is None or outcome.key < known.key:
            self._found[one.pair] = outcome
        if best is None or outcome.key < best.key:
            self._best = one.pair

    def lost(self) -> list[Lost]:
        """Return one reason for each pair that was not taken, in the order of the pairs."""
        best = self.best
        unseen: dict[int, _Try] = {}
        for one in self._heap:
            if one.pair not in unseen or one < unseen[one.pair]:
                unseen[one.pair] = one
        return [
            self._reason(number, pair, best, unseen.get(number))
            for number, pair in enumerate(self._pairs)
            if best is None or number != self._best
        ]

    def _reason(self, number: int, pair: _Pair, best: Found | None, unseen: _Try | None) -> Lost:
        found = self._found.get(number)
        if best is None or (found is None and unseen is None):
            _, count, failure = self._failed[number]
            return _lost(pair.candidate, pair.gpus, failure, count)
        if found is not None:
            count, key = found.option.shape.gpus, found.key
        else:
            assert unseen is not None, "a pair was found, failed, or was not looked at"
            count, key = pair.counts[unseen.place], unseen.bound
        than = Comparison(key, best.key, self._ask.optimize_for, found is None)
        return _lost(pair.candidate, pair.gpus, Failure(Because.RANKED, (("than", than),)), count, key.cost)


_ORDER = {because: place for place, because in enumerate(Because)}


def _lost(
    candidate: Candidate, gpus: GpuClass, failure: Failure, count: int = 0, hourly_cost: Decimal | None = None
) -> Lost:
    return Lost(
        candidate.checkpoint,
        candidate.engine.engine,
        failure.because,
        failure.figures,
        gpus.device.product,
        count,
        hourly_cost,
    )


def way(candidate: Candidate, gpus: GpuClass, count: int) -> Way:
    """Return a candidate on so many GPUs of a class."""
    return Way(
        model=candidate.model,
        checkpoint=candidate.checkpoint,
        engine=candidate.engine,
        version=candidate.version,
        device=gpus.device,
        gpus=count,
    )


def worked_out(ask: Ask, candidate: Candidate, gpus: GpuClass, count: int) -> Found | Failure:
    """Return a way with its levers set and its replicas placed within the limits, or why it does not work."""
    option = configure(ask, way(candidate, gpus, count))
    if isinstance(option, Failure):
        return option
    needed = option.replicas * count
    if ask.maximum_gpus is not None and needed > ask.maximum_gpus:
        return Failure(Because.BUDGET, (("needed", needed), ("limit", ask.maximum_gpus)))
    room = gpus.replicas_total(count)
    # A count that only the spec names may wait for nodes; one that a workload needs is the plan itself.
    if room < (option.replicas if ask.load is not None else 1):
        return Failure(Because.STOCK, (("replicas", option.replicas), ("gpus", count), ("has", room)))
    cost = needed * gpus.device.hourly_price
    if ask.maximum_hourly_cost is not None and cost > ask.maximum_hourly_cost:
        return Failure(Because.COST, (("cost", f"{cost:.2f}"), ("limit", f"{ask.maximum_hourly_cost:.2f}")))
    placeable = gpus.replicas_free(count) >= option.replicas
    return Found(
        candidate=candidate,
        gpus=gpus,
        option=option,
        hourly_cost=cost,
        placeable=placeable,
        key=key_of(ask, candidate, option, product=gpus.device.product, cost=cost, placeable=placeable),
    )
