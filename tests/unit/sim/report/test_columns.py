"""Minutes in fewer columns: what matters is not thinned away."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.sim.report.columns import Column, thinned, whole_minutes, windows
from gemma4_operator.sim.result import Minute
from tests.unit.sim.report.runs import minute


def columns(minutes: Sequence[Minute], duration: float | None = None) -> tuple[Column, ...]:
    return whole_minutes(minutes, duration_seconds=60.0 * len(minutes) if duration is None else duration)


@st.composite
def runs(draw: st.DrawFn) -> tuple[Column, ...]:
    rows = draw(st.lists(st.tuples(*[st.integers(0, 40)] * 3, st.floats(0, 1)), min_size=1, max_size=120))
    minutes = [
        minute(number, wanted=wanted, serving=serving, replicas=float(wanted), arrived=came, kept=int(came * share))
        for number, (wanted, serving, came, share) in enumerate(rows)
    ]
    return columns(minutes)


class TestMinutes:
    def test_each_is_a_column_with_its_rate(self):
        found = columns([minute(0, arrived=120), minute(1, arrived=30)])
        assert [(one.start_seconds, one.end_seconds, one.requests_per_second) for one in found] == [
            (0, 60, 2),
            (60, 120, 0.5),
        ]

    def test_a_last_moment_is_no_minute_of_its_own(self):
        """A trace ends with its last request: where that opens a minute, its rate would be endless."""
        (first, last) = columns([minute(0), minute(1, arrived=60), minute(2, arrived=1, kept=0, wanted=5)], 120.0)
        assert first.arrived == 60
        assert (last.end_seconds, last.arrived, last.kept, last.wanted) == (120, 61, 60, 5)

    @pytest.mark.parametrize(("duration", "ends"), [(85.0, [85.0]), (95.0, [60.0, 95.0])])
    def test_a_last_part_counts_from_half_a_minute(self, duration: float, ends: list[float]):
        assert [one.end_seconds for one in columns([minute(0), minute(1)], duration)] == ends

    def test_a_run_of_seconds_has_one(self):
        (only,) = columns([minute(0, arrived=20)], 10.0)
        assert only.requests_per_second == 2

    def test_a_run_of_one_moment_has_none(self):
        assert columns([minute(0, arrived=1)], 0.0) == ()


class TestThinning:
    def test_few_minutes_stay_as_they_are(self):
        found = columns([minute(number) for number in range(10)])
        assert thinned(found, most=480) == found

    @given(runs(), st.integers(1, 50))
    def test_nothing_is_lost(self, found: tuple[Column, ...], most: int):
        few = thinned(found, most=most)
        assert len(few) <= most
        assert sum(one.arrived for one in few) == sum(one.arrived for one in found)
        assert sum(one.kept for one in few) == sum(one.kept for one in found)
        assert max(one.wanted for one in few) == max(one.wanted for one in found)
        assert min(one.serving for one in few) == min(one.serving for one in found)
        assert (few[0].start_seconds, few[-1].end_seconds) == (found[0].start_seconds, found[-1].end_seconds)
        cost = sum(one.replicas * (one.end_seconds - one.start_seconds) for one in few)
        assert cost == pytest.approx(sum(one.replicas * 60 for one in found))

    def test_of_no_time_nothing_is_left(self):
        assert thinned((), most=10) == ()


class TestWindows:
    def test_they_have_five_minutes(self):
        rows = [minute(number, kept=60 if number < 5 else 30) for number in range(12)]
        found = windows(columns(rows), most=100)
        told = [(one.start_seconds, one.end_seconds, one.kept_percent) for one in found]
        assert told == [(0, 300, 100), (300, 600, 50), (600, 720, 50)]

    def test_those_without_requests_are_left_out(self):
        rows = [minute(number, arrived=0, kept=0) if number < 5 else minute(number) for number in range(10)]
        (only,) = windows(columns(rows), most=100)
        assert only.start_seconds == 300

    def test_where_they_are_too_many_the_worst_is_told(self):
        rows = [minute(number, kept=6 if number // 5 == 7 else 60) for number in range(60)]
        found = windows(columns(rows), most=3)
        told = [(one.start_seconds, one.end_seconds, one.kept_percent) for one in found]
        assert told == [(0, 1200, 100), (1200, 2400, 10), (2400, 3600, 100)]

    @given(runs(), st.integers(1, 20))
    def test_the_worst_of_all_survives(self, found: tuple[Column, ...], most: int):
        every, few = (windows(found, most=count) for count in (1000, most))
        assert len(few) <= most
        worst = [min((one.kept_percent or 0.0 for one in some), default=None) for some in (every, few)]
        assert worst[0] == worst[1]
