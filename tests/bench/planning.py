"""How long one plan takes, and what it costs in memory: `python -m tests.bench.planning`, or `make bench-plan`."""

import argparse
import gc
import json
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gemma4_operator.api.deployment import Gemma4DeploymentSpec
from gemma4_operator.catalog.gpus import Gpu
from gemma4_operator.catalog.loader import builtin_catalog
from gemma4_operator.engines.registry import engines
from gemma4_operator.planner.choose import choose
from gemma4_operator.planner.inventory import Inventory, inventory
from gemma4_operator.planner.node_view import NodeView, node_view
from gemma4_operator.planner.plan import Plan
from tests.bench.machine import cores, foreign_share, machine_class, usage
from tests.bench.table import table
from tests.cluster.fakenodes import fake_gpu_node

NODES = 1000
CLASSES = 20
PLANS = 50
PROCESSES = 5
AIM_MILLISECONDS = 5
AIM_MIB = 60
AIM_SECONDS = 0.5
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "planning-speed.md"

OBJECTIVES = {"timeToFirstTokenMilliseconds": 2000, "timePerOutputTokenMilliseconds": 50}
WISHES: dict[str, dict[str, Any]] = {
    "everything Auto": {},
    "the best quality": {"objectives": {"optimizeFor": "Quality"}},
    "a workload": {"workload": {"requestsPerMinute": 600}},
    "a workload and deadlines": {"workload": {"requestsPerMinute": 600}, "objectives": OBJECTIVES},
    "the least latency": {"objectives": {"optimizeFor": "Latency"}},
    "the most requests for the money": {
        "workload": {"requestsPerMinute": 600},
        "objectives": {"optimizeFor": "Throughput"},
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Milliseconds of one wish, the median of many plans after the first; `cpu` is what this process used of them."""

    wish: str
    wall: float
    cpu: float
    chosen: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Everything."""

    timings: tuple[Timing, ...]
    classing_milliseconds: float
    """Of putting 1,000 nodes in classes, which a plan begins with."""
    plan_mib: float
    """What one plan, classes included, takes at its highest."""
    process_seconds: float
    foreign_cpu_share: float


def products() -> list[Gpu]:
    """Return the GPUs that nodes have. Of unified memory there are several by one name, which would be one class."""
    return [row for row in builtin_catalog().gpus if not row.unified_memory][-CLASSES:]


def raw_nodes(rows: Sequence[Gpu]) -> list[dict[str, Any]]:
    """Return as many nodes as asked for, dealt out over the products."""
    return [_node(number, rows[number % len(rows)]) for number in range(NODES)]


def _node(number: int, row: Gpu) -> dict[str, Any]:
    major, minor = row.compute_capability.split(".")
    return fake_gpu_node(
        f"node-{number:04}",
        product=row.products[0],
        count=1 if row.unified_memory else 8,
        memory_mib=row.memory_mib,
        compute=(int(major), int(minor)),
    )


def measure(nodes: Sequence[dict[str, Any]]) -> Measured:
    """Measure plans in this process, and the command line in others."""
    catalog, registry = builtin_catalog(), engines()
    views = tuple(map(node_view, nodes))

    def classed() -> Inventory:
        return inventory(views, catalog=catalog)

    def plan(spec: Gemma4DeploymentSpec) -> Plan:
        found = choose(spec, catalog=catalog, engines=registry, classes=classes)
        assert isinstance(found, Plan), found.message
        return found

    classes = classed().classes
    assert len(classes) == CLASSES, f"{len(classes)} classes"
    before = usage()
    timings = []
    for wish, raw in WISHES.items():
        spec = Gemma4DeploymentSpec.model_validate(raw)
        chosen = plan(spec)
        wall, cpu = milliseconds(lambda spec=spec: plan(spec))
        what = f"{chosen.variant} {chosen.quantization}, {chosen.replicas} x {chosen.gpus_per_replica} GPU"
        timings.append(Timing(wish=wish, wall=wall, cpu=cpu, chosen=what))
    classing, _ = milliseconds(classed)
    process = statistics.median(_process_seconds(nodes))
    after = usage()
    return Measured(
        timings=tuple(timings),
        classing_milliseconds=classing,
        plan_mib=_highest_mib(views, Gemma4DeploymentSpec()),
        process_seconds=process,
        foreign_cpu_share=foreign_share(before, after, cores=cores()),
    )


def milliseconds(work: Callable[[], object]) -> tuple[float, float]:
    """Return the medians of wall time and CPU time over many repetitions."""
    wall, cpu = [], []
    gc.collect()
    for _ in range(PLANS):
        started, spent = time.perf_counter(), time.process_time()
        work()
        cpu.append((time.process_time() - spent) * 1000)
        wall.append((time.perf_counter() - started) * 1000)
    return statistics.median(wall), statistics.median(cpu)


def _highest_mib(views: tuple[NodeView, ...], spec: Gemma4DeploymentSpec) -> float:
    """Return what classes and a plan allocate beyond what was there, at the highest."""
    catalog, registry = builtin_catalog(), engines()
    gc.collect()
    tracemalloc.start()
    try:
        choose(spec, catalog=catalog, engines=registry, classes=inventory(views, catalog=catalog).classes)
        return tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()


def _process_seconds(nodes: Sequence[dict[str, Any]]) -> Iterator[float]:
    """Yield how long `gemma4 plan` takes from its start to its end, with the nodes in a file as kubectl prints them."""
    wish = {"apiVersion": "gemma4.dev/v1alpha1", "kind": "Gemma4Deployment", "metadata": {"name": "chat"}, "spec": {}}
    with tempfile.TemporaryDirectory() as folder:
        resource, listing = Path(folder, "chat.json"), Path(folder, "nodes.json")
        resource.write_text(json.dumps(wish), encoding="utf-8")
        listing.write_text(json.dumps({"kind": "List", "apiVersion": "v1", "items": list(nodes)}), encoding="utf-8")
        command = [Path(sys.executable).with_name("gemma4"), "plan", "-f", resource, "--inventory", listing]
        for _ in range(PROCESSES):
            started = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            yield time.perf_counter() - started


def tables(measured: Measured) -> str:
    """Return what was measured as Markdown."""
    rows = [(one.wish, f"{one.wall:.1f} ms", f"{one.cpu:.1f} ms", one.chosen) for one in measured.timings]
    plans = table(("what is asked for", "median", "of it CPU", "what is chosen"), rows)
    auto = measured.timings[0]
    others = f"{measured.foreign_cpu_share:.0%}".replace("%", " %")
    aims = table(
        ("", "measured", "aim"),
        [
            ("a plan, everything Auto", f"{auto.wall:.1f} ms", f"{AIM_MILLISECONDS} ms"),
            (f"before it, {NODES} nodes put in {CLASSES} classes", f"{measured.classing_milliseconds:.1f} ms", ""),
            ("memory of both at the highest", f"{measured.plan_mib:.1f} MiB", f"{AIM_MIB} MiB"),
            ("`gemma4 plan` as a process", f"{measured.process_seconds:.2f} s", f"{AIM_SECONDS:g} s"),
            ("used by others meanwhile, of all cores", others, ""),
        ],
    )
    return f"{aims}\n{plans}"


def page(measured: Measured, *, today: datetime) -> str:
    """Return the whole page."""
    return f"""<!-- Written by `python -m tests.bench.planning --write-docs`; do not edit. -->

# How long a plan takes

{NODES} nodes in {CLASSES} classes of equal GPUs, all of them free. Each figure is the median of {PLANS} plans in one
process after the first of its kind, {PROCESSES} processes for the command line. Where others used much of the machine,
the column of CPU time says what a plan takes on a quiet one, or somewhat more, since cores share their caches.

* Command: `make bench-plan`, on {today:%Y-%m-%d}.
* Machine: {machine_class()}.

{tables(measured)}"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write the page if asked to."""
    parser = argparse.ArgumentParser(prog="tests.bench.planning", description="Measure how long a plan takes.")
    parser.add_argument("--write-docs", action="store_true", help=f"write {PAGE.relative_to(PAGE.parents[2])}")
    args = parser.parse_args(arguments)
    measured = measure(raw_nodes(products()))
    print(tables(measured))
    if args.write_docs:
        PAGE.write_text(page(measured, today=datetime.now(UTC)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
