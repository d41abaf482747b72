"""Nodes that are drained, lost or shrink, and quotas, policies and priorities that come into the way later."""

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any

from gemma4_operator.kube.kinds import NODE, POD, Kind
from tests.cluster import wait_for
from tests.cluster.fakenodes import fake_gpu_node
from tests.faults.fault import HEALED, Fault
from tests.faults.fault import Kind as FaultKind
from tests.faults.ground import Ground, nothing_lost, pods_of, with_twin
from tests.integration.home import Home, condition, sample

TRUTH = "tests/integration/test_truth.py"
PLANNING = "tests/integration/test_planning.py"
_QUOTA = Kind(group="", version="v1", kind="ResourceQuota", plural="resourcequotas")
_LIMITS = Kind(group="", version="v1", kind="LimitRange", plural="limitranges")
_PRIORITY = Kind(group="scheduling.k8s.io", version="v1", kind="PriorityClass", plural="priorityclasses")
_STRATEGIC = "application/strategic-merge-patch+json"
OVER = "Ready again once it is over, with the children of before and no further write; the twin's pod never stopped."


OWN = [{"key": "pool", "value": "own", "effect": "NoSchedule"}]
TOLERATED = [{"key": "pool", "operator": "Exists", "effect": "NoSchedule"}]


@contextlib.contextmanager
def pool(ground: Ground, home: Home, *, nodes: int = 1, gpus: int = 8) -> Iterator[tuple[list[str], dict[str, Any]]]:
    """Give nodes of one's own, to which the twin's pod does not come, and the placement that leads pods to them."""
    labels = {"pool": home.namespace}
    names = ground.cluster.add_fake_nodes(nodes, prefix=home.namespace, count=gpus, labels=labels, taints=OWN)
    try:
        yield names, {"nodeSelector": labels, "tolerations": TOLERATED}
    finally:
        ground.cluster.kubectl("delete", "node", *names, "--ignore-not-found")


@contextlib.contextmanager
def never_fewer(home: Home, name: str, least: int) -> Iterator[None]:
    """Watch that at no moment fewer replicas serve."""
    seen: list[int] = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            seen.append(home.deployment(name).get("status", {}).get("readyReplicas", 0))
            time.sleep(0.05)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
        # What is over at once must be seen as well: a few looks, however long each takes.
        wait_for(lambda: len(seen) > 5 or not thread.is_alive(), 20, "enough looks at the replicas")
    finally:
        stop.set()
        thread.join(10)
    assert len(seen) > 5
    assert min(seen) >= least, f"only {min(seen)} served"


def settled(home: Home, twin_pod: str, before: dict[str, Any]) -> None:
    """Assert that all is as it was."""
    home.wait_ready("chat", timeout_seconds=60)
    nothing_lost(home, twin_pod=twin_pod)
    assert {kind: _spec(child) for kind, child in home.children("chat").items()} == before


def _spec(child: dict[str, Any] | None) -> Any:
    return child and child["spec"]


def specs(home: Home) -> dict[str, Any]:
    """Return what the children of `chat` say."""
    return {kind: _spec(child) for kind, child in home.children("chat").items()}


def drained(ground: Ground) -> str:
    """Drain a node as an administrator does."""
    with ground.operator(resync_seconds=30), ground.home() as home, pool(ground, home, nodes=2) as (nodes, placement):
        # One replica on each node.
        spread = {
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": {"gemma4.dev/deployment": "chat"}},
        }
        patch = {"spec": {"topologySpreadConstraints": [spread]}}
        twin_pod = with_twin(home, sample("chat", replicas=2, placement=placement, podTemplatePatch=patch))
        home.wait_ready("chat", timeout_seconds=60)
        before = specs(home)
        with never_fewer(home, "chat", 1):
            said = ground.cluster.kubectl(
                "drain", nodes[0], "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=240s"
            ).stdout
            home.wait_ready("chat", timeout_seconds=60)
        assert {pod["spec"]["nodeName"] for pod in pods_of(home, "chat")} == {nodes[1]}
        ground.cluster.kubectl("uncordon", nodes[0])
        settled(home, twin_pod, before)
        return said.splitlines()[-1]


def lost(ground: Ground) -> str:
    """Let a node fall silent, whose kubelet this test plays: the control plane gives it 50 s, and then takes note."""
    with ground.operator(resync_seconds=30), ground.home() as home, pool(ground, home) as ((other,), placement):
        soon = [
            {"key": f"node.kubernetes.io/{taint}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}
            for taint in ("unreachable", "not-ready")
        ]
        ground.cluster.kubectl("cordon", other)
        node = f"{home.namespace}-silent"
        _register(home, node, placement["nodeSelector"])
        try:
            twin_pod = with_twin(home, sample("chat", placement=placement | {"tolerations": [*TOLERATED, *soon]}))
            pod = wait_for(lambda: _bound(home, node), 30, "a pod on the node")
            _serve(home, pod)
            home.wait_ready("chat", timeout_seconds=60)
            before = specs(home)
            ground.cluster.kubectl("uncordon", other)
            ready = home.wait_reason("chat", "NodeNotReady", timeout_seconds=100)
            assert f"node '{node}'" in ready["message"]
            home.wait_ready("chat", timeout_seconds=60)
        finally:
            ground.cluster.remove_nodes(node)
        # Nobody is left to say that the pod has ended; Kubernetes waits a minute more, an administrator need not.
        gone = ("-n", home.namespace, pod["metadata"]["name"], "--force", "--grace-period=0", "--ignore-not-found")
        ground.cluster.kubectl("delete", "pod", *gone)
        (after,) = pods_of(home, "chat")
        assert after["spec"]["nodeName"] == other
        settled(home, twin_pod, before)
        return str(ready["message"])


def _register(home: Home, name: str, labels: dict[str, str]) -> None:
    """Add a node that no program plays, and say once that it is well."""
    node = fake_gpu_node(name, labels=labels, taints=OWN)
    node["metadata"].pop("annotations")
    home.objects.request("POST", NODE.path(), body=node)
    well = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status"}
    path = NODE.path(name=name, subresource="status")
    home.objects.request("PATCH", path, body={"status": {"conditions": [well]}}, content_type=_STRATEGIC)


def _bound(home: Home, node: str) -> dict[str, Any] | None:
    return next((pod for pod in pods_of(home, "chat") if pod["spec"].get("nodeName") == node), None)


def _serve(home: Home, pod: dict[str, Any]) -> None:
    """Say of a pod, as its kubelet, that it serves."""
    containers = [
        {
            "name": one["name"],
            "image": one["image"],
            "imageID": "",
            "ready": True,
            "restartCount": 0,
            "state": {"running": {}},
        }
        for one in pod["spec"]["containers"]
    ]
    conditions = [{"type": name, "status": "True"} for name in ("Initialized", "ContainersReady", "Ready")]
    status = {"phase": "Running", "containerStatuses": containers, "conditions": conditions}
    path = POD.path(namespace=home.namespace, name=pod["metadata"]["name"], subresource="status")
    home.objects.request("PATCH", path, body={"status": status}, content_type=_STRATEGIC)


def shrinks(ground: Ground) -> str:
    """Take a GPU from a node on which all are in use, and then a pod."""
    with (
        ground.operator(resync_seconds=30),
        ground.home() as home,
        pool(ground, home, gpus=2) as (nodes, placement),
    ):
        twin_pod = with_twin(home, sample("chat", replicas=2, placement=placement))
        home.wait_ready("chat", timeout_seconds=60)
        before = specs(home)
        offset = home.wait_quiet()
        _gpus(home, nodes[0], 1)
        home.wait_quiet()
        assert not home.writes(since=offset), "pods that run are not concerned"
        home.delete(pods_of(home, "chat")[0]["metadata"]["name"], kind=POD)
        ready = home.wait_reason("chat", "InsufficientGPU", timeout_seconds=30)
        assert condition(home.resource("chat"), "Available")["status"] == "True"
        _gpus(home, nodes[0], 2)
        settled(home, twin_pod, before)
        return str(ready["message"])


def _gpus(home: Home, node: str, count: int) -> None:
    quantities = {"nvidia.com/gpu": str(count)}
    body = {"status": {"capacity": quantities, "allocatable": quantities}}
    home.objects.request("PATCH", NODE.path(name=node, subresource="status"), body=body, content_type=_STRATEGIC)


def tainted(ground: Ground) -> str:
    """Taint the only node of a running pod so that it must go."""
    with ground.operator(resync_seconds=30), ground.home() as home, pool(ground, home) as (nodes, placement):
        twin_pod = with_twin(home, sample("chat", placement=placement))
        home.wait_ready("chat", timeout_seconds=60)
        before = specs(home)
        ground.cluster.kubectl("taint", "node", nodes[0], "repair=now:NoExecute")
        ready = home.wait_reason("chat", "UntoleratedTaint", timeout_seconds=30)
        ground.cluster.kubectl("taint", "node", nodes[0], "repair-")
        settled(home, twin_pod, before)
        return str(ready["message"])


def preempted(ground: Ground) -> str:
    """Let a pod of higher priority take all GPUs of the node."""
    with ground.operator(resync_seconds=30), ground.home() as home, pool(ground, home) as (_, placement):
        twin_pod = with_twin(home, sample("chat", placement=placement))
        home.wait_ready("chat", timeout_seconds=60)
        before = specs(home)
        name = home.namespace
        home.objects.request("POST", _PRIORITY.path(), body={"metadata": {"name": name}, "value": 1000})
        try:
            home.objects.create(POD, home.namespace, _greedy(name, placement))
            ready = home.wait_reason("chat", "InsufficientGPU", timeout_seconds=30)
            home.delete("greedy", kind=POD)
        finally:
            home.objects.request("DELETE", _PRIORITY.path(name=name))
        settled(home, twin_pod, before)
        return str(ready["message"])


def _greedy(priority: str, placement: dict[str, Any]) -> dict[str, Any]:
    container = {
        "name": "train",
        "image": "registry.test/train:1",
        "resources": {"limits": {"nvidia.com/gpu": "8"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    spec = {
        "priorityClassName": priority,
        "nodeSelector": placement["nodeSelector"],
        "tolerations": placement["tolerations"],
        "securityContext": {"runAsNonRoot": True, "runAsUser": 1, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
    }
    return {"metadata": {"name": "greedy"}, "spec": spec}


def quota_lowered(ground: Ground) -> str:
    """Lower a quota under what runs, and then need a new pod."""
    with ground.operator(resync_seconds=30), ground.home() as home:
        quota = {"metadata": {"name": "pods"}, "spec": {"hard": {"pods": "4"}}}
        home.objects.create(_QUOTA, home.namespace, quota)
        twin_pod = with_twin(home, sample("chat"))
        home.wait_ready("chat", timeout_seconds=60)
        before = specs(home)
        offset = home.wait_quiet()
        home.patch(_QUOTA, "pods", {"spec": {"hard": {"pods": "1"}}})
        home.wait_quiet()
        assert not home.writes(since=offset), "pods that run are not concerned"
        home.delete(pods_of(home, "chat")[0]["metadata"]["name"], kind=POD)
        ready = home.wait_reason("chat", "QuotaExceeded", timeout_seconds=30)
        assert "pods=1" in ready["message"]
        home.patch(_QUOTA, "pods", {"spec": {"hard": {"pods": "4"}}})
        _nudge(home)
        settled(home, twin_pod, before)
        return str(ready["message"])


def limited(ground: Ground) -> str:
    """Forbid, by a LimitRange, containers as small as the engine's."""
    with ground.operator(resync_seconds=30), ground.home() as home:
        twin_pod = with_twin(home, sample("chat"))
        home.wait_ready("chat", timeout_seconds=60)
        before = specs(home)
        limit = {"type": "Container", "min": {"cpu": "90"}}
        home.objects.create(_LIMITS, home.namespace, {"metadata": {"name": "large"}, "spec": {"limits": [limit]}})
        home.delete(pods_of(home, "chat")[0]["metadata"]["name"], kind=POD)
        ready = home.wait_reason("chat", "QuotaExceeded", timeout_seconds=30)
        home.delete("large", kind=_LIMITS)
        _nudge(home)
        settled(home, twin_pod, before)
        return str(ready["message"])


def no_runtime_class(ground: Ground) -> str:
    """Name a RuntimeClass that does not exist."""
    with ground.operator(resync_seconds=30), ground.home() as home:
        twin_pod = with_twin(home, sample("chat", placement={"runtimeClassName": "nvidia"}))
        ready = home.wait_reason("chat", "GPURuntimeMissing", timeout_seconds=30)
        assert "nvidia" in ready["message"]
        home.edit("chat", placement=None)
        nothing_lost(home, "chat", twin_pod=twin_pod)
        return str(ready["message"])


def _nudge(home: Home) -> None:
    """Have the ReplicaSet's controller try again now: by itself it waits longer after each refusal."""
    replica_sets = Kind(group="apps", version="v1", kind="ReplicaSet", plural="replicasets")
    for found in home.objects.list(replica_sets, home.namespace):
        note = {"metadata": {"annotations": {"test.example/nudge": str(time.monotonic())}}}
        home.patch(replica_sets, found["metadata"]["name"], note)


FAULTS = (
    Fault(
        name="A node is drained",
        kind=FaultKind.CAPACITY,
        sees="The replica that moves is loading; `Available` stays True.",
        proof=f"The PodDisruptionBudget lets no moment pass without a replica that serves. {OVER}",
        play=drained,
    ),
    Fault(
        name="A node is lost",
        kind=FaultKind.CAPACITY,
        sees="`NodeNotReady` with the node's name, until the pod is replaced elsewhere.",
        proof=OVER,
        play=lost,
    ),
    Fault(
        name="The GPUs of a plan are gone, and others are free",
        kind=FaultKind.CAPACITY,
        sees="`InsufficientGPU` or `NodeSelectorMismatch`, then an event `Planned` with the next best plan.",
        proof="It serves on the other GPUs.",
        tests=(f"{PLANNING}::test_a_plan_whose_gpus_are_gone_moves_to_those_that_are_free",),
    ),
    Fault(
        name="A node offers fewer GPUs than its pods have, and a pod has to come back",
        kind=FaultKind.CAPACITY,
        sees="Nothing while pods run; then `InsufficientGPU`, and `Available` as long as enough serve.",
        proof=OVER,
        play=shrinks,
    ),
    Fault(
        name="The node of a running pod is tainted (NoExecute)",
        kind=FaultKind.CAPACITY,
        sees="`UntoleratedTaint` in the scheduler's words.",
        proof=OVER,
        play=tainted,
    ),
    Fault(
        name="A pod of higher priority takes the GPUs",
        kind=FaultKind.CAPACITY,
        sees="`InsufficientGPU` for the pod that has to wait.",
        proof=OVER,
        play=preempted,
    ),
    Fault(
        name="A quota is lowered under what runs",
        kind=FaultKind.CAPACITY,
        sees="Nothing while pods run; then `QuotaExceeded` with the quota's words.",
        proof=OVER,
        play=quota_lowered,
    ),
    Fault(
        name="A LimitRange forbids containers of their size",
        kind=FaultKind.CAPACITY,
        sees="`QuotaExceeded` with the limit.",
        proof=OVER,
        play=limited,
    ),
    Fault(
        name="A policy of the cluster forbids the pod",
        kind=FaultKind.CAPACITY,
        sees="`PodSecurityViolation` with the policy's words.",
        proof="An edit mends it.",
        tests=(f"{TRUTH}::TestStalled::test_pods_that_the_cluster_forbids_are_told",),
    ),
    Fault(
        name="The RuntimeClass does not exist",
        kind=FaultKind.CREATION,
        sees="`GPURuntimeMissing` with its name.",
        proof=HEALED,
        play=no_runtime_class,
    ),
)
