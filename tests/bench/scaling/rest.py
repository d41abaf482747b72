"""The tables of other circumstances: routing, the gateway, engines as they come, trouble, parts left out, steps."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from tests.bench.scaling.book import Book, Kept
from tests.bench.scaling.cells import NOTHING, against, age, cell, mean_ratio, percent, ratio
from tests.bench.scaling.choice import ANY, OURS, REFERENCE
from tests.bench.scaling.design import heads, rows
from tests.bench.scaling.grid import (
    DESIGNED,
    GATED,
    GATEWAY,
    HELD,
    LEAST,
    MAIN,
    NO_JUMPS,
    PARTS,
    PEERS,
    RANDOM,
    ROUTED,
    STEP_COUNTS,
    STEPPED,
    TROUBLE,
    UNPLANNED,
    chosen,
)
from tests.bench.scaling.run import Run
from tests.bench.table import table


def routing(book: Book) -> str:
    """Return rules with their settings of two choices, under other routers."""
    parts = []
    for title, base in (("random, as a plain Service does it", RANDOM), ("fewest outstanding requests", LEAST)):
        parts.append(f"### Routing: {title}\n\n{_as_chosen(book, PEERS, DESIGNED, base)}")
    return "\n".join(parts)


def routing_singles(book: Book) -> str:
    """Return rules with random routing at the best setting for that."""
    return _best(book, ROUTED, RANDOM)


def gateway(book: Book) -> str:
    """Return rules behind a deadline queue, with the setting that was chosen without it."""
    return _as_chosen(book, PEERS, DESIGNED, GATEWAY)


def gateway_singles(book: Book) -> str:
    """Return rules behind a deadline queue at the best setting for that."""
    return _best(book, GATED, GATEWAY)


def worst_minutes(book: Book) -> str:
    """Return the worst five minutes of each day, without and with the queue."""
    found = []
    for name in (OURS, *GATED):
        for title, base in (("no", ANY), ("yes", GATEWAY)):
            policy = chosen(book, name, base) or chosen(book, name)
            kept = [
                book.kept(replace(base, workload=workload, policy=policy)) if policy else None for workload in DESIGNED
            ]
            found.append((name, title, *map(_worst, kept)))
    return table(("rule", "queue", *DESIGNED), found)


def _worst(kept: Kept | None) -> str:
    return f"{percent(kept.worst_five_minute_percent)}{age(kept)}" if kept else NOTHING


def unplanned(book: Book) -> str:
    """Return rules where engines batch as many tokens as they do by themselves."""
    return _as_chosen(book, PEERS, DESIGNED, UNPLANNED)


def held_out(book: Book) -> str:
    """Return rules on the traffic that was held back, on which no cheapest clairvoyance is searched either."""
    names = (OURS, *PEERS, REFERENCE)
    found = rows(book, [chosen(book, name) for name in names], names, HELD)
    return table(heads(HELD)[:-1], [cells[:-1] for cells in found])


def steps(book: Book) -> str:
    """Return rules on the steps, and fixed counts."""
    others = [name for name in MAIN if name != "static"]
    names = (OURS, OURS, *others, *("static" for _ in STEP_COUNTS), REFERENCE)
    policies = (OURS, NO_JUMPS, *(chosen(book, name) for name in others), *STEP_COUNTS, REFERENCE)
    found = []
    for name, policy, row in zip(names, policies, rows(book, policies, names, STEPPED), strict=True):
        played = [book.kept(Run(workload=one, policy=policy)) for one in STEPPED] if policy else []
        peaks = [kept.peak_replicas for kept in played if kept]
        peak = f"{max(peaks)}{age(*played)}" if peaks else NOTHING
        found.append((name, *row[1 : len(STEPPED) + 3], peak))
    return table(("rule", "setting", *STEPPED, "to clairvoyant", "most replicas"), found)


def trouble(book: Book) -> str:
    """Return ours where something is wrong."""
    usual = _kept(book, OURS, ANY)
    found = [("nothing", *map(cell, usual), *_beside(book, usual, usual, ANY))]
    for title, policy, base in TROUBLE:
        kept = _kept(book, policy, base)
        found.append((title, *map(cell, kept), *_beside(book, kept, usual, base)))
    return table(("what is wrong", *DESIGNED, "to clairvoyant", "to nothing wrong"), found)


def parts(book: Book) -> str:
    """Return ours without one of its parts."""
    usual = _kept(book, OURS, ANY)
    found = [("all of it", *map(cell, usual), *_beside(book, usual, usual, ANY))]
    for part in PARTS:
        kept = _kept(book, f"{OURS}:{part}=false", ANY)
        found.append((f"without {part}", *map(cell, kept), *_beside(book, kept, usual, ANY)))
    return table(("the rule", *DESIGNED, "to clairvoyant", "to all of it"), found)


def _kept(book: Book, policy: str, base: Run) -> list[Kept | None]:
    return [book.kept(replace(base, workload=workload, policy=policy)) for workload in DESIGNED]


def _beside(book: Book, kept: Sequence[Kept | None], usual: Sequence[Kept | None], base: Run) -> Iterator[str]:
    yield ratio(against(book, kept, [replace(base, workload=workload) for workload in DESIGNED]))
    yield ratio(mean_ratio(list(zip(kept, usual, strict=True))))


def _as_chosen(book: Book, names: Sequence[str], workloads: Sequence[str], base: Run) -> str:
    every = (OURS, *names)
    return table(heads(workloads), rows(book, [chosen(book, name) for name in every], every, workloads, base=base))


def _best(book: Book, names: Sequence[str], base: Run) -> str:
    every = (OURS, *names)
    policies = [chosen(book, name, base) for name in every]
    return table(heads(DESIGNED), rows(book, policies, every, DESIGNED, base=base))
