"""A plan whose engine ran out of memory: leaner ones in its place, a few times, and then no more."""

from typing import Any

import pytest

from gemma4_operator.engines.registry import engines
from gemma4_operator.planner.plan import Plan
from gemma4_operator.planner.record import record, restore
from gemma4_operator.planner.replan import MOST_TRIES, STEP_PERCENT, Wrong, instead
from gemma4_operator.planner.serving import serving
from tests.rendering import CATALOG, VLLM, gpus, plan_of, spec_of

H100 = gpus("NVIDIA-H100-80GB-HBM3")
L4 = gpus("NVIDIA-L4", each=1)


def leaner(plan: Plan, spec: dict[str, Any], *classes: Any) -> Plan | None:
    return instead(plan, Wrong.MEMORY, spec_of(spec), catalog=CATALOG, engines=engines(), classes=classes)


def first(spec: dict[str, Any], *classes: Any) -> Plan:
    plan = plan_of(spec, *classes)
    assert isinstance(plan, Plan)
    return plan


def test_each_try_leaves_more_of_the_gpu_free_and_the_engine_is_told_so() -> None:
    spec, plan = VLLM, first(VLLM, H100)
    model = CATALOG.models[plan.variant]
    caches = [serving(plan, spec_of(spec), model).kv_cache_bytes]
    for number in range(1, MOST_TRIES + 1):
        again = leaner(plan, spec, H100)
        assert again is not None
        assert again.tries == number
        assert again.memory.total_mib < plan.memory.total_mib * (1 - 0.8 * STEP_PERCENT / 100)
        caches.append(serving(again, spec_of(spec), model).kv_cache_bytes)
        plan = again
    assert caches == sorted(caches, reverse=True)
    assert len(set(caches)) == MOST_TRIES + 1


def test_after_the_last_it_stays_as_it_is() -> None:
    plan = first(VLLM, H100)
    for _ in range(MOST_TRIES):
        again = leaner(plan, VLLM, H100)
        assert again is not None
        plan = again
    assert leaner(plan, VLLM, H100) is None


def test_the_status_says_what_happened_and_brings_it_back() -> None:
    again = leaner(first(VLLM, H100), VLLM, H100)
    assert again is not None
    assert again.notes[0] == (
        "Chosen anew, try 1 of 3, because the plan before, 31B in FP8 with 1x NVIDIA-H100-80GB-HBM3, found too little "
        "of the GPU's memory: 5 % of it are left free now, beside what is anyway."
    )
    assert restore(record(again).to_json(), spec_of(VLLM)) == again


def test_where_nothing_leaner_serves_the_plan_stays() -> None:
    spec = {"model": {"variant": "12B", "quantization": "FP8"}, "capabilities": {"contextTokens": 65536}}
    plan = first(spec, L4)
    tries = 0
    while (again := leaner(plan, spec, L4)) is not None:
        plan, tries = again, tries + 1
    assert tries <= MOST_TRIES


@pytest.mark.parametrize("other", [H100, gpus("NVIDIA-H200")])
def test_another_gpu_may_take_its_place(other: Any) -> None:
    plan = first({"model": {"variant": "12B", "quantization": "BF16"}}, gpus("NVIDIA-L40S", each=1))
    spec = {"model": {"variant": "12B", "quantization": "BF16"}}
    again = leaner(plan, spec, other)
    assert again is not None
    assert again.gpu_product == other.device.product
