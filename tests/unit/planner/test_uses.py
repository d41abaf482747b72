"""What pods take of GPUs, counted as the scheduler does."""

from typing import Any

import pytest

from gemma4_operator.planner.uses import Use, uses_of
from tests.nodes import container, pod


def taken(raw: dict[str, Any]) -> dict[str, int]:
    return {use.resource: use.gpus for use in uses_of([raw])}


def gpus(raw: dict[str, Any]) -> int:
    return taken(raw).get("nvidia.com/gpu", 0)


def sidecar(count: int) -> dict[str, Any]:
    return container(count, restartPolicy="Always")


def test_containers_add_up() -> None:
    assert list(uses_of([pod("one", "h100-1", 2, 1)])) == [Use("h100-1", "nvidia.com/gpu", 3)]


def test_each_pod_is_a_use_of_its_own() -> None:
    assert [use.gpus for use in uses_of([pod("one", "h100-1", 2), pod("two", "h100-1", 4)])] == [2, 4]


class TestWhoTakesNothing:
    def test_a_pod_without_a_node(self) -> None:
        assert taken(pod("one", None, 8)) == {}

    @pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
    def test_a_pod_that_has_ended(self, phase: str) -> None:
        assert taken(pod("one", "h100-1", 8) | {"status": {"phase": phase}}) == {}

    def test_a_pod_without_gpus(self) -> None:
        assert taken(pod("one", "h100-1", 0)) == {}

    def test_gpus_of_others(self) -> None:
        assert taken(pod("one", "mi300", 8, resource="amd.com/gpu")) == {}


class TestWhoDoes:
    @pytest.mark.parametrize("phase", ["Pending", "Running", "Unknown"])
    def test_a_pod_on_a_node_in_any_other_phase(self, phase: str) -> None:
        assert gpus(pod("one", "h100-1", 8) | {"status": {"phase": phase}}) == 8

    def test_a_pod_that_is_being_deleted_still_runs(self) -> None:
        raw = pod("one", "h100-1", 8)
        raw["metadata"]["deletionTimestamp"] = "2026-11-25T12:00:00Z"
        assert gpus(raw) == 8

    def test_slices_by_their_resource(self) -> None:
        assert taken(pod("one", "cut", 1, resource="nvidia.com/mig-3g.40gb")) == {"nvidia.com/mig-3g.40gb": 1}

    def test_requests_count_where_limits_are_not_shown(self) -> None:
        raw = pod("one", "h100-1")
        raw["spec"]["containers"] = [{"resources": {"requests": {"nvidia.com/gpu": 2, "cpu": "4"}}}]
        assert taken(raw) == {"nvidia.com/gpu": 2}


class TestInitContainers:
    @pytest.mark.parametrize(
        ("starting", "running", "most"),
        [
            ([container(1)], [2], 2),
            ([container(4)], [2], 4),
            ([container(1), container(3)], [2], 3),
            ([sidecar(1)], [2], 3),
            ([sidecar(1), container(4)], [2], 5),
            ([container(4), sidecar(1)], [2], 4),
            ([sidecar(1), sidecar(1), container(1)], [2], 4),
            ([sidecar(2)], [0], 2),
            ([container(1)], [0], 1),
        ],
        ids=[
            "a small one before",
            "a large one before",
            "one after the other, never together",
            "a sidecar stays",
            "a sidecar stays beside what starts later",
            "a sidecar is not there yet",
            "sidecars add up",
            "only a sidecar",
            "only before",
        ],
    )
    def test_the_most_at_once(self, starting: list[dict[str, Any]], running: list[int], most: int) -> None:
        assert gpus(pod("one", "h100-1", *running, initContainers=starting)) == most


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"spec": None, "status": None},
        {"spec": {"nodeName": "a"}},
        {"spec": {"nodeName": "a", "containers": None, "initContainers": None}},
        {"spec": {"nodeName": "a", "containers": [{"resources": None}, {"resources": {"limits": None}}]}},
    ],
)
def test_a_pod_cut_down_by_hand_is_read(raw: dict[str, Any]) -> None:
    assert list(uses_of([raw])) == []
