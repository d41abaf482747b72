"""Requests counted from audit events, and the nearest-rank percentile."""

from typing import Any

import pytest

from tests.bench.counts import (
    answered_seconds,
    count_requests,
    percentile,
    received_between,
    received_seconds,
    refusals,
    writes,
    writes_to,
)

ME = "system:serviceaccount:gemma4-system:gemma4-operator"


def event(
    verb: str, resource: str, *, at: int = 0, user: str = ME, code: int = 200, **reference: Any
) -> dict[str, Any]:
    return {
        "verb": verb,
        "user": {"username": user},
        "objectRef": {"resource": resource, **reference},
        "responseStatus": {"code": code},
        "requestReceivedTimestamp": f"2026-01-02T03:04:{at:02d}.250000Z",
        "stageTimestamp": f"2026-01-02T03:04:{at:02d}.750000Z",
    }


class TestRequests:
    def test_work_is_told_from_upkeep(self):
        found = [
            event("patch", "services"),
            event("patch", "services"),
            event("patch", "gemma4deployments", subresource="status"),
            event("update", "leases"),
            event("list", "pods"),
            event("watch", "pods"),
        ]
        counted = count_requests(found, user=ME)
        assert counted.by_verb == {"patch services": 2, "patch gemma4deployments/status": 1}
        assert (counted.total, counted.leases, counted.lists, counted.watches) == (3, 1, 1, 1)

    def test_other_users_do_not_count(self):
        assert count_requests([event("patch", "services", user="admin")], user=ME).total == 0

    def test_refused_requests_count_as_requests_too(self):
        counted = count_requests([event("patch", "services", code=422), event("patch", "services")], user=ME)
        assert (counted.total, counted.refused) == (2, 1)

    def test_the_most_frequent_comes_first(self):
        found = [event("patch", "services"), event("create", "events"), event("create", "events")]
        assert list(count_requests(found, user=ME).by_verb) == ["create events", "patch services"]


class TestWrites:
    def test_reads_and_the_lease_are_no_writes(self):
        found = [event("get", "services"), event("update", "leases"), event("list", "pods"), event("watch", "pods")]
        assert writes(found, user=ME) == 0

    def test_events_and_statuses_are_writes(self):
        found = [event("create", "events"), event("patch", "gemma4deployments", subresource="status")]
        assert writes(found, user=ME) == 2

    def test_writes_to_a_kind_leave_out_subresources_others_and_refusals(self):
        wanted = event("patch", "services", name="a")
        found = [
            wanted,
            event("patch", "services", name="a", subresource="status"),
            event("patch", "services", name="a", user="admin"),
            event("patch", "services", name="a", code=409),
            event("patch", "deployments", name="a"),
            event("get", "services", name="a"),
        ]
        assert writes_to(found, user=ME, resources=("services",)) == [wanted]

    def test_writes_to_one_object(self):
        found = [event("patch", "services", name="a"), event("patch", "services", name="b")]
        assert writes_to(found, user=ME, resources=("services",), name="b") == [found[1]]

    def test_a_refusal_says_why(self):
        refused = event("patch", "services", name="a", code=422)
        refused["responseStatus"]["message"] = "Duplicate value"
        found = [refused, event("patch", "services", name="a"), event("patch", "services", name="b", code=404)]
        assert list(refusals(found, user=ME, name="a")) == ["Duplicate value"]


class TestTimes:
    def test_a_request_has_two_moments(self):
        found = event("patch", "services", at=5)
        assert answered_seconds(found) - received_seconds(found) == 0.5

    def test_a_span_holds_its_start_and_not_its_end(self):
        found = [event("patch", "services", at=second) for second in (1, 2, 3)]
        start, end = received_seconds(found[0]), received_seconds(found[2])
        assert received_between(found, start, end) == found[:2]


class TestPercentile:
    @pytest.mark.parametrize(("share", "value"), [(0.0, 1.0), (0.5, 2.0), (0.51, 3.0), (0.75, 3.0), (1.0, 4.0)])
    def test_is_a_value_that_was_measured(self, share: float, value: float):
        assert percentile([4.0, 2.0, 1.0, 3.0], share) == value

    def test_of_nothing_there_is_none(self):
        with pytest.raises(ValueError, match="nothing"):
            percentile([], 0.5)
