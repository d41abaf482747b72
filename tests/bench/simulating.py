"""How fast the simulator plays: `python -m tests.bench.simulating`, one hour of chats against ten replicas."""

import time
from pathlib import Path

from gemma4_operator.sim.result import result_of
from gemma4_operator.sim.routing import Routing
from gemma4_operator.sim.run import Circumstances
from gemma4_operator.sim.setting import Objectives, Setting
from gemma4_operator.sim.workloads import DESIGN, ENGINE
from gemma4_operator.sim.world import play
from tests.bench.table import table
from tests.unit.sim.fixed import Static

TRACES = Path(__file__).parents[1] / "data" / "traces"
REPLICAS = 10
OBJECTIVES = Objectives(first_token_seconds=2.0, token_seconds=0.06, attainment=0.99)
SETTING = Setting(
    engine=ENGINE,
    objectives=OBJECTIVES,
    boot_seconds=100.0,
    boot_variation=0.1,
    scrape_delay_seconds=0.0,
    minimum=1,
    maximum=40,
    input_tokens=1155.0,
    output_tokens=211.0,
)
HEADS = ("routing", "gateway", "CPU s", "of them judging", "us a request", "attainment %")


def row(routing: Routing, *, has_gateway: bool) -> tuple[str, ...]:
    """Return the figures of one run."""
    trace = DESIGN["conv8"].make(TRACES, 1)
    where = Circumstances(setting=SETTING, start=REPLICAS, routing=routing, has_gateway=has_gateway)
    started = time.process_time()
    # Asked as often as a rule that follows the load.
    played = play(trace, Static(replicas=REPLICAS, interval_seconds=5.0), circumstances=where)
    judging = time.process_time()
    result = result_of(played, OBJECTIVES)
    ended = time.process_time()
    taken = ended - started
    return (
        routing.value,
        "yes" if has_gateway else "no",
        f"{taken:.2f}",
        f"{ended - judging:.2f}",
        f"{taken / len(trace) * 1e6:.1f}",
        f"{result.attainment_percent:.2f}",
    )


if __name__ == "__main__":
    rows = [row(routing, has_gateway=gateway) for gateway in (False, True) for routing in Routing]
    print(table(HEADS, rows))
