"""Where another rule keeps the promise with fewer replicas than ours, or where ours does not keep it, by name."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.bench.scaling import search
from tests.bench.scaling.book import Book, Kept
from tests.bench.scaling.cells import NOT_PLAYED, NOTHING, cell, knobs_of, mean_ratio, ratio
from tests.bench.scaling.choice import OURS, own
from tests.bench.scaling.grid import DESIGNED, HELD, PEERS, STEPPED, chosen
from tests.bench.scaling.run import Run
from tests.bench.table import table

NOISE = 0.05
"""Differences in cost below this say nothing: another seed may turn them round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """The cheapest of the others that keeps the promise on a workload.

    Attributes:
        is_final: Whether no search goes on that may find a cheaper one.
    """

    policy: str
    kept: Kept
    is_final: bool = True


def cheapest(book: Book, workload: str, policies: Sequence[str], *, is_final: bool = True) -> Rival | None:
    """Return the cheapest of some settings that passes on a workload."""
    found = [
        Rival(policy=policy, kept=kept, is_final=is_final)
        for policy in policies
        if (kept := book.kept(Run(workload=workload, policy=policy))) and kept.passes
    ]
    return min(found, key=lambda one: one.kept.average_replicas, default=None)


def single_rival(book: Book, workload: str) -> Rival | None:
    """Return the cheapest of the others, each with its one setting for all."""
    policies = [policy for name in PEERS if (policy := chosen(book, name))]
    is_played = all(book.kept(Run(workload=workload, policy=policy)) for policy in policies)
    return cheapest(book, workload, policies, is_final=is_played and len(policies) == len(PEERS))


def unsettled(book: Book) -> tuple[str, ...]:
    """Return the others whose one setting is not known yet."""
    return tuple(name for name in PEERS if chosen(book, name) is None)


def own_rival(book: Book, workload: str) -> Rival | None:
    """Return the cheapest of the others, each with its best setting for this workload alone."""
    best = [own(book, name, workload) for name in PEERS]
    is_final = not any(True for name in PEERS for _ in search.for_each(book, name, workload))
    return cheapest(book, workload, [one.policy for one in best if one], is_final=is_final)


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
    so_far = "" if rival.is_final else ", so far"
    yield f"{rival.policy.partition(':')[0]} {knobs_of(rival.policy)}: {cell(rival.kept)}{so_far}"
    yield ratio(mean_ratio([(ours, rival.kept)])) if ours else NOT_PLAYED


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
