"""From the Deployment that should be to the one that is applied now: upgrades move nothing, rollouts have an order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from gemma4_operator.kube.kinds import DEPLOYMENT
from gemma4_operator.render.hash import stamped
from gemma4_operator.rollout.course import course, is_rolling, of_template, standing
from gemma4_operator.rollout.keep import kept
from gemma4_operator.rollout.leaving import is_overdue, leaving_seconds
from gemma4_operator.rollout.strategy import Standing, is_doubted
from gemma4_operator.runtime.desire import Desire
from gemma4_operator.runtime.store import Key
from gemma4_operator.runtime.taken import Taken
from gemma4_operator.runtime.world import World
from gemma4_operator.status.diagnose import Finding
from gemma4_operator.status.pods import PodView
from gemma4_operator.status.rollout import rollout

SCHEDULER_SECONDS = 15.0
"""After which the scheduler has looked at what is free: its longest pause for one pod is 10 s."""
KEPT = (
    "This version of the operator would render the pods in another way: they stay as they are until the spec changes, "
    "or `spec.update.onOperatorUpgrade` is 'Roll'."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Steered:
    """What to apply now, and what to say of it.

    Attributes:
        pods: Those of the current plan.
        is_mixed: Whether pods of an earlier plan serve.
        told: How pods of an earlier plan are replaced; empty while none is left.
        blocked: Why that waits, if it does.
        leaving: How many pods are about to give up their places.
        overdue: How many should have done so by now, and have not.
        remark: What is worth knowing of pods that serve.
        again_seconds: After which to look again without news; None: not.
    """

    objects: tuple[dict[str, Any], ...]
    pods: tuple[PodView, ...]
    is_mixed: bool = False
    told: str = ""
    blocked: Finding | None = None
    leaving: int = 0
    overdue: int = 0
    remark: str = ""
    again_seconds: float | None = None


class Rollouts:
    """Decides how each Deployment goes on.

    It remembers only since when the scheduler has not used what seems free; who forgets that waits a little longer.

    Args:
        monotonic: Seconds that only grow.
        now: The time, by which a pod that ends is late.
    """

    def __init__(
        self, *, world: World, taken: Taken, monotonic: Callable[[], float], now: Callable[[], datetime]
    ) -> None:
        self._world = world
        self._taken = taken
        self._monotonic = monotonic
        self._now = now
        self._doubted: dict[Key, float] = {}

    async def steer(self, key: Key, wanted: Desire) -> Steered:
        """Return what to apply for a resource.

        Raises:
            ApiUnavailable: If the API server does not answer.
        """
        pods = self._world.pods.owned_by(key)
        found = next((obj for obj in wanted.objects if obj["kind"] == DEPLOYMENT.kind), None)
        if wanted.spec is None or wanted.plan is None or found is None:
            return Steered(objects=wanted.objects, pods=pods)
        live = self._world.child(DEPLOYMENT.kind, key)
        deployment, is_kept = kept(found, live, wanted.spec.update.on_operator_upgrade)
        moment = self._now()
        ends = [seconds for pod in pods if (seconds := leaving_seconds(pod, now=moment))]
        current = of_template(deployment, pods)
        steered = Steered(
            objects=_with(wanted.objects, deployment),
            pods=current,
            is_mixed=any(pod.ready and not pod.deleting and pod not in current for pod in pods),
            leaving=len(ends),
            overdue=sum(is_overdue(pod, now=moment) for pod in pods),
            remark=KEPT if is_kept else "",
            # A pod that does not go makes no news.
            again_seconds=min(ends, default=None),
        )
        if live is None or not is_rolling(deployment, pods):
            self.forget(key)
            return steered
        now = standing(
            deployment,
            spec=wanted.spec,
            pods=pods,
            nodes=self._world.node_views(),
            others=await self._taken.by_others(key),
            refused=rollout(live).refused_message,
            now=moment,
        )
        pause_seconds = self._pause_seconds(key, now)
        going = course(
            deployment, now if pause_seconds is None else replace(now, unplaced=0), spec=wanted.spec, plan=wanted.plan
        )
        return replace(
            steered,
            objects=_with(wanted.objects, going.deployment),
            told=going.told,
            blocked=going.blocked,
            again_seconds=steered.again_seconds if pause_seconds is None else pause_seconds,
        )

    def forget(self, key: Key) -> None:
        """Drop what is remembered of a resource without a rollout."""
        self._doubted.pop(key, None)

    def _pause_seconds(self, key: Key, now: Standing) -> float | None:
        """Return for how long the scheduler may only not have looked at what is free, a GPU given up a moment ago."""
        if not is_doubted(now):
            self.forget(key)
            return None
        since = self._doubted.setdefault(key, self._monotonic())
        left = SCHEDULER_SECONDS - (self._monotonic() - since)
        return left if left > 0 else None


def _with(objects: Sequence[dict[str, Any]], deployment: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    return tuple(stamped(deployment) if obj["kind"] == DEPLOYMENT.kind else obj for obj in objects)
