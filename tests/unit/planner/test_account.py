"""A plan as it is written down: units, sums, licences, the reason in one sentence, and what to know beside it."""

from decimal import Decimal
from typing import Any, ClassVar

import pytest

from gemma4_operator.planner.account import plan_hash
from gemma4_operator.planner.ask import ask_of
from gemma4_operator.planner.choose import Outcome, consider
from gemma4_operator.planner.inventory import GpuClass, pools
from gemma4_operator.planner.plan import Plan
from tests.rendering import CATALOG, ENGINES, VLLM, gpus, spec_of, with_fields

H100, L40S = "NVIDIA-H100-80GB-HBM3", "NVIDIA-L40S"
LOAD = {"workload": {"requestsPerMinute": 3000}}


def outcome(spec: dict[str, Any], *classes: GpuClass) -> Outcome:
    return consider(spec_of(spec), catalog=CATALOG, engines=ENGINES, classes=classes or (gpus(L40S), gpus(H100)))


def planned(spec: dict[str, Any], *classes: GpuClass) -> Plan:
    plan = outcome(spec, *classes).plan
    assert isinstance(plan, Plan), plan
    return plan


WISHES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "a model": VLLM,
    "a load": LOAD,
    "replicas": {"replicas": 3},
    "quality": {"objectives": {"optimizeFor": "Quality"}},
}


class TestSums:
    @pytest.mark.parametrize("wish", WISHES)
    def test_the_parts_of_the_memory_are_the_whole_to_a_mib_each(self, wish: str) -> None:
        memory = planned(WISHES[wish]).memory
        parts = memory.weights_mib + memory.kv_cache_mib + memory.activations_mib + memory.other_mib
        assert 0 <= memory.total_mib - parts < 4
        assert memory.total_mib <= memory.capacity_mib

    @pytest.mark.parametrize("wish", WISHES)
    def test_all_replicas_cost_what_each_does(self, wish: str) -> None:
        plan = planned(WISHES[wish])
        each, total = Decimal(plan.hourly_cost_per_replica), Decimal(plan.hourly_cost)
        assert total == plan.replicas * each
        product = CATALOG.gpu(plan.gpu_product)
        assert product is not None
        assert each == plan.gpus_per_replica * product.price

    def test_the_replicas_carry_the_load(self) -> None:
        plan = planned(LOAD)
        assert plan.replicas * plan.predicted.requests_per_minute_per_replica >= 3000 - plan.replicas
        assert (plan.replicas - 1) * plan.predicted.requests_per_minute_per_replica < 3000

    def test_figures_are_those_of_the_way_that_was_found(self) -> None:
        found = outcome(LOAD)
        assert isinstance(found.plan, Plan)
        assert found.result.best is not None
        option = found.result.best.option
        predicted = found.plan.predicted
        assert predicted.time_per_output_token_microseconds == round(option.fare.time_per_output_token_seconds * 1e6)
        assert predicted.time_to_first_token_milliseconds == round(option.fare.time_to_first_token_seconds * 1e3)
        assert predicted.load_seconds == round(option.speed.load_seconds)

    @pytest.mark.parametrize("variant", ["31B", "26B-A4B"])
    def test_the_line_that_a_step_follows_is_near_the_step_where_replicas_are_full(self, variant: str) -> None:
        found = outcome(with_fields(LOAD, model={"variant": variant}))
        assert isinstance(found.plan, Plan)
        assert found.result.best is not None
        option, predicted = found.result.best.option, found.plan.predicted
        load = ask_of(spec_of(LOAD)).load
        assert load is not None
        most = option.shape.max_sequences
        for share in (0.25, 0.5, 0.75, 1.0):
            batch = share * most
            exact = option.speed.decode_seconds(batch=batch, context_tokens=load.mean_context_tokens)
            line = predicted.step_microseconds / 1e6 + batch * predicted.sequence_nanoseconds / 1e9
            assert line == pytest.approx(exact, rel=0.12), share
        each = option.speed.prefill_seconds_per_token(load.uncached_input_tokens)
        assert predicted.prompt_token_nanoseconds == round(each * 1e9)


class TestWhy:
    @pytest.mark.parametrize(
        ("objective", "words"),
        [
            ("Cost", "the cheapest way to serve what is asked for"),
            ("Quality", "the best in quality that works, Highest with 85.2 points"),
            ("Latency", "the fastest way that works"),
            ("Throughput", "the most requests for the money"),
        ],
    )
    def test_the_reason_is_what_was_optimized_for(self, objective: str, words: str) -> None:
        plan = planned({"objectives": {"optimizeFor": objective}})
        assert words in plan.why
        assert plan.why.startswith(f"{plan.variant} in {plan.quantization} on {plan.engine}")
        assert f"{plan.gpus_per_replica}x {plan.gpu_product}" in plan.why
        assert plan.hourly_cost in plan.why or objective == "Throughput"

    def test_several_replicas_are_counted(self) -> None:
        plan = planned(LOAD)
        assert f"for {plan.replicas} replicas" in plan.why

    def test_the_nearest_alternatives_are_told_with_their_reasons(self) -> None:
        plan = planned({})
        assert len(plan.alternatives) == 5
        assert all(one.lost_because for one in plan.alternatives)
        costs = [Decimal(one.hourly_cost) for one in plan.alternatives]
        assert costs == sorted(costs)


class TestLicences:
    def test_the_weights_and_the_image_have_one_each(self) -> None:
        plan = planned(VLLM)
        weights, image = plan.licences
        assert "@" in weights.of
        assert image.of == plan.image
        assert image.name == CATALOG.engines[plan.engine].licence


class TestNotes:
    def test_there_are_none_where_all_is_known_and_free(self) -> None:
        assert planned(VLLM).notes == ()

    def test_gpus_that_are_taken_are_told(self) -> None:
        one_free = gpus(H100, nodes=1, each=1)
        (note,) = planned({**VLLM, "replicas": 2}, one_free).notes
        assert note == "Not all of 2 replicas have free GPUs now: some pods wait until there are more."

    def test_a_pool_without_nodes_is_told(self) -> None:
        (note,) = planned(VLLM, *pools(CATALOG, [H100])).notes
        assert note == f"No node for these pods has {H100} now: they wait until one comes."


class TestHash:
    def test_it_is_short_and_hangs_on_what_shapes_a_plan_alone(self) -> None:
        base = plan_hash(spec_of(VLLM))
        assert len(base) == 12
        assert plan_hash(spec_of({**VLLM, "replicas": 9, "suspend": True})) == base
        assert planned(VLLM).hash == base

    @pytest.mark.parametrize(
        "change",
        [
            {"model": {"quantization": "BF16"}},
            {"capabilities": {"toolCalling": False}},
            {"workload": {"requestsPerMinute": 1}},
            {"objectives": {"attainmentPercent": 90}},
            {"engine": {"extraArgs": ["--seed", "1"]}},
            {"placement": {"nodeSelector": {"pool": "a"}}},
        ],
    )
    def test_each_part_of_the_spec_that_shapes_it_counts(self, change: dict[str, Any]) -> None:
        assert plan_hash(spec_of(with_fields(VLLM, **change))) != plan_hash(spec_of(VLLM))

    def test_the_order_in_which_it_was_written_does_not(self) -> None:
        turned = {"model": {"quantization": "FP8", "variant": "31B"}}
        assert plan_hash(spec_of(turned)) == plan_hash(spec_of(VLLM))


class TestDoubts:
    """What a catalogue is not sure of is said in the plan, and no plan is lost for it."""

    ORIN: ClassVar = {"model": {"variant": "E2B", "quantization": "Q4_K_M"}}

    @pytest.mark.parametrize(("product", "words"), [("Orin-Nano", "JetPack"), ("NVIDIA-GB10", "cuda13")])
    def test_an_image_that_may_not_run_on_a_gpu_is_doubted(self, product: str, words: str) -> None:
        assert any(words in note for note in planned(self.ORIN, gpus(product, each=1)).notes)

    def test_elsewhere_there_is_none(self) -> None:
        assert not planned(self.ORIN, gpus(H100)).notes

    def test_of_an_image_of_ones_own_nothing_is_known(self) -> None:
        own = with_fields(self.ORIN, engine={"image": "registry.example.com/jetson/llama.cpp:b10920"})
        assert not any("JetPack" in note for note in planned(own, gpus("Orin-Nano", each=1)).notes)
