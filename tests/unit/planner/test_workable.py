"""A rejection that helps: changes of the spec or of the cluster, each proved by choosing again."""

from typing import Any

import pytest

from gemma4_operator.planner.choose import choose
from gemma4_operator.planner.inventory import GpuClass, pools
from gemma4_operator.planner.plan import ENGINE_REFUSES, INFEASIBLE, NO_CHECKPOINT, NO_GPUS, Plan, Rejection
from gemma4_operator.planner.relax import MAXIMUM, applied
from gemma4_operator.planner.workable import NODES, TOLD, attempts, workable
from tests.rendering import CATALOG, ENGINES, gpus, spec_of

H100, L40S, L4 = "NVIDIA-H100-80GB-HBM3", "NVIDIA-L40S", "NVIDIA-L4"


def helped(spec: dict[str, Any], *classes: GpuClass) -> Rejection:
    rejection = choose(spec_of(spec), catalog=CATALOG, engines=ENGINES, classes=classes)
    assert isinstance(rejection, Rejection), rejection
    return workable(rejection, spec_of(spec), catalog=CATALOG, engines=ENGINES, classes=classes)


def exactly(variant: str, quantization: str, **sections: Any) -> dict[str, Any]:
    return {"model": {"variant": variant, "quantization": quantization}, **sections}


TIGHT: dict[str, tuple[dict[str, Any], str]] = {
    "price": (exactly("31B", "BF16", objectives={"maximumHourlyCost": "0.50"}), "spec.objectives.maximumHourlyCost"),
    "gpus": (
        exactly("31B", "BF16", workload={"requestsPerMinute": 900}, placement={"maximumGPUs": 1}),
        "spec.placement.maximumGPUs",
    ),
    "speed": (
        exactly("31B", "BF16", objectives={"timePerOutputTokenMilliseconds": 3}),
        "spec.objectives.timePerOutputTokenMilliseconds",
    ),
    "first token": (
        exactly("31B", "BF16", objectives={"timeToFirstTokenMilliseconds": 5}),
        "spec.objectives.timeToFirstTokenMilliseconds",
    ),
    "quality": (
        {"capabilities": {"modalities": ["Text", "Audio"]}, "objectives": {"minimumQuality": "Highest"}},
        "spec.objectives.minimumQuality",
    ),
    "context beside a workload": (
        exactly(
            "31B",
            "FP8",
            capabilities={"contextTokens": 262144},
            workload={"requestsPerMinute": 1, "inputTokens": 3000},
            placement={"gpuProducts": [L40S], "gpusPerReplica": 1},
        ),
        "spec.capabilities.contextTokens",
    ),
    "product": ({"placement": {"gpuProducts": ["NVIDIA-T1000"]}}, "spec.placement.gpuProducts"),
}


@pytest.mark.parametrize("case", TIGHT)
def test_the_limit_that_is_in_the_way_is_among_what_helps(case: str) -> None:
    spec, field = TIGHT[case]
    rejection = helped(spec, gpus(L40S), gpus(H100))
    assert field in {one.field for one in rejection.relaxations}


@pytest.mark.parametrize("case", TIGHT)
def test_each_change_really_helps(case: str) -> None:
    spec, _ = TIGHT[case]
    fleet = (gpus(L40S), gpus(H100))
    for one in helped(spec, *fleet).relaxations:
        if one.field == NODES:
            continue
        plan = choose(spec_of(applied(spec, one)), catalog=CATALOG, engines=ENGINES, classes=fleet)
        assert isinstance(plan, Plan), one


def test_the_message_names_the_first_and_stays_readable() -> None:
    rejection = helped(exactly("31B", "BF16", objectives={"maximumHourlyCost": "0.50"}), gpus(L40S), gpus(H100))
    assert 1 < len(rejection.relaxations) <= MAXIMUM
    for one in rejection.relaxations[:TOLD]:
        assert one.message.rstrip(".") in rejection.message
    for one in rejection.relaxations[TOLD:]:
        assert one.message.rstrip(".") not in rejection.message
    assert ".;" not in rejection.message
    assert rejection.message.endswith(".")


class TestNodes:
    def test_gpus_that_would_serve_it_are_named_even_where_there_are_none(self) -> None:
        rejection = helped(exactly("31B", "BF16"))
        (only,) = rejection.relaxations
        assert rejection.reason == NO_GPUS
        assert only.field == NODES

    def test_they_would_serve_it(self) -> None:
        spec = exactly("31B", "BF16")
        (only,) = helped(spec).relaxations
        count, _, product = str(only.value).partition("x ")
        product, _, size = product.partition(" of ")
        row = CATALOG.gpu(product, int(size.removesuffix(" GiB")) * 1024 if size else None)
        assert row is not None
        new = gpus(product, nodes=1, each=int(count), memory_mib=row.memory_mib)
        assert isinstance(choose(spec_of(spec), catalog=CATALOG, engines=ENGINES, classes=[new]), Plan)

    def test_only_products_that_the_spec_allows_are_named(self) -> None:
        spec = exactly("31B", "BF16", placement={"gpuProducts": [L40S]})
        (only,) = helped(spec).relaxations
        assert str(only.value).endswith(L40S)

    @pytest.mark.parametrize(
        ("spec", "named"),
        [
            (exactly("31B", "Q4_K_M", placement={"gpuProducts": ["Orin"]}), "1x Orin of 30 GiB"),
            (exactly("31B", "Q8_0", placement={"gpuProducts": ["Orin"]}), "1x Orin of 61 GiB"),
            (exactly("31B", "BF16", placement={"gpuProducts": ["NVIDIA-Thor"]}), "1x NVIDIA-Thor of 123 GiB"),
            (exactly("31B", "Q4_K_M", objectives={"maximumHourlyCost": "0.20"}), "1x NVIDIA-Thor of 61 GiB"),
        ],
    )
    def test_of_machines_that_share_a_name_the_memory_is_told(self, spec: dict[str, Any], named: str) -> None:
        """Whoever is told to add an Orin may have one already, with too little."""
        (nodes,) = (one for one in helped(spec).relaxations if one.field == NODES)
        assert nodes.value == named
        assert nodes.message.startswith(f"add nodes with {named}: ")

    def test_gpus_on_which_the_engine_may_not_run_are_named_where_no_others_are_and_with_the_doubt(self) -> None:
        doubt = "llama.cpp's own image holds CUDA for servers, and Jetson Orin wants JetPack's"
        for limit, product, is_doubted in (("0.12", "Orin", True), ("0.25", "NVIDIA-Thor", False)):
            spec = exactly("31B", "Q4_K_M", objectives={"maximumHourlyCost": limit})
            (nodes,) = (one for one in helped(spec).relaxations if one.field == NODES)
            assert product in str(nodes.value)
            assert (doubt in nodes.message) == is_doubted

    def test_where_no_gpu_of_the_world_would_do_none_is_named(self) -> None:
        spec = exactly("31B", "BF16", objectives={"timePerOutputTokenMilliseconds": 1})
        assert NODES not in {one.field for one in helped(spec, gpus(L4)).relaxations}


class TestNothingToChange:
    def test_weights_that_nobody_knows_are_a_matter_of_the_spec_alone(self) -> None:
        rejection = helped(exactly("E2B", "NVFP4"), gpus(H100))
        assert (rejection.reason, rejection.relaxations) == (NO_CHECKPOINT, ())

    def test_so_is_what_an_engine_refuses(self) -> None:
        rejection = helped(exactly("31B", "FP8", placement={"gpusPerReplica": 3}), gpus(H100))
        assert (rejection.reason, rejection.relaxations) == (ENGINE_REFUSES, ())


class TestAttempts:
    def test_a_spec_that_the_judges_refuse_is_no_attempt(self) -> None:
        attempt = attempts(catalog=CATALOG, engines=ENGINES, classes=(gpus(H100),))
        assert attempt({"objectives": {"maximumHourlyCost": "-1"}}) is None
        assert attempt({"placement": {"gpusPerReplica": 2, "maximumGPUs": 1}}) is None

    def test_one_that_works_is_a_plan_and_one_that_does_not_says_why(self) -> None:
        attempt = attempts(catalog=CATALOG, engines=ENGINES, classes=(gpus(H100),))
        assert isinstance(attempt({}), Plan)
        refused = attempt({"objectives": {"maximumHourlyCost": "0.01"}})
        assert isinstance(refused, Rejection)
        assert refused.reason == INFEASIBLE

    def test_pools_of_everything_serve_everything_that_fits(self) -> None:
        attempt = attempts(catalog=CATALOG, engines=ENGINES, classes=pools(CATALOG))
        for variant in CATALOG.models:
            assert isinstance(attempt({"model": {"variant": variant.value}}), Plan)
