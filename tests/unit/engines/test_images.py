"""An image of another engine is refused by its name, whatever registry it was copied to."""

import pytest

from gemma4_operator.api.common import EngineType
from gemma4_operator.catalog.loader import builtin_catalog
from gemma4_operator.engines.images import clash
from gemma4_operator.engines.registry import engines
from tests.rendering import VLLM, a_serving, plan_of, with_fields

IMAGES = {
    "docker.io/vllm/vllm-openai:v0.33.0": EngineType.VLLM,
    "registry.example.com/mirror/vllm-openai@sha256:" + "0" * 64: EngineType.VLLM,
    "ghcr.io/ggml-org/llama.cpp:server-cuda-b10920": EngineType.LLAMA_CPP,
    "registry.example.com/llama-server:1": EngineType.LLAMA_CPP,
    "docker.io/ollama/ollama:0.35.1": EngineType.OLLAMA,
    "nvcr.io/nim/google/gemma-4-31b-it:2.0.13": EngineType.NIM,
    "nvcr.io/nim/nvidia/vllm-model-free-nim:2.1.5": EngineType.NIM,
    "registry.example.com/mirror/vllm-model-free-nim:2.1.5": EngineType.NIM,
}


@pytest.mark.parametrize("image", IMAGES)
@pytest.mark.parametrize("engine", EngineType)
def test_an_image_is_taken_by_its_own_engine_alone(image: str, engine: EngineType) -> None:
    refusal = clash(a_serving(image=image), engine, engines())
    assert (refusal is None) == (IMAGES[image] is engine)
    if refusal is not None:
        assert f"set `spec.engine.type` to '{IMAGES[image]}'" in refusal


@pytest.mark.parametrize("engine", EngineType)
def test_a_name_that_says_nothing_is_the_users_own_matter(engine: EngineType) -> None:
    assert clash(a_serving(image="registry.example.com/serving:7"), engine, engines()) is None


@pytest.mark.parametrize("engine", EngineType)
def test_every_image_of_the_catalogue_is_its_own_engines(engine: EngineType) -> None:
    row = builtin_catalog().engines[engine]
    for image in (row.image, *(one.image for one in row.dedicated.values())):
        assert clash(a_serving(image=image), engine, engines()) is None


def test_the_plan_says_so_before_any_pod_starts() -> None:
    rejection = plan_of(with_fields(VLLM, engine={"image": "docker.io/ollama/ollama:0.35.1"}))
    assert getattr(rejection, "reason", None) == "EngineRefuses"
    assert getattr(rejection, "message", "") == (
        "`spec.engine.image` must be an image of VLLM, and 'docker.io/ollama/ollama:0.35.1' is one of Ollama: "
        "set `spec.engine.type` to 'Ollama', or take another image."
    )
