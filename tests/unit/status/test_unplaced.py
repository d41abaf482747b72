"""For how long a plan has found no node: what counts, and what ends the wait."""

from datetime import UTC, datetime, timedelta

import pytest

from gemma4_operator.status.evidence import gather
from gemma4_operator.status.pods import PodView, pod_view
from gemma4_operator.status.unplaced import nodes_coming, placing_seconds, unplaced_seconds, without_node

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def stuck(name: str, seconds: float, *, deleting: bool = False) -> PodView:
    since = NOW - timedelta(seconds=seconds)
    return PodView(name=name, ready=False, deleting=deleting, unschedulable="no", unschedulable_since=since)


def test_without_pods_nothing_waits() -> None:
    assert unplaced_seconds([], now=NOW) == 0


def test_the_last_pod_that_was_made_counts() -> None:
    assert unplaced_seconds([stuck("a", 900), stuck("b", 30)], now=NOW) == 30


def test_one_pod_with_a_node_is_enough() -> None:
    assert unplaced_seconds([stuck("a", 900), PodView(name="b", ready=False, running=True)], now=NOW) == 0


def test_a_pod_that_nobody_has_looked_at_yet_does_not_wait() -> None:
    assert unplaced_seconds([stuck("a", 900), PodView(name="b", ready=False)], now=NOW) == 0


def test_a_pod_that_goes_does_not_count() -> None:
    assert unplaced_seconds([stuck("a", 900), stuck("b", 30, deleting=True)], now=NOW) == 900


@pytest.mark.parametrize("phase", ["Failed", "Succeeded"])
def test_one_that_was_evicted_and_still_lies_there_has_no_node(phase: str) -> None:
    """A Deployment makes another in its place and leaves it lying, for days where nobody cleans up."""
    evicted = PodView(name="b", ready=False, phase=phase, reason="Evicted", scheduled=True)
    assert unplaced_seconds([stuck("a", 900), evicted], now=NOW) == 900
    assert unplaced_seconds([evicted], now=NOW) == 0


def test_a_clock_that_is_behind_the_schedulers_is_no_wait() -> None:
    assert unplaced_seconds([stuck("a", -5)], now=NOW) == 0


def test_it_is_read_from_what_the_scheduler_writes() -> None:
    condition = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": "0/3 nodes are available",
        "lastTransitionTime": "2026-11-25T11:50:00Z",
    }
    view = pod_view({"metadata": {"name": "a"}, "status": {"conditions": [condition]}})
    assert unplaced_seconds([view], now=NOW) == 600
    placed = pod_view({"metadata": {"name": "a"}, "status": {"conditions": [condition | {"status": "True"}]}})
    assert unplaced_seconds([placed], now=NOW) == 0


class TestPodsWithoutANode:
    def test_that_which_has_waited_longest_comes_first(self) -> None:
        placed, unseen = PodView(name="d", ready=False), PodView(name="e", ready=False, unschedulable="no")
        pods = [unseen, stuck("a", 30), stuck("b", 900), placed, stuck("c", 60, deleting=True)]
        assert [pod.name for pod in without_node(pods)] == ["b", "a", "e"]

    def test_that_which_has_waited_for_the_shortest_time_says_when_to_look_again(self) -> None:
        assert placing_seconds([stuck("a", 900), stuck("b", 30)], now=NOW) == 30
        assert placing_seconds([stuck("a", -5)], now=NOW) == 0
        assert placing_seconds([PodView(name="a", ready=True)], now=NOW) is None

    def test_some_get_one_that_is_being_added(self) -> None:
        said = {"a": "TriggeredScaleUp", "b": "NotTriggerScaleUp", "c": "FailedScheduling"}
        evidence = {name: gather(stuck(name, 90), [{"reason": reason}]) for name, reason in said.items()}
        assert nodes_coming(evidence) == {"a"}
