"""What the autoscaler is to reach, and what it does reach by the results there are."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from tests.bench.scaling.book import AIM_PERCENT, Book, Kept
from tests.bench.scaling.cells import NOT_PLAYED, STALE, Ratio, against, age, mean_ratio, percent, ratio
from tests.bench.scaling.choice import ANY, OURS
from tests.bench.scaling.grid import DESIGNED, GATEWAY, HELD, STEPPED, TROUBLE, best_so_far, chosen
from tests.bench.scaling.losses import own_rival
from tests.bench.scaling.run import Run
from tests.bench.table import table

_MOST_RATIO = 1.05
_MOST_PRIOR_RATIO = 1.2
_WORST_PERCENT = 85.0
_FEWER = {"llmd": 10.0, "hpa": 25.0, "keda": 25.0, "knative": 25.0}
_FEWER_GATED = 12.0
GENEROUS = "azure-code-bursts"
"""Where the clairvoyant rule's formula asks for more than it takes, so that it flatters whom it measures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """One aim: what it says, what is reached, and whether that is enough.

    Attributes:
        is_met: None: it is not known yet, since something is missing, of earlier code, or still searched for.
    """

    what: str
    reached: str = NOT_PLAYED
    is_met: bool | None = None


def aims(book: Book) -> Iterator[Aim]:
    """Yield all aims."""
    runs = [Run(workload=workload, policy=OURS) for workload in DESIGNED]
    kept = [book.kept(run) for run in runs]
    yield _promise("at least 99 % on every workload that rules are made with", DESIGNED, kept)
    for cheapest, title in ((False, "clairvoyant"), (True, "the cheapest clairvoyant that passes")):
        found = against(book, kept, runs, cheapest=cheapest)
        what = f"replicas at most {_MOST_RATIO} times those of {title}"
        if found is None:
            yield Aim(what=what)
        else:
            is_met = None if found.is_stale else found.value <= _MOST_RATIO
            yield Aim(what=what, reached=beside_reference(book, cheapest=cheapest), is_met=is_met)
    for name, least in _FEWER.items():
        yield _fewer(book, name, least, ANY, f"at least {least:g} % fewer replicas than {name}, each with one setting")
    what = f"behind a deadline queue at least {_FEWER_GATED:g} % fewer than llmd behind the same"
    yield _fewer(book, "llmd", _FEWER_GATED, GATEWAY, what)
    yield _worst(book)
    for workload in ("azure-code-bursts", *STEPPED):
        yield _beside_best(book, workload)
    yield from _in_trouble(book)
    held = [book.kept(Run(workload=workload, policy=OURS)) for workload in HELD]
    yield _promise("at least 99 % on every workload that was held back", HELD, held)


def aims_table(book: Book) -> str:
    """Return them as a table."""
    words = {True: "yes", False: "**no**", None: "not known yet"}
    return table(("aim", "reached", "met"), [(aim.what, aim.reached, words[aim.is_met]) for aim in aims(book)])


def beside_reference(book: Book, *, cheapest: bool = False) -> str:
    """Return the replicas of ours to those of clairvoyance, over all traffic and over that where it is no flatterer."""
    found = []
    for workloads in (DESIGNED, [name for name in DESIGNED if name != GENEROUS]):
        runs = [Run(workload=workload, policy=OURS) for workload in workloads]
        found.append(ratio(against(book, [book.kept(run) for run in runs], runs, cheapest=cheapest)))
    return f"{found[0]} (without {GENEROUS} {found[1]})"


def _promise(what: str, workloads: Sequence[str], kept: Sequence[Kept | None]) -> Aim:
    return _least(what, [(one.attainment_percent if one else 0.0, one) for one in kept], workloads, AIM_PERCENT)


def _least(what: str, found: Sequence[tuple[float, Kept | None]], workloads: Sequence[str], enough: float) -> Aim:
    """Judge by the lowest percentage of all workloads. One that the present code does not reach is enough for a no."""
    known = [(value, name, one) for (value, one), name in zip(found, workloads, strict=True) if one]
    if not known:
        return Aim(what=what)
    least, where, worst = min(known, key=lambda each: each[:2])
    is_whole = len(known) == len(workloads)
    more = "" if is_whole else f"; {len(known)} of {len(workloads)} played"
    is_missed = any(value < enough and not one.is_stale for value, _, one in known)
    is_known = is_whole and not any(one.is_stale for _, _, one in known)
    is_met = False if is_missed else (True if is_known else None)
    return Aim(what=what, reached=f"{percent(least)} %{age(worst)} on {where}{more}", is_met=is_met)


def _fewer(book: Book, name: str, least: float, base: Run, what: str) -> Aim:
    """Compare mean replicas relative to clairvoyant where both keep the promise.

    Until the other's best is known, which decides, it stands with its best so far.
    """
    best = chosen(book, name, base)
    policy = best or best_so_far(book, name, base)
    if policy is None:
        return Aim(what=what)
    ours_runs = [replace(base, workload=workload, policy=OURS) for workload in DESIGNED]
    pairs = [(run, book.kept(run), book.kept(replace(run, policy=policy))) for run in ours_runs]
    both = [(run, ours, theirs) for run, ours, theirs in pairs if ours and theirs and ours.passes and theirs.passes]
    if any(ours is None or theirs is None for _, ours, theirs in pairs) or not both:
        return Aim(what=what)
    runs = [run for run, _, _ in both]
    ours_ratio, their_ratio = (against(book, [pair[place] for pair in both], runs) for place in (1, 2))
    if ours_ratio is None or their_ratio is None:
        return Aim(what=what)
    fewer = 100 * (1 - ours_ratio.value / their_ratio.value)
    where = "" if len(both) == len(DESIGNED) else f", on the {len(both)} of {len(DESIGNED)} where both pass"
    is_stale = any(one.is_stale for _, *both_kept in pairs for one in both_kept if one)
    mark, so_far = STALE if is_stale else "", "" if best else ", so far"
    is_met = None if is_stale else _final(fewer >= least, is_final=best is not None)
    return Aim(what=what, reached=f"{fewer:.1f} %{mark} fewer than {policy}{where}{so_far}", is_met=is_met)


def _final(is_met: bool, *, is_final: bool) -> bool | None:
    """Return what is known while a search goes on: it finds none that is dearer, so that a no stays one."""
    return is_met if is_final or not is_met else None


def _worst(book: Book) -> Aim:
    what = f"behind the queue, {_WORST_PERCENT:g} % or more in the worst five minutes of each"
    kept = [book.kept(replace(GATEWAY, workload=workload, policy=OURS)) for workload in DESIGNED]
    return _least(
        what, [(one.worst_five_minute_percent if one else 0.0, one) for one in kept], DESIGNED, _WORST_PERCENT
    )


def _beside_best(book: Book, workload: str) -> Aim:
    """Compare with the best of the others: the cheapest that passes, or if none does, the one that keeps most."""
    equal = f"up to {100 * (_MOST_RATIO - 1):.0f} % more replicas count as equal"
    what = f"{workload}: no worse than the best of the others, set for it alone; {equal}"
    ours, rival = book.kept(Run(workload=workload, policy=OURS)), own_rival(book, workload)
    if ours is None or rival is None:
        return Aim(what=what)
    times = ours.average_replicas / rival.kept.average_replicas
    is_met = _final(ours.passes and times <= _MOST_RATIO, is_final=rival.is_final)
    mark, so_far = age(ours, rival.kept), "" if rival.is_final else ", so far"
    reached = f"{percent(ours.attainment_percent)} % at {times:.2f} times{mark} the replicas of {rival.policy}{so_far}"
    return Aim(what=what, reached=reached, is_met=None if mark else is_met)


def _in_trouble(book: Book) -> Iterator[Aim]:
    usual = [book.kept(Run(workload=workload, policy=OURS)) for workload in DESIGNED]
    for title, policy, base in TROUBLE:
        kept = [book.kept(replace(base, workload=workload, policy=policy)) for workload in DESIGNED]
        is_prior = policy.startswith(f"{OURS}:prior=")
        aim = _promise(f"still 99 % where {title}", DESIGNED, kept)
        dearer = mean_ratio(list(zip(kept, usual, strict=True))) if is_prior else None
        yield _and_cost(aim, dearer) if dearer else aim


def _and_cost(aim: Aim, dearer: Ratio) -> Aim:
    is_cheap = None if dearer.is_stale else dearer.value <= _MOST_PRIOR_RATIO
    return Aim(
        what=f"{aim.what}, and at most 20 % dearer",
        reached=f"{aim.reached}, {dearer.value:.2f} times{STALE if dearer.is_stale else ''} as dear",
        is_met=_all((aim.is_met, is_cheap)),
    )


def _all(parts: Iterable[bool | None]) -> bool | None:
    """Return whether all are so; None: it is not known, and none is known not to be."""
    known = list(parts)
    return False if False in known else (None if None in known else True)
