"""What to play next to find a rule's best settings, without playing all of its sweep."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from tests.bench.scaling.book import Book
from tests.bench.scaling.choice import ANY
from tests.bench.scaling.ladder import Ladder, ladders_of, lowest, next_of, threshold
from tests.bench.scaling.run import Run


def for_each(book: Book, name: str, workload: str, *, base: Run = ANY) -> Iterator[Run]:
    """Yield the next runs on the way to a rule's cheapest setting for one workload; none once that is known."""
    for ladder in ladders_of(name):
        policy = next_of(ladder, lambda text: _passes(book, text, workload, base))
        if policy is not None:
            yield replace(base, workload=workload, policy=policy)


def for_all(book: Book, name: str, workloads: Sequence[str], *, base: Run = ANY) -> Iterator[Run]:
    """Yield the next runs on the way to a rule's cheapest setting for all workloads; none once that is known.

    A workload on which none of the rule's settings passes is played with the setting that the others need.
    """
    ladders = ladders_of(name)
    hopeless = {ladder: _hopeless(book, ladder, workloads, base) for ladder in ladders}
    fewest = min(map(len, hopeless.values()))
    for ladder in ladders:
        if len(hopeless[ladder]) == fewest:
            yield from _climb(book, ladder, workloads, hopeless[ladder], base)


def _climb(book: Book, ladder: Ladder, workloads: Sequence[str], hopeless: Sequence[str], base: Run) -> Iterator[Run]:
    places = [
        lowest(ladder, lambda text, on=workload: _passes(book, text, on, base))
        for workload in workloads
        if workload not in hopeless and any(_passes(book, text, workload, base) is not None for text in ladder)
    ]
    start = max(places, default=len(ladder) - 1)
    for policy in ladder[start:]:
        passes = {workload: _passes(book, policy, workload, base) for workload in workloads}
        if any(passes[workload] is False for workload in workloads if workload not in hopeless):
            continue
        yield from (
            replace(base, workload=workload, policy=policy) for workload in workloads if passes[workload] is None
        )
        return


def _hopeless(book: Book, ladder: Ladder, workloads: Sequence[str], base: Run) -> tuple[str, ...]:
    """Return the workloads for which it is known that no setting passes."""
    return tuple(
        workload
        for workload in workloads
        if next_of(ladder, lambda text, on=workload: _passes(book, text, on, base)) is None
        and threshold(ladder, lambda text, on=workload: _passes(book, text, on, base)) is None
    )


def _passes(book: Book, policy: str, workload: str, base: Run) -> bool | None:
    kept = book.kept(replace(base, workload=workload, policy=policy))
    return None if kept is None else kept.passes
