"""Failures of the field, told again of a pod of ours: what a kubelet writes into a pod's status, and its events."""

import json
from pathlib import Path
from typing import Any

from gemma4_operator.status.reasons import Reason
from tests.faults.fault import HEALED, Fault, Kind, Told

ENGINE = "llama-server"
_LAST_WORDS = 2048
"""Bytes of a log's end that stand in the status (terminationMessagePolicy FallbackToLogsOnError)."""
_CASES: dict[str, dict[str, Any]] = {
    case["id"]: case
    for case in json.loads((Path(__file__).parents[1] / "data" / "pod-failures.json").read_text(encoding="utf-8"))
}


def field_case(name: str, case: str, kind: Kind) -> Fault:
    """Return the fault of a case in `tests/data/pod-failures.json`."""
    found = _CASES[case]
    expected = found["expected"]
    return _fault(
        name,
        kind,
        Reason(expected["reason"]),
        found["pod"],
        events=tuple(event for event in found["events"] if event["involvedObject"]["kind"] == "Pod"),
        log=tuple(found["logTail"]),
        mention=tuple(expected["mustMention"]),
    )


def waiting(name: str, kind: Kind, reason: Reason, *, because: str, message: str, mention: str) -> Fault:
    """Return the fault of a container that waits for a reason of the kubelet's."""
    container = {"name": ENGINE, "image": "registry.test/engine:1", "ready": False, "restartCount": 0}
    state = {"state": {"waiting": {"reason": because, "message": message}}}
    return _fault(
        name, kind, reason, {"phase": "Pending", "containerStatuses": [container | state]}, mention=(mention,)
    )


def killed_by_probe(name: str, reason: Reason, *, probe: str, failure: str, ran: tuple[str, str]) -> Fault:
    """Return the fault of a container that a probe killed, which ran from one time to another."""
    last = {"exitCode": 137, "reason": "Error", "startedAt": ran[0], "finishedAt": ran[1]}
    container = {"name": ENGINE, "image": "registry.test/engine:1", "ready": False, "restartCount": 1}
    state = {"started": False, "state": {"running": {"startedAt": ran[1]}}, "lastState": {"terminated": last}}
    events = (
        {"reason": "Unhealthy", "message": f"{probe.capitalize()} probe failed: {failure}"},
        {"reason": "Killing", "message": f"Container {ENGINE} failed {probe} probe, will be restarted"},
    )
    status = {"phase": "Running", "containerStatuses": [container | state]}
    return _fault(name, Kind.KILLED, reason, status, events=events, mention=(f"{probe} probe", failure))


def unplaced(name: str, reason: Reason, *, message: str, mention: str) -> Fault:
    """Return the fault of a pod that the scheduler cannot place, in the scheduler's words."""
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    return _fault(name, Kind.SCHEDULING, reason, {"phase": "Pending", "conditions": [condition]}, mention=(mention,))


def _fault(
    name: str,
    kind: Kind,
    reason: Reason,
    status: dict[str, Any],
    *,
    events: tuple[dict[str, Any], ...] = (),
    log: tuple[str, ...] = (),
    mention: tuple[str, ...] = (),
) -> Fault:
    scheduled = {item["type"]: item for item in status.get("conditions", ())}.get("PodScheduled", {})
    told = Told(status=_as_ours(status, log), events=events, scheduled=scheduled.get("status") != "False")
    return Fault(name=name, kind=kind, reason=reason, mention=mention, proof=HEALED, told=told, together="pods")


def _as_ours(status: dict[str, Any], log: tuple[str, ...]) -> dict[str, Any]:
    """Return a status for a pod whose only container is the engine; the log's end stands where the kubelet puts it.

    Once restarted, and no more: an engine that is short of memory twice gets another plan, and that is another test.
    """
    main = [_container(item, log, first=not index) for index, item in enumerate(status.get("containerStatuses", ()))]
    init = [_container(item, log, first=False) for item in status.get("initContainerStatuses", ())]
    kept = {key: value for key, value in status.items() if key in {"phase", "reason", "message", "conditions"}}
    return kept | ({"containerStatuses": main} if main else {}) | ({"initContainerStatuses": init} if init else {})


def _container(item: dict[str, Any], log: tuple[str, ...], *, first: bool) -> dict[str, Any]:
    ours = json.loads(json.dumps(item))
    ours["restartCount"] = min(ours.get("restartCount", 0), 1)
    ours.setdefault("imageID", "")
    ours["name"] = ENGINE if first else ours["name"]
    for ended in (ours.get("lastState", {}).get("terminated"), ours.get("state", {}).get("terminated")):
        if ended is not None and log and ended.get("exitCode"):
            ended.setdefault("message", "\n".join(log)[-_LAST_WORDS:])
    return ours
