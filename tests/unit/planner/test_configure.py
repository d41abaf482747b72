"""The levers: what is tried first, what decides between rungs, and what is said when none works."""

from dataclasses import replace
from typing import Any

import pytest

from gemma4_operator.api.common import EngineType, Quantization, Variant
from gemma4_operator.planner.ask import Ask, ask_of
from gemma4_operator.planner.candidates import candidates
from gemma4_operator.planner.capacity import DEADLINE_SHARE
from gemma4_operator.planner.configure import Failure, Option, configure, leanest, sequences_held
from gemma4_operator.planner.found import way
from gemma4_operator.planner.levers import (
    BATCHED_TOKENS,
    MEDIA_TOKENS,
    SEQUENCES,
    SLOTS,
    UBATCH_TOKENS,
    UNASKED_SLOTS,
    Way,
    cache_formats,
)
from gemma4_operator.planner.lost import Because
from gemma4_operator.planner.memory import memory
from gemma4_operator.planner.reachable import reachable
from gemma4_operator.planner.shape import KvDtype
from tests.rendering import CATALOG, gpus, spec_of

H100, L40S, L4, A100 = "NVIDIA-H100-80GB-HBM3", "NVIDIA-L40S", "NVIDIA-L4", "NVIDIA-A100-SXM4-40GB"


def asked(variant: str, quantization: str, **sections: Any) -> Ask:
    return ask_of(spec_of({"model": {"variant": variant, "quantization": quantization}, **sections}))


def on(ask: Ask, product: str, count: int = 1) -> Way:
    (candidate,) = candidates(ask, catalog=CATALOG, image=None)
    return way(candidate, gpus(product).device, count)


def option(ask: Ask, product: str, count: int = 1) -> Option:
    found = configure(ask, on(ask, product, count))
    assert isinstance(found, Option), found
    return found


def failure(ask: Ask, product: str, count: int = 1) -> Failure:
    found = configure(ask, on(ask, product, count))
    assert isinstance(found, Failure), found
    return found


LOAD = {"requestsPerMinute": 600}


class TestWithoutALoad:
    def test_the_exact_cache_and_the_largest_batch_come_first(self) -> None:
        shape = option(asked("31B", "FP8"), H100).shape
        assert (shape.kv_dtype, shape.max_batched_tokens) == (KvDtype.BF16, BATCHED_TOKENS[0])

    def test_on_small_gpus_the_largest_batch_is_smaller(self) -> None:
        assert option(asked("12B", "FP8"), L40S).shape.max_batched_tokens == BATCHED_TOKENS[1]

    def test_replicas_are_what_the_spec_runs_and_one_at_least(self) -> None:
        assert option(asked("12B", "FP8", replicas=3), H100).replicas == 3
        assert option(asked("12B", "FP8", replicas=0), H100).replicas == 1

    def test_as_many_sequences_as_the_cache_holds_of_the_usual_length(self) -> None:
        ask = asked("31B", "FP8", capabilities={"contextTokens": 65536})
        found = option(ask, H100)
        assert 1 < found.shape.max_sequences < SEQUENCES[0]
        assert found.shape.max_sequences <= sequences_held(ask, found.shape, found.memory) + 1

    def test_its_memory_is_that_of_the_shape_that_is_told(self) -> None:
        found = option(asked("31B", "FP8"), H100)
        assert found.memory == memory(found.shape)
        assert found.memory.fits

    def test_a_context_that_the_exact_cache_has_no_room_for_gets_the_smaller(self) -> None:
        shape = option(asked("31B", "BF16", capabilities={"contextTokens": 262144}), H100).shape
        assert shape.kv_dtype is KvDtype.FP8

    def test_where_hardware_has_no_fp8_there_is_only_the_exact_one(self) -> None:
        ask = asked("31B", "W4A16", capabilities={"contextTokens": 262144})
        assert failure(ask, A100).because is Because.MEMORY


class TestFp8CacheBesideMedia:
    """On Hopper, builds of vLLM before 0.33 answered with special tokens from it."""

    @pytest.mark.parametrize(
        ("product", "version", "media", "has"),
        [
            (H100, (0, 32, 0), ["Text", "Image"], False),
            (H100, (0, 33, 0), ["Text", "Image"], True),
            (H100, (), ["Text", "Image"], True),
            (H100, (0, 32, 0), ["Text"], True),
            (L40S, (0, 32, 0), ["Text", "Image"], True),
            (A100, (0, 33, 0), ["Text"], False),
        ],
    )
    def test_it_is_offered_where_it_is_right(
        self, product: str, version: tuple[int, ...], media: list[str], has: bool
    ) -> None:
        ask = asked("31B", "W4A16", capabilities={"modalities": media})
        old = replace(on(ask, product), version=version)
        assert (KvDtype.FP8 in cache_formats(ask, old)) is has


class TestLlamaCpp:
    def test_it_has_slots_and_a_batch_of_its_own(self) -> None:
        shape = option(asked("E4B", "Q4_K_M"), L4).shape
        assert (shape.engine, shape.max_batched_tokens) == (EngineType.LLAMA_CPP, UBATCH_TOKENS)
        assert shape.max_sequences == UNASKED_SLOTS

    def test_a_load_may_have_more_slots(self) -> None:
        assert option(asked("E4B", "Q4_K_M", workload=LOAD), L4).shape.max_sequences == SLOTS[0]

    def test_a_long_context_leaves_fewer(self) -> None:
        shape = option(asked("12B", "Q8_0", capabilities={"contextTokens": 131072}), L4).shape
        assert shape.max_sequences < UNASKED_SLOTS


class TestMedia:
    @pytest.mark.parametrize("kind", ["Image", "Video"])
    def test_what_sees_an_item_as_a_whole_has_a_batch_that_holds_it(self, kind: str) -> None:
        ask = asked(
            "31B",
            "FP8",
            capabilities={"modalities": ["Text", kind]},
            objectives={"timePerOutputTokenMilliseconds": 60},
            workload=LOAD,
        )
        assert option(ask, H100).shape.max_batched_tokens >= MEDIA_TOKENS[kind]

    def test_the_e_models_read_media_in_pieces(self) -> None:
        model = CATALOG.models[Variant.E4B]
        assert not model.bidirectional_media


class TestWithALoad:
    def test_a_full_step_keeps_the_target_unless_no_smaller_batch_is_left(self) -> None:
        ask = asked("31B", "FP8", workload=LOAD, objectives={"timePerOutputTokenMilliseconds": 60})
        found = option(ask, H100)
        assert ask.load is not None
        prompt = found.speed.prefill_seconds_per_token(ask.load.uncached_input_tokens)
        step = found.speed.decode_seconds(batch=found.fare.batch, context_tokens=ask.load.mean_context_tokens)
        assert step + found.shape.max_batched_tokens * prompt <= DEADLINE_SHARE * 0.060 * 1.001
        assert found.shape.max_batched_tokens > BATCHED_TOKENS[-1]

    def test_the_fewest_replicas_are_never_below_what_can_be_reached(self) -> None:
        for rate in (60, 600, 6000):
            ask = asked("26B-A4B", "FP8", workload={"requestsPerMinute": rate})
            assert option(ask, H100).replicas >= reachable(ask, on(ask, H100)).replicas

    def test_less_traffic_never_needs_more_replicas(self) -> None:
        ask = asked("31B", "FP8", workload={"requestsPerMinute": 1200, "inputTokens": 4000})
        best = option(ask, H100)
        for rate in (0.5, 0.9, 1.0):
            assert ask.load is not None
            less = replace(ask, load=replace(ask.load, requests_per_second=ask.load.requests_per_second * rate))
            assert option(less, H100).replicas <= best.replicas

    def test_the_cache_is_made_smaller_only_where_that_saves_a_replica(self) -> None:
        ask = asked("31B", "FP8", workload={"requestsPerMinute": 30})
        assert option(ask, H100).shape.kv_dtype is KvDtype.BF16

    def test_one_word_about_a_long_text_is_planned_too(self) -> None:
        ask = asked(
            "31B",
            "FP8",
            workload={"requestsPerMinute": 1, "inputTokens": 130000, "outputTokens": 1},
            capabilities={"contextTokens": 131072},
        )
        assert option(ask, H100, 2).replicas == 1


class TestFailures:
    def test_memory_says_what_the_leanest_way_needs(self) -> None:
        ask = asked("31B", "BF16")
        found = failure(ask, L40S)
        figures = dict(found.figures)
        lean = leanest(ask, on(ask, L40S))
        assert found.because is Because.MEMORY
        assert figures["product"] == L40S
        assert float(str(figures["needed_gib"])) > float(str(figures["has_gib"]))
        assert float(str(figures["has_gib"])) == pytest.approx(lean.capacity_bytes / 2**30, abs=0.05)

    @pytest.mark.parametrize(
        ("objective", "because"),
        [
            ("timePerOutputTokenMilliseconds", Because.TOKEN_TIME),
            ("timeToFirstTokenMilliseconds", Because.FIRST_TOKEN),
        ],
    )
    def test_a_time_that_cannot_be_kept_is_told_beside_the_one_that_can(self, objective: str, because: Because) -> None:
        found = failure(asked("31B", "FP8", objectives={objective: 5}), H100)
        figures = dict(found.figures)
        assert found.because is because
        assert figures["asked_ms"] == "5"
        assert int(str(figures["has_ms"])) > 5

    def test_what_fits_and_is_too_slow_got_further_than_what_does_not_fit(self) -> None:
        """256K fit one H100 only with the smallest rungs; those are too slow, and that is what counts."""
        ask = asked(
            "31B",
            "BF16",
            capabilities={"contextTokens": 262144},
            objectives={"timePerOutputTokenMilliseconds": 10},
        )
        assert failure(ask, H100).because is Because.TOKEN_TIME

    def test_every_format_of_the_catalogue_fits_somewhere(self) -> None:
        for quantization in CATALOG.quantizations(Variant.V31B):
            ask = asked("31B", quantization.value)
            product = "NVIDIA-B200" if quantization is Quantization.NVFP4 else "NVIDIA-H200"
            assert option(ask, product).memory.fits
