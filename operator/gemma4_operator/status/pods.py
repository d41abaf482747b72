"""A pod, reduced to what a status needs: small enough to keep thousands of them in memory.

A pod comes from an API server, but its texts come from kubelets, runtimes and plug-ins of any kind and version, so
nothing is taken for granted: what has another form than the API's counts as absent.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from gemma4_operator.api.common import TEMPLATE_LABEL
from gemma4_operator.planner.uses import Use, uses_of
from gemma4_operator.status.redact import clean

_STARTING = frozenset({"", "ContainerCreating", "PodInitializing"})
_ENDED = frozenset({"Succeeded", "Failed"})
_SETTLED = timedelta(seconds=60)
"""After a container's start: a kubelet may write only then that the pod is not ready since the run before ended."""
_GATE = re.compile(r'readiness gate "([^"]{1,320})"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a container ended, when, and after how long."""

    exit_code: int
    reason: str = ""
    message: str = ""
    began_at: datetime | None = None
    at: datetime | None = None

    @property
    def ran_seconds(self) -> float:
        """How long it ran; 0 where that is not known."""
        if self.began_at is None or self.at is None:
            return 0.0
        return max(0.0, (self.at - self.began_at).total_seconds())


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerView:
    """One container that does not serve, in the kubelet's words.

    Attributes:
        waiting: Why it waits; empty while it does not, or starts for the first time.
        ended: How it ended last, now or before it was started again; once it has served since, that is over.
        since: When it was started, if it runs.
        guarded: Whether it has a startup probe, before which no other begins.
        has_served: Whether it has been ready in the run that goes on.
    """

    name: str
    image: str = ""
    init: bool = False
    running: bool = False
    waiting: str = ""
    message: str = ""
    ended: Ended | None = None
    restarts: int = 0
    since: datetime | None = None
    guarded: bool = False
    has_served: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PodView:
    """What is known of one pod.

    Attributes:
        gone_by: When it is to be gone, of a pod that was told to go: the time that it was given included.
        reason: Why the whole pod failed, where its kubelet or the node's controller says so.
        disruption: Why Kubernetes itself ends the pod (condition DisruptionTarget): a reason and a message.
        unschedulable: The scheduler's message while the pod has no node.
        unschedulable_since: When it first said that no node can take the pod.
        gated: Whether the scheduler does not look at it at all, because of scheduling gates.
        scheduling_gates: Their names.
        sandboxed: Whether volumes and network are there; None on a kubelet that does not say.
        node: Where it is.
        abandoned: Whether readiness was taken from it although its containers are ready. The node's controller does
            so when the kubelet falls silent, and gives no reason, as a kubelet does.
        start_seconds: How long its containers may take to start, by their startup probes, to which a plan gives the
            time that the weights' size needs; 0: no probe says so.
        created_at: When it was made.
        running: Whether the engine's container runs, ready or not.
        started_at: Since when it does.
        ready_at: Since when the pod serves.
        unready_since: Since when it does not.
        has_started: Whether every container that has a startup probe has passed it, the first among them.
        answer_seconds: How long a first answer to the readiness probes may take then.
        told_at: When its kubelet last said anything new of it.
        readiness_gates: What it still waits for once all containers are ready.
        gated_since: Since when it waits for them.
        address: Its own on the network of pods.
        template: The hash of the template that the pod was made from.
        holds: What it takes of its node's GPUs; nothing while it has no node.
        claims: The PersistentVolumeClaims that it mounts.
        containers: Those that are not ready; none of a pod that serves.
    """

    name: str
    ready: bool
    deleting: bool = False
    gone_by: datetime | None = None
    phase: str = ""
    reason: str = ""
    message: str = ""
    disruption: tuple[str, str] | None = None
    scheduled: bool | None = None
    unschedulable: str = ""
    unschedulable_since: datetime | None = None
    gated: bool = False
    scheduling_gates: tuple[str, ...] = ()
    sandboxed: bool | None = None
    node: str = ""
    abandoned: bool = False
    start_seconds: int = 0
    created_at: datetime | None = None
    running: bool = False
    started_at: datetime | None = None
    ready_at: datetime | None = None
    unready_since: datetime | None = None
    has_started: bool = False
    answer_seconds: int = 0
    told_at: datetime | None = None
    readiness_gates: tuple[str, ...] = ()
    gated_since: datetime | None = None
    address: str = ""
    template: str = ""
    holds: tuple[Use, ...] = ()
    claims: tuple[str, ...] = ()
    containers: tuple[ContainerView, ...] = ()

    @property
    def ended(self) -> bool:
        """Whether it has ended for good: evicted, refused by a kubelet, lost with its node. It may lie on for days."""
        return self.phase in _ENDED

    @property
    def has_begun(self) -> bool:
        """Whether it has got further than one that a kubelet refuses, or is in trouble that its own status tells."""
        troubled = any(one.running or one.waiting or one.ended for one in self.containers)
        return bool(self.unschedulable or self.sandboxed or self.running or troubled)


def pod_view(pod: Mapping[str, Any]) -> PodView:
    """Reduce a raw Pod."""
    metadata, spec, status = (mapping(pod.get(part)) for part in ("metadata", "spec", "status"))
    conditions = {text(item.get("type")): item for item in mappings(status.get("conditions"))}
    scheduled = conditions.get("PodScheduled", {})
    waits = scheduled.get("status") == "False"
    disruption = conditions.get("DisruptionTarget", {})
    readiness = conditions.get("Ready", {})
    ready = readiness.get("status") == "True"
    main = mappings(status.get("containerStatuses"))
    runs = [mapping(state["running"]) for item in main if "running" in (state := mapping(item.get("state")))]
    unready_since = None if ready else moment(readiness.get("lastTransitionTime"))
    probed = _probed(spec, "startupProbe")
    init = mappings(status.get("initContainerStatuses"))
    unready = () if ready else tuple(_containers(init, main, probed=probed, unready_since=unready_since))
    gates = () if ready or unready or not main else _readiness_gates(spec, conditions)
    return PodView(
        name=text(metadata.get("name")),
        ready=ready,
        deleting="deletionTimestamp" in metadata,
        gone_by=moment(metadata.get("deletionTimestamp")),
        phase=text(status.get("phase")),
        reason=text(status.get("reason")),
        message=text(status.get("message")),
        disruption=(text(disruption.get("reason")), text(disruption.get("message")))
        if disruption.get("status") == "True"
        else None,
        scheduled=_answer(scheduled),
        unschedulable=text(scheduled.get("message")) if waits else "",
        unschedulable_since=moment(scheduled.get("lastTransitionTime"))
        if waits and scheduled.get("reason") == "Unschedulable"
        else None,
        gated=waits and scheduled.get("reason") == "SchedulingGated",
        scheduling_gates=tuple(text(gate.get("name")) for gate in mappings(spec.get("schedulingGates"))),
        sandboxed=_answer(conditions.get("PodReadyToStartContainers", {})),
        node=text(spec.get("nodeName")),
        abandoned=_answer(readiness) is False and bool(main) and not unready and not text(readiness.get("reason")),
        start_seconds=max(map(_start_seconds, mappings(spec.get("containers"))), default=0),
        created_at=moment(metadata.get("creationTimestamp")),
        running=bool(runs),
        started_at=moment(runs[0].get("startedAt")) if runs else None,
        ready_at=moment(readiness.get("lastTransitionTime")) if ready else None,
        unready_since=unready_since,
        has_started=_has_started(spec, (*init, *main), probed=probed),
        answer_seconds=max(map(_answer_seconds, mappings(spec.get("containers"))), default=0),
        told_at=None if ready else _told_at(metadata),
        readiness_gates=gates,
        gated_since=_later(unready_since, moment(conditions.get("ContainersReady", {}).get("lastTransitionTime")))
        if gates
        else None,
        address=text(status.get("podIP")),
        template=text(mapping(metadata.get("labels")).get(TEMPLATE_LABEL)),
        holds=_holds(spec, status),
        claims=claims(metadata, spec),
        containers=unready,
    )


def claims(metadata: Mapping[str, Any], spec: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the claims that a pod mounts, those that are made for it alone among them."""
    found = []
    for volume in mappings(spec.get("volumes")):
        if "ephemeral" in volume:
            found.append(f"{text(metadata.get('name'))}-{text(volume.get('name'))}")
        if name := text(mapping(volume.get("persistentVolumeClaim")).get("claimName")):
            found.append(name)
    return tuple(found)


def _start_seconds(container: Mapping[str, Any]) -> int:
    """Return after how long a kubelet gives a start up; what a probe does not say has the API's defaults."""
    probe = mapping(container.get("startupProbe"))
    if not probe:
        return 0
    tries, period_seconds = number(probe.get("failureThreshold")) or 3, number(probe.get("periodSeconds")) or 10
    return number(probe.get("initialDelaySeconds")) + tries * period_seconds


def _answer_seconds(container: Mapping[str, Any]) -> int:
    """Return how long a healthy container's readiness probe may take: its delay, and a try that fails or two."""
    probe = mapping(container.get("readinessProbe"))
    return number(probe.get("initialDelaySeconds")) + 3 * (number(probe.get("periodSeconds")) or 10)


def _probed(spec: Mapping[str, Any], kind: str) -> frozenset[str]:
    """Return the names of the containers that have a probe of a kind."""
    each = (*mappings(spec.get("containers")), *mappings(spec.get("initContainers")))
    return frozenset(text(one.get("name")) for one in each if mapping(one.get(kind)))


def _has_started(spec: Mapping[str, Any], statuses: Sequence[Mapping[str, Any]], *, probed: frozenset[str]) -> bool:
    """Whether the start is over; the first container is the engine, and without a probe of its own nobody knows."""
    engine = {text(one.get("name")) for one in mappings(spec.get("containers"))[:1]}
    return bool(engine & probed) and probed <= {text(item.get("name")) for item in statuses if _started(item)}


def _started(item: Mapping[str, Any]) -> bool:
    return item.get("started") is True


def _told_at(metadata: Mapping[str, Any]) -> datetime | None:
    """Return when the pod's status was last written by whoever says how its containers are.

    A kubelet writes only what has changed, so what it says has been so since then at the latest.
    """
    written = [
        moment(entry.get("time"))
        for entry in mappings(metadata.get("managedFields"))
        if "f:containerStatuses" in mapping(mapping(entry.get("fieldsV1")).get("f:status"))
    ]
    return max((time for time in written if time is not None), default=None)


def _readiness_gates(spec: Mapping[str, Any], conditions: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the gates that are not met, of a pod whose containers are ready; the kubelet's words name them as well."""
    readiness = conditions.get("Ready", {})
    if readiness.get("reason") != "ReadinessGatesNotReady":
        return ()
    listed = (text(gate.get("conditionType")) for gate in mappings(spec.get("readinessGates")))
    unmet = tuple(name for name in listed if conditions.get(name, {}).get("status") != "True")
    return unmet or tuple(_GATE.findall(text(readiness.get("message"))))


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((time for time in (one, other) if time is not None), default=None)


def _holds(spec: Mapping[str, Any], status: Mapping[str, Any]) -> tuple[Use, ...]:
    containers = {field: mappings(spec.get(field)) for field in ("containers", "initContainers")}
    place = {"nodeName": text(spec.get("nodeName")), **containers}
    return tuple(uses_of([{"spec": place, "status": {"phase": text(status.get("phase"))}}]))


def of_now(pods: Sequence[PodView]) -> tuple[PodView, ...]:
    """Return the pods that do not serve and were to, as far as they tell of now.

    One that has ended is history as soon as another has begun: a Deployment makes that one and leaves the first lying.
    """
    waiting = tuple(pod for pod in pods if not pod.ready and not pod.deleting)
    living = tuple(pod for pod in waiting if not pod.ended)
    return living if any(pod.has_begun for pod in living) else waiting


def speaker(pod: PodView) -> ContainerView | None:
    """Return the container that has ended, whose last words count."""
    return next((one for one in pod.containers if one.ended is not None), None)


def loader(pod: PodView) -> ContainerView | None:
    """Return the container that is at work before the pod serves, one that prepares it first; None: none has begun.

    What a kubelet that is gone said last of a pod that has ended is no work.
    """
    if pod.ended:
        return None
    return next((one for one in pod.containers if one.running and one.ended is None), None)


def _containers(
    init: Sequence[Mapping[str, Any]],
    main: Sequence[Mapping[str, Any]],
    *,
    probed: frozenset[str],
    unready_since: datetime | None,
) -> Iterator[ContainerView]:
    for item in init:
        state = mapping(item.get("state"))
        # One that has done its work, or serves beside the engine, keeps nobody from running.
        done = state.get("terminated") is not None and _ended(state) is None
        if not done and item.get("ready") is not True:
            yield _container(item, init=True, probed=probed, unready_since=unready_since)
    for item in main:
        if item.get("ready") is not True:
            yield _container(item, init=False, probed=probed, unready_since=unready_since)


def _container(
    item: Mapping[str, Any], *, init: bool, probed: frozenset[str], unready_since: datetime | None
) -> ContainerView:
    state, last = mapping(item.get("state")), mapping(item.get("lastState"))
    waiting = mapping(state.get("waiting"))
    reason = text(waiting.get("reason"))
    completed = not init and mapping(state.get("terminated"))
    guarded, since = text(item.get("name")) in probed, moment(mapping(state.get("running")).get("startedAt"))
    has_served = _has_served(item, guarded=guarded, since=since, unready_since=unready_since)
    return ContainerView(
        name=text(item.get("name")),
        image=text(item.get("image")),
        init=init,
        running="running" in state,
        waiting="" if reason in _STARTING else reason,
        message=text(waiting.get("message")),
        ended=_ended(state, even_well=bool(completed)) or (None if has_served else _ended(last, even_well=True)),
        restarts=number(item.get("restartCount")),
        since=since,
        guarded=guarded,
        has_served=has_served,
    )


def _has_served(
    item: Mapping[str, Any], *, guarded: bool, since: datetime | None, unready_since: datetime | None
) -> bool:
    """Whether the pod became unready only after this run of a container had begun, and so was ready in it."""
    if since is None or unready_since is None or item.get("started") is False:
        return False
    return unready_since - since > (timedelta() if guarded else _SETTLED)


def _ended(state: Mapping[str, Any], *, even_well: bool = False) -> Ended | None:
    """Return how a container ended; with code 0 only if it should have gone on."""
    terminated = mapping(state.get("terminated"))
    code = number(terminated.get("exitCode"))
    if not terminated or (code == 0 and not even_well):
        return None
    return Ended(
        exit_code=code,
        reason=text(terminated.get("reason")),
        message=text(terminated.get("message")),
        began_at=moment(terminated.get("startedAt")),
        at=moment(terminated.get("finishedAt")),
    )


def _answer(condition: Mapping[str, Any]) -> bool | None:
    answers: dict[Any, bool] = {"True": True, "False": False}
    status = condition.get("status")
    return answers.get(status) if isinstance(status, str) else None


def mapping(value: Any) -> Mapping[str, Any]:
    """Return a value that is an object, or an empty one."""
    return value if isinstance(value, Mapping) else {}


def mappings(value: Any) -> tuple[Mapping[str, Any], ...]:
    """Return the objects of a list."""
    return tuple(item for item in value if isinstance(item, Mapping)) if isinstance(value, list | tuple) else ()


def text(value: Any) -> str:
    """Return a value that is a text, without secrets."""
    return clean(value) if isinstance(value, str) else ""


def number(value: Any) -> int:
    """Return a value that is a whole number, or 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def moment(value: Any) -> datetime | None:
    """Return a value that is a time with its zone."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
