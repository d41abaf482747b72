"""The operator's own autoscaler from end to end: traffic rises, replicas follow, the status says why; it ends, they go.

Engines are scripted: they count as vLLM does, at the addresses of the pods, and the operator reads them as it reads
real ones.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from gemma4_operator.runtime.autoscale import ASKED_AT
from gemma4_operator.runtime.world import GEMMA4_DEPLOYMENT
from tests.cluster import Cluster, wait_for
from tests.integration.autoscaled import PATIENCE_SECONDS, addresses, autoscaled, told, wait_wanted, wanted
from tests.integration.home import Home, notes
from tests.integration.operating import OperatorProcess, Operators
from tests.integration.scripted import Traffic

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def scaler(cluster: Cluster, installed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OperatorProcess]:
    """An operator that looks at the engines each second."""
    operators = Operators(cluster, tmp_path_factory.mktemp("scaler"))
    running = operators.new(resync_seconds=5, metrics_seconds=1)
    try:
        yield running.wait_leading()
        assert running.alive()
        running.must_be_steady()
    finally:
        operators.end()


def _explained(said: dict[str, Any]) -> dict[str, Any] | None:
    """Return what is said of the autoscaler if it gives a reason of traffic; a new pod may have said nothing yet."""
    return said if said.get("reason") in ("Demand", "ChangeDetected", "Backlog", "Stabilizing") else None


@pytest.mark.usefixtures("scaler")
def test_replicas_follow_the_traffic_up_and_down_and_the_status_says_why(home: Home) -> None:
    home.create(autoscaled(minReplicas=0, idleSeconds=8))
    home.wait_ready("chat")
    each = home.resource("chat")["status"]["plan"]["predicted"]["requestsPerMinutePerReplica"] / 60
    with Traffic(lambda: addresses(home), carries=2 * each, token_seconds=0.02) as traffic:
        traffic.requests_per_second = 0.5 * each
        wait_for(lambda: told(home).get("requestsPerMinute", 0) > 10 * each, PATIENCE_SECONDS, lambda: str(told(home)))
        assert wanted(home) == 1
        assert told(home)["desiredReplicas"] == 1

        traffic.requests_per_second = 2.4 * each
        wait_for(lambda: wanted(home) >= 3, PATIENCE_SECONDS, lambda: f"three replicas; {told(home)}")
        wait_for(lambda: len(addresses(home)) >= 3, 30, "three that serve")
        risen = wait_for(lambda: _explained(told(home)), PATIENCE_SECONDS, lambda: f"a reason; {told(home)}")
        assert "requests a minute" in risen["message"]
        assert "lastScaleTime" in risen
        scaled = wait_for(lambda: notes(home.events("chat"), "Scaled"), 20, "an event about it")
        assert any(note.startswith("From 1 to ") for note in scaled)
        resource = home.resource("chat")
        assert resource["spec"].get("replicas", 1) == 1, "the operator never writes the spec"

        traffic.requests_per_second = 0.0
        wait_wanted(home, 0)
        wait_for(lambda: told(home).get("reason") == "Asleep", 10, lambda: str(told(home)))
        wait_for(lambda: not addresses(home), 30, "the last replica to go")

        def serves_whoever_asks() -> bool:
            # As often as somebody comes: who is asked for once and then left alone goes to sleep again.
            now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            patch = {"metadata": {"annotations": {ASKED_AT: now}}}
            home.objects.patch(GEMMA4_DEPLOYMENT, home.namespace, "chat", patch)
            return len(addresses(home)) == 1

        wait_for(serves_whoever_asks, PATIENCE_SECONDS, lambda: f"one that serves; {told(home)}", interval_seconds=1)
        home.wait_ready("chat")


@pytest.mark.usefixtures("scaler")
def test_engines_that_fall_silent_are_no_reason_to_let_go(home: Home) -> None:
    home.create(autoscaled(minReplicas=1))
    home.wait_ready("chat")
    each = home.resource("chat")["status"]["plan"]["predicted"]["requestsPerMinutePerReplica"] / 60
    with Traffic(lambda: addresses(home), carries=2 * each, token_seconds=0.02) as traffic:
        traffic.requests_per_second = 1.6 * each
        wait_for(lambda: wanted(home) >= 2, PATIENCE_SECONDS, lambda: f"two replicas; {told(home)}")
        traffic.deaf = True
        wait_for(lambda: told(home).get("reason") == "NoData", PATIENCE_SECONDS, lambda: str(told(home)))
        assert wanted(home) >= 2
        assert "none says what it does" in told(home)["message"]
        traffic.deaf = False
        wait_for(lambda: told(home).get("reason") != "NoData", 30, lambda: str(told(home)))
        assert wanted(home) >= 2
