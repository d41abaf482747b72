"""A pod, reduced to what a status needs: small enough to keep thousands of them in memory.

A pod comes from an API server, but its texts come from kubelets, runtimes and plug-ins of any kind and version, so
nothing is taken for granted: what has another form than the API's counts as absent.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gemma4_operator.api.common import TEMPLATE_LABEL
from gemma4_operator.planner.uses import Use, uses_of
from gemma4_operator.status.redact import clean

_STARTING = frozenset({"", "ContainerCreating", "PodInitializing"})
_ENDED = frozenset({"Succeeded", "Failed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a container ended."""

    exit_code: int
    reason: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerView:
    """One container that does not serve, in the kubelet's words.

    Attributes:
        waiting: Why it waits; empty while it does not, or starts for the first time.
        ended: How it ended last, now or before it was started again.
        since: When it was started, if it runs.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class PodView:
    """What is known of one pod.

    Attributes:
        gone_by: When it is to be gone, of a pod that was told to go: the time that it was given included.
        reason: Why the whole pod failed, where its kubelet or the node's controller says so.
        disruption: Why Kubernetes itself ends the pod (condition DisruptionTarget): a reason and a message.
        unschedulable: The scheduler's message while the pod has no node.
        unschedulable_since: When it first said that no node can take the pod.
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
        address: Its own on the network of pods.
        template: The hash of the template that the pod was made from.
        holds: What it takes of its node's GPUs; nothing while it has no node.
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
    sandboxed: bool | None = None
    node: str = ""
    abandoned: bool = False
    start_seconds: int = 0
    created_at: datetime | None = None
    running: bool = False
    started_at: datetime | None = None
    ready_at: datetime | None = None
    address: str = ""
    template: str = ""
    holds: tuple[Use, ...] = ()
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
    metadata, status = mapping(pod.get("metadata")), mapping(pod.get("status"))
    conditions = {text(item.get("type")): item for item in mappings(status.get("conditions"))}
    scheduled = conditions.get("PodScheduled", {})
    waits = scheduled.get("status") == "False"
    disruption = conditions.get("DisruptionTarget", {})
    readiness = conditions.get("Ready", {})
    ready = readiness.get("status") == "True"
    main = mappings(status.get("containerStatuses"))
    runs = [mapping(state["running"]) for item in main if "running" in (state := mapping(item.get("state")))]
    unready = () if ready else tuple(_containers(mappings(status.get("initContainerStatuses")), main))
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
        sandboxed=_answer(conditions.get("PodReadyToStartContainers", {})),
        node=text(mapping(pod.get("spec")).get("nodeName")),
        abandoned=_answer(readiness) is False and bool(main) and not unready and not text(readiness.get("reason")),
        start_seconds=max(map(_start_seconds, mappings(mapping(pod.get("spec")).get("containers"))), default=0),
        created_at=moment(metadata.get("creationTimestamp")),
        running=bool(runs),
        started_at=moment(runs[0].get("startedAt")) if runs else None,
        ready_at=moment(readiness.get("lastTransitionTime")) if ready else None,
        address=text(status.get("podIP")),
        template=text(mapping(metadata.get("labels")).get(TEMPLATE_LABEL)),
        holds=_holds(mapping(pod.get("spec")), status),
        containers=unready,
    )


def _start_seconds(container: Mapping[str, Any]) -> int:
    """Return after how long a kubelet gives a start up; what a probe does not say has the API's defaults."""
    probe = mapping(container.get("startupProbe"))
    if not probe:
        return 0
    tries, period_seconds = number(probe.get("failureThreshold")) or 3, number(probe.get("periodSeconds")) or 10
    return number(probe.get("initialDelaySeconds")) + tries * period_seconds


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


def _containers(init: Sequence[Mapping[str, Any]], main: Sequence[Mapping[str, Any]]) -> Iterator[ContainerView]:
    for item in init:
        state = mapping(item.get("state"))
        # One that has done its work, or serves beside the engine, keeps nobody from running.
        done = state.get("terminated") is not None and _ended(state) is None
        if not done and item.get("ready") is not True:
            yield _container(item, init=True)
    for item in main:
        if item.get("ready") is not True:
            yield _container(item, init=False)


def _container(item: Mapping[str, Any], *, init: bool) -> ContainerView:
    state, last = mapping(item.get("state")), mapping(item.get("lastState"))
    waiting = mapping(state.get("waiting"))
    reason = text(waiting.get("reason"))
    completed = not init and mapping(state.get("terminated"))
    return ContainerView(
        name=text(item.get("name")),
        image=text(item.get("image")),
        init=init,
        running="running" in state,
        waiting="" if reason in _STARTING else reason,
        message=text(waiting.get("message")),
        ended=_ended(state, even_well=bool(completed)) or _ended(last, even_well=True),
        restarts=number(item.get("restartCount")),
        since=moment(mapping(state.get("running")).get("startedAt")),
    )


def _ended(state: Mapping[str, Any], *, even_well: bool = False) -> Ended | None:
    """Return how a container ended; with code 0 only if it should have gone on."""
    terminated = mapping(state.get("terminated"))
    code = number(terminated.get("exitCode"))
    if not terminated or (code == 0 and not even_well):
        return None
    return Ended(exit_code=code, reason=text(terminated.get("reason")), message=text(terminated.get("message")))


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
