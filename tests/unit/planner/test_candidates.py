"""Candidates: which checkpoints and engines come into question, and what excludes one on any GPU."""

from typing import Any

import pytest

from gemma4_operator.api.common import EngineType, Quantization, Variant
from gemma4_operator.catalog.engines import Denied
from gemma4_operator.catalog.loader import Catalog, size_of
from gemma4_operator.catalog.versions import version_of
from gemma4_operator.engines.base import ClaimWeights, HuggingFaceWeights
from gemma4_operator.planner.ask import ask_of
from gemma4_operator.planner.candidates import Candidate, candidates, numbers, tag_of, unfit
from gemma4_operator.planner.lost import Because
from gemma4_operator.planner.own_weights import UNKNOWN_LICENCE
from gemma4_operator.planner.plan import Plan
from gemma4_operator.planner.record import record
from tests.rendering import CATALOG, OLLAMA, gpus, plan_of, spec_of

APACHE = "Apache-2.0"


def found(spec: dict[str, Any], *, catalog: Catalog = CATALOG, image: str | None = None) -> tuple[Candidate, ...]:
    return candidates(ask_of(spec_of(spec)), catalog=catalog, image=image)


def only(spec: dict[str, Any], *, image: str | None = None) -> Candidate:
    (candidate,) = found(spec, image=image)
    return candidate


def exactly(variant: str, quantization: str, **sections: Any) -> dict[str, Any]:
    return {"model": {"variant": variant, "quantization": quantization}, **sections}


def reason(spec: dict[str, Any], *, image: str | None = None) -> tuple[Because, str] | None:
    ask = ask_of(spec_of(spec))
    (candidate,) = candidates(ask, catalog=CATALOG, image=image)
    lost = unfit(candidate, ask)
    return None if lost is None else (lost.because, lost.sentence)


class TestWhichThereAre:
    def test_everything_open_is_every_preferred_checkpoint_once(self) -> None:
        keys = [one.checkpoint.key for one in found({})]
        assert len(keys) == len(set(keys))
        assert {one.model.variant for one in found({})} == set(Variant)

    def test_base_models_are_not_for_chats(self) -> None:
        assert all(one.checkpoint.tuning.value == "Instruction" for one in found({}))

    def test_a_variant_that_is_named_leaves_its_formats(self) -> None:
        named = found({"model": {"variant": "E2B"}})
        assert tuple(one.checkpoint.quantization for one in named) == CATALOG.quantizations(Variant.E2B)

    def test_a_format_that_is_named_leaves_the_variants_that_have_it(self) -> None:
        assert {one.checkpoint.quantization for one in found({"model": {"quantization": "NVFP4"}})} == {
            Quantization.NVFP4
        }

    def test_what_nobody_has_made_is_no_candidate(self) -> None:
        assert found(exactly("E2B", "NVFP4")) == ()

    @pytest.mark.parametrize(
        ("quantization", "engine"),
        [("BF16", EngineType.VLLM), ("FP8", EngineType.VLLM), ("Q4_K_M", EngineType.LLAMA_CPP)],
    )
    def test_each_format_goes_to_its_own_engine(self, quantization: str, engine: EngineType) -> None:
        assert only(exactly("31B", quantization)).engine.engine is engine

    def test_ollama_only_for_its_library_or_on_demand(self) -> None:
        assert only(OLLAMA).engine.engine is EngineType.OLLAMA
        assert only(exactly("31B", "Q4_K_M", engine={"type": "Ollama"})).engine.engine is EngineType.OLLAMA
        assert all(one.engine.engine is not EngineType.OLLAMA for one in found({}))


class TestOwnWeights:
    @staticmethod
    def own(**checkpoint: Any) -> dict[str, Any]:
        return {"model": {"variant": "31B", "quantization": "BF16", "checkpoint": checkpoint}}

    def test_a_repository_that_the_catalogue_knows_is_what_it_says(self) -> None:
        row = CATALOG.preferred(Variant.V31B, Quantization.BF16)
        assert row is not None
        one = only(self.own(huggingFace={"repository": row.repository, "revision": "v9"}))
        assert (one.checkpoint, one.assumed) == (row, "")
        assert one.weights == HuggingFaceWeights(repository=row.repository, revision="v9")

    def test_one_that_it_does_not_know_is_taken_to_be_as_large_and_that_is_said(self) -> None:
        one = only(self.own(huggingFace={"repository": "team/tuned"}))
        assert "set `sizeBytes` if it differs" in one.assumed
        assert one.checkpoint.licence == UNKNOWN_LICENCE

    def test_a_size_that_is_said_counts_and_nothing_is_assumed(self) -> None:
        one = only(self.own(huggingFace={"repository": "team/tuned"}, sizeBytes=70_000_000_000))
        assert (one.checkpoint.bytes, one.checkpoint.resident_bytes, one.assumed) == (70_000_000_000,) * 2 + ("",)

    @pytest.mark.parametrize("size_bytes", [1, 4_000_000, 253_000_000, 70_000_000_000, 10**13])
    @pytest.mark.parametrize("variant", Variant)
    @pytest.mark.parametrize("quantization", ["BF16", "Q4_K_M"])
    def test_its_parts_add_up_to_whatever_size_is_said(
        self, variant: Variant, quantization: str, size_bytes: int
    ) -> None:
        """A small model behind the name of a large one, as in a test, must not make any line of a budget negative."""
        checkpoint = {"claim": {"claimName": "disk", "path": "a.gguf"}, "sizeBytes": size_bytes}
        spec = {"model": {"variant": variant.value, "quantization": quantization, "checkpoint": checkpoint}}
        one = only(spec)
        assert size_of(one.checkpoint, one.model) == pytest.approx(size_bytes, rel=0.02)
        assert 0 <= one.least_bytes <= size_bytes
        plan = plan_of(spec)
        if isinstance(plan, Plan):
            memory = plan.memory
            assert min(memory.weights_mib, memory.activations_mib, memory.other_mib, memory.kv_cache_mib) >= 0
            assert record(plan).memory is not None

    def test_a_claim_is_read_where_it_lies(self) -> None:
        one = only(self.own(claim={"claimName": "disk", "path": "a/b"}, sizeBytes=62_000_000_000))
        assert one.weights == ClaimWeights(claim_name="disk", path="a/b")

    def test_terms_that_nobody_knows_are_not_on_a_list_of_allowed_ones(self) -> None:
        spec = self.own(huggingFace={"repository": "team/tuned"}) | {"objectives": {"allowedLicences": [APACHE]}}
        because = reason(spec)
        assert because is not None
        assert because[0] is Because.LICENCE
        assert "'unknown'" in because[1]


class TestWhatExcludes:
    @pytest.mark.parametrize(
        ("spec", "because", "words"),
        [
            (
                exactly("E2B", "BF16", objectives={"minimumQuality": "High"}),
                Because.QUALITY,
                "points of quality, and High asks for 80.0",
            ),
            (
                exactly("26B-A4B", "NVFP4", objectives={"allowedLicences": [APACHE]}),
                Because.LICENCE,
                "'NVIDIA Open Model License', which `spec.objectives.allowedLicences` does not name",
            ),
            (
                exactly("31B", "Q4_K_M", capabilities={"modalities": ["Text", "Image"]}),
                Because.PROJECTOR,
                "no projector for image input",
            ),
        ],
    )
    def test_each_says_what_is_wrong(self, spec: dict[str, Any], because: Because, words: str) -> None:
        told = reason(spec)
        assert told is not None
        assert told[0] is because
        assert words in told[1]

    def test_what_is_fine_is_not_excluded(self) -> None:
        assert reason(exactly("31B", "FP8", objectives={"allowedLicences": [APACHE]})) is None

    def test_the_first_of_several_is_told(self) -> None:
        spec = {
            "capabilities": {"contextTokens": 262144, "modalities": ["Text", "Audio"]},
            "objectives": {"minimumQuality": "Highest"},
        }
        ask = ask_of(spec_of(spec))
        told = {
            one.model.variant: unfit(one, ask) for one in found(spec) if one.checkpoint.quantization.value == "BF16"
        }
        because = {variant: lost.because for variant, lost in told.items() if lost is not None}
        assert because[Variant.V31B] is Because.MODALITY
        assert because[Variant.E2B] is Because.QUALITY

    def test_a_small_variants_context_ends_earlier(self) -> None:
        spec = {"capabilities": {"contextTokens": 262144}, "objectives": {"minimumQuality": "Basic"}}
        ask = ask_of(spec_of(spec))
        short = {
            one.model.variant for one in found(spec) if (lost := unfit(one, ask)) and lost.because is Because.CONTEXT
        }
        assert short == {Variant.E2B, Variant.E4B}


class TestVersions:
    def test_an_image_that_is_too_old_is_told_what_is_needed(self) -> None:
        least = CATALOG.engines[EngineType.VLLM].minimum_version[Variant.V31B]
        told = reason(exactly("31B", "BF16"), image="registry.example.com/vllm:v0.1.0")
        assert told == (Because.VERSION, f"VLLM 0.1.0 cannot run it: 31B needs {least} or newer")

    def test_a_version_that_nobody_can_read_is_the_users_own_affair(self) -> None:
        for image in ("registry.example.com/vllm:nightly", f"registry.example.com/vllm@sha256:{'0' * 64}"):
            one = only(exactly("31B", "BF16"), image=image)
            assert one.version == ()
            assert reason(exactly("31B", "BF16"), image=image) is None

    @pytest.mark.parametrize(
        ("variants", "quantizations", "hit"),
        [
            ((), (), True),
            ((Variant.V31B,), (), True),
            ((Variant.E2B,), (), False),
            ((Variant.V31B,), (Quantization.FP8,), True),
            ((Variant.V31B,), (Quantization.BF16,), False),
        ],
    )
    def test_a_denied_version_is_denied_to_those_it_breaks(
        self, variants: tuple[Variant, ...], quantizations: tuple[Quantization, ...], hit: bool
    ) -> None:
        engine = CATALOG.engines[EngineType.VLLM]
        denied = Denied(
            versions=(engine.version,),
            variants=variants,
            quantizations=quantizations,
            because="it answers in riddles",
            source="a test",
        )
        row = engine.model_copy(update={"denied": (denied,)})
        catalog = Catalog(
            models=CATALOG.models,
            checkpoints=CATALOG.checkpoints,
            gpus=CATALOG.gpus,
            engines={**CATALOG.engines, EngineType.VLLM: row},
        )
        ask = ask_of(spec_of(exactly("31B", "FP8")))
        (candidate,) = candidates(ask, catalog=catalog, image=None)
        lost = unfit(candidate, ask)
        assert (lost is not None and "riddles" in lost.sentence) is hit

    @pytest.mark.parametrize(
        ("image", "tag"),
        [
            ("vllm:v0.33.0", "0.33.0"),
            ("localhost:5000/a/vllm:v1", "1"),
            ("localhost:5000/a/vllm", ""),
            ("a/b@sha256:12", "sha256:12"),
        ],
    )
    def test_the_tag_says_the_version(self, image: str, tag: str) -> None:
        assert tag_of(image) == tag

    def test_versions_are_compared_as_numbers(self) -> None:
        assert version_of("0.9.1") < version_of("0.33.0")
        assert version_of("b9999") < version_of("b10920")
        assert version_of("nightly") == ()
        assert numbers("12.0") > numbers("8.9")


class TestFigures:
    @pytest.mark.parametrize("candidate", found({}), ids=lambda one: "-".join(map(str, one.checkpoint.key)))
    def test_what_lies_on_gpus_at_least_is_less_than_the_file(self, candidate: Candidate) -> None:
        assert 0 < candidate.least_bytes <= candidate.checkpoint.bytes
        assert 0 < candidate.read_bytes <= candidate.least_bytes

    def test_of_experts_only_the_chosen_ones_work(self) -> None:
        by_variant = {one.model.variant: one.active_parameters for one in found({})}
        assert by_variant[Variant.V26B_A4B] < by_variant[Variant.V12B] < by_variant[Variant.V31B]


class TestNim:
    """Images that NVIDIA makes for one variant, and the one for all."""

    @pytest.mark.parametrize(
        ("variant", "quantization", "image", "counts"),
        [
            ("31B", "BF16", "nvcr.io/nim/google/gemma-4-31b-it:2.0.13", (1, 2, 4)),
            ("31B", "W4A16", "nvcr.io/nim/google/gemma-4-31b-it:2.0.13", (2,)),
            ("31B", "FP8", "nvcr.io/nim/nvidia/vllm-model-free-nim:2.1.5", ()),
            ("26B-A4B", "NVFP4", "nvcr.io/nim/google/gemma-4-26b-a4b-it:2.0.13", (1,)),
            ("E4B", "BF16", "nvcr.io/nim/nvidia/vllm-model-free-nim:2.1.5", ()),
        ],
    )
    def test_a_format_with_a_profile_runs_in_the_image_made_for_it(
        self, variant: str, quantization: str, image: str, counts: tuple[int, ...]
    ) -> None:
        one = only(exactly(variant, quantization, engine={"type": "NIM"}))
        assert (one.image, one.gpu_counts) == (image, counts)

    def test_weights_of_ones_own_need_the_image_for_all(self) -> None:
        checkpoint = {"huggingFace": {"repository": "team/tuned"}}
        spec = exactly("31B", "BF16", engine={"type": "NIM"})
        spec["model"]["checkpoint"] = checkpoint
        assert "model-free" in only(spec).image

    def test_nobody_gets_it_who_does_not_name_it(self) -> None:
        assert all(one.engine.engine is not EngineType.NIM for one in found({}))

    def test_the_version_inside_is_told_where_it_is_known(self) -> None:
        assert only(exactly("E4B", "BF16", engine={"type": "NIM"})).backend_version == (0, 31, 0)
        assert only(exactly("31B", "BF16", engine={"type": "NIM"})).backend_version == ()

    def test_a_count_without_a_profile_is_told(self) -> None:
        spec = exactly("31B", "W4A16", engine={"type": "NIM"}, placement={"gpusPerReplica": 1})
        rejection = plan_of(spec)
        assert "its image runs W4A16 on 2 GPUs of a node, and `spec.placement.gpusPerReplica` is 1" in str(rejection)

    def test_a_node_too_small_for_every_profile_is_told(self) -> None:
        rejection = plan_of(exactly("31B", "W4A16", engine={"type": "NIM"}), gpus("NVIDIA-H200", each=1))
        assert "its image runs W4A16 on 2 GPUs of a node, and the largest has 1" in str(rejection)
