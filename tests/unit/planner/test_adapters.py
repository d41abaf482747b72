"""What LoRA adapters and drafters take, and that a plan counts on it."""

import pytest

from gemma4_operator.api.common import Variant
from gemma4_operator.planner.adapters import adapter_bytes
from gemma4_operator.planner.plan import Plan, Rejection
from tests.rendering import CATALOG, gpus, plan_of

GIB = 2**30


def wish(*ranks: int, variant: str = "31B", quantization: str = "FP8", context: int = 8192) -> dict:
    adapters = [
        {"name": f"a{number}", "claim": {"claimName": "runs", "path": f"a{number}"}, "rank": rank}
        for number, rank in enumerate(ranks)
    ]
    return {
        "model": {"variant": variant, "quantization": quantization, "adapters": adapters},
        "capabilities": {"contextTokens": context},
    }


@pytest.mark.parametrize(
    ("variant", "gib"),
    # Counted over the projections of each model's configuration by hand; of 26B-A4B all but 0.03 GiB are experts'.
    [("31B", 0.23), ("E4B", 0.07), ("E2B", 0.05), ("26B-A4B", 0.03 + 1.21)],
)
def test_rank_16_takes_so_much_for_each_adapter(variant: str, gib: float) -> None:
    assert adapter_bytes(CATALOG.models[Variant(variant)], 16) / GIB == pytest.approx(gib, abs=0.006)


@pytest.mark.parametrize("variant", Variant)
def test_it_grows_with_the_rank_alone(variant: Variant) -> None:
    model = CATALOG.models[variant]
    assert adapter_bytes(model, 64) == 4 * adapter_bytes(model, 16)


def test_the_cache_gives_way_to_adapters_and_the_budget_names_them() -> None:
    without, with_four = plan_of(wish()), plan_of(wish(8, 8, 8, 32))
    assert isinstance(without, Plan)
    assert isinstance(with_four, Plan)
    each_mib = adapter_bytes(CATALOG.models[Variant.V31B], 32) / 2**20
    taken = with_four.memory.other_mib - without.memory.other_mib
    assert taken == pytest.approx(4 * each_mib, abs=2)


def test_more_than_fit_is_refused_before_a_pod_starts() -> None:
    rejection = plan_of(wish(*[512] * 20), gpus("NVIDIA-H100-80GB-HBM3", each=1))
    assert isinstance(rejection, Rejection)
    assert rejection.reason == "Infeasible"
    assert "GiB of each NVIDIA-H100-80GB-HBM3" in rejection.message


def test_left_open_the_engine_is_one_that_serves_them() -> None:
    plan = plan_of({"model": wish(16)["model"] | {"variant": "Auto", "quantization": "Auto"}})
    assert isinstance(plan, Plan)
    assert plan.engine == "VLLM"


def test_a_drafters_weights_are_planned_for() -> None:
    without, beside = plan_of(wish()), plan_of({"model": wish()["model"] | {"drafter": True}})
    assert isinstance(without, Plan)
    assert isinstance(beside, Plan)
    drafter = CATALOG.models[Variant.V31B].drafter
    assert drafter is not None
    taken = beside.memory.other_mib - without.memory.other_mib
    assert taken == pytest.approx(drafter.bytes / 2**20, abs=2)
    assert beside.predicted.time_per_output_token_microseconds >= without.predicted.time_per_output_token_microseconds
    assert beside.predicted.load_seconds >= without.predicted.load_seconds
