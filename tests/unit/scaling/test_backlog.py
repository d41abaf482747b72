"""What has piled up, with the replicas that are on their way counted, and those that never come not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.scaling.backlog import USED, for_backlog, left_seconds, ready_at
from gemma4_operator.scaling.sample import Replica, Stage
from tests.scaling import replica


def loading(name: str, *, since: float) -> Replica:
    return replica(name, Stage.LOADING, since_seconds=since)


def ready(*replicas: Replica, now: float = 0.0) -> list[float]:
    return ready_at(replicas, boot_seconds=100.0, overdue_seconds=300.0, now_seconds=now)


class TestWhoIsThere:
    def test_those_that_serve_are_there_and_those_that_load_in_the_rest_of_their_time(self) -> None:
        assert ready(replica("a"), loading("b", since=-70), loading("c", since=-10), replica("d")) == [0, 0, 30, 90]

    def test_one_that_takes_longer_may_be_there_at_any_moment(self) -> None:
        assert 0 < ready(loading("a", since=-299))[0] <= 5

    def test_one_that_is_overdue_is_not_counted_on(self) -> None:
        assert ready(loading("a", since=-300)) == []

    @pytest.mark.parametrize("stage", [Stage.UNPLACED, Stage.FAILED, Stage.LEAVING])
    def test_nor_is_one_that_will_not_serve(self, stage: Stage) -> None:
        assert ready(replica("a", stage, since_seconds=-1.0)) == []


class TestWhatIsLeft:
    def test_is_what_two_replicas_have_not_worked_off_by_then(self) -> None:
        # Two do 1.9 s of work a second, half a second comes: 28 s less in 20 s.
        assert left_seconds(100, coming=0.5, ready=[0, 0], boot_seconds=20) == pytest.approx(
            100 - 20 * (2 * USED - 0.5)
        )

    def test_is_less_where_a_third_is_there_halfway(self) -> None:
        left = left_seconds(100, coming=0.5, ready=[0, 0, 10], boot_seconds=20)
        assert left == pytest.approx(100 - 10 * (2 * USED - 0.5) - 10 * (3 * USED - 0.5))

    def test_is_more_where_more_comes_than_is_worked_off(self) -> None:
        assert left_seconds(10, coming=2.0, ready=[0], boot_seconds=20) == pytest.approx(10 + 20 * (2.0 - USED))

    def test_is_never_less_than_nothing(self) -> None:
        assert left_seconds(10, coming=0.0, ready=[0] * 9, boot_seconds=100) == 0.0

    def test_of_a_boot_that_takes_no_time_is_all(self) -> None:
        assert left_seconds(10, coming=9.0, ready=[], boot_seconds=0) == 10

    def test_ends_with_the_boot_and_not_with_a_step_after_it(self) -> None:
        assert left_seconds(0, coming=1.0, ready=[], boot_seconds=12) == pytest.approx(12)

    @given(
        work=st.floats(0, 1e5),
        coming=st.floats(0, 50),
        there=st.lists(st.floats(0, 300), max_size=20),
        one_more=st.floats(0, 300),
        boot=st.floats(1, 300),
    )
    def test_one_more_that_comes_never_leaves_more(
        self, work: float, coming: float, there: list[float], one_more: float, boot: float
    ) -> None:
        without = left_seconds(work, coming=coming, ready=there, boot_seconds=boot)
        assert left_seconds(work, coming=coming, ready=[*there, one_more], boot_seconds=boot) <= without
        assert left_seconds(work + 1, coming=coming, ready=there, boot_seconds=boot) >= without


class TestHowMany:
    def test_nothing_left_needs_none(self) -> None:
        assert for_backlog(0.0, coming=5.0, boot_seconds=100, most=3) == 0

    def test_work_off_what_is_left_beside_what_comes_within_about_a_boot(self) -> None:
        # Of 100 s of a boot 60 count: 1 / 0.95 for what comes, 120 / (60 * 0.95) for what is left.
        assert for_backlog(120.0, coming=1.0, boot_seconds=100, most=30) == 4

    def test_a_quick_boot_is_no_reason_for_haste(self) -> None:
        assert for_backlog(60.0, coming=0.0, boot_seconds=1, most=30) == for_backlog(
            60.0, coming=0.0, boot_seconds=10, most=30
        )

    def test_are_no_more_than_some_times_what_is_there(self) -> None:
        assert for_backlog(1e9, coming=1.0, boot_seconds=100, most=3) == 6

    @given(left=st.floats(0, 1e6), more=st.floats(0, 1e6), coming=st.floats(0, 50), boot=st.floats(1, 300))
    def test_more_that_is_left_never_needs_fewer(self, left: float, more: float, coming: float, boot: float) -> None:
        fewer = for_backlog(left, coming=coming, boot_seconds=boot, most=40)
        assert for_backlog(left + more, coming=coming, boot_seconds=boot, most=40) >= fewer
