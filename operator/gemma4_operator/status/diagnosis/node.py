"""A node that was lost under its pod."""

from gemma4_operator.status.diagnosis.rules import Diagnosis
from gemma4_operator.status.evidence import Evidence
from gemma4_operator.status.reasons import Reason
from gemma4_operator.status.redact import shorten

_LOST = ("NodeNotReady", "TaintManagerEviction", "NodeShutdown", "NodeControllerEviction", "DeletingNode")


def node_lost(evidence: Evidence) -> Diagnosis | None:
    """Return that the node went away, from the events of its controllers (pkg/controller/nodelifecycle)."""
    for event in evidence.told(*_LOST):
        return Diagnosis(
            reason=Reason.NODE_NOT_READY,
            message=f"{event.subject}: {event.reason}: {shorten(event.message, 300).rstrip('.')}.",
        )
    return None
