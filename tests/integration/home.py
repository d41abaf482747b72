"""One namespace as a team sees it: its Gemma4Deployments, what belongs to them, and what is said of them."""

import json
import re
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from gemma4_operator.api.common import TEMPLATE_LABEL
from gemma4_operator.kube.kinds import DEPLOYMENT, EVENT, POD, POD_DISRUPTION_BUDGET, SERVICE, Kind
from gemma4_operator.runtime.world import CHILD_KINDS, GEMMA4_DEPLOYMENT, USUAL_KINDS
from tests.cluster import Cluster, audit, wait_for
from tests.cluster.fakenodes import FAULT_LABEL
from tests.integration.objects import NAMESPACE_PATH, Object, Objects, Refused
from tests.integration.operating import account

CONFIG_MAP = Kind(group="", version="v1", kind="ConfigMap", plural="configmaps")
MODELS: Mapping[str, Object] = {
    "LlamaCpp": {"variant": "E2B", "quantization": "Q4_K_M"},
    "VLLM": {"variant": "E4B", "quantization": "FP8"},
    "Ollama": {
        "variant": "26B-A4B",
        "quantization": "Q4_K_M",
        "checkpoint": {"ollama": {"name": "gemma4", "tag": "26b-a4b-it-q4_K_M"}},
    },
}


def sample(name: str, *, on: str = "LlamaCpp", **spec: Any) -> Object:
    """Return the smallest Gemma4Deployment that an engine serves on one GPU, with further fields of its spec."""
    return {
        "apiVersion": GEMMA4_DEPLOYMENT.api_version,
        "kind": GEMMA4_DEPLOYMENT.kind,
        "metadata": {"name": name},
        "spec": {"model": dict(MODELS[on]), "engine": {"type": on}, **spec},
    }


def faulty(fault: str) -> Object:
    """Return the pod template patch under which the fake nodes let pods fail in a way of `FAULTS`."""
    return {"metadata": {"labels": {FAULT_LABEL: fault}}}


def condition(resource: Object, kind: str) -> Object:
    """Return a condition, empty if there is none of that type."""
    conditions = resource.get("status", {}).get("conditions", ())
    return next((found for found in conditions if found["type"] == kind), {})


def is_ready(resource: Object) -> bool:
    """Whether it is ready as it is now, and not as it was before an edit."""
    ready = condition(resource, "Ready")
    return ready.get("status") == "True" and ready["observedGeneration"] == resource["metadata"]["generation"]


def without_noise(obj: Object | None) -> Object | None:
    """Return an object without what changes with each write to it and with its status."""
    if obj is None:
        return None
    noise = {"managedFields", "resourceVersion"}
    metadata = {name: value for name, value in obj["metadata"].items() if name not in noise}
    return {name: value for name, value in obj.items() if name != "status"} | {"metadata": metadata}


def as_anywhere(child: Object | None) -> Object | None:
    """Return a child without what differs from one object to the next of the same spec."""
    child = without_noise(child)
    if child is None:
        return None
    (owner,) = child["metadata"]["ownerReferences"]
    found = {"spec": child["spec"], "labels": child["metadata"]["labels"]}
    text = json.dumps(found).replace(owner["name"], "NAME")
    for address in child["spec"].get("clusterIPs", ()):
        text = text.replace(address, "ADDRESS")
    # The hash of a template is of the name as well.
    alike: Object = json.loads(re.sub(rf'("{TEMPLATE_LABEL}": )"[0-9a-f]+"', r'\1"HASH"', text))
    return alike


class Home:
    """A namespace of a test's own."""

    def __init__(self, cluster: Cluster, objects: Objects, namespace: str) -> None:
        self.cluster = cluster
        self.objects = objects
        self.namespace = namespace

    def create(self, *resources: Object) -> None:
        """Create Gemma4Deployments."""
        for resource in resources:
            self.objects.create(GEMMA4_DEPLOYMENT, self.namespace, resource)

    def end(self) -> None:
        """Delete the namespace with all that is in it; returns at once."""
        self.objects.request("DELETE", f"{NAMESPACE_PATH}/{self.namespace}")

    def is_gone(self) -> bool:
        """Whether the namespace has ended."""
        try:
            self.objects.request("GET", f"{NAMESPACE_PATH}/{self.namespace}")
        except Refused as refusal:
            return refusal.code == 404
        return False

    def edit(self, name: str, **spec: Any) -> None:
        """Change fields of a Gemma4Deployment's spec; None takes a field away."""
        self.objects.patch(GEMMA4_DEPLOYMENT, self.namespace, name, {"spec": spec})

    def delete(self, name: str, *, kind: Kind = GEMMA4_DEPLOYMENT, propagation: str = "Background") -> None:
        """Delete a Gemma4Deployment, or another object."""
        self.objects.delete(kind, self.namespace, name, propagation=propagation)

    def patch(self, kind: Kind, name: str, patch: Object) -> Object:
        """Change an object of Kubernetes' own by hand; returns it as it was then, before anybody could repair it."""
        return self.objects.patch(kind, self.namespace, name, patch, strategic=True)

    def resource(self, name: str) -> Object:
        """Return a Gemma4Deployment, which must exist."""
        found = self.objects.get(GEMMA4_DEPLOYMENT, self.namespace, name)
        assert found is not None, f"there is no Gemma4Deployment {name}"
        return found

    def child(self, kind: Kind, name: str) -> Object:
        """Return a child, which must exist."""
        found = self.objects.get(kind, self.namespace, name)
        assert found is not None, f"there is no {kind.kind} {name}"
        return found

    def deployment(self, name: str) -> Object:
        """Return the Deployment of that name."""
        return self.child(DEPLOYMENT, name)

    def service(self, name: str) -> Object:
        """Return the Service of that name."""
        return self.child(SERVICE, name)

    def budget(self, name: str) -> Object:
        """Return the PodDisruptionBudget of that name."""
        return self.child(POD_DISRUPTION_BUDGET, name)

    def children(self, name: str) -> dict[str, Object | None]:
        """Return what of its usual children exists, without their status."""
        return {kind.kind: without_noise(self.objects.get(kind, self.namespace, name)) for kind in USUAL_KINDS}

    def pods(self) -> list[Object]:
        """Return all pods."""
        return self.objects.list(POD, self.namespace)

    def ready(self, name: str) -> Object:
        """Return the Ready condition."""
        return condition(self.resource(name), "Ready")

    def events(self, name: str) -> list[Object]:
        """Return what the operator has published about a Gemma4Deployment, oldest first."""
        found = self.objects.list(EVENT, self.namespace)
        ours = [event for event in found if _is_about(event, name)]
        return sorted(ours, key=lambda event: event["eventTime"])

    def wait_ready(self, *names: str, timeout_seconds: float = 30.0) -> None:
        """Return once all are ready as they are now."""

        def unready() -> dict[str, Object]:
            listed = {item["metadata"]["name"]: item for item in self.objects.list(GEMMA4_DEPLOYMENT, self.namespace)}
            return {name: condition(listed[name], "Ready") for name in names if not is_ready(listed[name])}

        wait_for(lambda: not unready(), timeout_seconds, lambda: f"readiness in {self.namespace}; {unready()}")

    def wait_reason(self, name: str, reason: str, timeout_seconds: float = 20.0, *, containing: str = "") -> Object:
        """Return the Ready condition once it gives this reason, for the object as it is now, and says so much."""

        def given() -> Object | None:
            resource = self.resource(name)
            ready = condition(resource, "Ready")
            current = ready.get("observedGeneration") == resource["metadata"]["generation"]
            return ready if current and ready["reason"] == reason and containing in ready["message"] else None

        return wait_for(given, timeout_seconds, lambda: f"reason {reason}; {self.ready(name)}") or {}

    def wait_observed(self, name: str, timeout_seconds: float = 20.0) -> Object:
        """Return the Gemma4Deployment once the operator has said something about it as it is now."""

        def observed() -> Object | None:
            resource = self.resource(name)
            seen = resource.get("status", {}).get("observedGeneration") == resource["metadata"]["generation"]
            return resource if seen else None

        return wait_for(observed, timeout_seconds, f"the operator to observe {name}") or {}

    def wait_collector(self) -> None:
        """Return once the garbage collector knows the kind Gemma4Deployment; it looks for new kinds twice a minute."""
        self.create(sample("owner", replicas=0))
        reference = {
            "apiVersion": GEMMA4_DEPLOYMENT.api_version,
            "kind": GEMMA4_DEPLOYMENT.kind,
            "name": "owner",
            "uid": self.resource("owner")["metadata"]["uid"],
        }
        owned = {"metadata": {"name": "owned", "ownerReferences": [reference]}}
        self.objects.create(CONFIG_MAP, self.namespace, owned)
        self.delete("owner")
        wait_for(
            lambda: self.objects.get(CONFIG_MAP, self.namespace, "owned") is None,
            90,
            "the garbage collector to see the kind",
        )

    def wait_gone(self, name: str, timeout_seconds: float = 20.0) -> None:
        """Return once neither a Gemma4Deployment nor anything of its own exists any more."""

        def left() -> list[str]:
            kinds = [
                kind.kind
                for kind in (GEMMA4_DEPLOYMENT, *CHILD_KINDS)
                if self.objects.get(kind, self.namespace, name) is not None
            ]
            pods = [pod["metadata"]["name"] for pod in self.pods() if pod["metadata"]["name"].startswith(f"{name}-")]
            return kinds + pods

        wait_for(lambda: not left(), timeout_seconds, lambda: f"the end of {left()}")

    def writes(self, *, since: int, user: str | None = None) -> Counter[str]:
        """Count what an operator wrote in this namespace, or tried to, by resource."""
        counted = self.cluster.requests(
            user=user or account(), verbs=audit.WRITES, since=since, namespace=self.namespace, include_leases=False
        )
        writes: Counter[str] = Counter()
        for request, count in counted.items():
            writes[request.resource] += count
        return writes

    def wait_resync(self, *, since: int, user: str | None = None) -> None:
        """Return once an operator has listed everything anew, and has had the time to act on it."""
        kinds = {kind.plural for kind in (GEMMA4_DEPLOYMENT, POD, *CHILD_KINDS)}

        def listed() -> bool:
            found = self.cluster.requests(user=user or account(), verbs={"list"}, since=since)
            return kinds <= {request.resource for request in found}

        wait_for(listed, 20, "the operator to list everything")
        self.wait_quiet(seconds=0.5)

    def wait_quiet(self, *, seconds: float = 1.0, timeout_seconds: float = 20.0, user: str | None = None) -> int:
        """Return the audit log's offset once an operator has written nothing here for a while."""
        written: Counter[str] = Counter()

        def quiet() -> int:
            nonlocal written
            offset = self.cluster.audit_offset()
            time.sleep(seconds)
            written = self.writes(since=offset, user=user)
            return 0 if written else offset

        return wait_for(quiet, timeout_seconds, lambda: f"the operator to stop writing: {written}", interval_seconds=0)


def names(count: int, *, prefix: str = "g") -> list[str]:
    """Return names for many."""
    return [f"{prefix}{number}" for number in range(count)]


def _is_about(event: Object, name: str) -> bool:
    regarding = event.get("regarding", {})
    return bool(regarding.get("kind") == GEMMA4_DEPLOYMENT.kind and regarding.get("name") == name)


def notes(events: Iterable[Object], reason: str) -> list[str]:
    """Return the notes of the events that give a reason."""
    return [event["note"] for event in events if event["reason"] == reason]
