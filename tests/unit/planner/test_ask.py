"""What a spec asks for in the planner's own units; what it leaves open stays open."""

from decimal import Decimal
from typing import Any

import pytest

from gemma4_operator.api.common import EngineType, Quantization, Variant
from gemma4_operator.api.objectives import OptimizeFor
from gemma4_operator.engines.base import ClaimWeights, HuggingFaceWeights, OllamaWeights
from gemma4_operator.planner.ask import IMAGE_TOKENS, Ask, ask_of
from gemma4_operator.planner.quality import Quality
from tests.rendering import CLAIM, OLLAMA, spec_of


def asked(**spec: Any) -> Ask:
    return ask_of(spec_of(spec))


class TestNothingSaid:
    def test_everything_is_open_but_the_context_and_the_floor(self) -> None:
        ask = asked()
        assert (ask.variant, ask.quantization, ask.weights, ask.engine) == (None, None, None, None)
        assert (ask.load, ask.maximum_hourly_cost, ask.maximum_gpus, ask.gpus_per_replica) == (None, None, None, None)
        assert (ask.context_tokens, ask.media, ask.licences, ask.products) == (8192, frozenset(), frozenset(), ())
        assert (ask.optimize_for, ask.replicas, ask.allow_shared) == (OptimizeFor.COST, 1, False)

    def test_no_deadline_is_none_and_nineteen_of_twenty_keep_those_that_there_are(self) -> None:
        deadlines = asked().deadlines
        assert (deadlines.time_to_first_token_seconds, deadlines.time_per_output_token_seconds) == (None, None)
        assert deadlines.attainment == 0.95


class TestFloor:
    def test_auto_is_never_of_the_least_quality_by_itself(self) -> None:
        assert asked().floor is Quality.STANDARD

    def test_a_variant_that_is_named_is_good_enough_by_that(self) -> None:
        assert asked(model={"variant": "E2B"}).floor is None

    def test_naming_only_the_format_leaves_the_floor(self) -> None:
        assert asked(model={"quantization": "BF16"}).floor is Quality.STANDARD

    @pytest.mark.parametrize("variant", ["Auto", "E2B"])
    @pytest.mark.parametrize("word", Quality)
    def test_what_is_said_counts(self, variant: str, word: Quality) -> None:
        ask = asked(model={"variant": variant}, objectives={"minimumQuality": word.value})
        assert ask.floor is word


class TestUnits:
    def test_milliseconds_become_seconds_and_percents_shares(self) -> None:
        objectives = {
            "timeToFirstTokenMilliseconds": 1500,
            "timePerOutputTokenMilliseconds": 40,
            "attainmentPercent": 90,
            "maximumHourlyCost": "12.50",
            "optimizeFor": "Latency",
        }
        ask = asked(objectives=objectives)
        assert ask.deadlines.time_to_first_token_seconds == 1.5
        assert ask.deadlines.time_per_output_token_seconds == 0.04
        assert ask.deadlines.attainment == 0.9
        assert ask.maximum_hourly_cost == Decimal("12.50")
        assert ask.optimize_for is OptimizeFor.LATENCY

    def test_a_minute_becomes_seconds(self) -> None:
        load = asked(workload={"requestsPerMinute": 90}).load
        assert load is not None
        assert load.requests_per_second == 1.5
        assert (load.input_tokens, load.uncached_input_tokens, load.output_tokens) == (1500, 1500, 300)

    def test_a_shared_prefix_is_held_but_not_read_again(self) -> None:
        load = asked(workload={"requestsPerMinute": 1, "inputTokens": 2000, "sharedPrefixPercent": 75}).load
        assert load is not None
        assert (load.input_tokens, load.uncached_input_tokens) == (2000, 500)

    def test_of_a_prompt_that_all_share_one_token_is_still_read(self) -> None:
        load = asked(workload={"requestsPerMinute": 1, "sharedPrefixPercent": 100}).load
        assert load is not None
        assert load.uncached_input_tokens == 1

    def test_images_come_on_top_of_the_text(self) -> None:
        load = asked(
            workload={"requestsPerMinute": 1, "inputTokens": 100, "imagesPerRequest": 3},
            capabilities={"modalities": ["Text", "Image"]},
        ).load
        assert load is not None
        assert load.input_tokens == 100 + 3 * IMAGE_TOKENS


class TestNames:
    def test_what_is_named_is_taken_by_its_type(self) -> None:
        ask = asked(model={"variant": "31B", "quantization": "FP8"}, engine={"type": "VLLM"})
        assert (ask.variant, ask.quantization, ask.engine) == (Variant.V31B, Quantization.FP8, EngineType.VLLM)

    def test_text_is_no_medium(self) -> None:
        assert asked(capabilities={"modalities": ["Text", "Audio", "Image"]}).media == {"Audio", "Image"}

    def test_limits_of_placement_are_passed_on(self) -> None:
        placement = {"gpuProducts": ["A", "B"], "gpusPerReplica": 2, "maximumGPUs": 8, "allowSharedGPUs": True}
        ask = asked(placement=placement)
        assert (ask.products, ask.gpus_per_replica, ask.maximum_gpus, ask.allow_shared) == (("A", "B"), 2, 8, True)

    def test_licences_are_a_set(self) -> None:
        assert asked(objectives={"allowedLicences": ["Apache-2.0", "MIT"]}).licences == {"MIT", "Apache-2.0"}


class TestWeights:
    def test_a_repository(self) -> None:
        checkpoint = {"huggingFace": {"repository": "team/tuned", "revision": "v2"}, "sizeBytes": 7}
        ask = asked(model={"variant": "31B", "quantization": "BF16", "checkpoint": checkpoint})
        assert ask.weights == HuggingFaceWeights(repository="team/tuned", revision="v2")
        assert ask.weights_bytes == 7

    def test_a_claim(self) -> None:
        assert asked(**CLAIM).weights == ClaimWeights(claim_name="weights", path="gemma-4/12b")

    def test_a_model_of_ollama(self) -> None:
        assert asked(**OLLAMA).weights == OllamaWeights(name="gemma4", tag="26b-a4b-it-q4_K_M")
