"""The frontier: who is beaten by whom, and where each policy is drawn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.sim.report.frontier import Frontier, beaten_by, frontier
from gemma4_operator.sim.report.paths import place
from gemma4_operator.sim.report.shown import Shown
from tests.unit.sim.report.runs import ABOUT, shown

POINTS = st.lists(st.tuples(st.sampled_from([50.0, 98.0, 99.0, 100.0]), st.integers(1, 6)), min_size=1, max_size=8)


def drawn(*policies: Shown) -> Frontier:
    return frontier(policies, ABOUT, width=600.0, height=400.0)


class TestBeaten:
    @pytest.mark.parametrize(
        ("attainment", "cost", "winner"),
        [
            (99.0, 5.0, "good"),
            (99.5, 4.0, None),
            (99.5, 4.1, "good"),
            (99.4, 4.0, "good"),
            (99.6, 9.0, None),
            (10.0, 3.9, None),
        ],
    )
    def test_by_one_that_is_no_dearer_and_no_worse(self, attainment: float, cost: float, winner: str | None):
        found = beaten_by(shown("hpa", attainment, cost), [shown("good", 99.5, 4.0)])
        assert (found.policy if found else None) == winner

    def test_by_the_cheapest_of_several(self):
        others = [shown("dear", 100.0, 4.0), shown("cheap", 99.0, 2.0)]
        found = beaten_by(shown("hpa", 90.0, 5.0), others)
        assert found is not None
        assert found.policy == "cheap"

    def test_nobody_is_beaten_by_who_knows_the_future(self):
        assert beaten_by(shown("hpa", 99.0, 5.0), [shown("clairvoyant:times=1.1", 100.0, 1.0)]) is None

    @given(POINTS)
    def test_who_is_beaten_is_so_by_somebody_on_the_frontier(self, points: list[tuple[float, int]]):
        policies = [shown(f"p{number}", kept, cost) for number, (kept, cost) in enumerate(points)]
        on = [one for one in policies if beaten_by(one, policies) is None]
        assert on
        for one in policies:
            assert one in on or beaten_by(one, on) is not None


class TestDrawing:
    def test_dearer_is_to_the_right_and_better_is_above(self):
        cheap, dear = drawn(shown("a", 98.0, 2.0), shown("b", 99.5, 4.0)).points
        assert cheap.x < dear.x
        assert cheap.y > dear.y

    def test_the_objective_is_between_who_keeps_it_and_who_does_not(self):
        found = drawn(shown("a", 98.9, 2.0), shown("b", 99.1, 4.0))
        misses, keeps = found.points
        assert keeps.y < found.objective < misses.y

    def test_all_is_within_the_plot(self):
        found = drawn(shown("a", 0.0, 1.0), shown("b", 100.0, 40.0), shown("c", 97.0, 40.0))
        for point in found.points:
            assert found.plot.left < point.x < found.plot.right
            assert found.plot.top <= point.y <= found.plot.bottom
        for tick in found.costs:
            assert found.plot.left <= tick.at <= found.plot.right

    def test_one_policy_alone_is_drawn_too(self):
        (only,) = drawn(shown("a", 99.0, 0.0)).points
        assert only.is_on

    def test_settings_of_one_rule_are_joined_as_they_were_given(self):
        found = drawn(shown("hpa:target=60", 98.0, 4.0), shown("keda", 99.0, 3.0), shown("hpa:target=8", 99.5, 2.0))
        (line,) = found.lines
        first, last = found.points[0], found.points[2]
        assert line == "M{} {}L{} {}".format(*map(place, (first.x, first.y, last.x, last.y)))

    def test_a_rule_is_named_once_and_in_full_only_with_one_setting(self):
        found = drawn(shown("hpa:target=60", 98.0, 4.0), shown("keda:target=5", 99.0, 3.0), shown("hpa", 99.5, 2.0))
        assert sorted(label.text for label, _ in found.labels) == ["hpa", "keda:target=5"]

    def test_the_edge_goes_from_the_cheapest_to_the_best_over_the_frontier_alone(self):
        found = drawn(shown("a", 98.0, 2.0), shown("b", 99.5, 4.0), shown("c", 90.0, 9.0), shown("clairvoyant", 100, 1))
        a, b = found.points[:2]
        assert found.edge == "M{} {}H{}V{}H{}".format(*map(place, (a.x, a.y, b.x, b.y, found.plot.right)))

    def test_without_choices_there_is_no_edge(self):
        assert drawn(shown("clairvoyant", 100.0, 1.0)).edge == ""
