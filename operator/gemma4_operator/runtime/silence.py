"""When pods are looked at that make no news: one that loads may stand still, and one without a node may get one."""

from collections.abc import Sequence
from datetime import datetime

from gemma4_operator.status.pods import PodView, loader
from gemma4_operator.status.unplaced import placing_seconds
from gemma4_operator.status.unready import is_up

LOADING_SECONDS = 60.0
"""After which a pod that loads, or has started and is not ready, is looked at again."""
PLACING_SECONDS = 30.0
"""After which a pod without a node is: who adds one says so in an event, which is no news of the pod."""
_LONGEST_SECONDS = 300.0
_WAITED_SHARE = 0.1
"""Of the time without a node, after which it is looked at again: what has not come for long is expected less soon."""


def silent_seconds(pods: Sequence[PodView], *, now: datetime) -> float | None:
    """Return after what time pods may be another without having said so; None: they say all."""
    after = [LOADING_SECONDS] if any(map(_may_change, pods)) else []
    waited = placing_seconds(pods, now=now)
    if waited is not None:
        after.append(min(_LONGEST_SECONDS, max(PLACING_SECONDS, _WAITED_SHARE * waited)))
    return min(after, default=None)


def _may_change(pod: PodView) -> bool:
    return loader(pod) is not None or (is_up(pod) and not pod.ready)
