"""What pods of the current plan have shown, kept from the first one that served."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from pydantic import ValidationError

from gemma4_operator.api.status import ObservedStatus
from gemma4_operator.planner.cache_size import CacheSize
from gemma4_operator.status.pods import PodView


def observed(
    pods: Sequence[PodView], *, previous: Mapping[str, Any], cache: CacheSize | None = None
) -> ObservedStatus | None:
    """Return what is known of the template that all these pods were made from.

    What the status holds of it stays: a pod that later breaks and serves again would seem to have loaded for days, and
    an operator that has just started has asked no engine yet.
    """
    seen = _seen(pods, previous)
    if seen is None or cache is None:
        return seen
    figures = {"kv_cache_tokens": cache.observed_tokens, "predicted_kv_cache_tokens": cache.predicted_tokens}
    return seen.model_copy(update=figures)


def _seen(pods: Sequence[PodView], previous: Mapping[str, Any]) -> ObservedStatus | None:
    kept = _kept(previous)
    stands = {pod.template for pod in pods if pod.template}
    if kept is not None and (not stands or kept.template in stands):
        return kept
    took = [
        (pod.ready_at, pod.template, pod.ready_at - pod.started_at) for pod in pods if pod.ready_at and pod.started_at
    ]
    plausible = [one for one in took if one[2] >= timedelta()]
    if not plausible:
        return None
    _, template, duration = min(plausible)
    return ObservedStatus(template=template, load_seconds=round(duration.total_seconds()))


def _kept(status: Mapping[str, Any]) -> ObservedStatus | None:
    try:
        return ObservedStatus.model_validate(status["observed"])
    except (KeyError, ValidationError):
        return None
