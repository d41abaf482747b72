"""The registry holds every engine that a user can ask for, under its own name."""

import pytest

from gemma4_operator.api.common import EngineType
from gemma4_operator.engines.base import Serving
from gemma4_operator.engines.registry import engines
from tests.rendering import a_serving


def test_every_engine_that_can_be_asked_for_is_there() -> None:
    assert set(engines()) == set(EngineType)


@pytest.mark.parametrize("engine", EngineType)
def test_each_is_registered_under_its_own_name(engine: EngineType) -> None:
    assert engines()[engine].type is engine


@pytest.mark.parametrize("engine", EngineType)
def test_a_refusal_is_one_sentence_that_starts_with_a_field(engine: EngineType) -> None:
    hostile: list[Serving] = [a_serving(quantization="Q5_K_M", gpus=3), a_serving(served_model_name="a:b:c:d")]
    refusals = [refusal for serving in hostile if (refusal := engines()[engine].refuses(serving))]
    for refusal in refusals:
        assert refusal.startswith("`spec.")
        assert refusal.endswith(".")
        assert ": " in refusal
