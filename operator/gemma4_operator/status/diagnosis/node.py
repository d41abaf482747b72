"""A node that was lost under its pod, or whose GPU failed."""

from itertools import takewhile

from gemma4_operator.status.diagnosis.log_gpu import FAULTS
from gemma4_operator.status.diagnosis.rules import Diagnosis, first
from gemma4_operator.status.evidence import Evidence
from gemma4_operator.status.reasons import Reason
from gemma4_operator.status.redact import shorten

_LOST = ("NodeNotReady", "TaintManagerEviction", "NodeShutdown", "NodeControllerEviction", "DeletingNode")


def node_lost(evidence: Evidence) -> Diagnosis | None:
    """Return that the node or its GPU went away.

    The events are those of the node's controllers (pkg/controller/nodelifecycle, which marks pods without a reason:
    MarkPodsNotReady in pkg/controller/util/node) and of the node problem detector.
    """
    warnings = [event for event in evidence.events if event.kind == "Node"]
    fault = first(FAULTS[:1], [event.message for event in warnings])
    if fault is not None:
        return Diagnosis(reason=fault.reason, message=f"{warnings[fault.index].subject}: {fault.quote}")
    if evidence.pod is not None and evidence.pod.abandoned:
        where = f"node '{evidence.pod.node}'" if evidence.pod.node else "the node"
        return Diagnosis(
            reason=Reason.NODE_NOT_READY, message=f"{where} no longer reports, so its pods count as not ready."
        )
    # Events come newest first: a node that is back has not gone.
    for event in takewhile(lambda event: event.reason != "NodeReady", evidence.told(*_LOST, "NodeReady")):
        return Diagnosis(
            reason=Reason.NODE_NOT_READY,
            message=f"{event.subject}: {event.reason}: {shorten(event.message, 300).rstrip('.')}.",
        )
    return None
