"""From a resource and its plan to the terms of its scaler."""

import math

from gemma4_operator.api.autoscaling import Autoscaling
from gemma4_operator.api.deployment import Gemma4DeploymentSpec
from gemma4_operator.planner.ask import ask_of
from gemma4_operator.planner.limits import affordable
from gemma4_operator.planner.plan import Plan, Predicted
from gemma4_operator.planner.reachable import TYPICAL
from gemma4_operator.scaling.service import Service
from gemma4_operator.scaling.terms import Ceiling, Terms

FIRST_TOKEN_SECONDS = 5.0
"""Where the objectives say nothing of it: no longer than a person waits without doubting that something happens."""
PLACING_SECONDS = 30.0
"""What a pod takes beside loading its weights, as long as none was seen: a place, its image, its first answer."""
_FIXED_SHARE = 0.7
"""Of a token's time, where a plan says no more of it: what a step takes whatever its sequences (31B on two H100s)."""


def terms_of(plan: Plan, spec: Gemma4DeploymentSpec, bounds: Autoscaling, *, running: int) -> Terms:
    """Return what binds the scaler.

    Args:
        plan: The one that runs.
        spec: The resource's.
        bounds: Its `autoscaling`.
        running: How many have been told to run; a budget without a price lets no more than these.
    """
    ask = ask_of(spec)
    load, deadlines = ask.load or TYPICAL, ask.deadlines
    limit = affordable(plan, spec, running=running)
    first, each = deadlines.time_to_first_token_seconds, deadlines.time_per_output_token_seconds
    return Terms(
        minimum=bounds.min_replicas,
        maximum=bounds.max_replicas,
        ceiling=Ceiling(replicas=limit[0], field=limit[1]) if limit is not None else None,
        service=service_of(plan, input_tokens=load.uncached_input_tokens),
        first_token_seconds=first if first is not None else FIRST_TOKEN_SECONDS,
        token_seconds=each if each is not None else math.inf,
        attainment=deadlines.attainment,
        boot_seconds=plan.predicted.load_seconds + PLACING_SECONDS,
        input_tokens=load.uncached_input_tokens,
        output_tokens=load.output_tokens,
        uncached_share=load.uncached_input_tokens / load.input_tokens,
        idle_seconds=bounds.idle_seconds,
        stabilization_seconds=bounds.scale_down_stabilization_seconds,
    )


def service_of(plan: Plan, *, input_tokens: float) -> Service:
    """Return one replica as the plan expects it; one that an older operator made says less, and is guessed from that.

    Args:
        plan: The one that runs.
        input_tokens: Of a usual prompt that no cache holds.
    """
    expected, most = plan.predicted, max(1, plan.max_concurrent_requests)
    step_seconds, prompt_token_seconds = expected.step_microseconds / 1e6, expected.prompt_token_nanoseconds / 1e9
    sequence_seconds = expected.sequence_nanoseconds / 1e9
    if not step_seconds:
        step_seconds, sequence_seconds = _guessed(expected, most)
    return Service(
        fixed_seconds=max(1e-6, step_seconds),
        sequence_seconds=sequence_seconds,
        prompt_token_seconds=prompt_token_seconds or expected.time_to_first_token_milliseconds / 1e3 / input_tokens,
        most_sequences=most,
        max_batched_tokens=plan.max_batched_tokens,
    )


def is_same_replica(one: Plan, other: Plan) -> bool:
    """Whether replicas of both plans are expected to be as fast, and to take as long to come."""
    same_boot = one.predicted.load_seconds == other.predicted.load_seconds
    return same_boot and service_of(one, input_tokens=1.0) == service_of(other, input_tokens=1.0)


def _guessed(expected: Predicted, most: int) -> tuple[float, float]:
    token_seconds = expected.time_per_output_token_microseconds / 1e6
    return _FIXED_SHARE * token_seconds, (1 - _FIXED_SHARE) * token_seconds / most
