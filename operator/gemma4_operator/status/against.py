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
TOO_LARGE = frozenset({Reason.GPU_OUT_OF_MEMORY, Reason.KV_CACHE_TOO_SMALL})
"""What an engine says whose plan asks too much of the GPU's memory. Memory that something else holds is no plan's."""


def against_plan(
    pods: Sequence[PodView],
    running: Rollout,
    evidence: Mapping[str, Evidence],
    *,
    planned: Sequence[PodView],
    patience_seconds: float,
    now: datetime,
) -> Wrong | None:
    """Return what is wrong with the plan, going by its pods; those of an earlier one say nothing about it.

    While any pod serves, of whatever plan, those without a node wait, since to move would take from who is served. But
    a plan whose engine has no room fails beside old pods that serve as well, and would do so for ever.

    Args:
        pods: All of one resource.
        running: What its Deployment says.
        evidence: What more is known of pods that fail, by their names.
        planned: Those of the pods that were made by the plan.
        patience_seconds: For how long pods may find no node.
        now: The time.
    """
    if not running.current:
        return None
    if not running.ready and unplaced_seconds(pods, now=now) >= patience_seconds:
        return Wrong.UNPLACED
    if not may_be_too_large(planned) or max_restarts(planned) < RESTARTS_THAT_TELL:
        return None
    found = diagnose(planned, evidence)
    return Wrong.MEMORY if found is not None and found.reason in TOO_LARGE else None


def may_be_too_large(planned: Sequence[PodView]) -> bool:
    """Whether the pods of a plan can speak against its size: none of them serves, so none shows that it fits."""
    return not any(pod.ready for pod in planned)
