"""The tables of the traffic that rules are made with: defaults, best single settings, best settings for each."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from tests.bench.scaling import search
from tests.bench.scaling.book import Book
from tests.bench.scaling.cells import NOT_PLAYED, NOTHING, Ratio, against, cell, knobs_of, name_of, ratio
from tests.bench.scaling.choice import ANY, OURS, REFERENCE, own
from tests.bench.scaling.grid import DESIGNED, PEERS, best_so_far, chosen, leading
from tests.bench.scaling.run import Run
from tests.bench.table import table

RULES = (OURS, *PEERS, REFERENCE)


def rows(
    book: Book, policies: Sequence[str | None], names: Sequence[str], workloads: Sequence[str], *, base: Run = ANY
) -> Iterator[tuple[str, ...]]:
    """Yield a row for each rule: its setting, what it keeps of each workload, and its replicas to those of clairvoyant.

    Args:
        book: All results.
        policies: The settings; where one is None, the best so far is shown, or the one that is being tried.
        names: Of the rules, in the same order.
        workloads: The columns.
        base: In which circumstances.
    """
    for name, policy in zip(names, policies, strict=True):
        best = policy or best_so_far(book, name, base)
        tried = best or leading(book, name, base)
        if tried is None:
            yield (name, "not found yet", *(NOT_PLAYED for _ in workloads), NOTHING, NOTHING)
            continue
        runs = [replace(base, workload=workload, policy=tried) for workload in workloads]
        kept = [book.kept(run) for run in runs]
        ratios = (against(book, kept, runs), against(book, kept, runs, cheapest=True))
        how = "" if policy else ", so far" if best else ", being tried"
        yield (name, f"{knobs_of(tried)}{how}", *map(cell, kept), *map(ratio, ratios))


def heads(workloads: Sequence[str]) -> tuple[str, ...]:
    """Return the heads of such rows."""
    return ("rule", "setting", *workloads, "to clairvoyant", "to the cheapest that passes")


def defaults(book: Book) -> str:
    """Return every rule with its defaults; a fixed count has none."""
    names = [name for name in RULES if name != "static"]
    return table(heads(DESIGNED), rows(book, names, names, DESIGNED))


def singles(book: Book, names: Sequence[str] = RULES, *, base: Run = ANY) -> str:
    """Return every rule with its best single setting."""
    policies = [chosen(book, name, base) for name in names]
    return table(heads(DESIGNED), rows(book, policies, names, DESIGNED, base=base))


def owns(book: Book) -> str:
    """Return every rule with its best setting for each workload."""
    found = [
        (name, *(_own(book, name, workload) for workload in DESIGNED), ratio(_own_ratio(book, name))) for name in RULES
    ]
    return table(("rule", *DESIGNED, "to clairvoyant"), found)


def _own(book: Book, name: str, workload: str) -> str:
    best = own(book, name, workload)
    if best is None:
        return NOT_PLAYED
    goes_on = name != OURS and any(search.for_each(book, name, workload))
    setting = "" if best.policy == name == OURS else f", {knobs_of(best.policy)}"
    return f"{cell(best.kept[0])}{setting}{', so far' if goes_on else ''}"


def _own_ratio(book: Book, name: str) -> Ratio | None:
    runs = [Run(workload=workload, policy=name) for workload in DESIGNED]
    best = [own(book, name, workload) for workload in DESIGNED]
    return against(book, [one.kept[0] if one else None for one in best], runs)


def sweeps(book: Book) -> str:
    """Return every setting that has been played on the usual circumstances, on the traffic that rules are made with."""
    played = {run.policy for run in book if run == Run(workload=run.workload, policy=run.policy)}
    order = {name: place for place, name in enumerate(RULES)}
    found = []
    for policy in sorted(played, key=lambda text: (order[name_of(text)], _numbers(text), text)):
        kept = [book.kept(Run(workload=workload, policy=policy)) for workload in DESIGNED]
        if any(kept):
            found.append((name_of(policy), knobs_of(policy), *map(cell, kept)))
    return table(("rule", "setting", *DESIGNED), found)


def _numbers(policy: str) -> tuple[str, float]:
    """Return how to sort settings of a rule: by what else is set, then by the main knob."""
    main = knobs_of(policy).rpartition(", ")
    key, _, value = main[2].partition("=")
    try:
        return f"{main[0]} {key}", float(value)
    except ValueError:
        return "", 0.0
