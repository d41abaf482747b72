"""A wave of prompts, followed step by step, against what can be worked out by hand."""

from dataclasses import fields

import pytest

from gemma4_operator.planner.speed import PROMPT_SECONDS, Speed
from tests.accuracy.waves import wave


def plain(**changes: float) -> Speed:
    """Steps of 10 ms whatever they do; each prompt token adds 1 ms."""
    zero = {field.name: 0 for field in fields(Speed)}
    known = {"fixed_seconds": 0.010, "token_seconds": 0.001, "missed": 1.0, "batched_tokens": 100, "window_tokens": 1}
    # What an answer computes is taken off again, so that decode steps stay at 10 ms.
    return Speed(**{**zero, **known, "answer_seconds": -0.001, **changes})


def test_one_stream_is_a_prompt_and_then_steps():
    seen = wave(plain(), streams=1, prompt_tokens=50, output_tokens=200, batched_tokens=100)
    assert seen.first_token_seconds == pytest.approx(PROMPT_SECONDS + 0.010 + 0.050)
    assert seen.token_seconds == pytest.approx(0.010)


def test_prompts_that_fit_into_one_step_are_answered_together():
    seen = wave(plain(), streams=2, prompt_tokens=50, output_tokens=10, batched_tokens=100)
    assert seen.first_token_seconds == pytest.approx(PROMPT_SECONDS + 0.010 + 0.100)
    assert seen.token_seconds == pytest.approx(0.010)


def test_the_first_is_held_up_by_the_second_and_the_mean_is_of_rates():
    """Prompts of a step each: the second step reads 99 tokens beside an answer, the third the last one."""
    seen = wave(plain(), streams=2, prompt_tokens=100, output_tokens=11, batched_tokens=100)
    first, second, third = 0.110, 0.110 + 0.109, 0.110 + 0.109 + 0.011
    ended = third + 8 * 0.010  # two answers of the first came beside the second's prompt
    rates = (10 / (ended - first), 10 / (third + 10 * 0.010 - third))
    assert second < third
    assert seen.first_token_seconds == pytest.approx(PROMPT_SECONDS + (first + third) / 2)
    assert seen.token_seconds == pytest.approx(2 / sum(rates))


def test_a_prompt_longer_than_a_step_takes_several():
    seen = wave(plain(), streams=1, prompt_tokens=250, output_tokens=2, batched_tokens=100)
    assert seen.first_token_seconds == pytest.approx(PROMPT_SECONDS + 3 * 0.010 + 0.250)


def test_later_pieces_see_the_earlier_ones():
    """Scores over all pairs of a prompt do not depend on how it is cut."""
    rates = plain(full_score_seconds=1e-6)
    cut, whole = (
        wave(rates, streams=1, prompt_tokens=200, output_tokens=2, batched_tokens=tokens).first_token_seconds
        for tokens in (50, 200)
    )
    assert cut - whole == pytest.approx(3 * 0.010)


def test_context_grows_while_answers_do():
    rates = plain(full_seconds=1e-6)
    short, long = (
        wave(rates, streams=1, prompt_tokens=10, output_tokens=tokens, batched_tokens=100).token_seconds
        for tokens in (2, 2000)
    )
    assert short == pytest.approx(0.010 + 11.5e-6)
    assert long == pytest.approx(0.010 + 1010e-6, rel=1e-3)
