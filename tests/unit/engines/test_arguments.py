"""Extra arguments may say anything but what another field of the spec says."""

import pytest

from gemma4_operator.engines.arguments import clash
from tests.rendering import a_serving

OWNED = {"--port": "spec.endpoint.port", "--max-model-len": "spec.capabilities.contextTokens", "-c": "spec.x"}


@pytest.mark.parametrize("argument", ["--port", "--port=9000", "--max_model_len", "--max_model_len=1", "-c", "-c=1"])
def test_an_owned_flag_is_refused_in_any_spelling(argument: str) -> None:
    assert clash(a_serving(extra_args=("--seed", "7", argument)), OWNED) is not None


@pytest.mark.parametrize(
    "argument", ["--ports", "port", "--max-model-length", "-cc", "--seed=--port", "=--port", "8000"]
)
def test_what_only_looks_like_it_is_not(argument: str) -> None:
    assert clash(a_serving(extra_args=(argument,)), OWNED) is None


def test_the_sentence_names_the_field_to_use() -> None:
    assert clash(a_serving(extra_args=("--max_model_len=1",)), OWNED) == (
        "`spec.engine.extraArgs` must not contain '--max-model-len': set `spec.capabilities.contextTokens` instead."
    )


def test_the_first_of_several_is_named() -> None:
    assert "'-c'" in str(clash(a_serving(extra_args=("-c", "1", "--port", "2")), OWNED))
