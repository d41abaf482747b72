"""What is rendered, word for word: one file for each engine and option that people ask about.

`pytest tests/snapshot --snapshot-update` writes the files anew; read the difference as users will see it.
"""

from typing import Any

import pytest
import yaml
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from gemma4_operator.render.template import without_record
from tests.rendering import CLAIM, LLAMA_CPP, OLLAMA, VLLM, walk, with_fields


class YamlFile(SingleFileSnapshotExtension):
    """One YAML file for each snapshot."""

    file_extension = "yaml"
    _write_mode = WriteMode.TEXT

    def serialize(self, data: Any, **_: Any) -> str:
        return str(yaml.safe_dump_all(data, sort_keys=False, width=120))


GGUF_CLAIM = {"claim": {"claimName": "weights", "path": "gguf/e2b.gguf"}}

CASES: dict[str, dict[str, Any]] = {
    "vllm": VLLM,
    "vllm-with-everything": with_fields(
        VLLM,
        capabilities={"contextTokens": 131072},
        engine={"extraArgs": ["--seed", "7"], "env": [{"name": "VLLM_LOGGING_LEVEL", "value": "DEBUG"}]},
        placement={
            "gpuProducts": ["NVIDIA-H100-80GB-HBM3", "NVIDIA-H200"],
            "gpusPerReplica": 2,
            "nodeSelector": {"pool": "gpu"},
            "tolerations": [{"key": "team", "value": "a", "effect": "NoExecute", "tolerationSeconds": 60}],
            "runtimeClassName": "nvidia",
        },
        replicas=4,
        secrets={
            "huggingFaceToken": {"name": "hub", "key": "token"},
            "apiKey": {"name": "chat", "key": "key"},
            "imagePullSecrets": [{"name": "registry"}],
        },
        endpoint={"port": 80, "servedModelName": "assistant", "serviceType": "LoadBalancer"},
        disruption={"minAvailablePercent": 75},
    ),
    "vllm-experts-on-two-gpus": {
        "model": {"variant": "26B-A4B", "quantization": "NVFP4"},
        "placement": {"gpusPerReplica": 2},
    },
    "vllm-from-a-claim": CLAIM,
    "llamacpp": LLAMA_CPP,
    "llamacpp-from-a-claim": with_fields(LLAMA_CPP, model={"checkpoint": GGUF_CLAIM}),
    "llamacpp-keeps-its-downloads": with_fields(
        LLAMA_CPP,
        podTemplatePatch={
            "spec": {"volumes": [{"name": "cache", "persistentVolumeClaim": {"claimName": "downloads"}}]},
        },
    ),
    "ollama": OLLAMA,
    "ollama-from-a-claim": with_fields(LLAMA_CPP, model={"checkpoint": GGUF_CLAIM}, engine={"type": "Ollama"}),
}


@pytest.mark.parametrize("case", CASES)
def test_rendered(case: str, snapshot: SnapshotAssertion) -> None:
    rendered = walk(CASES[case])
    assert [without_record(obj) for obj in rendered.objects.values()] == snapshot(extension_class=YamlFile)
