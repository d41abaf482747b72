"""A model of an engine's times is found again in what an engine with such times takes."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.sim.setting import EngineModel
from tests.bench.engine.client import Times
from tests.bench.engine.compare import simulated
from tests.bench.engine.fit import TRIALS, Fitted, Round, fitted
from tests.bench.engine.server import BATCHED_TOKENS, SEQUENCES

WAY_SECONDS = 0.004

models = st.builds(
    EngineModel,
    fixed_seconds=st.floats(0.002, 0.05),
    sequence_seconds=st.floats(0, 0.003),
    context_token_seconds=st.floats(0, 2e-6),
    prompt_token_seconds=st.floats(1e-5, 1e-3),
    cache_tokens=st.just(500_000),
    max_sequences=st.just(SEQUENCES),
    max_batched_tokens=st.just(BATCHED_TOKENS),
)


def timed(model: EngineModel, *, noise: Sequence[float] = (1.0,)) -> list[Round]:
    """Return what the simulated engine takes for each trial, in a round for each factor of the machine's slowness."""
    there = Fitted(model=model, way_seconds=WAY_SECONDS)
    return [
        {
            trial.name: [
                Times(
                    first_token_seconds=times.first_token_seconds * factor, token_seconds=times.token_seconds * factor
                )
                for times in simulated(trial.trace, there)
            ]
            for trial in TRIALS
        }
        for factor in noise
    ]


@given(model=models)
def test_an_engine_that_is_as_the_model_is_found(model: EngineModel) -> None:
    found = fitted(timed(model), cache_tokens=500_000)
    assert found.model.fixed_seconds == pytest.approx(model.fixed_seconds, rel=0.1, abs=1e-4)
    assert found.model.prompt_token_seconds == pytest.approx(model.prompt_token_seconds, rel=0.1)
    # One step of many short sequences, and of many long ones: what decides how long tokens take.
    for context in (16 * 80, 16 * 1500):
        real, guess = (
            one.fixed_seconds + 16 * one.sequence_seconds + context * one.context_token_seconds
            for one in (model, found.model)
        )
        assert guess == pytest.approx(real, rel=0.1)
    assert found.way_seconds == pytest.approx(WAY_SECONDS, abs=0.1 * model.fixed_seconds + 1e-3)


def test_one_round_that_was_disturbed_counts_for_nothing() -> None:
    model = EngineModel(
        fixed_seconds=0.01,
        sequence_seconds=0.0004,
        context_token_seconds=1e-6,
        prompt_token_seconds=2e-4,
        cache_tokens=500_000,
        max_sequences=SEQUENCES,
        max_batched_tokens=BATCHED_TOKENS,
    )
    quiet, disturbed = (fitted(timed(model, noise=noise), cache_tokens=500_000) for noise in ((1, 1, 1), (1, 3, 1)))
    assert disturbed == quiet


def test_no_part_of_a_model_is_below_nothing() -> None:
    backwards = {
        trial.name: [Times(first_token_seconds=0.1 / trial.input_tokens, token_seconds=0.02 / trial.requests)]
        for trial in TRIALS
    }
    found = fitted([backwards], cache_tokens=1000)
    model = found.model
    assert model.fixed_seconds > 0
    assert min(model.sequence_seconds, model.context_token_seconds, model.prompt_token_seconds) == 0
    assert found.way_seconds >= 0
