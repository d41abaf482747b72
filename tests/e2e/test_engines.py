"""Every engine that a CPU can run, from `kubectl apply` to an answer over its Service, on a real kubelet.

The operator runs in a pod under its own role; engines are the real ones, in images made of files of this machine. What
stands in for a GPU is a number in the node's status. NIM is not here: its images need an account and a GPU.
"""

import contextlib
import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gemma4_operator.cli.main import main
from hack.demo import install
from tests.cluster import Cluster, engines, images, vllm, wait_for
from tests.cluster.debian import why_no_node
from tests.cluster.node import RealNode, create_bridge
from tests.cluster.real.storage import weights_volume

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.node,
    pytest.mark.engine,
    pytest.mark.skipif(why_no_node() is not None, reason=why_no_node() or ""),
]
TEAM = "team-a"
SMALL_MIB = 6144
"""Of the GPU, as the node says: vLLM's cache is as large as the plan says, and this machine has to hold it."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A control plane with one real node and the operator in a pod, and a namespace that enforces "restricted"."""
    root: Path = tmp_path_factory.mktemp("engines")
    archives = (images.operator(), images.llama_server(), images.ollama_server(), images.vllm_server())
    with contextlib.ExitStack() as started:
        bridge = started.enter_context(create_bridge(wait_seconds=900))
        cluster = started.enter_context(Cluster.start(root=root, bind_address=bridge.gateway))
        node = started.enter_context(RealNode.start(cluster=cluster, bridge=bridge))
        for archive in archives:
            node.import_image(archive)
        cluster.kubectl("label", "--overwrite", "node", node.name, f"nvidia.com/gpu.memory={SMALL_MIB}")
        manifests = install.manifests(cluster, image=images.OPERATOR_IMAGE)
        cluster.kubectl("apply", "--server-side", "-f", "-", stdin=manifests)
        ready = ("rollout", "status", "-n", install.NAMESPACE, "deployment/gemma4-operator", "--timeout=240s")
        cluster.kubectl(*ready)
        cluster.kubectl("create", "namespace", TEAM)
        cluster.kubectl("label", "namespace", TEAM, "pod-security.kubernetes.io/enforce=restricted")
        folders = {
            "gguf": engines.weights().parent,
            "safetensors": vllm.checkpoint(),
            "vllm": vllm.python().parents[1],
        }
        for claim, folder in folders.items():
            cluster.apply(weights_volume(folder, node=node.name, namespace=TEAM, claim=claim))
        yield cluster


def a_model(name: str, **spec: Any) -> dict[str, Any]:
    kind = {"apiVersion": "gemma4.dev/v1alpha1", "kind": "Gemma4Deployment"}
    return {**kind, "metadata": {"name": name}, "spec": {"capabilities": {"contextTokens": 2048}, **spec}}


def gguf() -> dict[str, Any]:
    checkpoint = {"claim": {"claimName": "gguf", "path": engines.WEIGHTS_FILE}, "sizeBytes": 253_000_000}
    return {"variant": "E2B", "quantization": "Q4_K_M", "checkpoint": checkpoint}


def safetensors() -> dict[str, Any]:
    checkpoint = {"claim": {"claimName": "safetensors"}, "sizeBytes": 4_000_000}
    return {"variant": "E2B", "quantization": "BF16", "checkpoint": checkpoint}


LLAMA_CPP = a_model("llama", model=gguf(), engine={"type": "LlamaCpp", "image": images.LLAMA_IMAGE})
# The node does not say how large its disk is, so nothing may ask for room on it.
NO_DISK = {"resources": {"requests": {"ephemeral-storage": "0"}}}
OLLAMA = a_model(
    "ollama",
    model=gguf(),
    engine={"type": "Ollama", "image": images.OLLAMA_IMAGE},
    podTemplatePatch={
        "spec": {
            "initContainers": [{"name": "bring-model", **NO_DISK}],
            "containers": [{"name": "ollama", **NO_DISK}],
        }
    },
)
VLLM = a_model(
    "vllm",
    model=safetensors(),
    engine={"type": "VLLM", "image": images.VLLM_IMAGE, "extraArgs": ["--enforce-eager"]},
    podTemplatePatch={
        "spec": {
            "volumes": [{"name": "engine", "persistentVolumeClaim": {"claimName": "vllm", "readOnly": True}}],
            "containers": [
                {"name": "vllm", "volumeMounts": [{"name": "engine", "mountPath": images.VLLM_FOLDER}]},
            ],
        }
    },
)


@pytest.fixture
def serves(cluster: Cluster) -> Iterator[Any]:
    """Applies a Gemma4Deployment with kubectl and returns its URL once it is Ready; it goes with the test."""
    made: list[str] = []

    def serve(resource: dict[str, Any], *, seconds: int) -> str:
        """Without seconds nobody waits for it to be Ready."""
        name = resource["metadata"]["name"]
        made.append(name)
        cluster.kubectl("apply", "-n", TEAM, "-f", "-", stdin=yaml.safe_dump(resource))
        if not seconds:
            return ""
        wait = ("wait", "-n", TEAM, f"gemma4deployment/{name}", "--for=condition=Ready", f"--timeout={seconds}s")
        try:
            cluster.kubectl(*wait, timeout_seconds=seconds + 10)
        except Exception:
            print(cluster.kubectl("describe", "-n", TEAM, f"gemma4deployment/{name}", check=False).stdout)
            print(cluster.kubectl("describe", "pods", "-n", TEAM, check=False).stdout)
            logs = ("logs", "-n", TEAM, f"deployment/{name}", "--all-containers", "--tail=400")
            print(cluster.kubectl(*logs, check=False).stdout)
            print(cluster.kubectl(*logs, "--previous", check=False).stdout)
            operator = ("logs", "-n", install.NAMESPACE, "deployment/gemma4-operator", "--tail=20")
            print(cluster.kubectl(*operator, check=False).stdout)
            raise
        return f"http://{cluster.get('service', name, TEAM)['spec']['clusterIP']}:8000"

    yield serve
    for name in made:
        cluster.kubectl("delete", "-n", TEAM, f"gemma4deployment/{name}", "--timeout=240s", check=False)
        cluster.kubectl("delete", "-n", TEAM, "pods", "--all", "--grace-period=1", check=False)


def request(url: str, body: dict[str, Any] | None = None) -> str:
    data = None if body is None else json.dumps(body).encode()
    made = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(made, timeout=120) as answer:
        return str(answer.read().decode())


def chat(url: str, text: str = "Say something.") -> dict[str, Any]:
    """Chat once; pod and Service are ready before kube-proxy has heard of it."""
    body = {"model": "gemma-4", "messages": [{"role": "user", "content": text}], "max_tokens": 8, "temperature": 0}
    said = wait_for(lambda: request(f"{url}/v1/chat/completions", body), 60, f"{url} to answer", retry_on=(OSError,))
    return dict(json.loads(said))


def test_llama_cpp_answers(cluster: Cluster, serves: Any) -> None:
    url = serves(LLAMA_CPP, seconds=400)
    answer = chat(url)
    assert answer["usage"]["completion_tokens"] > 0
    assert "llamacpp:tokens_predicted_total" in request(f"{url}/metrics")
    plan = cluster.get("gemma4deployments", "llama", TEAM)["status"]["plan"]
    assert (plan["engine"], plan["gpuProduct"]) == ("LlamaCpp", "FAKE-GPU")


def test_what_an_engine_said_last_becomes_the_cause_in_the_status(
    cluster: Cluster, serves: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The log of the crashed container is read by the operator, under its own role; a person may ask too."""
    model = gguf()
    model["checkpoint"]["claim"]["path"] = "not-there.gguf"
    resource = a_model("lost", model=model, engine={"type": "LlamaCpp", "image": images.LLAMA_IMAGE})
    serves(resource, seconds=0)

    def cause() -> dict[str, Any]:
        conditions = cluster.get("gemma4deployments", "lost", TEAM).get("status", {}).get("conditions", ())
        ready = next((one for one in conditions if one["type"] == "Ready"), {})
        return ready if ready.get("reason") == "ModelFilesMissing" else {}

    ready = wait_for(cause, 90, lambda: f"the cause: {cluster.get('gemma4deployments', 'lost', TEAM)['status']}")
    assert "not-there.gguf" in ready["message"]
    pods = ("get", "pods", "-n", TEAM, "-l", "gemma4.dev/deployment=lost", "-o", "name")
    pod = cluster.kubectl(*pods).stdout.split()[0].removeprefix("pod/")
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    capsys.readouterr()
    assert main(["diagnose", pod, "-n", TEAM, "-o", "json"]) == 0
    told = capsys.readouterr()
    assert (json.loads(told.out)["reason"], told.err) == ("ModelFilesMissing", "")
    assert "not-there.gguf" in json.loads(told.out)["message"]


def test_ollama_answers_with_the_model_that_was_brought(serves: Any) -> None:
    url = serves(OLLAMA, seconds=600)
    assert chat(url)["usage"]["completion_tokens"] > 0
    (running,) = json.loads(request(f"{url}/api/ps"))["models"]
    assert running["name"].startswith("gemma-4")


def test_vllm_answers_and_its_cache_is_the_plans(cluster: Cluster, serves: Any) -> None:
    url = serves(VLLM, seconds=900)
    assert chat(url)["choices"][0]["finish_reason"] in ("length", "stop")
    figures = request(f"{url}/metrics")
    assert "vllm:num_requests_running" in figures
    args = cluster.get("deployment", "vllm", TEAM)["spec"]["template"]["spec"]["containers"][0]["args"]
    plan = cluster.get("gemma4deployments", "vllm", TEAM)["status"]["plan"]
    assert args[args.index("--kv-cache-memory-bytes") + 1] == str(plan["memory"]["kvCacheMiB"] * 2**20)
    # The operator asks the pod itself. The model is a tiny one of E2B's kind, so its tokens are others than planned.
    told = wait_for(lambda: _observed(cluster, "vllm"), 60, "what the engine says of its cache")
    assert min(told["kvCacheTokens"], told["predictedKvCacheTokens"], told["loadSeconds"]) > 0


def _observed(cluster: Cluster, name: str) -> dict[str, Any]:
    found: dict[str, Any] = cluster.get("gemma4deployments", name, TEAM)["status"].get("observed", {})
    return found if "kvCacheTokens" in found else {}
