"""What pods say against their plan."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from gemma4_operator.planner.replan import Wrong
from gemma4_operator.status.diagnose import diagnose, max_restarts
from gemma4_operator.status.evidence import Evidence
from gemma4_operator.status.pods import PodView
from gemma4_operator.status.reasons import Reason
from gemma4_operator.status.rollout import Rollout
from gemma4_operator.status.unplaced import unplaced_seconds

RESTARTS_THAT_TELL = 2
"""After so many an engine that runs out of memory does so by its plan, and not for what another process left."""


def against_plan(
    pods: Sequence[PodView],
    running: Rollout,
    evidence: Mapping[str, Evidence],
    *,
    patience_seconds: float,
    now: datetime,
) -> Wrong | None:
    """Return what is wrong with the plan, going by its pods; those of an earlier one say nothing about it.

    Args:
        pods: All of one resource.
        running: What its Deployment says.
        evidence: What more is known of pods that fail, by their names.
        patience_seconds: For how long pods may find no node.
        now: The time.
    """
    if not running.current or running.ready:
        return None
    if unplaced_seconds(pods, now=now) >= patience_seconds:
        return Wrong.UNPLACED
    if running.old or max_restarts(pods) < RESTARTS_THAT_TELL:
        return None
    found = diagnose(pods, evidence)
    return Wrong.MEMORY if found is not None and found.reason is Reason.GPU_OUT_OF_MEMORY else None
