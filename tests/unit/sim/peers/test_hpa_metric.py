"""What the autoscaler makes of a metric, by the algorithm's details in Kubernetes' documentation."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.sim.peers.hpa_metric import Pods, by_pods, by_total

EVEN = {"target": 10.0, "tolerance": 0.1}


class TestOfPods:
    @pytest.mark.parametrize(
        ("values", "missing", "unplaced", "current", "expected"),
        [
            ((30, 30), 0, 0, 2, 6),  # three times the target: three times the pods
            ((10.9, 10.9), 0, 0, 2, 2),  # within 10 %
            ((11.2, 11.2), 0, 0, 2, 3),  # 2.24, rounded up
            ((9.1, 9.1, 9.1), 0, 0, 3, 3),
            ((2, 2, 2, 2), 0, 0, 4, 1),  # 0.8
            ((30,), 1, 0, 2, 3),  # up: the missing one counts as 0, 1.5 x 2
            ((2, 2), 1, 0, 3, 2),  # down: the missing one counts as 10, 14 / 30 x 3 = 1.4
            ((12,), 1, 0, 2, 2),  # 1.2 alone, 0.6 with the missing one: the direction turned
            ((21,), 1, 0, 2, 2),  # 2.1 alone, 1.05 with it: within 10 %
            ((30, 30), 0, 2, 4, 6),  # up: those not placed count as 0, 1.5 x 4
            ((5, 5), 0, 2, 4, 1),  # down: they do not count, 0.5 x 2
            ((30,), 1, 0, 5, 5),  # 3 would be fewer than there are, though more is asked for
            ((15.5, 15.5), 0, 1, 3, 3),  # one of them is enough to bring 1.55 within 10 %
            ((18, 18), 1, 0, 3, 4),  # 1.8 alone, 1.2 with it
            ((10, 10), 0, 2, 4, 4),  # at the target nobody asks for more, so those not placed do not count
            ((10,), 1, 0, 2, 1),  # but those without a metric then count as 0, as its code has it
            ((), 3, 1, 4, 4),  # nobody knows anything
        ],
    )
    def test_worked_examples(
        self, values: tuple[float, ...], missing: int, unplaced: int, current: int, expected: int
    ) -> None:
        pods = Pods(values=values, missing=missing, unplaced=unplaced)
        assert by_pods(pods, **EVEN, current=current) == expected

    def test_the_tolerance_is_a_knob(self) -> None:
        pods = Pods(values=(10.9, 10.9), missing=0, unplaced=0)
        assert by_pods(pods, target=10.0, tolerance=0.05, current=2) == 3
        half_more = Pods(values=(15.0,), missing=0, unplaced=0)
        assert by_pods(half_more, target=10.0, tolerance=0.5, current=1) == 1

    @given(st.lists(st.floats(0, 200), min_size=1, max_size=10), st.integers(0, 5), st.integers(0, 5))
    def test_what_is_not_known_never_makes_it_bolder(self, values: list[float], missing: int, unplaced: int) -> None:
        current = len(values) + missing + unplaced
        known = by_pods(Pods(values=tuple(values), missing=0, unplaced=0), **EVEN, current=len(values))
        wanted = by_pods(Pods(values=tuple(values), missing=missing, unplaced=unplaced), **EVEN, current=current)
        if wanted > current:
            assert wanted <= known + 1
        if wanted < current and missing:
            assert wanted >= known

    @given(st.lists(st.floats(0.1, 200), min_size=1, max_size=10), st.integers(2, 5))
    def test_more_of_the_metric_never_asks_for_fewer(self, values: list[float], times: int) -> None:
        less = Pods(values=tuple(values), missing=0, unplaced=0)
        more = Pods(values=tuple(value * times for value in values), missing=0, unplaced=0)
        assert by_pods(more, **EVEN, current=len(values)) >= by_pods(less, **EVEN, current=len(values))


class TestOfATotal:
    @pytest.mark.parametrize(
        ("total", "current", "expected"),
        [
            (50, 2, 5),
            (51, 2, 6),  # rounded up
            (21, 2, 2),  # 5 % more than the target
            (18.5, 2, 2),  # 7.5 % less
            (5, 2, 1),
            (0, 3, 0),
            (25, 0, 3),  # from nothing there is no ratio to be tolerant with
        ],
    )
    def test_worked_examples(self, total: float, current: int, expected: int) -> None:
        assert by_total(total, **EVEN, current=current) == expected

    @given(st.floats(0, 1e4), st.floats(0.1, 100), st.integers(0, 100))
    def test_it_is_the_ratio_rounded_up_or_nothing(self, total: float, target: float, current: int) -> None:
        wanted = by_total(total, target=target, tolerance=0.1, current=current)
        assert wanted == math.ceil(total / target) or (wanted == current and abs(total / (target * current) - 1) <= 0.1)
