"""What the autoscaler is to reach, and what it does reach by the results there are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tests.bench.scaling.book import AIM_PERCENT, Book, Kept
from tests.bench.scaling.cells import NOT_PLAYED, against, percent
from tests.bench.scaling.choice import ANY, OURS
from tests.bench.scaling.grid import DESIGNED, GATEWAY, HELD, STEPPED, TROUBLE, chosen
from tests.bench.scaling.losses import own_rival
from tests.bench.scaling.run import Run
from tests.bench.table import table

_MOST_RATIO = 1.05
_MOST_PRIOR_RATIO = 1.2
_WORST_PERCENT = 85.0
_FEWER = {"llmd": 10.0, "hpa": 25.0, "keda": 25.0, "knative": 25.0}
_FEWER_GATED = 12.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """One aim: what it says, what is reached, and whether that is enough; None: it is not known yet."""

    what: str
    reached: str = NOT_PLAYED
    is_met: bool | None = None


def aims(book: Book) -> Iterator[Aim]:
    """Yield all aims."""
    runs = [Run(workload=workload, policy=OURS) for workload in DESIGNED]
    kept = [book.kept(run) for run in runs]
    yield _promise("at least 99 % on every workload that rules are made with", DESIGNED, kept)
    for cheapest, title in ((False, "clairvoyant without margin"), (True, "the cheapest clairvoyant that passes")):
        ratio = against(book, kept, runs, cheapest=cheapest)
        what = f"replicas at most {_MOST_RATIO} times those of {title}"
        yield Aim(what=what) if ratio is None else Aim(what=what, reached=f"{ratio:.3f}", is_met=ratio <= _MOST_RATIO)
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


def _promise(what: str, workloads: Sequence[str], kept: Sequence[Kept | None]) -> Aim:
    known = [(one.attainment_percent, name) for one, name in zip(kept, workloads, strict=True) if one]
    if not known:
        return Aim(what=what)
    least, where = min(known)
    is_whole = len(known) == len(workloads)
    more = "" if is_whole else f"; {len(known)} of {len(workloads)} played"
    is_met = False if least < AIM_PERCENT else (True if is_whole else None)
    return Aim(what=what, reached=f"{percent(least)} % on {where}{more}", is_met=is_met)


def _fewer(book: Book, name: str, least: float, base: Run, what: str) -> Aim:
    """Compare mean replicas relative to clairvoyant where both keep the promise."""
    policy = chosen(book, name, base) or (chosen(book, name) if base != ANY else None)
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
    fewer = 100 * (1 - ours_ratio / their_ratio)
    where = "" if len(both) == len(DESIGNED) else f", on the {len(both)} of {len(DESIGNED)} where both pass"
    return Aim(what=what, reached=f"{fewer:.1f} % fewer than {policy}{where}", is_met=fewer >= least)


def _worst(book: Book) -> Aim:
    what = f"behind the queue, {_WORST_PERCENT:g} % or more in the worst five minutes of each"
    kept = [book.kept(replace(GATEWAY, workload=workload, policy=OURS)) for workload in DESIGNED]
    known = [(one.worst_five_minute_percent, name) for one, name in zip(kept, DESIGNED, strict=True) if one]
    if not known:
        return Aim(what=what)
    least, where = min(known)
    is_met = False if least < _WORST_PERCENT else (True if len(known) == len(DESIGNED) else None)
    return Aim(what=what, reached=f"{percent(least)} % on {where}", is_met=is_met)


def _beside_best(book: Book, workload: str) -> Aim:
    """Compare with the best of the others: the cheapest that passes, or if none does, the one that keeps most."""
    what = f"{workload}: no worse than the best of the others, set for it alone"
    ours, rival = book.kept(Run(workload=workload, policy=OURS)), own_rival(book, workload)
    if ours is None or rival is None:
        return Aim(what=what)
    ratio = ours.average_replicas / rival.kept.average_replicas
    reached = f"{percent(ours.attainment_percent)} % at {ratio:.2f} times the replicas of {rival.policy}"
    return Aim(what=what, reached=reached, is_met=ours.passes and ratio <= _MOST_RATIO)


def _in_trouble(book: Book) -> Iterator[Aim]:
    usual = [book.kept(Run(workload=workload, policy=OURS)) for workload in DESIGNED]
    for title, policy, base in TROUBLE:
        kept = [book.kept(replace(base, workload=workload, policy=policy)) for workload in DESIGNED]
        is_prior = policy.startswith(f"{OURS}:prior=")
        aim = _promise(f"still 99 % where {title}", DESIGNED, kept)
        pairs = [(one, other) for one, other in zip(kept, usual, strict=True) if one and other]
        if is_prior and len(pairs) == len(DESIGNED):
            dearer = sum(one.average_replicas / other.average_replicas for one, other in pairs) / len(pairs)
            aim = Aim(
                what=f"{aim.what}, and at most 20 % dearer",
                reached=f"{aim.reached}, {dearer:.2f} times as dear",
                is_met=aim.is_met and dearer <= _MOST_PRIOR_RATIO,
            )
        yield aim
