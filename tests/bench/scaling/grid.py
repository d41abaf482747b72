"""The grid in the order of its worth: what each stage still needs, by what has been played.

Peers come before our own rule, and what says most before what refines. A stage that builds on a rule's best setting
waits until that is known. Of a rule's settings those are played that a search for the best asks for: the hundreds of
others would take longer than all of this, and are further from it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from gemma4_operator.sim.routing import Routing
from gemma4_operator.sim.workloads import DESIGN, HELD_OUT, STEPS
from tests.bench.scaling import search
from tests.bench.scaling.book import Book
from tests.bench.scaling.choice import ANY, OURS, REFERENCE, single
from tests.bench.scaling.run import Run

DESIGNED = tuple(DESIGN)
HELD = tuple(HELD_OUT)
STEPPED = tuple(STEPS)
SHORT = ("conv8", "azure-code-bursts")
LONG = tuple(name for name in DESIGNED if name not in SHORT)
PEERS = ("llmd", "static", "dynamo", "wva", "keda", "hpa", "knative", "kubeai")
MAIN = ("llmd", "static", "dynamo", "wva", "keda", "hpa")
ROUTED = ("llmd", "hpa", "keda", "static")
"""Whose settings are searched anew with random routing, where requests bunch."""
GATED = ("llmd", "dynamo", "static")
"""Whose settings are searched anew behind a deadline queue."""
UNPLANNED_TOKENS = 8192
"""What vLLM takes on a large GPU where nobody chooses: the planner's part in the comparison, taken away."""
RANDOM = replace(ANY, routing=Routing.RANDOM)
LEAST = replace(ANY, routing=Routing.LEAST)
GATEWAY = replace(ANY, has_gateway=True)
UNPLANNED = replace(ANY, max_batched_tokens=UNPLANNED_TOKENS)
STEP_COUNTS = ("static:replicas=6", "static:replicas=7", "static:replicas=8", "static:replicas=9")
NO_JUMPS = f"{OURS}:jumps=false"
TROUBLE: tuple[tuple[str, str, Run], ...] = (
    ("the plan's times are 30 % too short", f"{OURS}:prior=0.7", ANY),
    ("the plan's times are 30 % too long", f"{OURS}:prior=1.3", ANY),
    ("counts are 15 s old", OURS, replace(ANY, delay_seconds=15)),
    ("counts are 30 s old", OURS, replace(ANY, delay_seconds=30)),
    ("a Prometheus scrapes every 30 s", f"{OURS}:scrape=30", ANY),
    ("a Prometheus scrapes every 60 s", f"{OURS}:scrape=60", ANY),
    ("a boot takes 15 s", OURS, replace(ANY, boot_seconds=15)),
    ("a boot takes 40 s", OURS, replace(ANY, boot_seconds=40)),
    ("a boot takes 240 s", OURS, replace(ANY, boot_seconds=240)),
    ("each replica dies, after 4 hours on average", OURS, replace(ANY, mean_life_seconds=4 * 3600)),
    ("chance is another, seed 2", OURS, replace(ANY, seed=2)),
    ("chance is another, seed 3", OURS, replace(ANY, seed=3)),
)
"""What is put in the way of our rule: in words, its setting, the circumstances."""
PARTS = ("forecast", "change", "backlog", "learning", "jumps")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Some runs that belong together; those that are known already may be among them."""

    name: str
    runs: Callable[[Book], Iterable[Run]]


def missing(book: Book, *, is_wanted: Callable[[str, Run], bool] = lambda stage, run: True) -> Iterator[Run]:
    """Yield what is to be played by what is known now, the most valuable first, each once."""
    seen = set()
    for stage in STAGES:
        for run in stage.runs(book):
            if run not in seen and book.kept(run) is None and is_wanted(stage.name, run):
                seen.add(run)
                yield run


def chosen(book: Book, name: str, base: Run = ANY) -> str | None:
    """Return a rule's best single setting, None while the search for it goes on."""
    if name in (OURS, REFERENCE):
        return name
    if _goes_on(book, name, base) or any(search.for_all(book, name, DESIGNED, base=base)):
        return None
    best = single(book, name, DESIGNED, base=base)
    return best.policy if best else None


def best_so_far(book: Book, name: str, base: Run = ANY) -> str | None:
    """Return the best single setting of those that were played on all workloads, while cheaper ones are searched for.

    In other circumstances that is the one without them, as long as none was searched for in them.
    """
    best = single(book, name, DESIGNED, base=base) or single(book, name, DESIGNED)
    return best.policy if best else None


def leading(book: Book, name: str, base: Run = ANY) -> str | None:
    """Return the setting that is being tried on all workloads, None where none is."""
    if _goes_on(book, name, base):
        return None
    return next((run.policy for run in search.for_all(book, name, DESIGNED, base=base)), None)


def _goes_on(book: Book, name: str, base: Run) -> bool:
    """Whether it is not known yet from which setting on short workloads pass: cheaper ones need not be tried on all."""
    return any(True for workload in SHORT for _ in search.for_each(book, name, workload, base=base))


def _on(workloads: Sequence[str], policies: Sequence[str], base: Run = ANY) -> Iterator[Run]:
    for workload in workloads:
        for policy in policies:
            yield replace(base, workload=workload, policy=policy)


def _searched(workloads: Sequence[str], names: Sequence[str], base: Run = ANY) -> Callable[[Book], Iterator[Run]]:
    def runs(book: Book) -> Iterator[Run]:
        for workload in workloads:
            for name in names:
                yield from search.for_each(book, name, workload, base=base)

    return runs


def _agreed(names: Sequence[str], base: Run = ANY) -> Callable[[Book], Iterator[Run]]:
    def runs(book: Book) -> Iterator[Run]:
        for name in names:
            if not _goes_on(book, name, base):
                yield from search.for_all(book, name, DESIGNED, base=base)

    return runs


def _chosen(workloads: Sequence[str], names: Sequence[str], base: Run = ANY) -> Callable[[Book], Iterator[Run]]:
    def runs(book: Book) -> Iterator[Run]:
        policies = [policy for name in names if (policy := chosen(book, name))]
        yield from _on(workloads, policies, base)

    return runs


def _fixed(workloads: Sequence[str], policies: Sequence[str], base: Run = ANY) -> Callable[[Book], Iterator[Run]]:
    return lambda book: _on(workloads, policies, base)


def _ours(book: Book) -> Iterator[Run]:
    del book
    for base in (ANY, GATEWAY, RANDOM, LEAST, UNPLANNED):
        yield from _on(DESIGNED, (OURS,), base)
    yield from _on((*STEPPED, *HELD), (OURS,))


def _trouble(book: Book) -> Iterator[Run]:
    del book
    for _, policy, base in TROUBLE:
        yield from _on(DESIGNED, (policy,), base)
        if base.boot_seconds != ANY.boot_seconds or base.seed != ANY.seed:
            yield from _on(DESIGNED, (REFERENCE,), replace(ANY, boot_seconds=base.boot_seconds, seed=base.seed))


_DEFAULTS = tuple(name for name in PEERS if name != "static")
"""A fixed count has no default."""
STAGES = (
    Stage(name="reference", runs=_fixed((*DESIGNED, *STEPPED), (REFERENCE,))),
    Stage(name="search", runs=_searched(SHORT, MAIN)),
    Stage(name="single", runs=_agreed(MAIN)),
    Stage(name="search", runs=_searched(DESIGNED, (REFERENCE,))),
    Stage(name="search", runs=_searched(SHORT, PEERS)),
    Stage(name="single", runs=_agreed(PEERS)),
    Stage(name="defaults", runs=_fixed(SHORT, _DEFAULTS)),
    Stage(name="steps", runs=_chosen(STEPPED, MAIN)),
    Stage(name="steps", runs=_fixed(STEPPED, (*STEP_COUNTS, NO_JUMPS))),
    Stage(name="gateway", runs=_chosen(DESIGNED, PEERS, GATEWAY)),
    Stage(name="routing", runs=_chosen(DESIGNED, PEERS, RANDOM)),
    Stage(name="unplanned", runs=_chosen(DESIGNED, PEERS, UNPLANNED)),
    Stage(name="defaults", runs=_fixed(LONG, _DEFAULTS)),
    Stage(name="held-out", runs=_fixed(HELD, (REFERENCE,))),
    Stage(name="held-out", runs=_chosen(HELD, PEERS)),
    Stage(name="ours", runs=_ours),
    Stage(name="trouble", runs=_trouble),
    Stage(name="parts", runs=_fixed(DESIGNED, tuple(f"{OURS}:{part}=false" for part in PARTS))),
    Stage(name="search", runs=_searched(LONG, PEERS)),
    Stage(name="search", runs=_searched(STEPPED, PEERS)),
    Stage(name="routing", runs=_chosen(DESIGNED, PEERS, LEAST)),
    Stage(name="gateway-search", runs=_searched(DESIGNED, GATED, GATEWAY)),
    Stage(name="gateway-search", runs=_agreed(GATED, GATEWAY)),
    Stage(name="routing-search", runs=_searched(DESIGNED, ROUTED, RANDOM)),
    Stage(name="routing-search", runs=_agreed(ROUTED, RANDOM)),
)
