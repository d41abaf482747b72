"""The real node: its pods have processes, its engine answers, and the machine is afterwards as it was before."""

import dataclasses
import http.client
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import Cluster, ClusterError, debian, engines, images, wait_for
from tests.cluster.containerd import PAUSE_IMAGE
from tests.cluster.node import RealNode, create_bridge
from tests.cluster.real import record, traces
from tests.cluster.real.agents import PRODUCT
from tests.cluster.real.storage import weights_volume
from tests.cluster.real.traces import Traces

_WHY_NOT = debian.why_no_node()
pytestmark = [pytest.mark.node, pytest.mark.skipif(_WHY_NOT is not None, reason=str(_WHY_NOT))]

_CHECKOUT = Path(__file__).parents[2]
_WAIT_SECONDS = 900.0  # for another run on this machine to be done with its node
_RESTRICTED_POD = {
    "runAsNonRoot": True,
    "runAsUser": 65532,
    "runAsGroup": 65532,
    "seccompProfile": {"type": "RuntimeDefault"},
}
_RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}

# A runner of its own, to be killed: it has a node with a pod, then waits for the end.
_RUNNER = f"""
import sys, time
from pathlib import Path
from tests.cluster import Cluster
from tests.cluster.node import RealNode, create_bridge

bridge = create_bridge(wait_seconds={_WAIT_SECONDS})
cluster = Cluster.start(bind_address=bridge.gateway, root=Path(sys.argv[1]))
node = RealNode.start(cluster=cluster, bridge=bridge)
namespace = cluster.namespace(labels={{}})
container = {{"name": "a", "image": "{PAUSE_IMAGE}"}}
cluster.apply({{"apiVersion": "v1", "kind": "Pod", "metadata": {{"name": "a"}}, "spec": {{"containers": [container]}}}},
              namespace=namespace)
cluster.kubectl("wait", "pod/a", "-n", namespace, "--for=condition=Ready", "--timeout=240s")
print(cluster.directory, flush=True)
time.sleep(600)
"""


def _added(before: Traces, after: Traces) -> dict[str, Any]:
    """What is there that was not there before; what others have taken away meanwhile is no trace of ours."""
    found = {}
    for field in dataclasses.fields(Traces):
        old, new = getattr(before, field.name), getattr(after, field.name)
        more = [one for one in new if one not in old] if isinstance(new, tuple) else new if new != old else ""
        if more:
            found[field.name] = more
    return found


def _await_as_before(before: Traces) -> None:
    # The kernel frees the last network namespace some time after the last process in it.
    wait_for(lambda: not _added(before, traces.take()), 15, lambda: f"no trace: {_added(before, traces.take())}")


def test_a_killed_runner_leaves_nothing(tmp_path: Path) -> None:
    create_bridge(wait_seconds=_WAIT_SECONDS).close()
    before = traces.take()
    with subprocess.Popen(
        [sys.executable, "-c", _RUNNER, str(tmp_path)], cwd=_CHECKOUT, stdout=subprocess.PIPE, text=True
    ) as runner:
        try:
            assert runner.stdout is not None
            assert runner.stdout.readline(), "the runner failed; its stderr is above"
            during = traces.take()
        finally:
            runner.kill()
    kinds = {"processes", "interfaces", "rules", "cgroups", "paths", "network_namespaces"}
    assert kinds <= set(_added(before, during))
    _await_as_before(before)
    assert record.read() is None


@dataclasses.dataclass(frozen=True)
class Place:
    cluster: Cluster
    node: RealNode
    namespace: str


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """A cluster with one real node and nothing else; when it has ended, nothing of it may be left."""
    create_bridge(wait_seconds=_WAIT_SECONDS).close()
    before = traces.take()
    with (
        create_bridge(wait_seconds=_WAIT_SECONDS) as bridge,
        Cluster.start(bind_address=bridge.gateway) as cluster,
        RealNode.start(cluster=cluster, bridge=bridge) as node,
    ):
        yield Place(cluster=cluster, node=node, namespace=cluster.namespace())
    _await_as_before(before)


def test_the_node_is_ready_and_has_a_gpu(place: Place) -> None:
    node = place.cluster.get("node", place.node.name)
    assert node["status"]["allocatable"]["nvidia.com/gpu"] == "1"
    assert node["metadata"]["labels"]["nvidia.com/gpu.product"] == PRODUCT
    assert node["metadata"]["labels"]["nvidia.com/gpu.count"] == "1"
    addresses = {one["type"]: one["address"] for one in node["status"]["addresses"]}
    assert addresses["InternalIP"] == place.node.bridge.gateway


def test_there_is_one_real_node_at_a_time(place: Place) -> None:
    with pytest.raises(ClusterError, match="This machine has a real node already, that of process"):
        create_bridge()
    with pytest.raises(ClusterError, match="has a node already"):
        RealNode.start(cluster=place.cluster, name="real-1", bridge=place.node.bridge)
    assert place.node.images()


def _engine(place: Place) -> dict[str, Any]:
    arguments = ["--model", f"/weights/{engines.WEIGHTS_FILE}", "--ctx-size", "512", "--port", "8000", "--metrics"]
    container = {
        "name": "llama-server",
        "image": images.LLAMA_IMAGE,
        "command": ["/app/llama-server"],
        "args": [*arguments, "--host", "0.0.0.0", "--parallel", "1"],
        "ports": [{"containerPort": 8000}],
        "readinessProbe": {"httpGet": {"path": "/health", "port": 8000}, "periodSeconds": 1},
        "resources": {"limits": {"nvidia.com/gpu": "1"}},
        "securityContext": _RESTRICTED,
        "volumeMounts": [
            {"name": "weights", "mountPath": "/weights", "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},
            {"name": "shm", "mountPath": "/dev/shm"},
        ],
    }
    volumes = [
        {"name": "weights", "persistentVolumeClaim": {"claimName": "weights"}},
        {"name": "tmp", "emptyDir": {}},
        {"name": "shm", "emptyDir": {"medium": "Memory"}},
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "engine", "namespace": place.namespace, "labels": {"app": "engine"}},
        "spec": {"containers": [container], "volumes": volumes, "securityContext": _RESTRICTED_POD},
    }


def _service(place: Place) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "engine", "namespace": place.namespace},
        "spec": {"selector": {"app": "engine"}, "ports": [{"port": 80, "targetPort": 8000}]},
    }


def _chat(url: str, question: str) -> dict[str, Any]:
    body = {"messages": [{"role": "user", "content": question}], "max_tokens": 8, "temperature": 0}
    request = urllib.request.Request(
        f"{url}/v1/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=120) as answer:
        return dict(json.load(answer))


def test_an_engine_with_real_weights_answers(place: Place) -> None:
    place.node.import_image(images.llama_server())
    volume = weights_volume(engines.weights().parent, node=place.node.name, namespace=place.namespace, claim="weights")
    place.cluster.apply([*volume, _engine(place), _service(place)])
    wait = ("wait", "pod/engine", "-n", place.namespace, "--for=condition=Ready", "--timeout=240s")
    place.cluster.kubectl(*wait)
    service = place.cluster.get("service", "engine", place.namespace)
    url = f"http://{service['spec']['clusterIP']}"

    def answer() -> dict[str, Any]:
        return _chat(url, "What is the capital of France?")

    # Pod and Service are ready before kube-proxy has heard of it.
    said = wait_for(answer, 30, "the Service to answer", retry_on=(OSError, http.client.HTTPException))
    assert said["choices"][0]["message"]["content"].strip()
    assert said["usage"]["completion_tokens"] > 0
    assert "llama" in place.cluster.kubectl("logs", "engine", "-n", place.namespace).stdout


_CALL = """
import os, ssl, time, urllib.request
home = "/var/run/secrets/kubernetes.io/serviceaccount"
context = ssl.create_default_context(cafile=f"{home}/ca.crt")
url = f"https://{os.environ['KUBERNETES_SERVICE_HOST']}:{os.environ['KUBERNETES_SERVICE_PORT']}/version"
token = open(f"{home}/token").read()
request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
end = time.monotonic() + 100
while True:
    try:
        answer = urllib.request.urlopen(request, timeout=30, context=context).read().decode()
        break
    except OSError:  # kube-proxy may not have heard of the Service yet
        if time.monotonic() > end:
            raise
        time.sleep(0.5)
print(os.getuid(), answer)
import gemma4_operator, kopf, kubernetes.aio
print(gemma4_operator.__file__)
"""


def test_a_pod_with_the_operator_s_image_reaches_the_api_server(place: Place) -> None:
    place.node.import_image(images.operator())
    container = {
        "name": "operator",
        "image": images.OPERATOR_IMAGE,
        "command": [f"python3.{sys.version_info.minor}"],
        "args": ["-c", _CALL],
        "securityContext": _RESTRICTED,
    }
    metadata = {"name": "call", "namespace": place.namespace}
    spec = {"containers": [container], "restartPolicy": "Never", "securityContext": _RESTRICTED_POD}
    place.cluster.apply({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})

    def ended() -> str | None:
        phase = place.cluster.get("pod", "call", place.namespace)["status"]["phase"]
        return phase if phase in ("Succeeded", "Failed") else None

    phase = wait_for(ended, 60, "the pod to end")
    said = place.cluster.kubectl("logs", "call", "-n", place.namespace).stdout
    assert phase == "Succeeded", said
    assert said.startswith("65532 ")
    assert '"gitVersion": "v1.36' in said
    assert "/app/packages/gemma4_operator/" in said
