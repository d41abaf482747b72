"""Whether the claim that a spec asks for can hold what is downloaded, told beside the plan.

The claim is no part of what shapes a plan, so what is told of it follows the spec as it is now, whatever an earlier
pass has written.
"""

import math
from dataclasses import replace

from gemma4_operator.api.deployment import Gemma4DeploymentSpec
from gemma4_operator.planner.amounts import amount
from gemma4_operator.planner.origin import written
from gemma4_operator.planner.plan import Plan

SHARE = 1.2
"""Of the weights: what a claim should hold, for what comes beside them."""
_FIELD = "`spec.cache.claim.size`"
_GIB = 2**30


def with_cache_room(plan: Plan, spec: Gemma4DeploymentSpec) -> Plan:
    """Return the plan with a note where the claim is too small, and without one that is no longer true."""
    notes = tuple(note for note in plan.notes if not note.startswith(_FIELD))
    if spec.cache is not None and amount(spec.cache.claim.size) < plan.weights_bytes:
        notes = (_note(plan, spec.cache.claim.size), *notes)
    return replace(plan, notes=notes) if notes != plan.notes else plan


def _note(plan: Plan, size: str) -> str:
    least = math.ceil(SHARE * plan.weights_bytes / _GIB)
    return (
        f"{_FIELD} is {size}, and {written(plan.weights)} has {plan.weights_bytes / _GIB:.1f} GiB, so its download "
        f"fills the volume before it ends: make it at least {least}Gi."
    )
