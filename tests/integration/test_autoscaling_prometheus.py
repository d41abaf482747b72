"""The autoscaler where a Prometheus is asked instead of the pods: a real one, which scrapes those that ask for it.

Its targets are what Kubernetes' discovery makes of pods that bear the operator's annotations.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from gemma4_operator.kube.kinds import POD
from tests.cluster import Cluster, prometheus, wait_for
from tests.cluster.prometheus import Scraped, Server
from tests.integration.autoscaled import PATIENCE_SECONDS, addresses, autoscaled, told, wanted
from tests.integration.home import Home
from tests.integration.objects import Objects
from tests.integration.operating import OperatorProcess, Operators
from tests.integration.scripted import Traffic

pytestmark = [pytest.mark.cluster, pytest.mark.engine]


@dataclass(frozen=True)
class Asked:
    """An operator, and the Prometheus that it asks."""

    operator: OperatorProcess
    prometheus: Server


def scraped(objects: Objects) -> list[Scraped]:
    """Return every pod with an address whose annotations ask for it, as relabeling makes a target of it."""
    found = []
    for pod in objects.request("GET", POD.path())["items"]:
        metadata, address = pod["metadata"], pod["status"].get("podIP")
        annotations = metadata.get("annotations", {})
        if address and annotations.get("prometheus.io/scrape") == "true":
            labels = {
                "namespace": metadata["namespace"],
                "pod": metadata["name"],
                "__metrics_path__": annotations["prometheus.io/path"],
            }
            found.append(Scraped(f"{address}:{annotations['prometheus.io/port']}", labels))
    return found


@pytest.fixture(scope="module")
def asked(
    cluster: Cluster, installed: None, objects: Objects, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Asked]:
    """An operator that asks a Prometheus each second."""
    folder = tmp_path_factory.mktemp("asked")
    operators = Operators(cluster, folder)
    with prometheus.following(lambda: scraped(objects), folder=folder) as server:
        running = operators.new(resync_seconds=5, metrics_seconds=1, prometheus_url=server.url)
        try:
            yield Asked(running.wait_leading(), server)
            assert running.alive()
            running.must_be_steady()
        finally:
            operators.end()


def test_replicas_follow_what_prometheus_says_and_stay_while_it_is_gone(asked: Asked, home: Home) -> None:
    home.create(autoscaled(minReplicas=1, metricsSource="Prometheus"))
    home.wait_ready("chat")
    each = home.resource("chat")["status"]["plan"]["predicted"]["requestsPerMinutePerReplica"] / 60
    with Traffic(lambda: addresses(home), carries=2 * each, token_seconds=0.02) as traffic:
        traffic.requests_per_second = 1.6 * each
        wait_for(lambda: wanted(home) >= 2, PATIENCE_SECONDS, lambda: f"two replicas; {told(home)}")

        def counted() -> bool:
            said = told(home)
            return said.get("requestsPerMinute", 0) > 60 * each and "requests a minute" in said["message"]

        wait_for(counted, PATIENCE_SECONDS, lambda: str(told(home)))

        asked.prometheus.running.kill()
        where = f"Prometheus at {asked.prometheus.url}"

        def missed() -> str:
            said = told(home)
            return said["message"] if said.get("reason") == "NoData" and where in said["message"] else ""

        message = wait_for(missed, PATIENCE_SECONDS, lambda: f"{where}; {told(home)}")
        assert wanted(home) >= 2
        assert "port 8000" not in message, "the pods are not asked"
