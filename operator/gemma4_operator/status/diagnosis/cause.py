"""The way in: one pod's evidence to one cause.

Several signs are often there at once. The stages are tried in the order of the pod's own life, and the first that
knows a cause answers: a pod without a node has no image to wait for, and one whose image is missing has no log. Within
the log the root counts and not the last line (`engine`).
"""

from collections.abc import Callable
from typing import Final

from gemma4_operator.status.diagnosis import (
    admission,
    answering,
    containers,
    engine,
    images,
    killed,
    node,
    progress,
    scheduling,
)
from gemma4_operator.status.diagnosis.rules import Diagnosis
from gemma4_operator.status.evidence import Evidence

_STAGES: Final[tuple[Callable[[Evidence], Diagnosis | None], ...]] = (
    admission.never_made,
    admission.ended_by_kubernetes,
    scheduling.unscheduled,
    images.image_wanting,
    containers.cannot_be_made,
    containers.cannot_be_prepared,
    killed.ended,
    engine.without_pod,
    admission.job_failed,
    node.node_lost,
    answering.not_serving,
    answering.about_to_serve,
    progress.going_on,
)


def find_cause(evidence: Evidence) -> Diagnosis | None:
    """Return the one cause for which a pod does not serve; None for one that serves, has done its work, or is unknown.

    Without events and without a log the answer is the best that the pod's own status gives.
    """
    pod = evidence.pod
    if pod is not None and (pod.ready or pod.phase == "Succeeded"):
        return None
    return next((cause for stage in _STAGES if (cause := stage(evidence)) is not None), None)
