"""Where another rule keeps the promise with fewer replicas than ours, or where ours does not keep it, by name."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.bench.scaling.book import Book, Kept
from tests.bench.scaling.cells import NOT_PLAYED, NOTHING, cell, knobs_of
from tests.bench.scaling.choice import OURS, own
from tests.bench.scaling.grid import DESIGNED, HELD, PEERS, STEPPED, chosen
from tests.bench.scaling.run import Run
from tests.bench.table import table

NOISE = 0.05
"""Differences in cost below this say nothing: another seed may turn them round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """The cheapest of the others that keeps the promise on a workload."""

    policy: str
    kept: Kept


def cheapest(book: Book, workload: str, policies: Sequence[str]) -> Rival | None:
    """Return the cheapest of some settings that passes on a workload."""
    found = [
        Rival(policy=policy, kept=kept)
        for policy in policies
        if (kept := book.kept(Run(workload=workload, policy=policy))) and kept.passes
    ]
    return min(found, key=lambda one: one.kept.average_replicas, default=None)


def single_rival(book: Book, workload: str) -> Rival | None:
    """Return the cheapest of the others, each with its one setting for all."""
    return cheapest(book, workload, [policy for name in PEERS if (policy := chosen(book, name))])


def own_rival(book: Book, workload: str) -> Rival | None:
    """Return the cheapest of the others, each with its best setting for this workload alone."""
    best = [own(book, name, workload) for name in PEERS]
    return cheapest(book, workload, [one.policy for one in best if one])


def beside_the_best(book: Book) -> str:
    """Return ours and the cheapest of the others on each workload."""
    found = []
    for workload in (*DESIGNED, *STEPPED, *HELD):
        ours = book.kept(Run(workload=workload, policy=OURS))
        # What was held back is judged by the chosen settings alone.
        rivals = (single_rival(book, workload), None if workload in HELD else own_rival(book, workload))
        cells = [part for rival in rivals for part in _beside(ours, rival)]
        found.append((workload, cell(ours), *cells))
    heads = ("workload", OURS, "best of the others, one setting each", "ours to it", "set for it alone", "ours to it")
    return table(heads, found)


def _beside(ours: Kept | None, rival: Rival | None) -> Iterator[str]:
    if rival is None:
        yield from (NOTHING, NOTHING)
        return
    yield f"{rival.policy.partition(':')[0]} {knobs_of(rival.policy)}: {cell(rival.kept)}"
    yield f"{ours.average_replicas / rival.kept.average_replicas:.3f}" if ours else NOT_PLAYED


def losses(book: Book) -> list[str]:
    """Return a sentence for each workload on which ours loses."""
    found = []
    for workload in (*DESIGNED, *STEPPED, *HELD):
        ours = book.kept(Run(workload=workload, policy=OURS))
        rival = single_rival(book, workload)
        if ours is None:
            continue
        if not ours.passes:
            other = (
                f"{rival.policy} keeps {cell(rival.kept)}"
                if rival
                else "nor does any other with its one setting so far"
            )
            found.append(f"**{workload}**: ours does not keep the promise ({cell(ours)}); {other}.")
        elif rival and ours.average_replicas > rival.kept.average_replicas * (1 + NOISE):
            found.append(f"**{workload}**: {rival.policy} keeps {cell(rival.kept)}, ours {cell(ours)}.")
    return found
