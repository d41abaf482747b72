"""The bench of plans: what it measures with, and how that is shown."""

from datetime import UTC, datetime

from gemma4_operator.api.deployment import Gemma4DeploymentSpec
from gemma4_operator.catalog.loader import builtin_catalog
from gemma4_operator.planner.inventory import inventory
from gemma4_operator.planner.node_view import node_view
from tests.bench.planning import CLASSES, NODES, WISHES, Measured, Timing, page, products, raw_nodes, tables

MEASURED = Measured(
    timings=tuple(Timing(wish=wish, wall=4.25, cpu=3.0, chosen="31B FP8, 1 x 1 GPU") for wish in WISHES),
    classing_milliseconds=2.0,
    plan_mib=0.5,
    process_seconds=0.45,
    foreign_cpu_share=0.125,
)


def test_a_thousand_nodes_make_twenty_classes() -> None:
    nodes = raw_nodes(products())
    classes = inventory(map(node_view, nodes), catalog=builtin_catalog()).classes
    assert (len(nodes), len(classes)) == (NODES, CLASSES)
    assert sum(one.nodes for one in classes) == NODES


def test_every_wish_is_one_that_people_may_have() -> None:
    for raw in WISHES.values():
        assert Gemma4DeploymentSpec.model_validate(raw)


def test_each_aim_stands_beside_what_was_measured() -> None:
    text = tables(MEASURED)
    for measured, aim in (("4.2 ms", "5 ms"), ("0.5 MiB", "60 MiB"), ("0.45 s", "0.5 s")):
        assert any(measured in line and aim in line for line in text.splitlines())
    assert "12 %" in text


def test_the_page_says_how_it_came_about() -> None:
    text = page(MEASURED, today=datetime(2026, 1, 2, tzinfo=UTC))
    assert "`make bench-plan`, on 2026-01-02" in text
    assert tables(MEASURED) in text
