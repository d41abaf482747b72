"""The dashboard: pictures beside each other and never over each other, of metrics that there are."""

import json
import re
from itertools import combinations
from typing import Any

import pytest

from gemma4_operator.runtime import families
from gemma4_operator.runtime.exposed import OBJECT
from hack.dashboard import EACH, ROWS, WIDTH, dashboard

MODEL: dict[str, Any] = json.loads(dashboard())
PANELS: list[dict[str, Any]] = MODEL["panels"]
DRAWN = [panel for panel in PANELS if panel["type"] != "row"]
QUERIES = [query for row in ROWS for panel in row.panels for query in panel.queries.values()]
SUFFIXES = ("", "_sum", "_count", "_bucket")


def places(panel: dict[str, Any]) -> set[tuple[int, int]]:
    """The squares of the grid that a panel covers."""
    at = panel["gridPos"]
    return {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}


def test_no_two_panels_lie_over_each_other_and_none_beside_the_grid() -> None:
    for one, other in combinations(PANELS, 2):
        assert not places(one) & places(other), (one["title"], other["title"])
    assert all(0 <= x < WIDTH for panel in PANELS for x, _ in places(panel))


def test_each_row_is_full_so_no_hole_is_left() -> None:
    covered = {place for panel in PANELS for place in places(panel)}
    heights = {y for _, y in covered}
    assert covered == {(x, y) for x in range(WIDTH) for y in heights}
    assert heights == set(range(max(heights) + 1))


def test_numbers_are_unique_and_titles_within_a_row() -> None:
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    for row in ROWS:
        assert len({panel.title for panel in row.panels}) == len(row.panels)


def test_each_query_of_the_list_is_drawn_once() -> None:
    drawn = [target["expr"] for panel in DRAWN for target in panel["targets"]]
    assert drawn == QUERIES
    for panel in DRAWN:
        assert panel["description"].endswith(".")
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


def test_queries_ask_only_for_what_the_operator_shows_and_by_labels_that_it_has() -> None:
    listed = {f"{family.name}{suffix}": family for family in families.ALL for suffix in SUFFIXES}
    for query in QUERIES:
        asked = re.findall(r"\bgemma4_\w+", query)
        assert asked, query
        assert set(asked) <= set(listed), query
        labels = {"le", "pod", *OBJECT} | {label for name in asked for label in listed[name].labels}
        grouped = {label for group in re.findall(r"by \(([^)]*)\)", query) for label in group.split(", ")}
        assert grouped <= labels, query


def test_nearly_all_that_is_shown_is_on_it() -> None:
    """What says only that it is there, or only feeds an alert, has no picture."""
    asked = " ".join(QUERIES)
    missing = {family for family in families.ALL if not re.search(rf"\b{family.name}", asked)}
    assert missing == {
        families.INFO,
        families.GENERATION,
        families.OBSERVED_GENERATION,
        families.SCALING_LIMITED,
    }


@pytest.mark.parametrize("panel", EACH.panels, ids=lambda panel: panel.title)
def test_the_row_of_one_resource_follows_what_was_chosen(panel: Any) -> None:
    for query in panel.queries.values():
        assert 'namespace=~"$namespace"' in query
        assert 'name=~"$name"' in query


def test_what_can_be_chosen_is_read_from_a_metric_that_each_resource_has() -> None:
    source, namespace, name = MODEL["templating"]["list"]
    assert source["query"] == "prometheus"
    assert namespace["query"]["query"] == "label_values(gemma4_deployment_generation{}, namespace)"
    assert 'namespace=~"$namespace"' in name["query"]["query"]
    assert all(panel["datasource"]["uid"] == f"${{{source['name']}}}" for panel in DRAWN)
