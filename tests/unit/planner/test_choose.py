"""The choice: which engine, image and weights a spec leads to, and what is said when there are none."""

import re
from typing import Any, ClassVar

import pytest

from gemma4_operator.api.common import EngineType
from gemma4_operator.engines.base import ClaimWeights, HuggingFaceWeights, OllamaWeights
from gemma4_operator.planner.choose import OF_THE_WAY
from gemma4_operator.planner.lost import Because
from gemma4_operator.planner.plan import ENGINE_REFUSES, INFEASIBLE, NO_CHECKPOINT, NO_GPUS, Plan, Rejection
from gemma4_operator.status.reasons import Reason
from tests.rendering import CATALOG, CLAIM, LLAMA_CPP, OLLAMA, ONE_OF_EACH, VLLM, plan_of, with_fields

GGUF_CLAIM = {"claim": {"claimName": "weights", "path": "e2b.gguf"}}


def planned(data: dict[str, Any]) -> Plan:
    plan = plan_of(data)
    assert isinstance(plan, Plan), plan
    return plan


def rejected(data: dict[str, Any]) -> Rejection:
    plan = plan_of(data)
    assert isinstance(plan, Rejection), plan
    return plan


ENGINES: dict[str, tuple[dict[str, Any], EngineType]] = {
    "safetensors go to vLLM": (VLLM, EngineType.VLLM),
    "GGUF goes to llama.cpp": (LLAMA_CPP, EngineType.LLAMA_CPP),
    "Ollama's library goes to Ollama": (with_fields(OLLAMA, engine={"type": "Auto"}), EngineType.OLLAMA),
    "a folder on a claim goes to vLLM": (CLAIM, EngineType.VLLM),
    "a GGUF file on a claim goes to llama.cpp": (
        with_fields(LLAMA_CPP, model={"checkpoint": GGUF_CLAIM}),
        EngineType.LLAMA_CPP,
    ),
    "a GGUF file in BF16 goes to llama.cpp too": (
        {"model": {"variant": "E2B", "quantization": "BF16", "checkpoint": GGUF_CLAIM}},
        EngineType.LLAMA_CPP,
    ),
    "who asks for Ollama gets it for GGUF": (with_fields(LLAMA_CPP, engine={"type": "Ollama"}), EngineType.OLLAMA),
    "who asks for vLLM gets it": (with_fields(VLLM, engine={"type": "VLLM"}), EngineType.VLLM),
}


@pytest.mark.parametrize("story", ENGINES)
def test_the_engine_follows_from_the_weights(story: str) -> None:
    data, engine = ENGINES[story]
    assert planned(data).engine is engine


class TestArgumentsOfOneEngine:
    """What is written for one engine is another's undoing, so it never decides between them."""

    OPEN: ClassVar[dict[str, Any]] = {"workload": {"requestsPerMinute": 120}}

    @pytest.mark.parametrize("argument", ["--max-num-seqs=4", "--enforce-eager", "--threads=8"])
    def test_with_an_open_engine_they_are_refused_whichever_engine_knows_them(self, argument: str) -> None:
        rejection = rejected(with_fields(self.OPEN, engine={"extraArgs": [argument]}))
        assert (rejection.reason, rejection.message) == (
            ENGINE_REFUSES,
            "`spec.engine.extraArgs` are for one engine, and several may serve this: "
            "set `spec.engine.type` to 'LlamaCpp' or 'VLLM'.",
        )

    @pytest.mark.parametrize(
        ("story", "engine"),
        [
            ({**OPEN, "engine": {"type": "VLLM"}}, EngineType.VLLM),
            ({**OPEN, "engine": {"type": "LlamaCpp"}}, EngineType.LLAMA_CPP),
            (VLLM, EngineType.VLLM),
            (LLAMA_CPP, EngineType.LLAMA_CPP),
            ({**OPEN, "engine": {"image": "registry.example.com/vllm/vllm-openai:v0.33.0"}}, EngineType.VLLM),
        ],
        ids=["named", "the other named", "safetensors", "GGUF", "an image that says whose it is"],
    )
    def test_where_the_engine_is_clear_they_go_to_it(self, story: dict[str, Any], engine: EngineType) -> None:
        assert planned(with_fields(story, engine={"extraArgs": ["--seed", "7"]})).engine is engine

    @pytest.mark.parametrize(
        ("variable", "words"),
        [
            ("LLAMA_ARG_CTX_SIZE", "`spec.engine.env` must not set 'LLAMA_ARG_CTX_SIZE'"),
            ("TRITON_CACHE_DIR", "`spec.engine.env` must not set 'TRITON_CACHE_DIR'"),
        ],
    )
    def test_nor_does_a_variable_that_one_engine_refuses_lead_to_another(self, variable: str, words: str) -> None:
        engine = {"env": [{"name": variable, "value": "1"}]}
        rejection = rejected(with_fields(self.OPEN, engine=engine))
        assert rejection.reason == ENGINE_REFUSES
        assert rejection.message.startswith(words)

    def test_a_variable_that_no_engine_minds_leaves_the_choice_open(self) -> None:
        engine = {"env": [{"name": "HTTPS_PROXY", "value": "http://proxy.example.com"}]}
        assert planned(with_fields(self.OPEN, engine=engine)).engine is planned(self.OPEN).engine


class TestWeights:
    def test_without_a_checkpoint_the_catalogue_names_them(self) -> None:
        assert planned(LLAMA_CPP).weights == HuggingFaceWeights(
            repository="unsloth/gemma-4-E2B-it-GGUF", revision="main", file="gemma-4-E2B-it-Q4_K_M.gguf"
        )

    def test_a_repository_of_the_users_own(self) -> None:
        checkpoint = {"huggingFace": {"repository": "team/tuned", "revision": "v2"}}
        weights = planned(with_fields(VLLM, model={"checkpoint": checkpoint})).weights
        assert weights == HuggingFaceWeights(repository="team/tuned", revision="v2")

    def test_a_claim(self) -> None:
        assert planned(CLAIM).weights == ClaimWeights(claim_name="weights", path="gemma-4/12b")

    def test_a_model_of_ollama(self) -> None:
        assert planned(OLLAMA).weights == OllamaWeights(name="gemma4", tag="26b-a4b-it-q4_K_M")

    def test_their_size_is_the_catalogues_even_if_they_are_the_users(self) -> None:
        own = planned(with_fields(VLLM, model={"checkpoint": {"huggingFace": {"repository": "team/tuned"}}}))
        assert own.weights_bytes == planned(VLLM).weights_bytes == CATALOG.weights_bytes(own.variant, own.quantization)


class TestImage:
    def test_without_an_image_the_catalogue_names_it_and_its_version(self) -> None:
        plan = planned(VLLM)
        row = CATALOG.engines[EngineType.VLLM]
        assert (plan.image, plan.engine_version) == (row.image, row.version)

    @pytest.mark.parametrize(
        ("image", "version"),
        [
            ("registry.example.com/vllm-openai:v0.32.1", "0.32.1"),
            ("registry.example.com:5000/vllm:0.31.0-cu129", "0.31.0-cu129"),
            (f"registry.example.com/vllm:v0.32.1@sha256:{'a' * 64}", "0.32.1"),
            (f"registry.example.com:5000/vllm@sha256:{'a' * 64}", f"sha256:{'a' * 64}"),
            ("vllm:local", "local"),
        ],
    )
    def test_an_image_of_the_users_own_says_its_version_by_its_tag(self, image: str, version: str) -> None:
        plan = planned(with_fields(VLLM, engine={"image": image}))
        assert (plan.image, plan.engine_version) == (image, version)


class TestTheRest:
    def test_what_needs_no_choice_is_passed_on(self) -> None:
        placement = {"gpuProducts": ["NVIDIA-L40S", "NVIDIA-H100-80GB-HBM3"], "gpusPerReplica": 4}
        plan = planned(with_fields(VLLM, placement=placement, capabilities={"contextTokens": 32768}))
        assert plan.gpu_product == "NVIDIA-L40S"
        assert plan.node_labels == (("nvidia.com/gpu.product", "NVIDIA-L40S"),)
        assert (plan.gpus_per_replica, plan.context_tokens) == (4, 32768)

    @pytest.mark.parametrize("case", ONE_OF_EACH)
    def test_the_same_spec_gives_the_same_plan(self, case: str) -> None:
        assert plan_of(ONE_OF_EACH[case]) == plan_of(ONE_OF_EACH[case])


WHY: dict[str, tuple[dict[str, Any], str]] = {
    "cost": (
        VLLM,
        "31B in FP8 on VLLM with 1x NVIDIA-H200 is the cheapest way to serve what is asked for, "
        "at 3.50 USD an hour for 1 replica, of quality Highest.",
    ),
    "quality": (
        {"objectives": {"optimizeFor": "Quality"}},
        "31B in BF16 on VLLM with 1x NVIDIA-H200 is the best in quality that works, Highest with 85.2 points, "
        "at 3.50 USD an hour for 1 replica.",
    ),
}


@pytest.mark.parametrize("case", WHY)
def test_a_plan_says_why_in_one_sentence(case: str) -> None:
    data, why = WHY[case]
    assert planned(data).why == why


class TestRejection:
    def test_no_weights_are_known(self) -> None:
        rejection = rejected({"model": {"variant": "E2B", "quantization": "NVFP4"}})
        assert rejection.reason == NO_CHECKPOINT
        assert rejection.message == (
            "`spec.model.quantization` must be one of BF16, FP8, W4A16, Q8_0, Q4_K_M for E2B, not 'NVFP4': "
            "or name the weights in `spec.model.checkpoint`."
        )

    def test_the_same_format_from_the_users_own_weights_is_fine(self) -> None:
        checkpoint = {"huggingFace": {"repository": "team/e2b-nvfp4"}}
        assert planned({"model": {"variant": "E2B", "quantization": "NVFP4", "checkpoint": checkpoint}})

    def test_an_engine_refuses_and_its_own_words_are_passed_on(self) -> None:
        rejection = rejected(with_fields(VLLM, placement={"gpusPerReplica": 3}))
        assert rejection.reason == ENGINE_REFUSES
        assert rejection.message == (
            "`spec.placement.gpusPerReplica` must divide the 32 attention heads of 31B with VLLM: take 2 instead of 3."
        )

    OF_VLLM: ClassVar[dict[str, Any]] = {"model": {"variant": "31B"}, "engine": {"type": "VLLM"}}
    NEAREST: ClassVar[dict[str, tuple[dict[str, Any], str]]] = {
        "what a way takes is said of the way": (
            with_fields(OF_VLLM, objectives={"maximumHourlyCost": "0.01"}),
            r"Nothing serves this\. The nearest way, 31B in \S+ on VLLM with 1x \S+, costs \S+ an hour, and ",
        ),
        "what a field does not allow follows the way": (
            with_fields(OF_VLLM, placement={"gpuProducts": ["NVIDIA-NOPE"]}),
            r"Nothing serves this\. The nearest way is 31B in \S+ on VLLM with 1x (\S+): "
            r"`spec.placement.gpuProducts` does not name \1\.",
        ),
        "so does a licence": (
            with_fields(OF_VLLM, objectives={"allowedLicences": ["MIT"]}),
            r"Nothing serves this\. The nearest way is 31B in \S+ on VLLM: the checkpoint is under 'Apache-2.0', which "
            r"`spec.objectives.allowedLicences` does not name\.",
        ),
        "an argument of the user's is no way's fault": (
            with_fields(OF_VLLM, engine={"type": "VLLM", "extraArgs": ["--max-model-len=3"]}),
            r"Nothing serves this: `spec.engine.extraArgs` must not contain '--max-model-len': "
            r"set `spec.capabilities.contextTokens` instead\.",
        ),
    }

    @pytest.mark.parametrize("engine", ["LlamaCpp", "Ollama"])
    def test_a_format_that_nobody_asked_for_is_not_what_an_engine_is_refused_by(self, engine: str) -> None:
        """The catalogue's BF16 comes first, and is no GGUF file; what must change is the drafter."""
        rejection = rejected({"model": {"drafter": True}, "engine": {"type": engine}})
        assert rejection.message.startswith(f"Nothing serves this: `spec.model.drafter` must be false with {engine}, ")

    @pytest.mark.parametrize("story", NEAREST)
    def test_the_nearest_way_and_its_reason_are_sentences(self, story: str) -> None:
        data, words = self.NEAREST[story]
        rejection = rejected(data)
        assert rejection.reason == INFEASIBLE
        assert re.match(words, rejection.message), rejection.message

    @pytest.mark.parametrize("because", Because)
    def test_each_reason_is_joined_as_its_sentence_begins(self, because: Because) -> None:
        begins_with_a_verb = because.sentence.split()[0] in {"has", "takes", "needs", "costs", "{than}"}
        assert (because in OF_THE_WAY) == begins_with_a_verb

    def test_the_reasons_are_ones_that_the_status_knows(self) -> None:
        reasons = {Reason(one) for one in (NO_CHECKPOINT, ENGINE_REFUSES, NO_GPUS, INFEASIBLE)}
        assert reasons == {Reason.NO_CHECKPOINT, Reason.ENGINE_REFUSES, Reason.NO_GPUS, Reason.INFEASIBLE}
