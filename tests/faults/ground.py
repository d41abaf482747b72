"""Where faults are played: a cluster, a namespace for each fault, and the claims that hold after each of them."""

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gemma4_operator.kube.kinds import POD, Kind
from tests.cluster import Cluster, wait_for
from tests.cluster.cluster import RESTRICTED
from tests.cluster.proxy import FaultProxy
from tests.integration.home import Home, as_anywhere, sample
from tests.integration.objects import NAMESPACE_PATH, Objects
from tests.integration.operating import OperatorProcess, Operators

TWIN = "twin"
_SERVICE_ACCOUNT = Kind(group="", version="v1", kind="ServiceAccount", plural="serviceaccounts")


@dataclass(frozen=True)
class Ground:
    """What a fault is played on; each makes its own operators, of which no two may work at once by mistake."""

    cluster: Cluster
    objects: Objects
    folder: Path

    @contextlib.contextmanager
    def home(self, *, leave: bool = False, **labels: str) -> Iterator[Home]:
        """Give a namespace of its own, with further labels; who leaves it behind ends it."""
        name = f"fault-{secrets.token_hex(4)}"
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": RESTRICTED | labels}}
        self.objects.request("POST", NAMESPACE_PATH, body=body)
        account = "an account for pods"
        wait_for(lambda: self.objects.get(_SERVICE_ACCOUNT, name, "default"), 20, account, interval_seconds=0.05)
        made = Home(self.cluster, self.objects, name)
        yield made
        if not leave and not made.is_gone():
            made.end()

    @contextlib.contextmanager
    def operators(self) -> Iterator[Operators]:
        """Give operators of one's own, which are ended afterwards."""
        folder = self.folder / secrets.token_hex(4)
        folder.mkdir()
        made = Operators(self.cluster, folder)
        try:
            yield made
        finally:
            made.end()

    @contextlib.contextmanager
    def operator(self, **settings: Any) -> Iterator[OperatorProcess]:
        """Give one that leads; it must not stumble."""
        with self.operators() as made:
            running = made.new(**settings).wait_leading()
            yield running
            running.must_be_steady(ever=True)

    @contextlib.contextmanager
    def proxy(self) -> Iterator[FaultProxy]:
        """Give a proxy in front of the API server."""
        with FaultProxy(upstream=self.cluster.server, ca=self.cluster.authority) as standing:
            yield standing


def with_twin(home: Home, *resources: dict[str, Any]) -> str:
    """Create resources beside one that no fault is meant for; return the uid of its pod once it serves."""
    home.create(sample(TWIN), *resources)
    home.wait_ready(TWIN, timeout_seconds=60)
    return pod_of(home, TWIN)


def pod_of(home: Home, name: str) -> str:
    """Return the uid of the one pod of a resource that serves."""
    (pod,) = [pod for pod in pods_of(home, name) if "deletionTimestamp" not in pod["metadata"]]
    return str(pod["metadata"]["uid"])


def pods_of(home: Home, name: str) -> list[dict[str, Any]]:
    """Return all pods of a resource, oldest first."""
    found = [pod for pod in home.pods() if pod["metadata"]["labels"].get("gemma4.dev/deployment") == name]
    return sorted(found, key=lambda pod: (pod["metadata"]["creationTimestamp"], pod["metadata"]["name"]))


def nothing_lost(home: Home, *names: str, twin_pod: str, timeout_seconds: float = 60.0) -> None:
    """Assert what holds after every fault: all is ready, as an undisturbed twin is, and nothing more is written."""
    home.wait_ready(TWIN, *names, timeout_seconds=timeout_seconds)
    home.wait_quiet(timeout_seconds=timeout_seconds)
    undisturbed = {kind: as_anywhere(child) for kind, child in home.children(TWIN).items()}
    for name in names:
        assert {kind: as_anywhere(child) for kind, child in home.children(name).items()} == undisturbed, name
    assert pod_of(home, TWIN) == twin_pod, "the pod that served is another one now"
    restarts = [one["restartCount"] for pod in pods_of(home, TWIN) for one in pod["status"]["containerStatuses"]]
    assert restarts == [0]


def say_of_pod(home: Home, pod: dict[str, Any], events: tuple[dict[str, Any], ...]) -> None:
    """Publish events about a pod, as its kubelet or the scheduler does."""
    metadata = pod["metadata"]
    subject = {"apiVersion": "v1", "kind": POD.kind, "name": metadata["name"], "uid": metadata["uid"]}
    for event in events:
        body = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{metadata['name']}.{secrets.token_hex(6)}", "namespace": home.namespace},
            "involvedObject": subject | {"namespace": home.namespace},
            "reason": event["reason"],
            "message": event["message"],
            "type": event.get("type", "Warning"),
            "source": {"component": "kubelet"},
            "firstTimestamp": metadata["creationTimestamp"],
            "lastTimestamp": metadata["creationTimestamp"],
        }
        home.objects.request("POST", f"{NAMESPACE_PATH}/{home.namespace}/events", body=body)


__all__ = ["TWIN", "Ground", "nothing_lost", "pod_of", "pods_of", "say_of_pod", "with_twin"]
