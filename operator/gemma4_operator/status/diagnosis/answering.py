"""A pod that has started and does not serve: its engine no longer answers, or a readiness gate holds it back."""

import re
from typing import Final

from gemma4_operator.status.conditions import written
from gemma4_operator.status.diagnosis.progress import cause_while_running
from gemma4_operator.status.diagnosis.rules import Diagnosis, text_like
from gemma4_operator.status.evidence import Evidence
from gemma4_operator.status.pods import ContainerView, PodView
from gemma4_operator.status.reasons import Reason
from gemma4_operator.status.redact import shorten
from gemma4_operator.status.unready import is_held, is_up, silent

_READINESS: Final = text_like(r"^readiness probe")
_OF_A_RUN: Final = text_like(r"^(?:readiness|liveness) probe")
_OUR_END: Final = re.compile(r"\S+->")
"""The kubelet's side of a connection: its port is another each time, and would be news in each pass."""


def not_serving(evidence: Evidence) -> Diagnosis | None:
    """Return what keeps a pod from serving whose start is over."""
    pod = evidence.pod
    if pod is None:
        return None
    told = [event.message for event in evidence.told("Unhealthy") if _OF_A_RUN.search(event.message)]
    is_refused = any(_READINESS.search(said) for said in told)
    mute = silent(pod, now=evidence.read_at, is_refused=is_refused)
    if mute:
        return _mute(evidence, pod, mute, told)
    if is_held(pod, now=evidence.read_at):
        since = f" since {written(pod.gated_since)}" if pod.gated_since is not None else ""
        return Diagnosis(
            reason=Reason.READINESS_GATE_UNMET,
            message=f"all containers are ready, and {_gates(pod)} keeps the pod from serving{since}.",
        )
    return None


def about_to_serve(evidence: Evidence) -> Diagnosis | None:
    """Return what a pod waits for whose start is over, for as long as that is usual."""
    pod = evidence.pod
    if pod is None or pod.deleting or pod.ended or not is_up(pod):
        return None
    who = f"pod '{pod.name}' is starting: "
    waits = (
        f"all containers are ready, and {_gates(pod)} is not met yet"
        if pod.readiness_gates
        else "its startup probes have passed, and its readiness probes have not yet"
    )
    return Diagnosis(reason=Reason.STILL_STARTING, message=f"{who}{waits}.")


def _mute(evidence: Evidence, pod: PodView, mute: tuple[ContainerView, ...], told: list[str]) -> Diagnosis:
    # The engine goes before what serves beside it.
    one = min(mute, key=lambda item: (not item.guarded, item.init, item.name))
    cause = cause_while_running(evidence.log)
    if cause is not None:
        said = cause.quote.rstrip(".")
        return Diagnosis(reason=cause.reason, message=f"container '{one.name}' runs and cannot serve: {said}.")
    runs = f"container '{one.name}' has run{_since(one)}"
    if one.has_served:
        since = f" since {written(pod.unready_since)}" if pod.unready_since is not None else ""
        how = f"it was ready, and has not answered its readiness probe{since}"
    else:
        how = "it has started, and has not answered its readiness probe yet"
    detail = f": {shorten(_OUR_END.sub('', told[0]), 300).rstrip('.')}" if told else ""
    return Diagnosis(reason=Reason.NOT_ANSWERING, message=f"{runs}; {how}{detail}.")


def _since(container: ContainerView) -> str:
    return f" since {written(container.since)}" if container.since is not None else ""


def _gates(pod: PodView) -> str:
    named = ", ".join(f"'{name}'" for name in pod.readiness_gates)
    return f"readiness gate{'s' if len(pod.readiness_gates) > 1 else ''} {named}"
