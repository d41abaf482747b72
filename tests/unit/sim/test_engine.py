"""What one engine does with few requests, by hand."""

from math import inf

import pytest

from gemma4_operator.sim.engine import Engine
from gemma4_operator.sim.ledger import Ledger
from gemma4_operator.sim.request import Request
from gemma4_operator.sim.setting import EngineModel
from tests.unit.sim.settings import EXACT, model, request, served

FIXED, SEQUENCE, CONTEXT, PROMPT = 2.0**-6, 2.0**-12, 2.0**-24, 2.0**-14


def decode(*held: int) -> float:
    """Return the time of a step that decodes sequences with so much context, this token counted."""
    return FIXED + SEQUENCE * len(held) + CONTEXT * sum(held)


class TestOneAlone:
    def test_has_its_first_token_when_its_prompt_is_read(self):
        _, ledger = served([request(3.0, 100, 1)])
        assert ledger.first_seconds == ledger.finish_seconds == [3.0 + FIXED + 100 * PROMPT]

    def test_writes_one_token_a_step_with_more_context_each_time(self):
        _, ledger = served([request(0.0, 100, 4)])
        assert ledger.finish_seconds[0] - ledger.first_seconds[0] == decode(101) + decode(102) + decode(103)

    def test_reads_a_long_prompt_in_pieces(self):
        _, ledger = served([request(0.0, 1000, 1)])
        assert ledger.first_seconds == [4 * FIXED + 1000 * PROMPT]

    @pytest.mark.parametrize(("input_tokens", "steps"), [(255, 1), (256, 1), (257, 2), (512, 2), (513, 3)])
    def test_a_piece_is_as_long_as_a_batch(self, input_tokens: int, steps: int):
        _, ledger = served([request(0.0, input_tokens, 1)])
        assert ledger.first_seconds == [steps * FIXED + input_tokens * PROMPT]


class TestTwo:
    def test_those_that_come_together_are_read_together(self):
        _, ledger = served([request(0.0, 100, 1), request(0.0, 100, 1)])
        assert ledger.first_seconds == [FIXED + 200 * PROMPT] * 2

    def test_one_that_comes_during_a_step_waits_for_its_end(self):
        _, ledger = served([request(0.0, 100, 1), request(2.0**-10, 100, 1)])
        assert ledger.first_seconds[1] == 2 * (FIXED + 100 * PROMPT)

    def test_one_that_comes_as_a_step_ends_is_in_the_next(self):
        end = FIXED + 100 * PROMPT
        _, ledger = served([request(0.0, 100, 1), request(end, 100, 1)])
        assert ledger.first_seconds[1] == 2 * end

    def test_a_prompt_makes_the_answers_beside_it_wait(self):
        first_token = FIXED + 100 * PROMPT
        _, ledger = served([request(0.0, 100, 2), request(2.0**-10, 50, 1)])
        assert ledger.finish_seconds[0] - first_token == decode(101) + 50 * PROMPT
        assert ledger.first_seconds[1] == ledger.finish_seconds[0]

    def test_answers_go_before_prompts(self):
        """The one that decodes takes one token of the batch, so that 255 are left for the prompt of 256."""
        _, ledger = served([request(0.0, 100, 3), request(2.0**-10, 256, 1)])
        first_token = FIXED + 100 * PROMPT
        assert ledger.first_seconds[1] - first_token == decode(101) + decode(102) + 256 * PROMPT

    def test_the_rest_of_a_batch_begins_the_next_prompt(self):
        _, ledger = served([request(0.0, 200, 1), request(0.0, 100, 1)])
        assert ledger.first_seconds == [FIXED + 256 * PROMPT, 2 * FIXED + 300 * PROMPT]

    def test_who_came_first_is_read_first_however_short_the_other_is(self):
        _, ledger = served([request(0.0, 1000, 1), request(2.0**-10, 1, 1)])
        assert ledger.first_seconds[0] <= ledger.first_seconds[1]


class TestLimits:
    def test_only_so_many_are_worked_on_at_once(self):
        engine_model = model(max_sequences=1)
        _, ledger = served([request(0.0, 100, 3), request(0.0, 100, 1)], engine_model)
        assert ledger.first_seconds[1] == ledger.finish_seconds[0] + FIXED + 100 * PROMPT

    def test_never_more_than_a_batch_has_tokens(self):
        """Two decode, a batch has two: the third is not even begun."""
        engine = Engine(model(max_batched_tokens=2, max_sequences=10), Ledger([request()] * 3), clock_seconds=0.0)
        for index in range(3):
            engine.submit(index, request(0.0, 1, 5), at_seconds=0.0)
        engine.advance(2 * FIXED)
        assert (engine.running, engine.waiting) == (2, 1)

    def test_what_is_committed_is_what_is_held_and_what_the_queue_will_take(self):
        """A prompt of 1,000 that is being read has its room already; one of 70 in the queue has none yet."""
        engine = Engine(EXACT, Ledger([request()] * 2), clock_seconds=0.0)
        engine.submit(0, request(0.0, 1000, 5), at_seconds=0.0)
        engine.advance(0.001)
        engine.submit(1, request(0.001, 70, 5), at_seconds=0.001)
        assert (engine.held_tokens, engine.queued_prompt_tokens) == (1000, 1000 - 256 + 70)
        assert engine.committed_tokens == 1070

    def test_a_prompt_waits_until_the_cache_has_room_for_all_of_it(self):
        engine_model = model(cache_tokens=250)
        _, ledger = served([request(0.0, 150, 5), request(0.0, 120, 1)], engine_model)
        assert ledger.first_seconds[1] == ledger.finish_seconds[0] + FIXED + 120 * PROMPT

    def test_a_request_that_never_fits_is_refused_and_holds_nobody_up(self):
        engine, ledger = served([request(0.0, 90, 12), request(0.0, 90, 11)], model(cache_tokens=100))
        assert ledger.lost == {0}
        assert ledger.first_seconds == [inf, FIXED + 90 * PROMPT]
        assert engine.meter.preemptions == 0


class TestPreemption:
    """Room for 110 tokens: two prompts of 50 grow by 5 each, and then the second has to go."""

    REQUESTS = (request(0.0, 50, 20), request(0.0, 50, 20))
    MODEL: EngineModel = model(cache_tokens=110)

    def test_the_newest_is_read_again_with_its_own_answer_when_there_is_room(self):
        engine, ledger = served(self.REQUESTS, self.MODEL)
        read = FIXED + 100 * PROMPT
        both = sum(decode(50 + step, 50 + step) for step in range(1, 6))
        alone = sum(decode(50 + step) for step in range(6, 20))
        assert engine.meter.preemptions == 1
        assert ledger.finish_seconds[0] == read + both + alone
        again = FIXED + 56 * PROMPT
        rest = sum(decode(56 + step) for step in range(1, 14))
        assert ledger.finish_seconds[1] == ledger.finish_seconds[0] + again + rest

    def test_it_loses_no_token_and_has_only_one_first(self):
        engine, ledger = served(self.REQUESTS, self.MODEL)
        assert engine.meter.generation_tokens == 40
        assert engine.meter.prompt_tokens == 100
        assert engine.counts().first_token.count == 2  # type: ignore[union-attr]
        assert ledger.first_seconds[1] == FIXED + 100 * PROMPT

    def test_while_it_waits_it_is_in_the_queue_with_all_that_is_to_be_read(self):
        ledger = Ledger(self.REQUESTS)
        engine = Engine(self.MODEL, ledger, clock_seconds=0.0)
        for index, one in enumerate(self.REQUESTS):
            engine.submit(index, one, at_seconds=0.0)
        engine.advance(FIXED + 100 * PROMPT + sum(decode(50 + step, 50 + step) for step in range(1, 6)) + 2.0**-20)
        assert (engine.running, engine.waiting, engine.queued_prompt_tokens) == (1, 1, 56)
        assert engine.held_tokens == 56

    def test_the_pause_counts_as_the_time_of_one_token(self):
        engine, ledger = served(self.REQUESTS, self.MODEL)
        counts = engine.counts()
        assert counts.output_token is not None
        assert counts.output_token.count == 38
        further = sum(ledger.finish_seconds) - sum(ledger.first_seconds)
        assert counts.output_token.sum_seconds == further


class TestOutstanding:
    def test_an_answer_is_outstanding_until_its_step_has_ended(self):
        one = request(0.0, 100, 1)
        engine = Engine(EXACT, Ledger([one]), clock_seconds=0.0)
        engine.submit(0, one, at_seconds=0.0)
        end = FIXED + 100 * PROMPT
        for moment, count in ((2.0**-10, 1), (end / 2, 1), (end, 0), (end + 1, 0)):
            engine.advance(moment)
            assert engine.outstanding(moment) == count, moment

    def test_a_request_in_the_queue_is_outstanding_too(self):
        engine = Engine(model(max_sequences=1), Ledger([request()] * 3), clock_seconds=0.0)
        for index in range(3):
            engine.submit(index, request(), at_seconds=0.0)
        engine.advance(0.01)
        assert (engine.running, engine.waiting, engine.outstanding(0.01)) == (1, 2, 3)


class TestDeath:
    def test_all_that_is_not_answered_is_lost(self):
        requests = [request(0.0, 100, 1), request(0.0, 100, 500), request(0.0, 100, 500)]
        ledger = Ledger(requests)
        engine = Engine(model(max_sequences=2), ledger, clock_seconds=0.0)
        for index, one in enumerate(requests):
            engine.submit(index, one, at_seconds=0.0)
        engine.advance(1.0)
        engine.kill(1.0)
        assert ledger.lost == {1, 2}

    def test_so_is_one_whose_last_step_has_not_ended(self):
        one = request(0.0, 100, 1)
        ledger = Ledger([one])
        engine = Engine(EXACT, ledger, clock_seconds=0.0)
        engine.submit(0, one, at_seconds=0.0)
        engine.advance(0.001)
        engine.kill(0.001)
        assert ledger.lost == {0}


def test_counts_are_those_of_a_scrape():
    requests: list[Request] = [request(0.0, 100, 50), request(0.0, 100, 50), request(0.0, 100, 1)]
    engine = Engine(model(cache_tokens=1000), Ledger(requests), clock_seconds=0.0)
    for index, one in enumerate(requests):
        engine.submit(index, one, at_seconds=0.0)
    engine.advance(0.06)  # One step with the first two and a piece of the third, one that ends it, one more.
    counts = engine.counts()
    assert (counts.running, counts.waiting, counts.finished) == (2, 0, 1)
    assert (counts.prompt_tokens, counts.cached_tokens) == (300, 0)
    assert counts.generation_tokens == 2 + 3 + 2
    assert counts.cache_usage == (200 + 4) / 1000
