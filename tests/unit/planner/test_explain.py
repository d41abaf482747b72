"""The account of a choice: every section of it, for plans and for wishes that nothing serves."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from gemma4_operator.planner.choose import Outcome, consider
from gemma4_operator.planner.configure import SEQUENCES
from gemma4_operator.planner.explain import Section, explain, summary
from gemma4_operator.planner.inventory import GpuClass
from gemma4_operator.planner.lost import Because
from gemma4_operator.planner.plan import Plan, Rejection
from gemma4_operator.planner.relax import Try, applied
from gemma4_operator.planner.workable import HELPS, attempts, workable
from tests.rendering import CATALOG, ENGINES, gpus, spec_of

H100 = gpus("NVIDIA-H100-80GB-HBM3", nodes=1, each=8)
H200 = gpus("NVIDIA-H200", nodes=1, each=8)
A100 = gpus("NVIDIA-A100-SXM4-40GB", nodes=4, each=8)
L40S = gpus("NVIDIA-L40S", nodes=2, each=4)
SPARK = gpus("NVIDIA-GB10", nodes=2, each=1)
EXACTLY = {"model": {"variant": "31B", "quantization": "BF16"}}
POOR = {"objectives": {"maximumHourlyCost": "0.01"}}


def considered(spec: Mapping[str, Any], *classes: GpuClass) -> Outcome:
    return consider(spec_of(dict(spec)), catalog=CATALOG, engines=ENGINES, classes=classes)


def account(spec: Mapping[str, Any], *classes: GpuClass, attempt: Try | None = None) -> dict[str, tuple[str, ...]]:
    """Return the lines of each section."""
    chosen = attempt or attempts(catalog=CATALOG, engines=ENGINES, classes=classes)
    sections = explain(considered(spec, *classes), spec, chosen)
    return {section.title: section.lines for section in sections}


def why(spec: Mapping[str, Any], *classes: GpuClass) -> tuple[str, ...]:
    return account(spec, *classes, attempt=lambda _: None)["Why"]


def because(spec: Mapping[str, Any], *classes: GpuClass, of: str) -> str:
    """Return the reason for the choice whose name ends so."""
    (line,) = [line for line in why(spec, *classes) if of in line.split(":")[0]]
    return line.split(": ", 1)[1]


class TestOrder:
    def test_a_plan(self):
        assert list(account({}, A100, L40S)) == [
            "Memory of each GPU",
            "Why",
            "What it does and costs",
            "What lost",
            "What would change the answer",
        ]

    def test_a_note_comes_last(self):
        busy = replace(L40S, free_by_node=(0, 0))
        assert list(account(EXACTLY, busy))[-1] == "To know"

    def test_nothing_serves_it(self):
        assert list(account(POOR, SPARK)) == ["What lost, the nearest first"]

    def test_no_section_is_empty(self):
        for spec, classes in (({}, (A100, L40S)), (POOR, (SPARK,)), (EXACTLY, (H200,)), ({}, ())):
            assert all(account(spec, *classes).values())


class TestMemory:
    CASES = (({}, A100), (EXACTLY, H200), ({"model": {"variant": "E2B", "quantization": "Q4_K_M"}}, L40S), ({}, SPARK))

    @pytest.mark.parametrize(("spec", "where"), CASES, ids=["A100", "H200", "GGUF on L40S", "Spark"])
    def test_the_lines_add_up_to_what_the_engine_may_use(self, spec: dict[str, Any], where: GpuClass):
        lines = account(spec, where, attempt=lambda _: None)["Memory of each GPU"]
        sizes = [float(line.split(" GiB")[0]) for line in lines]
        assert sum(sizes[:-1]) == pytest.approx(sizes[-1], abs=0.01 * len(sizes))

    def test_each_says_what_it_is(self):
        for line in account({}, A100, attempt=lambda _: None)["Memory of each GPU"]:
            assert re.fullmatch(r" *\d+\.\d\d GiB  [A-Za-z ]+: .+", line)

    def test_the_cache_says_how_many_requests_it_holds(self):
        spec = {**EXACTLY, "capabilities": {"contextTokens": 32768}}
        *_, cache, whole = account(spec, H200, attempt=lambda _: None)["Memory of each GPU"]
        assert re.search(r"cache: holds \d+\.\d requests of 32768 tokens, \d+\.\d\d GiB each", cache)
        assert whole.endswith("in all: 90% of what the GPU has")


class TestReasons:
    def test_each_choice_has_one(self):
        names = [line.split(":")[0] for line in why({}, A100, L40S)]
        assert len(names) == len(set(names)) == 8

    def test_what_the_spec_names_needs_no_other_reason(self):
        spec = {**EXACTLY, "engine": {"type": "VLLM"}, "placement": {"gpusPerReplica": 2}}
        assert [line.split(": ")[1] for line in why(spec, H200)].count("as the spec says") == 4

    def test_an_open_variant_has_its_points_and_the_floor(self):
        spec = {"objectives": {"minimumQuality": "High"}}
        assert re.fullmatch(r"\S+: 8\d\.\d points, High(est)?; High is asked for", why(spec, A100)[0])

    def test_the_gpu_beat_the_nearest_other(self):
        assert because({}, A100, L40S, of="NVIDIA-A100").startswith("NVIDIA-L40S costs ")

    def test_the_one_gpu_that_is_allowed_needs_no_other_reason(self):
        spec = EXACTLY | {"placement": {"gpuProducts": ["NVIDIA-H200"]}}
        assert "NVIDIA-H200: as the spec says" in why(spec, H100, H200, L40S)

    def test_where_there_is_no_other_gpu_that_is_the_reason(self):
        assert because({}, SPARK, of="NVIDIA-GB10") == "there is no other GPU"

    def test_the_format_beat_the_nearest_other_of_the_same_variant(self):
        assert re.match(r"\S+ on NVIDIA-GB10 ", because({"model": {"variant": "12B"}}, SPARK, of="W4A16"))


class TestCount:
    def test_one(self):
        assert because({}, A100, of="for each replica") == "one is enough"

    def test_half_as_many_do_not_hold_it(self):
        assert re.fullmatch(
            r"with 1, it needs \d+\.\d GiB of each NVIDIA-A100-SXM4-40GB, which has 36\.0 GiB for it",
            because(EXACTLY, A100, of="for each replica"),
        )

    def test_half_as_many_are_too_slow(self):
        spec = {**EXACTLY, "objectives": {"timePerOutputTokenMilliseconds": 10}}
        assert re.fullmatch(
            r"with \d, it takes at least \d+ ms per output token, and 10 ms are asked for",
            because(spec, H200, of="for each replica"),
        )

    def test_half_as_many_take_more_replicas(self):
        spec = {"model": {"variant": "31B", "quantization": "FP8"}, "workload": {"requestsPerMinute": 400}}
        reason = because(spec, H100, of="for each replica")
        found = re.fullmatch(r"with (\d+), it takes (\d+) replicas, at ([0-9.]+) an hour", reason)
        assert found is not None, reason
        assert float(found[3]) == pytest.approx(int(found[1]) * int(found[2]) * 2.95)


class TestLevers:
    def test_the_exact_cache_where_there_is_room(self):
        assert because({}, A100, of="cache in bf16") == "exact, and there is room"

    ONE: ClassVar[dict[str, Any]] = {
        **EXACTLY,
        "placement": {"gpusPerReplica": 1},
        "workload": {"requestsPerMinute": 300},
    }

    def test_the_small_cache_says_what_the_exact_one_needs(self):
        spec = {**self.ONE, "capabilities": {"contextTokens": 131072}}
        reason = because(spec, H100, of="cache in fp8")
        found = re.fullmatch(r"about half the size of the exact one, with which it needs ([0-9.]+) GiB", reason)
        assert found is not None, reason
        assert float(found[1]) > H100.device.memory_bytes / 2**30 * 0.9

    def test_or_that_it_saves_replicas(self):
        spec = {**EXACTLY, "capabilities": {"contextTokens": 32768}, "workload": {"requestsPerMinute": 300}}
        reason = because(spec, H100, of="cache in fp8")
        assert reason == "about half the size of the exact one, with which it takes more replicas"

    def test_a_full_step_must_be_in_time(self):
        spec = {**EXACTLY, "objectives": {"timePerOutputTokenMilliseconds": 60}}
        reason = because(spec, H100, of="tokens in a step")
        assert reason == "a full step must stay below the 60 ms that a token may take"

    def test_a_larger_batch_would_not_fit(self):
        spec = {**EXACTLY, "capabilities": {"contextTokens": 131072}}
        reason = because(spec, H100, of="tokens in a step")
        assert re.fullmatch(r"each sliding layer sets memory aside .* and (2048|4096|1536|1024) do not fit", reason)

    def test_the_most_that_is_worth_it(self):
        assert because({}, H200, of="4096 tokens").startswith("a larger step gains prompts little")

    def test_a_small_gpu_is_not_told_to_lack_what_no_small_gpu_tries(self):
        assert because({}, A100, of="2048 tokens").startswith("a larger step gains prompts little")

    def test_llamacpp_has_its_own(self):
        spec = {"model": {"variant": "E2B", "quantization": "Q4_K_M"}}
        assert because(spec, L40S, of="tokens in a step") == "LlamaCpp's own default"
        assert because(spec, L40S, of="requests at once") == "each sets a whole context of cache aside"

    def test_vllm_takes_what_the_cache_holds(self):
        assert because(EXACTLY, H200, of="requests at once").startswith("what the cache holds")
        small = {"model": {"variant": "E2B", "quantization": "BF16"}}
        assert because(small, H200, of=f"{SEQUENCES[0]} requests at once").startswith("vLLM's own limit")


class TestFigures:
    def test_they_are_the_plans(self):
        plan = considered({}, A100).plan
        assert isinstance(plan, Plan)
        lines = account({}, A100, attempt=lambda _: None)["What it does and costs"]
        assert f"{plan.predicted.time_to_first_token_milliseconds} ms to the first token" in lines
        assert f"{plan.hourly_cost} USD an hour for 1 replica" in lines
        assert [line for line in lines if " is under " in line] == [
            f"{one.of} is under {one.name}" for one in plan.licences
        ]

    def test_several_replicas_say_what_one_costs(self):
        spec = {**EXACTLY, "workload": {"requestsPerMinute": 1000}}
        plan = considered(spec, A100).plan
        assert isinstance(plan, Plan)
        assert plan.replicas > 1
        told = f"{plan.hourly_cost} USD an hour for {plan.replicas} replicas at {plan.hourly_cost_per_replica}"
        assert told in account(spec, A100, attempt=lambda _: None)["What it does and costs"]


class TestLost:
    def test_the_nearest_are_told_and_the_rest_is_counted(self):
        outcome = considered({}, A100, L40S)
        *told, rest = account({}, A100, L40S, attempt=lambda _: None)["What lost"]
        assert len(told) == 8
        assert rest.startswith(f"and {len(outcome.lost) - 8} more: ")
        counts = [int(number) for number, _ in re.findall(r"(\d+) (\w+)", rest.split(": ")[1])]
        assert sum(counts) == len(outcome.lost) - 8

    def test_each_with_its_reason(self):
        outcome = considered(EXACTLY, A100, L40S)
        lines = account(EXACTLY, A100, L40S, attempt=lambda _: None)["What lost"]
        assert lines[0].endswith(f": {outcome.lost[0].sentence}")

    def test_the_words_for_the_rest_are_the_reasons_own(self):
        rest = account({}, A100, L40S, attempt=lambda _: None)["What lost"][-1]
        words = {word for _, word in re.findall(r"(\d+) (\w+)", rest.split(": ")[1])}
        assert words <= {one.value for one in Because}


class TestChanges:
    @pytest.mark.parametrize("where", [(A100, L40S), (SPARK,), (H200,)], ids=["two kinds", "Sparks", "H200"])
    def test_what_is_told_is_what_would_be_chosen(self, where: tuple[GpuClass, ...]):
        asked: list[Mapping[str, Any]] = []
        chosen = attempts(catalog=CATALOG, engines=ENGINES, classes=where)

        def attempt(spec: Mapping[str, Any]) -> Plan | Rejection | None:
            asked.append(spec)
            return chosen(spec)

        lines = account({}, *where, attempt=attempt).get("What would change the answer", ())
        answers = [chosen(spec) for spec in asked]
        plans = [one for one in answers if isinstance(one, Plan)]
        for line in lines:
            is_told = any(f"{one.variant} in {one.quantization}" in line and one.hourly_cost in line for one in plans)
            assert is_told or (line.endswith("nothing would serve it") and len(plans) < len(answers))

    def test_the_same_plan_is_no_change(self):
        same = considered({}, A100).plan
        assert "What would change the answer" not in account({}, A100, attempt=lambda _: same)

    def test_an_invalid_change_is_passed_over(self):
        assert "What would change the answer" not in account({}, A100, attempt=lambda _: None)

    def test_a_named_variant_is_not_asked_to_be_of_another_quality(self):
        asked: list[Mapping[str, Any]] = []
        account(EXACTLY, H200, attempt=lambda spec: asked.append(spec))  # type: ignore[func-returns-value]
        assert asked
        assert all("minimumQuality" not in spec.get("objectives", {}) for spec in asked)

    def test_a_load_is_tried_four_times_as_large(self):
        spec = {"workload": {"requestsPerMinute": 10}}
        asked: list[Mapping[str, Any]] = []
        account(spec, A100, attempt=lambda changed: asked.append(changed))  # type: ignore[func-returns-value]
        assert applied(spec) in [{**one, "workload": {"requestsPerMinute": 10}} for one in asked]
        assert 40 in [one["workload"]["requestsPerMinute"] for one in asked]


class TestRejection:
    def helped(self, spec: Mapping[str, Any], *classes: GpuClass) -> Outcome:
        outcome = considered(spec, *classes)
        assert isinstance(outcome.plan, Rejection)
        plan = workable(outcome.plan, spec_of(dict(spec)), catalog=CATALOG, engines=ENGINES, classes=classes)
        return replace(outcome, plan=plan)

    def test_what_would_work_is_a_section_and_not_in_the_summary(self):
        outcome = self.helped(POOR, SPARK)
        sections = explain(outcome, POOR, lambda _: None)
        assert isinstance(outcome.plan, Rejection)
        assert HELPS in outcome.plan.message
        assert HELPS not in summary(outcome)
        assert sections[-1] == Section(
            title="What would work", lines=tuple(one.message for one in outcome.plan.relaxations)
        )

    def test_without_gpus_those_that_would_help_are_named(self):
        sections = explain(self.helped({}), {}, lambda _: None)
        assert sections[-1].title == "What would work"
        assert sections[-1].lines[0].startswith("add nodes with ")

    def test_a_plans_summary_is_its_reason(self):
        outcome = considered({}, A100)
        assert isinstance(outcome.plan, Plan)
        assert summary(outcome) == outcome.plan.why
