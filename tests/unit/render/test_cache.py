"""Where downloads are kept: with the pod, or on a claim of the deployment's own."""

import pytest

from tests.rendering import CLAIM, LLAMA_CPP, OLLAMA, VLLM, Rendered, walk, with_fields

CACHE = {"claim": {"size": "100Gi", "storageClassName": "fast", "accessModes": ["ReadWriteMany"]}}
DOWNLOADING = {"vllm": VLLM, "llama.cpp": LLAMA_CPP, "ollama": OLLAMA, "nim": with_fields(VLLM, engine={"type": "NIM"})}


NO_DOWNLOAD = {"vllm": CLAIM, "nim": with_fields(CLAIM, engine={"type": "NIM"})}
OLLAMA_FROM_A_CLAIM = {
    "model": {
        "variant": "E2B",
        "quantization": "Q4_K_M",
        "checkpoint": {"claim": {"claimName": "weights", "path": "e2b.gguf"}},
    },
    "engine": {"type": "Ollama"},
}
DISK = "ephemeral-storage"


def asks_of_the_disk(rendered: Rendered) -> set[str | None]:
    containers = (*rendered.pod_spec["containers"], *rendered.pod_spec.get("initContainers", ()))
    return {container["resources"]["requests"].get(DISK) for container in containers}


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


@pytest.mark.parametrize(
    ("spec", "asked"),
    [
        (VLLM, "40111Mi"),  # 33.3 GB and a fifth, and 2 GiB
        (LLAMA_CPP, "5604Mi"),  # 3.1 GB
        (OLLAMA, "21270Mi"),  # 16.8 GB, which its init container downloads
        (OLLAMA_FROM_A_CLAIM, "5604Mi"),  # which is copied into its store
        (DOWNLOADING["nim"], "40111Mi"),
    ],
)
def test_what_is_downloaded_to_the_nodes_disk_is_asked_for(spec: dict, asked: str) -> None:
    """Or the scheduler takes a node without room, and the kubelet evicts the pod in the middle of its download."""
    assert asks_of_the_disk(walk(spec)) == {asked}


@pytest.mark.parametrize("case", DOWNLOADING)
def test_with_a_claim_nothing_is_asked_of_the_disk(case: str) -> None:
    assert asks_of_the_disk(walk(with_fields(DOWNLOADING[case], cache=CACHE))) == {None}


@pytest.mark.parametrize("case", NO_DOWNLOAD)
def test_nor_is_it_where_nothing_is_downloaded(case: str) -> None:
    assert asks_of_the_disk(walk(NO_DOWNLOAD[case])) == {None}


def test_a_patch_may_ask_for_something_else_or_for_nothing() -> None:
    """A node may not tell how large its disk is."""
    patch = {"spec": {"containers": [{"name": "vllm", "resources": {"requests": {DISK: "0"}}}]}}
    assert asks_of_the_disk(walk(with_fields(VLLM, podTemplatePatch=patch))) == {"0"}
