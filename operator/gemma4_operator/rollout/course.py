"""The course of one Deployment: what is applied of it now, in which order its pods are replaced, and what to say."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gemma4_operator.api.deployment import Gemma4DeploymentSpec
from gemma4_operator.api.update import UpdateStrategy
from gemma4_operator.planner.node_view import NodeView
from gemma4_operator.planner.plan import Plan
from gemma4_operator.planner.uses import Use
from gemma4_operator.render.template import template_of
from gemma4_operator.rollout.leaving import is_leaving, is_overdue
from gemma4_operator.rollout.quota import places
from gemma4_operator.rollout.room import footprint, room
from gemma4_operator.rollout.strategy import Decision, Standing, Way, decide
from gemma4_operator.status.diagnose import Finding
from gemma4_operator.status.pods import PodView
from gemma4_operator.status.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How a rollout goes on.

    Attributes:
        deployment: With the numbers of its rolling update.
        told: How pods are replaced, in one sentence.
        blocked: Why it waits, if it does.
    """

    deployment: dict[str, Any]
    told: str
    blocked: Finding | None


def is_rolling(deployment: Mapping[str, Any], pods: Iterable[PodView]) -> bool:
    """Whether pods of another template than the Deployment's stand."""
    return bool(_split(deployment, pods)[0])


def of_template(deployment: Mapping[str, Any], pods: Iterable[PodView]) -> tuple[PodView, ...]:
    """Return the pods of the Deployment's template; what others say is no matter of the current plan."""
    current = template_of(deployment)
    return tuple(pod for pod in pods if pod.template == current)


def course(deployment: dict[str, Any], now: Standing, *, spec: Gemma4DeploymentSpec, plan: Plan) -> Course:
    """Return how to replace the pods of earlier templates, of which some stand.

    Args:
        deployment: As it is to be, template and count.
        now: Where the rollout stands.
        spec: The resource's.
        plan: The one that the Deployment follows.
    """
    decision = decide(now, spec.update.strategy)
    return Course(
        deployment=_with_numbers(deployment, decision),
        told=_told(now, decision),
        blocked=_blocked(now, spec, _gpus(plan)) if decision.way is Way.BLOCKED else None,
    )


def standing(
    deployment: Mapping[str, Any],
    *,
    spec: Gemma4DeploymentSpec,
    pods: Sequence[PodView],
    nodes: Sequence[NodeView],
    others: Sequence[Use],
    refused: str = "",
    now: datetime,
) -> Standing:
    """Return where the rollout of a Deployment stands.

    Args:
        deployment: As it is to be, template and count.
        spec: The resource's.
        pods: All of the resource.
        nodes: All of the cluster.
        others: What pods of others hold of their GPUs.
        refused: Why the API server lets no new pod in; empty: it does.
        now: The time.
    """
    old, new = _split(deployment, pods)
    asked, replicas = footprint(deployment["spec"]["template"]), deployment["spec"]["replicas"]
    budget, each = spec.placement.maximum_gpus, max(asked.gpus.values(), default=0)
    ours = [use for pod in pods for use in pod.holds]
    overdue = [pod for pod in pods if is_overdue(pod, now=now)]
    kept = [use for pod in (*new, *overdue) for use in pod.holds]
    # What asks for no GPU fits as far as we can see.
    is_bounded = bool(asked.gpus)
    beside = room(asked, nodes, [*others, *ours]) if is_bounded else replicas
    instead = room(asked, nodes, [*others, *kept]) if is_bounded else replicas
    allowed = places(refused, old)
    return Standing(
        replicas=replicas,
        max_unavailable=spec.disruption.max_unavailable(replicas),
        most=budget // each if budget is not None and each else None,
        old=len(old),
        old_serving=sum(pod.ready for pod in old),
        placed=sum(bool(pod.scheduled) for pod in new),
        # Of one with scheduling gates the scheduler has not said that no node is free.
        unplaced=sum(bool(pod.unschedulable) and not pod.gated for pod in new),
        leaving=sum(is_leaving(pod, now=now) for pod in pods),
        room=beside if allowed is None else 0,
        room_without_old=instead if allowed is None else min(instead, allowed),
        is_exclusive=spec.cache is not None and not spec.cache.claim.is_shared,
    )


def _split(deployment: Mapping[str, Any], pods: Iterable[PodView]) -> tuple[list[PodView], list[PodView]]:
    """Return the pods of earlier templates and those of this one, without those that are told to go or have ended."""
    current = template_of(deployment)
    stand = [pod for pod in pods if not pod.deleting and not pod.ended]
    return [pod for pod in stand if pod.template != current], [pod for pod in stand if pod.template == current]


def _with_numbers(deployment: dict[str, Any], decision: Decision) -> dict[str, Any]:
    numbers = {"maxSurge": decision.max_surge, "maxUnavailable": decision.max_unavailable}
    strategy = {**deployment["spec"]["strategy"], "rollingUpdate": numbers}
    return {**deployment, "spec": {**deployment["spec"], "strategy": strategy}}


def _told(now: Standing, decision: Decision) -> str:
    match decision.way:
        case Way.SURGE:
            return f"New pods come first: there are GPUs for {decision.max_surge} more than are wanted."
        case Way.IN_PLACE:
            count = decision.max_unavailable
            return f"Pods are replaced in place, {count} at a time." if count < now.replicas else _ALL_AT_ONCE
        case Way.BLOCKED:
            return "The rollout waits for a free GPU."


_ALL_AT_ONCE = "Pods are replaced in place, and none serves until a new one has started."


def _gpus(plan: Plan) -> str:
    return f"{plan.gpus_per_replica}x {plan.gpu_product or plan.gpu_resource}"


def _blocked(now: Standing, spec: Gemma4DeploymentSpec, gpus: str) -> Finding:
    if now.room_without_old == 0:
        why = "no node that fits would have room even without them"
        instead = "change `spec.placement`"
    elif spec.update.strategy is UpdateStrategy.SURGE:
        why = "`spec.update.strategy` is 'Surge'"
        instead = "set it to 'Auto', which lets an old pod go first"
    else:
        why = "`spec.disruption.minAvailablePercent` is 100"
        instead = "lower it, or set `spec.update.strategy` to 'Recreate', to let an old pod go first"
    message = (
        f"No node has {gpus} free for a new pod, and none of the {now.old_serving} old ones that serve goes first, "
        f"because {why}. Free or add such a GPU, or {instead}."
    )
    return Finding(reason=Reason.ROLLOUT_BLOCKED_NO_SPARE_GPU, message=message)
