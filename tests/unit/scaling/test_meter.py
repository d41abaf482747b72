"""From counters to what comes: what was asked of all replicas, and what is known of none is not zero."""

import math
from dataclasses import replace

import pytest

from gemma4_operator.scaling.flow import Flow
from gemma4_operator.scaling.histograms import Tail
from gemma4_operator.scaling.meter import (
    FIRST_SAMPLE_SECONDS,
    SETTLED_SECONDS,
    STALE_SECONDS,
    Meter,
    Reading,
    Usual,
    read,
)
from gemma4_operator.scaling.sample import Counts, Replica, Stage
from gemma4_operator.scaling.series import LONGEST_GAP_SECONDS
from gemma4_operator.scaling.service import Service
from tests.scaling import counts, histogram, replica

PLAIN = Service(
    fixed_seconds=0.01, sequence_seconds=0.0, prompt_token_seconds=1e-4, most_sequences=20, max_batched_tokens=1000
)
"""A prompt of 1,000 tokens takes 0.1 s of it, an answer of 100 tokens as well."""
USUAL = Usual(input_tokens=1000, output_tokens=100, service=PLAIN, first_token_seconds=1.5)


def between(before: Counts, after: Counts, *, seconds: float = 10.0, usual: Usual = USUAL) -> Reading:
    """Return what one replica shows that said two things one after the other."""
    first = replica(at=0.0, said=before)
    _, meter = read(Meter(), [first], now_seconds=0.0, usual=usual)
    reading, _ = read(meter, [replica(at=seconds, said=after)], now_seconds=seconds, usual=usual)
    return reading


def together(*replicas: Replica, meter: Meter | None = None, now: float = 10.0) -> tuple[Reading, Meter]:
    return read(meter or Meter(), replicas, now_seconds=now, usual=USUAL)


def steady(name: str, *, at: float, finished: float, **changes: float) -> Replica:
    return replica(name, at=at, said=counts(4, 0, finished=finished, **changes))


class TestWhatCame:
    @pytest.mark.parametrize(
        ("before", "after", "arrivals"),
        [
            (counts(4, 1, finished=100), counts(4, 1, finished=120), 2.0),
            (counts(4, 1, finished=100), counts(6, 3, finished=110), 1.4),
            (counts(0, 0, finished=0), counts(8, 30, finished=0), 3.8),
            (counts(10, 20, finished=100), counts(10, 0, finished=120), 0.0),
            (counts(10, 0, finished=100), counts(0, 0, finished=105), 0.0),
        ],
        ids=["as many as were finished", "more in work", "none finished yet", "worked off", "given up uncounted"],
    )
    def test_is_what_was_finished_and_what_is_more_in_work(
        self, before: Counts, after: Counts, arrivals: float
    ) -> None:
        assert between(before, after).flow.arrivals == pytest.approx(arrivals)

    def test_does_not_depend_on_how_long_was_waited(self) -> None:
        slow = between(counts(4, 0, finished=0), counts(4, 0, finished=60), seconds=30)
        fast = between(counts(4, 0, finished=0), counts(4, 0, finished=10), seconds=5)
        assert slow.flow.arrivals == fast.flow.arrivals == pytest.approx(2.0)

    def test_takes_of_a_replica_what_its_tokens_take(self) -> None:
        before = counts(2, 0, finished=0, prompt_tokens=0, cached_tokens=0, generation_tokens=0)
        after = counts(4, 2, finished=9, prompt_tokens=5000, cached_tokens=1000, generation_tokens=1000)
        # 4,000 read: 0.4 s. 1,000 written: 1 s. Two that wait: 0.4 s. Two more that run have half to write: 0.1 s.
        flow = between(before, after).flow
        assert flow.work_seconds == pytest.approx((0.4 + 1.0 + 0.4 + 0.1) / 10)
        assert (flow.prompt_tokens, flow.answer_tokens) == pytest.approx((400, 100))
        assert flow.answers == pytest.approx(0.9)

    def test_what_was_worked_off_was_counted_when_it_came(self) -> None:
        flooded = counts(20, 100, finished=0, prompt_tokens=0, generation_tokens=0)
        worked_off = counts(20, 50, finished=50, prompt_tokens=50_000, generation_tokens=5_000)
        assert between(flooded, worked_off).flow.work_seconds == pytest.approx(0.0)

    def test_a_prompt_that_the_cache_holds_takes_nothing(self) -> None:
        before = counts(finished=0, prompt_tokens=0, cached_tokens=0)
        after = counts(finished=5, prompt_tokens=5000, cached_tokens=5000)
        assert between(before, after).flow.work_seconds == 0.0

    def test_more_cached_than_read_is_not_negative_work(self) -> None:
        before = counts(prompt_tokens=0, cached_tokens=0, finished=0)
        after = counts(prompt_tokens=100, cached_tokens=200, finished=0)
        assert between(before, after).flow.prompt_tokens == 0.0


class TestAnEngineThatBeganAnew:
    def test_has_done_all_that_it_holds(self) -> None:
        before = counts(0, 0, finished=1000, prompt_tokens=1e6, generation_tokens=1e5)
        after = counts(0, 0, finished=5, prompt_tokens=5000, generation_tokens=500)
        flow = between(before, after).flow
        assert flow.answers == pytest.approx(0.5)
        assert flow.work_seconds == pytest.approx((0.5 + 0.5) / 10)

    def test_so_do_its_histograms(self) -> None:
        before = counts(finished=0, first_token=histogram(90), output_token=histogram(900, sum_seconds=20.0))
        after = counts(finished=0, first_token=histogram(3, 4), output_token=histogram(50, sum_seconds=2.0))
        flow = between(before, after).flow
        assert (flow.first_token.count, flow.first_token.late) == pytest.approx((0.4, 0.0))
        assert (flow.timed_tokens, flow.timed_seconds) == pytest.approx((5.0, 0.2))

    def test_what_runs_and_waits_there_came_since(self) -> None:
        """What it was at work on before has gone with it, and is asked for again or not."""
        before = counts(30, 9, finished=1000, prompt_tokens=1e6, generation_tokens=1e5)
        flow = between(before, counts(6, 4, finished=5, prompt_tokens=5000, generation_tokens=500)).flow
        assert flow.arrivals == pytest.approx(1.5)

    def test_is_not_what_holds_more_than_it_can_have_done_since(self) -> None:
        """A total that fell for another reason holds a history, and nothing is known until the next."""
        before = counts(4, 0, finished=1000, prompt_tokens=1e6, generation_tokens=1e5)
        fallen = counts(4, 0, finished=1001, prompt_tokens=0.9e6, generation_tokens=1.001e5)
        after = counts(4, 0, finished=1006, prompt_tokens=0.905e6, generation_tokens=1.006e5)
        _, meter = together(replica(at=0.0, said=before), now=0.0)
        unknown, meter = together(replica(at=10.0, said=fallen), meter=meter)
        known, _ = together(replica(at=20.0, said=after), meter=meter, now=20.0)
        assert (unknown.is_nothing, unknown.seen, unknown.running) == (True, 1, 4)
        assert not known.is_nothing
        assert (known.flow.arrivals, known.flow.prompt_tokens) == pytest.approx((0.5, 500))

    def test_what_fell_for_no_reason_comes_back_as_suddenly_and_is_no_traffic(self) -> None:
        """As when one of several data-parallel engines' series is missing once."""
        whole = {"finished": 1000, "prompt_tokens": 1e6, "generation_tokens": 1e5}
        half = {name: total / 2 for name, total in whole.items()}
        meter, readings = Meter(), []
        for at, totals in enumerate([whole, half, whole, whole]):
            reading, meter = together(replica(at=10.0 * at, said=counts(4, 0, **totals)), meter=meter, now=10.0 * at)
            readings.append(reading)
        assert [reading.is_nothing for reading in readings] == [True, True, True, False]
        assert readings[-1].flow.arrivals == 0

    @pytest.mark.parametrize("fallen", ["finished", "prompt_tokens", "cached_tokens", "generation_tokens"])
    def test_is_told_by_any_of_its_totals(self, fallen: str) -> None:
        totals = {"finished": 1e4, "prompt_tokens": 1e7, "cached_tokens": 1e6, "generation_tokens": 1e6}
        reading = between(counts(4, 0, **totals), counts(4, 0, **{**totals, fallen: totals[fallen] - 1}))
        assert reading.is_nothing

    @pytest.mark.parametrize("finished", [359, 441])
    def test_an_answer_has_one_token_at_least(self, finished: int) -> None:
        # A token of an answer takes 0.1 s of the replica, which is at most four times as fast.
        slow = replace(USUAL, service=replace(PLAIN, fixed_seconds=1.0))
        reading = between(counts(0, 0, finished=1e6), counts(0, 0, finished=finished), usual=slow)
        assert reading.is_nothing is (finished > 400)

    def test_never_shows_less_than_nothing(self) -> None:
        before = counts(30, 9, finished=1000, prompt_tokens=1e6, generation_tokens=1e5)
        flow = between(before, counts(0, 0, finished=0, prompt_tokens=0, generation_tokens=0)).flow
        assert flow.arrivals == flow.work_seconds == 0.0


class TestAnEngineThatDoesNotTellItsTokens:
    """Nothing follows from it: none told is not none read."""

    @pytest.mark.parametrize("missing", ["prompt_tokens", "generation_tokens"])
    def test_says_nothing(self, missing: str) -> None:
        before = counts(4, 0, finished=0, **{missing: None})
        reading = between(before, counts(4, 0, finished=50, **{missing: None}))
        assert (reading.is_nothing, reading.seen) == (True, 0)

    def test_after_it_did_is_not_heard_any_more(self) -> None:
        _, meter = together(replica(at=0.0, said=counts(4, 0, finished=0)), now=0.0)
        known, meter = together(replica(at=10.0, said=counts(4, 0, finished=9)), meter=meter, now=10.0)
        silent = replica(at=90.0, said=counts(4, 0, finished=99, prompt_tokens=None))
        reading, _ = together(silent, meter=meter, now=90.0)
        assert (known.heard, reading.heard, reading.seen) == (1, 0, 0)


class TestAnEngineThatCountsTokensAlone:
    """llama.cpp says how many run and wait, and how many tokens it has read and written."""

    def test_is_asked_for_usual_requests(self) -> None:
        before = counts(2, 0, prompt_tokens=0, generation_tokens=0)
        after = counts(2, 3, prompt_tokens=12_000, generation_tokens=1_500)
        flow = between(before, after).flow
        # Twelve prompts of the usual size were read, and three more wait.
        assert flow.arrivals == pytest.approx(1.5)
        assert flow.prompts == pytest.approx(1.2)
        assert flow.answers == pytest.approx(1.5)
        assert flow.work_seconds == pytest.approx((1.2 + 1.5 + 3 * 0.2) / 10)

    def test_that_works_off_what_waits_is_asked_for_nothing_new(self) -> None:
        before = counts(2, 9, prompt_tokens=0, generation_tokens=0)
        assert between(before, counts(2, 1, prompt_tokens=8000, generation_tokens=0)).flow.arrivals == 0.0

    def test_promises_nothing_that_could_be_kept(self) -> None:
        flow = between(counts(prompt_tokens=0), counts(prompt_tokens=1000)).flow
        assert (flow.first_token, flow.timed_tokens, flow.planned_seconds) == (Tail(), 0.0, 0.0)


class TestPrompts:
    def test_are_those_that_got_their_first_token(self) -> None:
        before, after = counts(finished=0, first_token=histogram(0)), counts(5, 5, finished=5, first_token=histogram(7))
        assert between(before, after).flow.prompts == pytest.approx(0.7)

    def test_without_such_a_histogram_are_those_that_came_and_do_not_wait(self) -> None:
        assert between(counts(finished=0), counts(5, 5, finished=5)).flow.prompts == pytest.approx(1.0)


class TestInTime:
    """Of forty, twenty took more than 1 s and ten of those more than 2 s: the tail halves with each second."""

    GOT = histogram(0, 5, 10, 20, 30, 35, 38, 40)

    @pytest.mark.parametrize(
        ("seconds", "late"),
        [(1.0, 20), (1.5, math.sqrt(20 * 10)), (2.0, 10), (0.1, 40), (0.05, 40), (0.25, 35), (10.0, 2), (99.0, 2)],
    )
    def test_is_read_from_the_bounds_around_the_objective(self, seconds: float, late: float) -> None:
        usual = replace(USUAL, first_token_seconds=seconds)
        before, after = counts(finished=0, first_token=histogram(0)), counts(finished=0, first_token=self.GOT)
        flow = between(before, after, usual=usual).flow
        assert flow.first_token.scaled(10).late == pytest.approx(late)
        assert flow.first_token.count * 10 == pytest.approx(40)

    def test_is_only_what_was_counted_since(self) -> None:
        before = counts(finished=0, first_token=histogram(0, 0, 0, 10))
        after = counts(finished=0, first_token=histogram(0, 0, 0, 10, 10, 30))
        flow = between(before, after).flow
        assert (flow.first_token.count * 10, flow.first_token.late * 10) == pytest.approx((20, 20))


class TestSeveralReplicas:
    def test_what_they_carry_adds_up(self) -> None:
        _, meter = together(*(steady(name, at=0, finished=0) for name in "ab"), now=0)
        reading, _ = together(*(steady(name, at=10, finished=20) for name in "ab"), meter=meter)
        assert (reading.flow.arrivals, reading.running) == pytest.approx((4.0, 8.0))
        assert (reading.serving, reading.heard, reading.is_whole) == (2, 2, True)

    def test_one_that_is_not_heard_is_taken_to_do_what_the_others_do(self) -> None:
        _, meter = together(steady("a", at=0, finished=0), steady("b", at=0, finished=0), replica("c"), now=0)
        reading, _ = together(
            steady("a", at=10, finished=20), steady("b", at=10, finished=40), replica("c"), meter=meter
        )
        assert reading.flow.arrivals == pytest.approx(1.5 * 6.0)
        assert reading.running == pytest.approx(12.0)
        assert (reading.serving, reading.heard, reading.is_whole, reading.is_nothing) == (3, 2, False, False)

    def test_one_that_finishes_what_it_has_begun_still_counts_as_traffic_and_not_as_a_server(self) -> None:
        leaving = replace(steady("b", at=0, finished=0), stage=Stage.LEAVING)
        _, meter = together(steady("a", at=0, finished=0), leaving, now=0)
        leaving = replace(steady("b", at=10, finished=5), stage=Stage.LEAVING)
        reading, _ = together(steady("a", at=10, finished=20), leaving, meter=meter)
        assert reading.flow.arrivals == pytest.approx(2.5)
        assert (reading.serving, reading.heard) == (1, 1)

    @pytest.mark.parametrize("stage", [Stage.LOADING, Stage.UNPLACED, Stage.FAILED])
    def test_one_that_does_not_serve_is_not_asked(self, stage: Stage) -> None:
        said = counts(5, 5, finished=0)
        reading, meter = together(steady("a", at=0, finished=0), replica("b", stage, at=0.0, said=said))
        assert (reading.serving, reading.waiting) == (1, 0)
        assert "b" not in meter.heard

    def test_one_that_is_gone_is_forgotten(self) -> None:
        _, meter = together(steady("a", at=0, finished=0), steady("b", at=0, finished=0), now=0)
        reading, meter = together(steady("a", at=10, finished=10), meter=meter)
        assert set(meter.heard) == {"a"}
        assert reading.flow.arrivals == pytest.approx(1.0)

    def test_what_they_said_is_as_old_as_it_is_on_average(self) -> None:
        reading, _ = together(steady("a", at=10, finished=0), steady("b", at=4, finished=0))
        assert reading.age_seconds == pytest.approx(3.0)

    def test_none_is_no_reading_and_no_lack_of_one(self) -> None:
        reading, _ = together()
        assert (reading.is_whole, reading.is_nothing) == (True, False)


class TestSilence:
    def test_what_was_said_holds_for_a_while_and_not_longer(self) -> None:
        _, meter = together(steady("a", at=0, finished=0), now=0)
        same = steady("a", at=10, finished=20)
        _, meter = together(same, meter=meter)
        last, meter = together(same, meter=meter, now=10 + STALE_SECONDS)
        assert last.flow.arrivals == pytest.approx(2.0)
        assert last.is_whole
        late, _ = together(same, meter=meter, now=10 + STALE_SECONDS + 1)
        assert (late.flow, late.is_nothing) == (Flow(), True)

    @pytest.mark.parametrize(("apart", "whole_for"), [(15.0, STALE_SECONDS), (30.0, 75.0), (60.0, LONGEST_GAP_SECONDS)])
    def test_of_those_that_are_heard_seldom_one_word_may_be_missed(self, apart: float, whole_for: float) -> None:
        """A Prometheus that scrapes once a minute, as it does by default, left none heard for a whole minute."""
        meter, now = Meter(), 3 * apart
        for at in (0.0, apart, 2 * apart, now):
            same = steady("a", at=at, finished=2 * at)
            _, meter = together(same, meter=meter, now=at)
        last, meter = together(same, meter=meter, now=now + whole_for)
        assert (last.is_whole, last.flow.arrivals) == (True, pytest.approx(2.0))
        assert together(same, meter=meter, now=now + whole_for + 1)[0].is_nothing

    def test_one_long_silence_does_not_mean_that_they_are_heard_seldom(self) -> None:
        """Two that were silent together for 95 s, said a word, and were again for 100 s: one is heard, one is not."""
        meter = Meter()
        for at in (0.0, 10.0, 20.0, 30.0, 125.0):
            _, meter = together(*(steady(name, at=at, finished=2 * at) for name in "ab"), meter=meter, now=at)
        back, lost = steady("a", at=225, finished=450), steady("b", at=125, finished=250)
        reading, _ = together(back, lost, meter=meter, now=225)
        assert (reading.serving, reading.heard) == (2, 1)

    def test_and_a_new_one_among_them_has_as_long_for_its_first(self) -> None:
        meter = Meter()
        for at in (-120.0, -60.0, 0.0, 60.0):
            _, meter = together(steady("a", at=at, finished=120 + at), meter=meter, now=at)
        new = replica("b", serving_since_seconds=60.0)
        reading, _ = together(steady("a", at=120, finished=180), new, meter=meter, now=160)
        assert reading.is_whole

    def test_what_was_heard_before_brings_nothing_new(self) -> None:
        _, meter = together(steady("a", at=0, finished=0), now=0)
        once, meter = together(steady("a", at=10, finished=20), meter=meter)
        again, meter = together(steady("a", at=10, finished=20), meter=meter, now=15)
        assert again.flow == once.flow
        # And the next one is compared with what was really heard last.
        later, _ = together(steady("a", at=20, finished=40), meter=meter, now=20)
        assert later.flow.arrivals == pytest.approx(2.0)

    def test_what_is_older_than_what_was_heard_is_not_heard(self) -> None:
        _, meter = together(steady("a", at=0, finished=0), now=0)
        once, meter = together(steady("a", at=10, finished=20), meter=meter)
        again, _ = together(steady("a", at=5, finished=900), meter=meter, now=15)
        assert again.flow == once.flow

    def test_what_is_said_of_the_future_is_not_heard(self) -> None:
        reading, meter = together(steady("a", at=11, finished=0), now=10)
        assert reading.is_nothing
        assert not meter.heard

    def test_what_cannot_be_so_is_not_heard(self) -> None:
        _, meter = together(steady("a", at=0, finished=0), now=0)
        once, meter = together(steady("a", at=10, finished=20), meter=meter)
        spoiled, meter = together(steady("a", at=20, finished=math.nan), meter=meter, now=20)
        assert spoiled.flow == once.flow
        later, _ = together(steady("a", at=30, finished=60), meter=meter, now=30)
        assert later.flow.arrivals == pytest.approx(2.0)

    def test_over_a_long_gap_nothing_is_concluded(self) -> None:
        _, meter = together(steady("a", at=0, finished=0), now=0)
        at = LONGEST_GAP_SECONDS
        whole, _ = together(steady("a", at=at, finished=at), meter=meter, now=at)
        assert whole.flow.arrivals == pytest.approx(1.0)
        reading, _ = together(steady("a", at=at + 1, finished=9e9), meter=meter, now=at + 1)
        assert (reading.flow, reading.heard, reading.seen, reading.is_whole) == (Flow(), 0, 1, False)


class TestANewReplica:
    def test_began_at_nothing_when_it_began_to_serve(self) -> None:
        _, meter = together(steady("a", at=0, finished=0), now=0)
        new = replica("b", serving_since_seconds=5.0, at=10.0, said=counts(2, 0, finished=3))
        reading, _ = together(steady("a", at=10, finished=0), new, meter=meter)
        # In 5 s, three were finished and two are in work.
        assert reading.flow.arrivals == pytest.approx(1.0)

    def test_of_one_that_was_there_before_only_what_comes_from_now_on_is_known(self) -> None:
        _, meter = together(steady("a", at=0, finished=0), now=0)
        reading, meter = together(
            steady("a", at=10, finished=0), steady("b", at=10, finished=9000), meter=meter, now=10
        )
        assert reading.flow.arrivals == 0.0
        reading, _ = together(steady("a", at=20, finished=0), steady("b", at=20, finished=9010), meter=meter, now=20)
        assert reading.flow.arrivals == pytest.approx(1.0)

    def test_neither_does_the_operator_know_more_when_it_has_just_begun(self) -> None:
        new = replica("b", serving_since_seconds=5.0, at=10.0, said=counts(2, 0, finished=3))
        assert together(new)[0].flow == Flow()

    def test_may_be_silent_for_a_moment(self) -> None:
        new = replica("b", serving_since_seconds=0.0)
        _, meter = together(steady("a", at=0, finished=0), now=0)
        known, now = steady("a", at=FIRST_SAMPLE_SECONDS, finished=0), FIRST_SAMPLE_SECONDS
        assert together(known, new, meter=meter, now=now)[0].is_whole
        assert not together(known, new, meter=meter, now=now + 1)[0].is_whole

    def test_alone_tells_nothing_of_what_comes(self) -> None:
        reading, _ = together(replica("b", serving_since_seconds=0.0), now=FIRST_SAMPLE_SECONDS)
        assert (reading.is_nothing, reading.seen) == (True, 1)

    def test_that_says_what_cannot_be_so_is_not_new_but_unheard(self) -> None:
        new = replica("b", serving_since_seconds=0.0, at=10.0, said=counts(math.nan))
        assert together(new)[0].is_nothing


class TestWhatEachHas:
    def test_is_what_it_works_on_and_what_waits_there(self) -> None:
        reading, _ = together(
            replica("a", at=10.0, said=counts(4, 3, finished=1)), replica("b", at=10.0, said=counts(2, 0, finished=1))
        )
        assert reading.outstanding == (7.0, 2.0)

    @pytest.mark.parametrize(
        ("other", "why"),
        [
            (
                replica("b", at=1e3, said=counts(1, 0), serving_since_seconds=1e3 - SETTLED_SECONDS + 1),
                "has not had its share yet",
            ),
            (replica("b", Stage.LEAVING, at=1e3, said=counts(1, 0)), "gets no more"),
            (replica("b", at=1e3 - STALE_SECONDS - 1, said=counts(1, 0)), "is not heard"),
            (replica("b", Stage.LOADING), "does not serve"),
        ],
        ids=lambda given: given if isinstance(given, str) else "",
    )
    def test_says_nothing_of_one_that(self, other: Replica, why: str) -> None:
        reading, _ = together(replica("a", at=1e3, said=counts(4, 0)), other, now=1e3)
        assert reading.outstanding == (4.0,), why


class TestOneThatIsNotReadyForAMoment:
    """Its engine goes on, and so do its totals: what they held before tells what came meanwhile."""

    @pytest.mark.parametrize("stage", [Stage.LOADING, Stage.FAILED])
    def test_is_known_when_it_is_back(self, stage: Stage) -> None:
        _, meter = together(steady("a", at=0.0, finished=5000), now=0.0)
        away, meter = together(replica("a", stage), meter=meter, now=10.0)
        assert (away.serving, away.flow.arrivals) == (0, 0.0)
        back = replace(steady("a", at=20.0, finished=5040), serving_since_seconds=20.0)
        reading, _ = together(back, meter=meter, now=20.0)
        assert reading.is_whole
        assert reading.flow.arrivals == pytest.approx(2.0)

    def test_has_begun_anew_if_its_totals_say_so(self) -> None:
        _, meter = together(steady("a", at=0.0, finished=5000), now=0.0)
        _, meter = together(replica("a", Stage.FAILED), meter=meter, now=50.0)
        back = replace(steady("a", at=100.0, finished=200), serving_since_seconds=95.0)
        assert together(back, meter=meter, now=100.0)[0].flow.arrivals == pytest.approx(204 / 100)

    def test_began_at_nothing_where_it_was_away_for_long(self) -> None:
        _, meter = together(steady("a", at=0.0, finished=5000), now=0.0)
        _, meter = together(replica("a", Stage.LOADING), meter=meter, now=LONGEST_GAP_SECONDS + 80)
        now = LONGEST_GAP_SECONDS + 90
        back = replace(steady("a", at=now, finished=16), serving_since_seconds=now - 5)
        reading, _ = together(back, meter=meter, now=now)
        assert reading.is_whole
        assert reading.flow.arrivals == pytest.approx(4.0)


class TestUpToWhenItIsKnownWhatTheyDo:
    def test_is_when_the_last_of_them_said_so(self) -> None:
        first = [steady("a", at=0.0, finished=1), steady("b", at=0.0, finished=1)]
        _, meter = together(*first, now=0.0)
        reading, _ = together(steady("a", at=40.0, finished=1), steady("b", at=10.0, finished=1), meter=meter, now=45.0)
        assert reading.until_seconds == 10.0

    def test_is_when_it_began_to_serve_for_one_that_has_said_nothing_yet(self) -> None:
        reading, _ = together(steady("a", at=40.0, finished=1), replica("b", serving_since_seconds=30.0), now=45.0)
        assert reading.until_seconds == 30.0


class TestACacheThatIsNotTold:
    """NIM 1 counts whole prompts, and not what its prefix cache held of them."""

    @pytest.mark.parametrize(("cached", "tokens"), [(None, 1000.0), (0.0, 4000.0), (3500.0, 500.0)])
    def test_is_taken_to_hold_what_was_planned(self, cached: float | None, tokens: float) -> None:
        before = counts(4, 0, finished=0, cached_tokens=None if cached is None else 0.0)
        after = counts(4, 0, finished=8, prompt_tokens=40_000, cached_tokens=None if cached is None else 10 * cached)
        usual = replace(USUAL, uncached_share=0.25)
        assert between(before, after, usual=usual).flow.prompt_tokens == pytest.approx(tokens)


class TestTheCache:
    def test_is_held_by_those_that_run_on_average_between_two_samples(self) -> None:
        flow = between(counts(4, 0, finished=0, cache_usage=0.2), counts(8, 0, finished=0, cache_usage=0.4)).flow
        assert (flow.sequences, flow.cache) == pytest.approx((6.0, 0.3))

    @pytest.mark.parametrize(("before", "after"), [(None, 0.4), (0.2, None), (None, None)])
    def test_says_nothing_where_it_is_not_told(self, before: float | None, after: float | None) -> None:
        flow = between(counts(4, 0, finished=0, cache_usage=before), counts(8, 0, finished=0, cache_usage=after)).flow
        assert (flow.sequences, flow.cache) == (0.0, 0.0)
