"""Operators that die, freeze or compete, and an API server that fails in every way it can: the state converges."""

import random
import secrets
import time
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest

from gemma4_operator.kube.kinds import LEASE, SERVICE
from gemma4_operator.runtime.world import USUAL_KINDS
from tests.cluster import Cluster, audit, wait_for
from tests.cluster.faults import ApplyThenDrop, Hang, Match, Status, WatchError
from tests.cluster.proxy import FaultProxy
from tests.integration.home import Home, as_anywhere, is_ready, names, notes, sample
from tests.integration.operating import (
    CRD,
    SYSTEM,
    Kubelet,
    OperatorProcess,
    Operators,
    account,
    add_account,
    install_crd,
)

pytestmark = pytest.mark.cluster

FIRST, SECOND = "gemma4-operator", "gemma4-operator-b"
TAKEOVER_SECONDS = 20.0
WATCHES = 8
"""Of the resource itself, three kinds of children, pods, and kopf's of all CRDs."""
NEVER = 3600
"""Seconds until a resync that is to play no part in a test."""


def writes(cluster: Cluster, name: str, *, since: int) -> list[datetime]:
    """Return when an account wrote anything but a Lease, by the API server's clock."""
    moments = [
        datetime.fromisoformat(event["requestReceivedTimestamp"])
        for event in cluster.audit_events(since)
        if event["user"]["username"] == account(name)
        and event["verb"] in audit.WRITES
        and event["objectRef"]["resource"] != "leases"
    ]
    return sorted(moments)


def holder(home: Home, lease: str) -> str:
    """Return who leads by a Lease; empty: nobody."""
    found = home.objects.get(LEASE, SYSTEM, lease)
    assert found is not None
    return str(found["spec"].get("holderIdentity") or "")


@pytest.fixture(scope="module", autouse=True)
def second_account(cluster: Cluster, installed: None) -> None:
    """The audit log tells two operators apart by their accounts."""
    add_account(cluster, SECOND)


@pytest.fixture
def proxy(cluster: Cluster) -> Iterator[FaultProxy]:
    """Stands between an operator and the API server."""
    with FaultProxy(upstream=cluster.server, ca=cluster.authority) as standing:
        yield standing


@pytest.fixture
def behind(operators: Operators, proxy: FaultProxy) -> Callable[..., OperatorProcess]:
    """Makes operators that see the API server only through the proxy."""

    def make(**settings: int) -> OperatorProcess:
        return operators.new(server=proxy.server, authority=proxy.ca, **settings).wait_leading()

    return make


class TestLeadership:
    @pytest.fixture
    def lease(self) -> str:
        """The name of a Lease that nobody has held."""
        return f"shared-{secrets.token_hex(4)}"

    @pytest.fixture
    def pair(self, operators: Operators, lease: str) -> tuple[OperatorProcess, OperatorProcess]:
        """One that leads, and one that stands by."""
        first = operators.new(account=FIRST, lease=lease).wait_leading()
        return first, operators.new(account=SECOND, lease=lease).wait_standing_by()

    def test_who_dies_is_followed_in_time_and_who_is_asked_to_end_hands_over_at_once(
        self, home: Home, cluster: Cluster, lease: str, pair: tuple[OperatorProcess, OperatorProcess]
    ):
        first, second = pair
        start = cluster.audit_offset()
        home.create(sample("chat"))
        home.wait_ready("chat")
        assert second.readyz() == (200, f"standing by: the Lease is held by '{first.identity}'")
        assert not writes(cluster, SECOND, since=start)
        first.kill()
        home.create(sample("next"))
        home.wait_ready("next", timeout_seconds=TAKEOVER_SECONDS)
        assert max(writes(cluster, FIRST, since=start)) < min(writes(cluster, SECOND, since=start))
        first.start().wait_standing_by()
        start = home.wait_quiet(user=account(SECOND))
        assert second.stop() == 0
        # Given back, and not left to run out.
        assert holder(home, lease) in ("", first.identity)
        first.wait_leading()
        assert holder(home, lease) == first.identity
        assert not writes(cluster, SECOND, since=start)

    def test_one_that_was_frozen_past_its_lease_never_writes_again(
        self, home: Home, cluster: Cluster, pair: tuple[OperatorProcess, OperatorProcess]
    ):
        first, second = pair
        start = cluster.audit_offset()
        home.create(*(sample(name, replicas=0) for name in names(4)))
        home.wait_ready(*names(4))
        first.pause()
        home.edit("g0", replicas=1)
        second.wait_leading(TAKEOVER_SECONDS)
        home.wait_ready("g0")
        # News for both at the moment the frozen one wakes up.
        for name in names(4):
            home.edit(name, endpoint={"port": 9000})
        first.resume()
        assert first.wait_end(10) == 1
        assert "was not renewed in time" in first.log()
        wait_for(lambda: {home.service(name)["spec"]["ports"][0]["port"] for name in names(4)} == {9000}, 10, "9000")
        assert max(writes(cluster, FIRST, since=start)) < min(writes(cluster, SECOND, since=start))


class TestDeath:
    def test_one_that_is_killed_at_any_moment_ends_in_the_same_state(self, home: Home, operators: Operators):
        chance = random.Random(4)
        operator = operators.new(resync_seconds=NEVER)
        many = names(20, prefix="many")
        home.create(*(sample(name) for name in many))
        for _ in range(3):
            wait_for(lambda: operator.readyz()[1] == "leading", 20, "the operator to lead", interval_seconds=0.02)
            time.sleep(chance.uniform(0.0, 0.4))
            operator.kill()
            operator.start()
        home.wait_ready(*many)
        home.create(sample("twin"))
        home.wait_ready("twin")
        undisturbed = {kind: as_anywhere(child) for kind, child in home.children("twin").items()}
        for name in many:
            assert {kind: as_anywhere(child) for kind, child in home.children(name).items()} == undisturbed
            assert home.resource(name)["status"]["serving"] == "1/1"
        assert len(home.pods()) == len(many) + 1


class TestWatches:
    def test_a_watch_that_expired_is_begun_anew(
        self, home: Home, proxy: FaultProxy, behind: Callable[..., OperatorProcess]
    ):
        operator = behind(resync_seconds=NEVER)
        home.create(sample("chat", replicas=0))
        home.wait_ready("chat")
        wait_for(lambda: proxy.open(Match(watch=True)) == WATCHES, 10, "all watches")
        expired = proxy.fail(Match(watch=True), WatchError(410), times=WATCHES)
        assert proxy.cut(Match(watch=True))
        wait_for(lambda: expired.hits == WATCHES, 10, "the watches to expire")
        home.edit("chat", replicas=1)
        home.wait_ready("chat")
        assert operator.alive()

    @pytest.mark.usefixtures("collector")
    def test_what_is_deleted_while_no_watch_sees_it_is_repaired(
        self, home: Home, proxy: FaultProxy, behind: Callable[..., OperatorProcess]
    ):
        behind(resync_seconds=NEVER)
        home.create(sample("chat", replicas=0), sample("gone", replicas=0))
        home.wait_ready("chat", "gone")
        wait_for(lambda: proxy.open(Match(watch=True)) == WATCHES, 10, "all watches")
        gap = proxy.fail(Match(watch=True), Status(503))
        assert proxy.cut(Match(watch=True))
        home.delete("chat", kind=SERVICE)
        home.delete("gone")
        wait_for(lambda: gap.hits >= WATCHES, 10, "the watches to be refused")
        proxy.clear()
        wait_for(lambda: home.objects.get(SERVICE, home.namespace, "chat"), 15, "the Service to come back")
        home.wait_gone("gone")

    def test_a_watch_that_went_silent_is_made_up_for_by_the_resync(
        self, home: Home, proxy: FaultProxy, behind: Callable[..., OperatorProcess]
    ):
        behind(resync_seconds=5)
        home.create(sample("chat", replicas=0))
        home.wait_ready("chat")
        wait_for(lambda: proxy.open(Match(watch=True)) == WATCHES, 10, "all watches")
        silence = proxy.fail(Match(watch=True), Hang())
        assert proxy.cut(Match(watch=True))
        wait_for(lambda: silence.hits >= WATCHES, 10, "the watches to be silent")
        home.edit("chat", endpoint={"port": 9000})
        home.create(sample("next", replicas=0))
        wait_for(lambda: home.service("chat")["spec"]["ports"][0]["port"] == 9000, 15, "the Service to follow")
        home.wait_ready("next")


class TestOutage:
    def test_the_api_server_restarts(self, home: Home, cluster: Cluster, operators: Operators):
        operator = operators.new(resync_seconds=NEVER).wait_leading()
        kubelet = Kubelet(operator)
        home.create(sample("chat"))
        home.wait_ready("chat")
        cluster.restart_apiserver()
        home.edit("chat", replicas=2)
        home.delete("chat", kind=SERVICE)
        kubelet.wait_for(
            lambda: is_ready(home.resource("chat")) and home.objects.get(SERVICE, home.namespace, "chat") is not None,
            30,
            "the state after the restart",
        )
        assert kubelet.restarts <= 1
        assert home.resource("chat")["status"]["serving"] == "2/2"

    def test_an_api_server_that_refuses_everything_for_a_while(
        self, home: Home, proxy: FaultProxy, behind: Callable[..., OperatorProcess]
    ):
        """Twenty seconds show all that a minute would: the Lease is lost after ten, and all delays have grown."""
        operator = behind(resync_seconds=5)
        kubelet = Kubelet(operator)
        home.create(sample("chat"), sample("lost", model={"variant": "12B", "quantization": "Q4_0"}, engine={}))
        home.wait_ready("chat")
        home.wait_reason("lost", "NoCheckpoint")
        home.wait_quiet()
        before = home.resource("chat")["status"]
        proxy.clear_log()
        began = time.monotonic()
        proxy.fail(Match(), Status(429, retry_after_seconds=1), for_seconds=10)
        proxy.fail(Match(), Status(500))
        proxy.cut(Match(watch=True))
        home.edit("chat", replicas=2)
        kubelet.wait_for(lambda: time.monotonic() > began + 20, 30, "the end of the outage")
        assert home.resource("chat")["status"] == before
        assert proxy.count() / (time.monotonic() - began) < 10, "requests per second"
        proxy.clear()
        kubelet.wait_for(lambda: is_ready(home.resource("chat")), 30, "the state after the outage")
        assert home.resource("chat")["status"]["serving"] == "2/2"
        assert kubelet.restarts <= 1
        operator.must_be_steady()

    def test_writes_whose_answers_are_lost_are_done_once(
        self, home: Home, proxy: FaultProxy, behind: Callable[..., OperatorProcess]
    ):
        operator = behind(resync_seconds=NEVER)
        proxy.fail(Match(method="PATCH"), ApplyThenDrop(), times=5)
        proxy.fail(Match(method="POST"), ApplyThenDrop(), times=1)
        renewing = Match(method="PUT", path="/leases/")
        lost = proxy.fail(renewing, ApplyThenDrop(), times=2)
        home.create(sample("chat"))
        home.wait_ready("chat")
        assert [len(home.objects.list(kind, home.namespace)) for kind in USUAL_KINDS] == [1, 1, 1]
        assert len(notes(home.events("chat"), "ChildrenApplied")) <= 1

        def renewed() -> bool:
            asked = [one for one in proxy.log if renewing.accepts(one)]
            return lost.hits == 2 and bool(asked) and asked[-1].fault is None and asked[-1].status == 200

        wait_for(renewed, 15, "the Lease to be renewed after two answers to that were lost")
        assert operator.alive()
        wait_for(lambda: operator.readyz() == (200, "leading"), 10, lambda: f"leading; {operator.readyz()}")


class TestInstallation:
    @pytest.fixture
    def without_crd(self, cluster: Cluster) -> Iterator[None]:
        """The kind does not exist, and does again afterwards."""
        cluster.kubectl("delete", "crd", CRD, "--timeout=240s")
        yield
        install_crd(cluster)

    @pytest.mark.usefixtures("without_crd")
    def test_an_operator_that_is_there_before_its_kind_says_so_and_waits(
        self, home: Home, cluster: Cluster, operators: Operators
    ):
        operator = operators.new(resync_seconds=NEVER)
        wait_for(lambda: "Not started yet" in operator.log(), 10, "the operator to say what it lacks")
        (line,) = [line for line in operator.log().splitlines() if "Not started yet" in line][:1]
        assert line.endswith(
            "the kind Gemma4Deployment is not known: install the CRD (`kubectl apply --server-side -f crds/`)."
        )
        waits = (503, "leading; listing everything")
        wait_for(lambda: operator.readyz() == waits, 10, lambda: f"{waits}; {operator.readyz()}")
        install_crd(cluster)
        home.create(sample("chat", replicas=0))
        home.wait_ready("chat")
        operator.must_be_steady()
        wait_for(lambda: operator.readyz() == (200, "leading"), 10, lambda: f"leading; {operator.readyz()}")
