"""What a quota of the namespace leaves for new pods, read off the API server's refusal of one.

A pod that is refused is never made, so the scheduler says nothing of it, and nodes may have GPUs free all the while.
Where the old pods use all that a quota allows, a new one that must come first would be refused for ever.
"""

import re
from collections.abc import Mapping, Sequence

from gemma4_operator.planner.amounts import amount
from gemma4_operator.planner.node_labels import PREFIX
from gemma4_operator.status.pods import PodView

_EXCEEDED = re.compile(r"exceeded quota: [^,]+, requested: (\S+), used: (\S+), limited: (\S+)")
"""k8s.io/kubernetes, the admission plug-in ResourceQuota."""


def places(refused: str, old: Sequence[PodView]) -> int | None:
    """Return how many new pods the quota would let in without the old ones; None: it is no quota that refuses.

    Args:
        refused: The API server's words; empty: it refuses nothing.
        old: Pods of earlier templates, of which each is taken to use as much as a new one, GPUs aside.
    """
    found = _EXCEEDED.search(refused)
    if found is None:
        return None
    requested, used, limited = map(_amounts, found.groups())
    left = (_left(name, asked, limited.get(name, 0), used.get(name, 0), old) for name, asked in requested.items())
    return max(0, min(left, default=0))


def _left(name: str, asked: int, limited: int, used: int, old: Sequence[PodView]) -> int:
    resource = name.removeprefix("requests.")
    if resource.startswith(PREFIX):
        freed = sum(use.gpus for pod in old for use in pod.holds if use.resource == resource)
        return (limited - used + freed) // max(asked, 1)
    # Parts of a CPU are rounded to none, of which any number fits.
    most = limited // asked if asked else len(old)
    return min(most, len(old) + (limited - used) // max(asked, 1))


def _amounts(listed: str) -> Mapping[str, int]:
    pairs = (one.partition("=") for one in listed.split(","))
    return {name: amount(value) for name, _, value in pairs}
