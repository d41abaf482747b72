"""Every sample that users are shown can be planned and rendered, and says what its own file says."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from gemma4_operator.api.common import EngineType
from tests.rendering import VLLM, walk
from tests.restricted import violations

SAMPLES = {path.stem: path for path in sorted(Path("manifests/samples").glob("*.yaml"))}
ENGINES = {
    "31b-vllm": EngineType.VLLM,
    "demo-chat": EngineType.LLAMA_CPP,
    "e2b-llamacpp": EngineType.LLAMA_CPP,
    "ollama": EngineType.OLLAMA,
}


def deployments(name: str) -> list[dict[str, Any]]:
    documents = yaml.safe_load_all(SAMPLES[name].read_text())
    return [document for document in documents if document and document["kind"] == "Gemma4Deployment"]


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_renders(name: str) -> None:
    for document in deployments(name):
        assert list(walk(document["spec"]).objects) == ["Deployment", "Service", "PodDisruptionBudget"]


@pytest.mark.parametrize("name", ENGINES)
def test_a_sample_runs_on_the_engine_that_its_comment_names(name: str) -> None:
    (document,) = deployments(name)
    assert walk(document["spec"]).plan.engine is ENGINES[name]


PATCHES = re.findall(
    r"```yaml\n(podTemplatePatch:.*?)```", Path("docs/reference/pod-template-patch.md").read_text(), re.DOTALL
)


@pytest.mark.parametrize("text", PATCHES)
def test_a_patch_of_the_reference_works_and_stays_restricted(text: str) -> None:
    rendered = walk({**VLLM, **yaml.safe_load(text)})
    assert rendered.template != walk(VLLM).template
    assert violations(rendered.pod_spec) == []


def test_the_reference_has_its_examples() -> None:
    assert len(PATCHES) == 4
