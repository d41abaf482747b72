"""Weights of the user's own are planned in the format that they are named by, whether the catalogue has it or not."""

from itertools import product
from typing import Any

import pytest

from gemma4_operator.api.common import Quantization, Variant
from gemma4_operator.catalog.loader import size_of
from gemma4_operator.planner.ask import ask_of
from gemma4_operator.planner.own_weights import described
from gemma4_operator.planner.plan import Plan
from gemma4_operator.planner.record import record, restore
from tests.rendering import CATALOG, gpus, plan_of, spec_of

T4, B200 = "Tesla-T4", "NVIDIA-B200"
MISSING = [
    (variant, quantization)
    for variant, quantization in product(Variant, Quantization)
    if CATALOG.preferred(variant, quantization) is None
]
"""What the catalogue has no weights of, so that its own row describes nothing."""


def own(variant: str, quantization: str, **checkpoint: Any) -> dict[str, Any]:
    weights = checkpoint or {"huggingFace": {"repository": "team/tuned"}}
    return {"model": {"variant": variant, "quantization": quantization, "checkpoint": weights}}


def row_of(spec: dict[str, Any]) -> Any:
    return described(ask_of(spec_of(spec)), CATALOG)


@pytest.mark.parametrize(("variant", "quantization"), MISSING)
@pytest.mark.parametrize("size", [{}, {"sizeBytes": 9_000_000_000}])
def test_a_format_without_a_row_is_planned_as_itself_and_kept(
    variant: Variant, quantization: Quantization, size: dict[str, int]
) -> None:
    spec = own(variant, quantization, huggingFace={"repository": "team/tuned"}, **size)
    plan = plan_of(spec, gpus(B200))
    assert isinstance(plan, Plan)
    assert (plan.variant, plan.quantization) == (variant, quantization)
    assert plan.engine == ("LlamaCpp" if quantization.is_gguf else "VLLM")
    assert restore(record(plan).to_json(), spec_of(spec)) == plan


@pytest.mark.parametrize(("variant", "quantization"), MISSING)
def test_its_size_is_worked_out_from_the_bits_of_another_variant(variant: Variant, quantization: Quantization) -> None:
    row, assumed = row_of(own(variant, quantization))
    exact = CATALOG.preferred(variant, Quantization.BF16)
    assert exact is not None
    assert row.bytes == round(size_of(row, CATALOG.models[variant])) < exact.bytes
    assert f"taken as {row.bytes / 1e9:.1f} GB" in assumed


@pytest.mark.parametrize(
    ("variant", "quantization", "gigabytes"),
    # A file in use, and linears in 4.5 bits beside tables in 16.
    [("12B", "Q4_0", 6.98), ("E2B", "NVFP4", 7.57), ("E4B", "NVFP4", 10.29)],
)
def test_that_size_is_near_what_is_known(variant: str, quantization: str, gigabytes: float) -> None:
    row, _ = row_of(own(variant, quantization))
    assert row.bytes / 1e9 == pytest.approx(gigabytes, rel=0.03)


def test_a_quantized_file_runs_where_bf16_would_not() -> None:
    claim = {"claimName": "disk", "path": "a.gguf"}
    plan = plan_of(own("12B", "Q4_0", claim=claim, sizeBytes=7_000_000_000), gpus(T4))
    assert isinstance(plan, Plan)


def test_the_budget_tells_of_the_weights_that_are_meant() -> None:
    row, _ = row_of(own("31B", "BF16", claim={"claimName": "disk", "path": "a/b"}, sizeBytes=62_000_000_000))
    assert row.repository == "claim:disk/a/b"


@pytest.mark.parametrize(("size_bytes", "is_doubted"), [(33, True), (33_000, True), (33_000_000_000, False)])
def test_a_size_that_cannot_be_in_bytes_is_doubted(size_bytes: int, is_doubted: bool) -> None:
    _, assumed = row_of(own("31B", "FP8", huggingFace={"repository": "team/tuned"}, sizeBytes=size_bytes))
    assert ("less than a bit for each of 31B's 31.3 billion parameters" in assumed) == is_doubted
