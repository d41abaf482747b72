"""Where downloads are kept: with the pod, or on a claim of the deployment's own."""

import pytest

from tests.rendering import LLAMA_CPP, OLLAMA, VLLM, walk, with_fields

CACHE = {"claim": {"size": "100Gi", "storageClassName": "fast", "accessModes": ["ReadWriteMany"]}}
DOWNLOADING = {"vllm": VLLM, "llama.cpp": LLAMA_CPP, "ollama": OLLAMA, "nim": with_fields(VLLM, engine={"type": "NIM"})}


def volume(spec: dict) -> dict:
    (found,) = (one for one in walk(spec).pod_spec["volumes"] if one["name"] == "cache")
    return found


@pytest.mark.parametrize("case", DOWNLOADING)
def test_without_a_claim_downloads_go_with_the_pod(case: str) -> None:
    assert volume(DOWNLOADING[case]) == {"name": "cache", "emptyDir": {}}
    assert walk(DOWNLOADING[case]).claims == ()


@pytest.mark.parametrize("case", DOWNLOADING)
def test_with_one_they_stay(case: str) -> None:
    spec = with_fields(DOWNLOADING[case], cache=CACHE)
    assert volume(spec) == {"name": "cache", "persistentVolumeClaim": {"claimName": "chat"}}
    (claim,) = walk(spec).claims
    assert claim["metadata"]["name"] == "chat"
    assert claim["metadata"]["ownerReferences"][0]["kind"] == "Gemma4Deployment"
    assert claim["spec"] == {
        "accessModes": ["ReadWriteMany"],
        "storageClassName": "fast",
        "resources": {"requests": {"storage": "100Gi"}},
    }


def test_the_clusters_own_class_is_not_named() -> None:
    (claim,) = walk(with_fields(VLLM, cache={"claim": {"size": "70Gi"}})).claims
    assert claim["spec"] == {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "70Gi"}}}


def test_a_cache_moves_no_plan() -> None:
    assert walk(VLLM).plan == walk(with_fields(VLLM, cache=CACHE)).plan
