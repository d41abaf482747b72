"""What happens to an operator and its resources in a bad week, one thing at a time, by the luck of a seed."""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from random import Random
from typing import Any

from gemma4_operator.kube.drift import differences
from gemma4_operator.kube.kinds import DEPLOYMENT, POD, POD_DISRUPTION_BUDGET, SERVICE, Kind
from gemma4_operator.runtime.world import GEMMA4_DEPLOYMENT, USUAL_KINDS
from tests.cluster.faults import ApplyThenDrop, CutAfter, Delay, Drop, Fault, Hang, Match, Status, WatchError
from tests.cluster.proxy import FaultProxy
from tests.fuzz.junk import damaged
from tests.integration.home import Home, condition
from tests.integration.home import as_anywhere as alike_anywhere
from tests.integration.objects import Object, Refused
from tests.integration.operating import OperatorProcess

EDITS: tuple[Object, ...] = (
    {"replicas": 0},
    {"replicas": 1},
    {"replicas": 2},
    {"endpoint": {"port": 9000}},
    {"endpoint": {"port": 8000, "servedModelName": "other"}},
    {"engine": {"env": [{"name": "A", "value": "1"}]}},
    {"engine": {"env": [{"name": "A", "value": "2"}], "extraArgs": ["--threads", "2"]}},
    {"disruption": {"minAvailablePercent": 0}},
    {"capabilities": {"contextTokens": 4096}},
    {"podTemplatePatch": {"metadata": {"labels": {"team": "a"}}}},
    {"podTemplatePatch": {"spec": {"terminationGracePeriodSeconds": 300}}},
    {"podTemplatePatch": None, "suspend": None},
    {"suspend": True},
    {"suspend": False},
)
"""Each leaves a resource that can become ready."""
CHILD_EDITS: tuple[tuple[Kind, Object], ...] = (
    (DEPLOYMENT, {"spec": {"replicas": 3}}),
    (DEPLOYMENT, {"spec": {"progressDeadlineSeconds": 7}}),
    (DEPLOYMENT, {"spec": {"template": {"spec": {"containers": [{"name": "llama-server", "image": "other:1"}]}}}}),
    (DEPLOYMENT, {"metadata": {"labels": {"app.kubernetes.io/managed-by": "somebody"}}}),
    (DEPLOYMENT, {"metadata": {"annotations": {"gemma4.dev/applied-hash": None}}}),
    (SERVICE, {"spec": {"selector": {"app": "other"}}}),
    (SERVICE, {"spec": {"ports": None}}),
    (SERVICE, {"metadata": {"labels": None}}),
    (POD_DISRUPTION_BUDGET, {"spec": {"maxUnavailable": 100}}),
)
"""Each changes what the operator states; what somebody adds beside it stays (ADR 0003)."""
FAULTS: tuple[tuple[Match, Fault], ...] = (
    (Match(), Status(500)),
    (Match(), Status(429, retry_after_seconds=1)),
    (Match(), Delay(0.5)),
    (Match(), Drop()),
    (Match(method="PATCH"), ApplyThenDrop()),
    (Match(method="PATCH"), Status(409)),
    (Match(method="GET"), CutAfter(bytes=100)),
    (Match(watch=True), WatchError(410)),
    (Match(watch=True), Status(503)),
    (Match(watch=True), Hang()),
)


KILL = "kill the operator"


class Scene:
    """Some resources, the operator that looks after them, and the proxy through which alone it sees them.

    Args:
        nodes: Those that may be cordoned.

    Attributes:
        restarts: How often the operator had ended, by itself or not.
        spared: Things that are not done.
    """

    def __init__(
        self,
        home: Home,
        operator: OperatorProcess,
        proxy: FaultProxy,
        *,
        names: Iterable[str],
        nodes: Iterable[str],
        chance: Random,
    ) -> None:
        self.home = home
        self.operator = operator
        self.proxy = proxy
        self.names = list(names)
        self.restarts = 0
        self.spared: set[str] = set()
        self._nodes = list(nodes)
        self._cordoned: set[str] = set()
        self._chance = chance
        self._doings: Mapping[str, Callable[[str], None]] = {
            "edit": self._edit,
            "delete a child": self._delete_child,
            "edit a child": self._edit_child,
            "delete a pod": self._delete_pod,
            "tamper with the status": self._tamper,
            "delete the plan": self._delete_plan,
            KILL: self._kill,
            "cut the connections": self._cut,
            "let the API server fail": self._fail,
            "cordon a node": self._cordon,
            "let a node go on": self._uncordon,
        }

    def disturb(self) -> str:
        """Do one thing, and say what it was; what has gone already is no reason to stop."""
        what = self._chance.choice([doing for doing in self._doings if doing not in self.spared])
        name = self._chance.choice(self.names)
        with contextlib.suppress(Refused):
            self._doings[what](name)
        self.tend()
        return f"{what} ({name})"

    def tend(self) -> None:
        """Start the operator again if it has ended, as the kubelet does."""
        if not self.operator.alive():
            self.restarts += 1
            self.operator.start()

    def calm(self) -> None:
        """Let there be peace: no more faults, all nodes open, nothing suspended."""
        self.proxy.clear()
        for node in list(self._cordoned):
            self._uncordon(node)
        for name in self.names:
            self.home.edit(name, suspend=None)
        self.tend()

    def unsettled(self) -> dict[str, Any]:
        """Return the resources that do not serve yet as they are now, and what is said of them."""
        self.tend()
        listed = {
            one["metadata"]["name"]: one for one in self.home.objects.list(GEMMA4_DEPLOYMENT, self.home.namespace)
        }
        found = {}
        for name in self.names:
            ready = condition(listed.get(name, {}), "Ready")
            generation = listed.get(name, {}).get("metadata", {}).get("generation")
            if ready.get("status") != "True" or ready.get("observedGeneration") != generation:
                found[name] = ready
        return found

    def _edit(self, name: str) -> None:
        self.home.edit(name, **self._chance.choice(EDITS))

    def _delete_child(self, name: str) -> None:
        self.home.delete(name, kind=self._chance.choice(USUAL_KINDS))

    def _edit_child(self, name: str) -> None:
        kind, patch = self._chance.choice(CHILD_EDITS)
        self.home.patch(kind, name, patch)

    def _delete_pod(self, name: str) -> None:
        pods = [pod["metadata"]["name"] for pod in self.home.pods() if pod["metadata"]["name"].startswith(f"{name}-")]
        if pods:
            self.home.delete(self._chance.choice(pods), kind=POD)

    def _tamper(self, name: str) -> None:
        """Write what the CRD lets in: a plan that only lacks something, since one that makes sense is kept as told."""
        status = dict(self.home.resource(name).get("status", {}))
        plan = dict(status.pop("plan", {}))
        plan.pop(self._chance.choice(("variant", "image", "memory", "hash", "gpuResource")), None)
        self._write_status(name, {**damaged(status, self._chance, times=3), "plan": plan})

    def _delete_plan(self, name: str) -> None:
        status = self.home.resource(name).get("status", {})
        self._write_status(name, {key: value for key, value in status.items() if key != "plan"})

    def _write_status(self, name: str, status: Any) -> None:
        path = f"{GEMMA4_DEPLOYMENT.path(namespace=self.home.namespace, name=name)}/status"
        self.home.objects.request("PUT", path, body=self.home.resource(name) | {"status": status})

    def _kill(self, _: str) -> None:
        self.operator.kill()

    def _cut(self, _: str) -> None:
        self.proxy.cut(Match())

    def _fail(self, _: str) -> None:
        match, fault = self._chance.choice(FAULTS)
        self.proxy.fail(match, fault, for_seconds=self._chance.uniform(0.2, 2.0))
        self.proxy.cut(Match(watch=True))

    def _cordon(self, _: str) -> None:
        if self._nodes:
            node = self._chance.choice(self._nodes)
            self._cordoned.add(node)
            self._mark(node, unschedulable=True)

    def _uncordon(self, node: str) -> None:
        node = node if node in self._cordoned else next(iter(self._cordoned), "")
        if node:
            self._cordoned.discard(node)
            self._mark(node, unschedulable=None)

    def _mark(self, node: str, *, unschedulable: bool | None) -> None:
        patch = {"spec": {"unschedulable": unschedulable}}
        path = f"/api/v1/nodes/{node}"
        self.home.objects.request("PATCH", path, body=patch, content_type="application/merge-patch+json")


@contextlib.contextmanager
def calmed(scene: Scene) -> Iterator[Scene]:
    """Leave no node cordoned and no fault in force, whatever happens meanwhile."""
    try:
        yield scene
    finally:
        scene.calm()


def twin_of(resource: Object, name: str) -> Object:
    """Return a resource to create that wishes the same."""
    kept = {key: resource[key] for key in ("apiVersion", "kind", "spec")}
    return kept | {"metadata": {"name": name}}


def as_anywhere(home: Home, name: str) -> dict[str, Any]:
    """Return what is there of a resource: its children and status, without what tells two equal ones apart."""
    resource = home.resource(name)
    plan = {key: value for key, value in resource["status"]["plan"].items() if key in _CHOICES}
    children = {kind: alike_anywhere(child) for kind, child in home.children(name).items()}
    counts = {key: resource["status"].get(key) for key in ("serving", "replicas", "readyReplicas", "updatedReplicas")}
    said = [(one["type"], one["status"], one["reason"]) for one in resource["status"]["conditions"]]
    return {"children": children, "plan": plan, "counts": counts, "conditions": said}


def await_alike(home: Home, twins: Mapping[str, str], *, timeout_seconds: float) -> dict[str, list[str]]:
    """Return in which paths resources still differ from their twins when patience ends; empty: all became alike.

    A resource can be ready while something of it is gone: a watch that hangs tells nobody, and the next listing does.
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        found = {name: unlike(as_anywhere(home, name), as_anywhere(home, twin)) for name, twin in twins.items()}
        differing = {name: paths for name, paths in found.items() if paths}
        if not differing or time.monotonic() >= deadline:
            return differing
        time.sleep(0.5)


_CHOICES = ("variant", "quantization", "engine", "image", "gpu", "gpuResource", "contextTokens", "kvCacheDtype")


def unlike(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Return the paths in which two that should be alike are not, and what is there where a word says it."""
    paths = sorted({*differences(one, other), *differences(other, one)})
    if one["conditions"] != other["conditions"]:
        paths.append(f"conditions, {one['conditions']} and not {other['conditions']}")
    return paths
