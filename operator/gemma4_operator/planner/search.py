"""The search: every candidate on every class of GPUs, the best way that works, and one reason for each that lost.

Ways are tried in the order of what they can cost or lose at best, so that most are never worked out: once a bound is
behind the best way found, so is everything after it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache

from gemma4_operator.api.objectives import OptimizeFor
from gemma4_operator.planner.ask import Ask
from gemma4_operator.planner.candidates import Candidate
from gemma4_operator.planner.configure import Failure, Option, Way, configure, fewest_replicas
from gemma4_operator.planner.device import Device
from gemma4_operator.planner.inventory import GpuClass
from gemma4_operator.planner.lost import Because, Lost
from gemma4_operator.planner.ranking import Comparison, Key, bound_key, key_of

GPU_COUNTS = (1, 2, 4, 8, 16)
"""Of one replica: powers of two divide the heads of every variant and are what nodes are built of."""


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
    """What the search found; `lost` holds everything else, the nearest first."""

    best: Found | None
    lost: tuple[Lost, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Try:
    bound: Key
    candidate: Candidate
    gpus: GpuClass
    counts: tuple[int, ...]


def search(ask: Ask, fit: Sequence[Candidate], classes: Sequence[GpuClass]) -> Result:
    """Return the best way for candidates that no GPU-independent reason excludes."""
    lost: list[Lost] = []
    tries: list[_Try] = []
    for gpus in classes:
        because = _excluded(ask, gpus)
        for candidate in fit:
            found = because or _prepare(ask, candidate, gpus)
            if isinstance(found, _Try):
                tries.append(found)
            else:
                lost.append(_lost(candidate, gpus, found))
    tries.sort(key=lambda one: one.bound)
    best: Found | None = None
    behind: list[Found] = []
    unseen: list[_Try] = []
    for number, one in enumerate(tries):
        if best is not None and one.bound > best.key:
            unseen.extend(tries[number:])
            break
        outcome = _attempt(ask, one, best)
        if isinstance(outcome, _Try):
            unseen.append(outcome)
        elif isinstance(outcome, Failure):
            lost.append(_lost(one.candidate, one.gpus, outcome, one.counts[-1]))
        elif best is None or outcome.key < best.key:
            behind.extend([best] if best is not None else [])
            best = outcome
        else:
            behind.append(outcome)
    if best is None:
        return Result(best=None, lost=tuple(lost))
    return Result(best=best, lost=(*_outranked(ask, best, behind, unseen), *lost))


def _outranked(ask: Ask, best: Found, behind: list[Found], unseen: Sequence[_Try]) -> Iterator[Lost]:
    for found in sorted(behind, key=lambda one: one.key):
        than = Comparison(found.key, best.key, ask.optimize_for)
        yield _lost(
            found.candidate, found.gpus, Failure(Because.RANKED, (("than", than),)), found.option.shape.gpus, found.key
        )
    for one in unseen:
        than = Comparison(one.bound, best.key, ask.optimize_for, at_best=True)
        yield _lost(one.candidate, one.gpus, Failure(Because.RANKED, (("than", than),)), one.counts[0], one.bound)


def _lost(candidate: Candidate, gpus: GpuClass, failure: Failure, count: int = 0, key: Key | None = None) -> Lost:
    return Lost(
        candidate.checkpoint,
        candidate.engine.engine,
        failure.because,
        failure.figures,
        gpus.device.product,
        count,
        key.cost if key is not None else None,
    )


def _excluded(ask: Ask, gpus: GpuClass) -> Failure | None:
    """Return why a class may not be used for anything."""
    product = gpus.device.product
    if ask.products and gpus.product not in ask.products:
        return Failure(Because.PRODUCT, (("product", product),))
    if (gpus.device.is_slice or gpus.device.is_shared) and not ask.allow_shared:
        return Failure(Because.SHARED, (("product", product),))
    return None


def _prepare(ask: Ask, candidate: Candidate, gpus: GpuClass) -> _Try | Failure:
    """Return what to try, or the reason that needs no budget: hardware, and the size of nodes."""
    device = gpus.device
    has, needed = device.compute_capability, candidate.needed_capability
    if has < needed or has in candidate.unsupported_capabilities:
        return _without_kernels(candidate, device)
    counts = _counts(candidate.heads_to_divide, _most_gpus(gpus), ask.gpus_per_replica)
    if not counts:
        asked = ask.gpus_per_replica or 1
        return Failure(Because.NODE, (("asked", asked), ("product", device.product), ("has", gpus.gpus_per_node)))
    least = _least_count(candidate, device, counts)
    placeable = gpus.largest_free >= counts[least]
    bound = bound_key(ask, candidate, device, gpus=counts[least], placeable=placeable)
    return _Try(bound=bound, candidate=candidate, gpus=gpus, counts=counts[least:])


def _without_kernels(candidate: Candidate, device: Device) -> Failure:
    has, needed = device.compute_capability, candidate.needed_capability
    format_is_too_new = has < needed
    engine = candidate.engine.engine
    what = f"{candidate.checkpoint.quantization} on {engine}" if format_is_too_new else f"{engine}'s image"
    figures = (
        ("product", device.product),
        ("has", ".".join(map(str, has))),
        ("what", what),
        ("needed", ".".join(map(str, needed)) if format_is_too_new else "another"),
    )
    return Failure(Because.HARDWARE, figures)


def _most_gpus(gpus: GpuClass) -> int:
    """Return how many one replica may take: slices and shared GPUs have no way to each other."""
    return 1 if gpus.device.is_slice or gpus.device.is_shared else gpus.gpus_per_node


@lru_cache(maxsize=256)
def _counts(heads: int, most: int, asked: int | None) -> tuple[int, ...]:
    """Return the counts to try; `heads` must be divided by them, 0 by any."""
    return tuple(count for count in (GPU_COUNTS if asked is None else (asked,)) if count <= most and heads % count == 0)


def _least_count(candidate: Candidate, device: Device, counts: tuple[int, ...]) -> int:
    """Return the index of the first count whose memory holds the streamed weights alone; the last if none does."""
    weights = candidate.checkpoint.bytes
    enough = (index for index, count in enumerate(counts) if count * device.memory_bytes > weights)
    return next(enough, len(counts) - 1)


def _attempt(ask: Ask, one: _Try, rival: Found | None) -> Found | Failure | _Try:
    """Work a try out: the best count of GPUs, or the failure that got furthest; the try, if a rival is out of reach."""
    best: Found | None = None
    furthest: Failure | None = None
    beaten: _Try | None = None
    for count in one.counts:
        if rival is not None and (bound := _tighter(ask, one, count)) > rival.key:
            beaten = beaten or replace(one, bound=bound, counts=(count,))
            continue
        outcome = _with(ask, one, count)
        if isinstance(outcome, Found):
            if best is None or outcome.key < best.key:
                best = outcome
            if outcome.option.replicas == 1 and ask.optimize_for is not OptimizeFor.LATENCY:
                break
        elif furthest is None or _ORDER[outcome.because] >= _ORDER[furthest.because]:
            furthest = outcome
    found = best or beaten or furthest
    assert found is not None, "a try has at least one count"
    return found


def _tighter(ask: Ask, one: _Try, count: int) -> Key:
    """Return a bound for one count of GPUs that knows how many replicas the load takes at the very least."""
    bound = one.bound._replace(cost=count * one.gpus.device.hourly_price * max(1, ask.replicas))
    if ask.load is None:
        return bound
    return bound._replace(cost=count * one.gpus.device.hourly_price * fewest_replicas(ask, _way(one, count)))


_ORDER = {because: place for place, because in enumerate(Because)}


def _way(one: _Try, count: int) -> Way:
    return Way(
        model=one.candidate.model,
        checkpoint=one.candidate.checkpoint,
        engine=one.candidate.engine,
        version=one.candidate.version,
        device=one.gpus.device,
        gpus=count,
    )


def _with(ask: Ask, one: _Try, count: int) -> Found | Failure:
    candidate, device = one.candidate, one.gpus.device
    option = configure(ask, _way(one, count))
    if isinstance(option, Failure):
        return option
    needed = option.replicas * count
    if ask.maximum_gpus is not None and needed > ask.maximum_gpus:
        return Failure(Because.BUDGET, (("needed", needed), ("limit", ask.maximum_gpus)))
    room = one.gpus.replicas_total(count)
    # A count that only the spec names may wait for nodes; one that a workload needs is the plan itself.
    if room < (option.replicas if ask.load is not None else 1):
        return Failure(Because.STOCK, (("replicas", option.replicas), ("gpus", count), ("has", room)))
    cost = needed * device.hourly_price
    if ask.maximum_hourly_cost is not None and cost > ask.maximum_hourly_cost:
        return Failure(Because.COST, (("cost", f"{cost:.2f}"), ("limit", f"{ask.maximum_hourly_cost:.2f}")))
    placeable = one.gpus.replicas_free(count) >= option.replicas
    return Found(
        candidate=candidate,
        gpus=one.gpus,
        option=option,
        hourly_cost=cost,
        placeable=placeable,
        key=key_of(ask, candidate, option, product=device.product, cost=cost, placeable=placeable),
    )
