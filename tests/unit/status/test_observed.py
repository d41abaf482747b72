"""What pods have shown of their plan."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gemma4_operator.api.common import TEMPLATE_LABEL
from gemma4_operator.api.status import ObservedStatus
from gemma4_operator.planner.cache_size import CacheSize
from gemma4_operator.status.observed import observed
from gemma4_operator.status.pods import PodView, pod_view

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


def at(seconds: float) -> str:
    return (NOON + timedelta(seconds=seconds)).isoformat()


def pod(started: float, ready: float | None, *, template: str = "new") -> PodView:
    """Return a pod whose container began and which serves since then; None: it does not."""
    condition = {"type": "Ready", "status": str(ready is not None), "lastTransitionTime": at(ready or 0)}
    return pod_view(
        {
            "metadata": {"name": f"chat-{started}", "labels": {TEMPLATE_LABEL: template}},
            "status": {
                "conditions": [condition],
                "containerStatuses": [{"name": "vllm", "state": {"running": {"startedAt": at(started)}}}],
            },
        }
    )


def told(template: str = "new", **fields: Any) -> dict[str, Any]:
    return {"observed": {"template": template, "loadSeconds": 95, **fields}}


def test_the_first_one_that_serves_counts() -> None:
    found = observed([pod(10, 130), pod(0, 90), pod(50, None)], previous={})
    assert found == ObservedStatus(template="new", load_seconds=90)


def test_what_was_seen_stays_when_pods_break_and_come_back() -> None:
    assert observed([pod(0, 86400)], previous=told()) == ObservedStatus(template="new", load_seconds=95)


def test_it_stays_while_there_is_no_pod() -> None:
    assert observed([], previous=told()) == ObservedStatus(template="new", load_seconds=95)


def test_another_template_begins_anew() -> None:
    assert observed([pod(0, None)], previous=told("old")) is None
    assert observed([pod(0, 40)], previous=told("old")) == ObservedStatus(template="new", load_seconds=40)


def test_clocks_that_contradict_each_other_show_nothing() -> None:
    assert observed([pod(100, 40)], previous={}) is None


@pytest.mark.parametrize("written", [None, 5, {}, {"template": 5}, {"template": "new", "loadSeconds": -1}])
def test_what_cannot_be_read_back_is_seen_anew(written: Any) -> None:
    found = observed([pod(0, 40)], previous={"observed": written})
    assert found == ObservedStatus(template="new", load_seconds=40)


def test_what_the_engine_says_of_its_cache_is_told_beside_what_the_plan_expects() -> None:
    found = observed([pod(0, 40)], previous={}, cache=CacheSize(440_000, 442_368))
    assert found is not None
    assert (found.kv_cache_tokens, found.predicted_kv_cache_tokens) == (440_000, 442_368)


def test_it_stays_when_the_next_operator_has_asked_nobody_yet() -> None:
    kept = told(kvCacheTokens=440_000, predictedKvCacheTokens=442_368)
    found = observed([pod(0, 40)], previous=kept)
    assert found is not None
    assert found.kv_cache_tokens == 440_000
