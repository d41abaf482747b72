"""The counts that `make bench` prints, asserted for ten resources; its times belong to a machine and are not."""

import time

import pytest

from tests.bench.counts import AuditEvent, Requests, count_requests, writes
from tests.bench.peer import REQUESTS_EACH
from tests.bench.stage import passes
from tests.cluster import wait_for
from tests.integration.home import Home, names, sample
from tests.integration.operating import OperatorProcess, Operators, account

pytestmark = pytest.mark.cluster

COUNT = 10
CHILDREN_EACH = 3


def test_few_requests_converge_a_resource_and_none_is_made_where_nothing_differs(home: Home, operators: Operators):
    operator = operators.new().wait_leading()
    requests = _converge(home)
    once_for_each_child = {
        f"{verb} {kind}": COUNT
        for verb in ("get", "patch")
        for kind in ("deployments", "services", "poddisruptionbudgets")
    }
    assert once_for_each_child.items() <= requests.by_verb.items()
    assert requests.by_verb.keys() - once_for_each_child == {"create events", "patch gemma4deployments/status"}
    assert requests.refused == CHILDREN_EACH * COUNT, "the look at a name that is free"
    assert requests.total < REQUESTS_EACH * COUNT
    operator.stop()
    since = home.cluster.audit_offset()
    restarted = operators.new(resync_seconds=5).wait_leading()
    _await_passes(restarted, after=0)
    assert writes(_events(home, since), user=account()) == 0, "after a restart"
    since, before = home.cluster.audit_offset(), passes(restarted)
    _await_passes(restarted, after=before)
    assert writes(_events(home, since), user=account()) == 0, "in a listing without a change"


def _converge(home: Home) -> Requests:
    since = home.cluster.audit_offset()
    home.create(*(sample(name) for name in names(COUNT)))
    home.wait_ready(*names(COUNT), timeout_seconds=60)
    home.wait_quiet()
    return count_requests(_events(home, since), user=account())


def _events(home: Home, since: int) -> list[AuditEvent]:
    """Return what was asked for in this namespace: the cluster is shared."""
    found = home.cluster.audit_events(since)
    return [event for event in found if event.get("objectRef", {}).get("namespace") == home.namespace]


def _await_passes(operator: OperatorProcess, *, after: int) -> None:
    wait_for(lambda: passes(operator) >= after + COUNT, 30, "a pass over every resource")
    time.sleep(1.5)  # at a start kopf's own listing rings once more for all
