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
    # Routers, and what mixes in the tables of E2B and E4B, come on top.
    [("31B", 0.23), ("E4B", 0.07), ("E2B", 0.05), ("26B-A4B", 0.03 + 1.21)],
)
def test_rank_16_takes_so_much_for_each_adapter(variant: str, gib: float) -> None:
    assert adapter_bytes(CATALOG.models[Variant(variant)], 16) / GIB == pytest.approx(gib, abs=0.008)


@pytest.mark.parametrize(("rank", "buffered"), [(1, 1), (2, 8), (16, 16), (17, 32), (40, 64), (257, 320)])
def test_buffers_have_the_next_rank_that_kernels_are_made_for(rank: int, buffered: int) -> None:
    model = CATALOG.models[Variant.V31B]
    assert adapter_bytes(model, rank) == adapter_bytes(model, buffered) == buffered * adapter_bytes(model, 1)


def test_each_gpu_has_one_side_of_a_projection_whole() -> None:
    # 31B, rank 1, by hand: seven sides of the hidden size in each layer are on every GPU; heads and the widths of the
    # feed-forward layers are cut.
    hidden, widths = 5376 * 7 * 60, 3 * 21504 * 60 + 50 * 2 * (32 + 16) * 256 + 10 * 2 * (32 + 4) * 512
    model = CATALOG.models[Variant.V31B]
    assert [adapter_bytes(model, 1, gpus=gpus) for gpus in (1, 2, 4)] == [2 * (hidden + widths // g) for g in (1, 2, 4)]


def test_heads_below_one_for_each_gpu_are_on_several() -> None:
    # 26B-A4B has two heads of keys in layers that see everything: on eight GPUs each has one, not a quarter of one.
    model = CATALOG.models[Variant.V26B_A4B]
    two, eight = (adapter_bytes(model.model_copy(update={"experts": 0}), 1, gpus=gpus) for gpus in (2, 8))
    dense, heads = model.parameters.mlp // model.hidden_size, 16
    sliding, full = 25 * 2 * 256, 5 * 2 * 512
    fewer = dense * 3 // 8 + sliding * (heads + 8) * 3 // 8 + full * heads * 3 // 8
    assert two - eight == 2 * fewer


def test_experts_are_shared_out_whole() -> None:
    model = CATALOG.models[Variant.V26B_A4B]
    experts = 30 * 3 * 128 * (2816 + 704)
    dense = [adapter_bytes(model.model_copy(update={"experts": 0}), 1, gpus=gpus) for gpus in (1, 4)]
    router = 2 * 30 * (2816 + 128)
    assert adapter_bytes(model, 1, gpus=1) == dense[0] + router + 2 * experts
    assert adapter_bytes(model, 1, gpus=4) == dense[1] + router + 2 * experts // 4


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
