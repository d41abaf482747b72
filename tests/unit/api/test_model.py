"""The model as it is asked for: a choice is Auto or a thing that exists, and all that exists can be chosen."""

from enum import StrEnum
from typing import Any

import pytest

from gemma4_operator.api.common import EngineType, Quantization, Variant
from gemma4_operator.api.deployment import EngineChoice, Gemma4DeploymentSpec, Model, QuantizationChoice, VariantChoice


@pytest.mark.parametrize(
    ("choice", "things"),
    [(VariantChoice, Variant), (QuantizationChoice, Quantization), (EngineChoice, EngineType)],
)
def test_a_choice_is_auto_or_any_of_the_things_in_their_order(choice: type[StrEnum], things: type[StrEnum]):
    assert [one.value for one in choice] == ["Auto", *(thing.value for thing in things)]
    assert [one.name for one in choice] == ["AUTO", *(thing.name for thing in things)]


def test_auto_is_no_variant_and_no_format_that_anything_could_be_served_in():
    assert "Auto" not in {*Variant, *Quantization}


@pytest.mark.parametrize("quantization", QuantizationChoice)
def test_what_is_chosen_is_gguf_exactly_if_the_format_is(quantization: QuantizationChoice):
    known = {one.value: one for one in Quantization}.get(quantization.value)
    assert quantization.is_gguf == (known is not None and known.is_gguf)


@pytest.mark.parametrize("data", [{}, {"model": {}}, {"model": None}, {"model": {"variant": "Auto"}}])
def test_who_names_no_model_leaves_it_to_the_planner(data: dict[str, Any]):
    assert Gemma4DeploymentSpec.model_validate(data).model == Model(
        variant=VariantChoice.AUTO, quantization=QuantizationChoice.AUTO, checkpoint=None
    )


def test_who_names_half_of_it_leaves_the_other_half_open():
    model = Gemma4DeploymentSpec.model_validate({"model": {"quantization": "FP8"}}).model
    assert (model.variant, model.quantization) == (VariantChoice.AUTO, QuantizationChoice.FP8)
