"""What a run is judged by, from small ledgers and lives by hand."""

from collections.abc import Sequence
from math import inf

import pytest

from gemma4_operator.sim.ledger import Ledger
from gemma4_operator.sim.request import Request
from gemma4_operator.sim.result import Result, result_of
from gemma4_operator.sim.run import Life, Played
from gemma4_operator.sim.setting import Objectives
from tests.unit.sim.settings import request

OBJECTIVES = Objectives(first_token_seconds=2.0, token_seconds=0.05, attainment=0.99)
FOREVER = Life(since_seconds=0.0, serving_since_seconds=0.0, leaving_since_seconds=None, gone_seconds=None)


def life(since: float, serving: float | None, leaving: float | None = None, gone: float | None = None) -> Life:
    return Life(since_seconds=since, serving_since_seconds=serving, leaving_since_seconds=leaving, gone_seconds=gone)


def played(
    outcomes: Sequence[tuple[Request, float, float]] = (),
    *,
    lives: Sequence[Life] = (FOREVER,),
    wanted: Sequence[tuple[float, int]] = ((0.0, 1),),
    duration: float = 600.0,
    lost: Sequence[int] = (),
) -> Played:
    """Return a run in which requests had their first and last tokens so long after they came."""
    ledger = Ledger([one for one, _, _ in outcomes])
    for index, (one, first, finish) in enumerate(outcomes):
        ledger.first_seconds[index] = one.arrival_seconds + first
        ledger.finish_seconds[index] = one.arrival_seconds + finish
    ledger.lost.update(lost)
    return Played(
        ledger=ledger,
        duration_seconds=duration,
        end_seconds=duration + 300,
        lives=lives,
        wanted=wanted,
        preemptions=7,
    )


def judged(*outcomes: tuple[Request, float, float], lost: Sequence[int] = ()) -> Result:
    return result_of(played(outcomes, lost=lost), OBJECTIVES)


class TestAttainment:
    @pytest.mark.parametrize(
        ("first", "finish", "is_kept"),
        [
            (2.0, 2.4, True),
            (2.1, 2.4, False),
            (1.0, 1.5, True),
            (1.0, 1.6, False),
            (1.0, inf, False),
            (inf, inf, False),
        ],
    )
    def test_both_objectives_must_be_kept(self, first: float, finish: float, is_kept: bool):
        one = request(0.0, 100, 11)  # Ten further tokens: half a second.
        assert judged((one, first, finish)).attainment_percent == 100.0 * is_kept

    def test_one_token_has_no_time_of_further_ones(self):
        assert judged((request(0.0, 100, 1), 1.0, 1.0)).attainment_percent == 100

    def test_it_is_over_all_that_came_and_says_what_was_missed(self):
        good, slow, late = (request(0.0, 1, 11), 1.0, 1.2), (request(0.0, 1, 11), 1.0, 9.0), (request(), 3.0, 3.1)
        result = judged(good, good, good, slow, late, late, (request(), inf, inf), good, lost=[7])
        assert result.requests == 8
        assert result.attainment_percent == 100 * 3 / 8
        assert (result.missed_first_token, result.missed_token, result.lost) == (4, 1, 1)
        assert result.preemptions == 7

    @pytest.mark.parametrize(("output_tokens", "percent"), [(8001, 100.0), (5999, 0.0)])
    def test_one_without_an_end_is_judged_by_what_is_already_late(self, output_tokens: int, percent: float):
        """Its first token came at once and 301 s before all ended; at 0.05 s each, 6,020 tokens may take that long."""
        assert judged((request(599.0, 1, output_tokens), 0.0, inf)).attainment_percent == percent

    @pytest.mark.parametrize(("objective", "percent"), [(302.0, 100.0), (300.0, 0.0)])
    def test_so_is_one_that_still_waits_for_its_first_token(self, objective: float, percent: float):
        patient = Objectives(first_token_seconds=objective, token_seconds=0.05, attainment=0.99)
        run = played([(request(599.0), inf, inf)])
        assert result_of(run, patient).attainment_percent == percent

    def test_nothing_came(self):
        result = result_of(played(), OBJECTIVES)
        assert (result.attainment_percent, result.worst_five_minute_percent, result.requests) == (100, 100, 0)


class TestCost:
    @pytest.mark.parametrize(
        ("lives", "average", "peak"),
        [
            ([FOREVER], 1.0, 1),
            ([FOREVER, FOREVER], 2.0, 2),
            ([FOREVER, life(300, 400)], 1.5, 2),
            ([FOREVER, life(300, None)], 1.5, 2),
            ([FOREVER, life(300, None, gone=450)], 1.25, 2),
            ([FOREVER, life(0, 0, leaving=60, gone=120)], 1.2, 2),
            ([life(0, 0, 300, 300), life(300, 300)], 1.0, 1),
            ([FOREVER, life(0, 0, leaving=590, gone=700)], 2.0, 2),
            ([], 0.0, 0),
        ],
    )
    def test_a_replica_costs_from_the_wish_until_it_is_gone(self, lives: Sequence[Life], average: float, peak: int):
        result = result_of(played(lives=lives), OBJECTIVES)
        assert result.average_replicas == pytest.approx(average)
        assert result.peak_replicas == peak

    def test_what_is_wished_for_after_the_trace_is_not_a_peak(self):
        assert result_of(played(lives=[FOREVER, life(650, 700)]), OBJECTIVES).peak_replicas == 1

    def test_each_change_of_the_wish_is_a_scale_event(self):
        run = played(wanted=((0.0, 1), (10.0, 3), (20.0, 2)), duration=1800.0)
        assert result_of(run, OBJECTIVES).scale_events_per_hour == 4

    def test_a_trace_of_no_length_has_no_events_an_hour(self):
        assert result_of(played(duration=0.0), OBJECTIVES).scale_events_per_hour == 0


def test_the_worst_five_minutes_are_on_end_and_begin_with_any_minute():
    """Ten requests a minute; in minutes 7 to 9 all are late, of any five minutes on end 3 of 5."""
    outcomes = [
        (request(60.0 * minute + number), 9.0 if 7 <= minute <= 9 else 1.0, 9.0 if 7 <= minute <= 9 else 1.0)
        for minute in range(20)
        for number in range(10)
    ]
    result = result_of(played(outcomes, duration=1199.0), OBJECTIVES)
    assert result.worst_five_minute_percent == 40
    assert result.attainment_percent == 85


def test_minutes_without_requests_are_no_bad_minutes():
    outcomes = [(request(30.0), 1.0, 1.0), (request(1100.0), 1.0, 1.0)]
    assert result_of(played(outcomes, duration=1200.0), OBJECTIVES).worst_five_minute_percent == 100


def test_a_short_run_is_one_window():
    outcomes = [(request(10.0), 1.0, 1.0), (request(70.0), 5.0, 5.0)]
    assert result_of(played(outcomes, duration=80.0), OBJECTIVES).worst_five_minute_percent == 50


def test_minutes_tell_the_story_of_a_run():
    outcomes = [
        (request(10.0), 1.0, 1.0),
        (request(70.0), 5.0, 5.0),
        (request(119.0), 1.0, 1.0),
        (request(150.0), 1, 1),
    ]
    lives = [FOREVER, life(30, 90, leaving=120, gone=135)]
    result = result_of(
        played(outcomes, lives=lives, wanted=((0.0, 1), (30.0, 2), (120.0, 1)), duration=150.0), OBJECTIVES
    )
    rows = [(one.start_seconds, one.wanted, one.serving, one.arrived, one.kept) for one in result.minutes]
    assert rows == [(0, 1, 1, 1, 1), (60, 2, 1, 2, 1), (120, 1, 1, 1, 1)]
    assert [one.replicas for one in result.minutes] == pytest.approx([1.5, 2.0, 1.5])


def test_a_replica_serves_from_its_boot_until_it_is_told_to_go():
    lives = [life(0, 60, leaving=180, gone=300), life(0, 60, gone=120), life(0, None)]
    minutes = result_of(played(lives=lives, duration=240.0), OBJECTIVES).minutes
    assert [one.serving for one in minutes] == [0, 2, 1, 0, 0]


def test_the_time_of_a_further_token_is_a_mean():
    ledger = Ledger([request(0.0, 1, 5), request(0.0, 1, 1)])
    ledger.first_seconds[:] = [1.0, 1.0]
    ledger.finish_seconds[:] = [3.0, 1.0]
    assert [ledger.token_seconds(index) for index in (0, 1)] == [0.5, 0.0]
