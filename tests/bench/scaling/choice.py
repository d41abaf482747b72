"""Which of its settings a rule is judged by: the cheapest that keeps the promise on all workloads, or on one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from gemma4_operator.sim.rules import sweep
from tests.bench.scaling.book import Book, Kept
from tests.bench.scaling.run import Run

OURS = "gemma4"
REFERENCE = "clairvoyant"
ANY = Run(workload="", policy="")
"""The usual circumstances, for any workload and rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A setting over several workloads, in their order.

    Attributes:
        ratio: Its replicas to those of the clairvoyant rule, the mean over the workloads.
    """

    policy: str
    kept: tuple[Kept, ...]
    ratio: float

    @property
    def passed(self) -> int:
        """On how many workloads it keeps the promise."""
        return sum(one.passes for one in self.kept)

    @property
    def passes(self) -> bool:
        """Whether it does on all."""
        return all(one.passes for one in self.kept)


def settings_of(name: str) -> tuple[str, ...]:
    """Return what may be chosen from: ours has the one that is shipped, others their sweep and their defaults."""
    return (name,) if name == OURS else (*sweep(name), name)


def judged(book: Book, policy: str, workloads: Sequence[str], *, base: Run = ANY) -> Judged | None:
    """Return a setting's results in some circumstances, or None while one of them or of the reference is missing.

    The reference is always the clairvoyant rule in the usual circumstances, but for the boot and the traffic's seed.
    """
    kept, ratios = [], []
    for workload in workloads:
        one = book.kept(replace(base, workload=workload, policy=policy))
        reference = book.kept(reference_of(workload, base))
        if one is None or reference is None:
            return None
        kept.append(one)
        ratios.append(one.average_replicas / reference.average_replicas)
    return Judged(policy=policy, kept=tuple(kept), ratio=fmean(ratios))


def reference_of(workload: str, base: Run) -> Run:
    """Return the run by which those of a workload are measured."""
    return Run(workload=workload, policy=REFERENCE, boot_seconds=base.boot_seconds, seed=base.seed)


def single(book: Book, name: str, workloads: Sequence[str], *, base: Run = ANY) -> Judged | None:
    """Return a rule's best single setting for all workloads, None while none has been played on all.

    That is the cheapest that passes on all; where there is none, of those that pass on most.
    """
    found = _all_judged(book, name, workloads, base)
    return min(found, key=lambda one: (-one.passed, one.ratio), default=None)


def own(book: Book, name: str, workload: str, *, base: Run = ANY) -> Judged | None:
    """Return a rule's best setting for one workload; where none passes, the one that keeps most."""
    found = list(_all_judged(book, name, (workload,), base))
    passing = [one for one in found if one.passes]
    if passing:
        return min(passing, key=lambda one: one.ratio)
    return max(found, key=lambda one: one.kept[0].attainment_percent, default=None)


def _all_judged(book: Book, name: str, workloads: Sequence[str], base: Run) -> Iterator[Judged]:
    for policy in settings_of(name):
        one = judged(book, policy, workloads, base=base)
        if one is not None:
            yield one
