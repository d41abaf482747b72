"""Other writers: controllers that undo what the operator does, and people who change what it refers to."""

import functools
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gemma4_operator.kube.kinds import DEPLOYMENT, POD_DISRUPTION_BUDGET, SERVICE, Kind
from gemma4_operator.runtime.contest import FREE
from gemma4_operator.runtime.world import GEMMA4_DEPLOYMENT
from tests.cluster import audit, wait_for
from tests.faults.fault import Fault
from tests.faults.fault import Kind as FaultKind
from tests.faults.ground import Ground, nothing_lost, pod_of, with_twin
from tests.integration.home import Home, condition, notes, sample
from tests.integration.objects import Objects, Refused
from tests.integration.operating import account

LIFECYCLE = "tests/integration/test_lifecycle.py"
RIVAL = "rival-controller"
FIGHT_SECONDS = 40.0
MOST_WRITES = FREE + 4
"""The first write or two that are no repairs, those at once, and those 10 and 20 s after them."""
_SECRET = Kind(group="", version="v1", kind="Secret", plural="secrets")
_MERGE = "application/merge-patch+json"


@dataclass(frozen=True, kw_only=True)
class Fight:
    """What a rival does whenever it finds an object otherwise.

    Attributes:
        resource: The plural of the object, as in the audit log.
        undone: Whether the object is as the rival wants it.
        patch: What it writes; None deletes the object.
        path: What it patches, if not the object itself.
        fields: What the message says of it.
    """

    kind: Kind
    resource: str
    undone: Callable[[dict[str, Any]], bool]
    patch: dict[str, Any] | None
    fields: str
    subresource: str | None = None


FIGHTS = {
    "about-replicas": Fight(
        kind=DEPLOYMENT,
        resource="deployments",
        undone=lambda found: found["spec"]["replicas"] == 0,
        patch={"spec": {"replicas": 0}},
        fields=f"Each repair of Deployment (spec.replicas) is undone by '{RIVAL}'",
    ),
    "about-port": Fight(
        kind=SERVICE,
        resource="services",
        undone=lambda found: found["spec"]["selector"] == {"app": "rival"},
        patch={"spec": {"selector": {"gemma4.dev/deployment": None, "app": "rival"}}},
        fields=f"Each repair of Service (spec.selector) is undone by '{RIVAL}'",
    ),
    "about-deletion": Fight(
        kind=POD_DISRUPTION_BUDGET,
        resource="poddisruptionbudgets",
        undone=lambda found: False,
        patch=None,
        fields="PodDisruptionBudget is deleted each time it is made",
    ),
    "about-status": Fight(
        kind=GEMMA4_DEPLOYMENT,
        resource="gemma4deployments/status",
        undone=lambda found: found.get("status", {}).get("serving") == "9/9",
        patch={"status": {"serving": "9/9"}},
        fields=f"the status, which is the operator's alone, is undone by '{RIVAL}'",
        subresource="status",
    ),
}


class Rival:
    """Another controller, as quick as it can be, that wants one object otherwise."""

    def __init__(self, ground: Ground, home: Home, name: str, fight: Fight) -> None:
        self._objects = Objects(ground.cluster.kubeconfig)
        self._namespace, self._name, self._fight = home.namespace, name, fight
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._fight_on, daemon=True)
        self.writes = 0

    def __enter__(self) -> "Rival":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)
        self._objects.close()

    def _fight_on(self) -> None:
        while not self._stop.is_set():
            found = self._objects.get(self._fight.kind, self._namespace, self._name)
            if found is not None and not self._fight.undone(found):
                self._undo()
            time.sleep(0.05)

    def _undo(self) -> None:
        fight = self._fight
        self.writes += 1
        try:
            if fight.patch is None:
                self._objects.delete(fight.kind, self._namespace, self._name)
                return
            path = fight.kind.path(namespace=self._namespace, name=self._name, subresource=fight.subresource)
            self._objects.request("PATCH", f"{path}?fieldManager={RIVAL}", body=fight.patch, content_type=_MERGE)
        except Refused as refusal:
            if refusal.code not in {404, 409}:
                raise


@functools.cache
def fights(ground: Ground) -> dict[str, str]:
    """Fight about four resources at once; return what was said of each."""
    with ground.operator(resync_seconds=30), ground.home() as home:
        twin_pod = with_twin(home, *(sample(name) for name in FIGHTS))
        home.wait_ready(*FIGHTS, timeout_seconds=60)
        offset = home.wait_quiet()
        rivals = [Rival(ground, home, name, fight) for name, fight in FIGHTS.items()]
        said = {}
        for rival in rivals:
            rival.__enter__()
        try:
            started = time.monotonic()
            for name, fight in FIGHTS.items():
                said[name] = wait_for(
                    functools.partial(_told, home, name, fight), 30, f"word of the fight about {name}"
                )
            assert condition(home.resource("about-port"), "Available")["status"] == "True"
            time.sleep(max(0.0, FIGHT_SECONDS - (time.monotonic() - started)))
        finally:
            for rival in rivals:
                rival.__exit__()
        # Where a fight lasts longer because the machine is slow, there is time for a few more.
        later = int((time.monotonic() - started - FIGHT_SECONDS) // 20)
        written = _writes(home, since=offset)
        for name, fight in FIGHTS.items():
            assert 1 < written[name, fight.resource] <= MOST_WRITES + later, f"{name}: {written}"
        # The last delay has to run out, and what it repaired then to hold for as long.
        nothing_lost(home, *FIGHTS, twin_pod=twin_pod, timeout_seconds=150)
        return {name: f"{text} ({written[name, FIGHTS[name].resource]} writes in 40 s)" for name, text in said.items()}


def _told(home: Home, name: str, fight: Fight) -> str:
    """Return what is said of a fight, where it is said: a status that is fought about cannot tell."""
    ready = home.ready(name)
    told = [ready["message"]] if ready["reason"] == "Contested" else notes(home.events(name), "Contested")
    return next((text for text in told if fight.fields in text), "")


def _writes(home: Home, *, since: int) -> Counter[tuple[str, str]]:
    """Count the operator's writes by the resource they are for."""
    found = Counter[tuple[str, str]]()
    for event in home.cluster.audit_events(since):
        reference = event.get("objectRef", {})
        ours = event["user"]["username"] == account() and event["verb"] in audit.WRITES
        if ours and reference.get("namespace") == home.namespace:
            resource = "/".join(filter(None, (reference["resource"], reference.get("subresource"))))
            found[reference.get("name", ""), resource] += 1
    return found


def fight(name: str) -> Callable[[Ground], str]:
    """Return what plays one of the fights; the first that is asked for plays all."""
    return lambda ground: fights(ground)[name]


def secret_rotated(ground: Ground) -> str:
    """Change a Secret that pods refer to."""
    with ground.operator(resync_seconds=5), ground.home() as home:
        body = {"metadata": {"name": "key"}, "stringData": {"key": "one"}}
        home.objects.create(_SECRET, home.namespace, body)
        twin_pod = with_twin(home, sample("chat", secrets={"apiKey": {"name": "key", "key": "key"}}))
        home.wait_ready("chat", timeout_seconds=60)
        pod, offset = pod_of(home, "chat"), home.wait_quiet()
        home.patch(_SECRET, "key", {"stringData": {"key": "two"}})
        home.wait_resync(since=offset)
        assert not home.writes(since=offset)
        assert pod_of(home, "chat") == pod, "the pods keep what they were started with"
        # What a person does about it is no field of ours, and is left alone.
        ground.cluster.kubectl("rollout", "restart", "deployment/chat", "-n", home.namespace)
        wait_for(lambda: _replaced(home, pod), 60, "new pods")
        home.wait_ready("chat", timeout_seconds=60)
        nothing_lost(home, twin_pod=twin_pod)
        read = home.cluster.requests(user=account(), since=offset, verbs={"get", "list", "watch"})
        assert not [request for request in read if request.resource == "secrets"]
        return "Nothing until `kubectl rollout restart`; then new pods."


def _replaced(home: Home, pod: str) -> bool:
    try:
        return pod_of(home, "chat") != pod
    except ValueError:
        return False


PATIENT = f"At most {MOST_WRITES} writes in 40 s, each later than the one before; once it stops, all is as a twin's."
_STRANGERS = f"{LIFECYCLE}::TestStrangers"

FAULTS = (
    Fault(
        name="A controller sets the Deployment's replicas back each time",
        kind=FaultKind.WRITERS,
        sees="`Contested` with the other's name and the fields.",
        proof=PATIENT,
        play=fight("about-replicas"),
        together="fights",
    ),
    Fault(
        name="A controller sets the Service's selector back each time",
        kind=FaultKind.WRITERS,
        sees="`Contested` with the other's name and the fields.",
        proof=PATIENT,
        play=fight("about-port"),
        together="fights",
    ),
    Fault(
        name="A controller deletes the PodDisruptionBudget each time",
        kind=FaultKind.WRITERS,
        sees="`Contested`, which says that it is deleted.",
        proof=PATIENT,
        play=fight("about-deletion"),
        together="fights",
    ),
    Fault(
        name="A controller writes into the status each time",
        kind=FaultKind.WRITERS,
        sees="An event `Contested` with the other's name; the status itself is the other's meanwhile.",
        proof=PATIENT,
        play=fight("about-status"),
        together="fights",
    ),
    Fault(
        name="A child is changed by hand",
        kind=FaultKind.WRITERS,
        sees="An event `ChildrenApplied` that says what was repaired.",
        proof="Each of seventeen changes is undone, and what others may add stays.",
        tests=(f"{LIFECYCLE}::TestRepair",),
    ),
    Fault(
        name="A stranger's object has the name of a child",
        kind=FaultKind.WRITERS,
        sees="`NameConflict` with the object.",
        proof="It is never touched; once it is gone, the child is made.",
        tests=(_STRANGERS,),
    ),
    Fault(
        name="A resource is deleted and made again at once",
        kind=FaultKind.WRITERS,
        sees="`Progressing` while what the first one left is removed.",
        proof="The children are new ones, and no stranger is seen in them.",
        tests=(
            f"{LIFECYCLE}::TestDeletion::test_a_resource_recreated_at_once_is_served_anew",
            f"{LIFECYCLE}::TestDeletion::test_what_a_predecessor_left_is_waited_for_and_called_no_strangers",
        ),
    ),
    Fault(
        name="The namespace is deleted midway",
        kind=FaultKind.WRITERS,
        sees="Nothing: it all goes.",
        proof="The namespace ends, and the operator goes on.",
        tests=(f"{LIFECYCLE}::TestDeletion::test_a_namespace_deleted_under_the_operators_eyes_ends",),
    ),
    Fault(
        name="A Secret is rotated",
        kind=FaultKind.WRITERS,
        sees="Nothing: pods keep what they were started with until somebody restarts them.",
        proof="No write, no read of a Secret; `kubectl rollout restart` is not undone.",
        play=secret_rotated,
    ),
)
