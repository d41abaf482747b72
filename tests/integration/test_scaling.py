"""Who decides how many run: external autoscalers through /scale, or the operator, and never two of them.

The HorizontalPodAutoscaler's controller is the real one, of the local control plane; only the metrics are played.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode

import pytest
import yaml

from gemma4_operator.kube.kinds import DEPLOYMENT, POD, POD_DISRUPTION_BUDGET, Kind
from gemma4_operator.runtime.world import GEMMA4_DEPLOYMENT
from tests.cluster import Cluster, wait_for
from tests.integration.home import Home, sample
from tests.integration.metrics_api import MetricsApi, offered
from tests.integration.objects import Object, Objects
from tests.integration.operating import account

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("operator")]

EXAMPLES = Path(__file__).parents[2] / "docs" / "guides" / "examples"
HPA = Kind(group="autoscaling", version="v2", kind="HorizontalPodAutoscaler", plural="horizontalpodautoscalers")
SCALER_SECONDS = 60.0
"""The controller learns of a new kind twice a minute."""


def example(name: str) -> Object:
    """Return what a guide shows."""
    return dict(yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text()))


def as_keda_makes_it(scaled: Object) -> Object:
    """Return the HorizontalPodAutoscaler that KEDA makes of a ScaledObject (https://keda.sh/docs/latest/concepts)."""
    spec = scaled["spec"]
    (trigger,) = spec["triggers"]
    return {
        "apiVersion": HPA.api_version,
        "kind": HPA.kind,
        "metadata": {"name": f"keda-hpa-{scaled['metadata']['name']}"},
        "spec": {
            "scaleTargetRef": spec["scaleTargetRef"],
            "minReplicas": spec["minReplicaCount"],
            "maxReplicas": spec["maxReplicaCount"],
            "behavior": spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"],
            "metrics": [
                {
                    "type": "External",
                    "external": {
                        "metric": {
                            "name": f"s0-{trigger['type']}",
                            "selector": {"matchLabels": {"scaledobject.keda.sh/name": scaled["metadata"]["name"]}},
                        },
                        "target": {"type": "AverageValue", "averageValue": trigger["metadata"]["threshold"]},
                    },
                }
            ],
        },
    }


def hasty(scaler: Object) -> Object:
    """Return a scaler that lets go at once; a test does not wait for ten minutes."""
    return scaler | {"spec": scaler["spec"] | {"behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}}}}


@pytest.fixture(scope="module")
def metrics(cluster: Cluster, objects: Objects) -> Iterator[MetricsApi]:
    """The metrics APIs, of which all load is 0 at first."""

    def ready(namespace: str, selector: str) -> list[str]:
        query = urlencode({"labelSelector": selector})
        found = objects.request("GET", f"{POD.path(namespace=namespace)}?{query}")["items"]
        return [pod["metadata"]["name"] for pod in found]

    with MetricsApi(ready) as api, offered(cluster, api, namespace="default"):
        yield api


@pytest.fixture
def load(metrics: MetricsApi) -> Iterator[Callable[[int], None]]:
    """Sets how many requests there are."""

    def put(requests: int) -> None:
        metrics.load = requests

    put(1)
    yield put
    put(0)


def running(home: Home, name: str) -> tuple[int, int, int]:
    """Return what the spec, the Deployment and the status say."""
    resource = home.resource(name)
    return (
        resource["spec"]["replicas"],
        home.deployment(name)["spec"]["replicas"],
        resource.get("status", {}).get("readyReplicas", 0),
    )


def wait_running(home: Home, name: str, replicas: int) -> None:
    """Return once so many are wanted by all and serve."""

    def told() -> str:
        scalers = [{**one.get("status", {})} for one in home.objects.list(HPA, home.namespace)]
        return f"{replicas} replicas; spec, Deployment and ready are {running(home, name)}; {scalers}"

    wait_for(lambda: running(home, name) == (replicas,) * 3, SCALER_SECONDS, told)


def spec_writes(home: Home, *, since: int, user: str) -> set[str]:
    """Return by which ways a user has written to Gemma4Deployments, other than to their status."""
    verbs = {"create", "update", "patch"}
    asked = home.cluster.requests(user=user, verbs=verbs, since=since, namespace=home.namespace)
    resources = {request.resource for request in asked}
    return {found for found in resources if found.startswith(GEMMA4_DEPLOYMENT.plural)} - {
        f"{GEMMA4_DEPLOYMENT.plural}/status"
    }


SCALERS = {"HPA on pods' metrics": example("hpa"), "HPA that KEDA makes": as_keda_makes_it(example("keda"))}


@pytest.mark.parametrize("scaler", SCALERS.values(), ids=SCALERS)
def test_replicas_follow_an_external_autoscaler(
    home: Home, metrics: MetricsApi, load: Callable[[int], None], scaler: Object
) -> None:
    home.create(sample("chat"))
    home.wait_ready("chat")
    since = home.cluster.audit_offset()
    home.objects.create(HPA, home.namespace, hasty(scaler))
    load(40)
    wait_running(home, "chat", 3)
    load(1000)
    wait_running(home, "chat", 4)
    load(10)
    wait_running(home, "chat", 1)
    assert home.resource("chat")["status"]["serving"] == "1/1"
    assert spec_writes(home, since=since, user="kube-controller-manager") == {f"{GEMMA4_DEPLOYMENT.plural}/scale"}
    assert spec_writes(home, since=since, user=account()) == set()
    if scaler["metadata"]["name"] == "chat":
        selector = home.resource("chat")["status"]["selector"]
        assert (home.namespace, "vllm_requests", selector) in metrics.asked


def test_a_scaler_on_the_deployment_itself_is_overruled(home: Home) -> None:
    """Rule 5 of tests/property/test_scaling.py: one writer of replicas, and the resource's /scale as the way to it."""
    home.create(sample("chat", replicas=2))
    home.wait_ready("chat")
    home.patch(DEPLOYMENT, "chat", {"spec": {"replicas": 5}})
    wait_for(lambda: home.deployment("chat")["spec"]["replicas"] == 2, 20, "the operator's count")


class TestWhereTheOperatorDecides:
    BOUNDS: ClassVar = {"minReplicas": 2, "maxReplicas": 4}

    def test_it_starts_with_the_least_and_says_so(self, home: Home) -> None:
        home.create(sample("chat", autoscaling=self.BOUNDS))
        home.wait_ready("chat")
        status = home.resource("chat")["status"]
        assert status["autoscaling"]["desiredReplicas"] == 2
        assert (status["serving"], status["replicas"], home.resource("chat")["spec"]["replicas"]) == ("2/2", 2, 1)
        assert home.child(POD_DISRUPTION_BUDGET, "chat")["spec"]["maxUnavailable"] == 1
        path = f"{GEMMA4_DEPLOYMENT.path(namespace=home.namespace, name='chat')}/scale"
        scale = home.objects.request("GET", path)
        assert scale["status"] == {"replicas": 2, "selector": status["selector"]}

    def test_bounds_hold_as_soon_as_they_change_and_what_runs_between_them_stays(self, home: Home) -> None:
        home.create(sample("chat", autoscaling=self.BOUNDS))
        home.wait_ready("chat")
        plan = home.resource("chat")["status"]["plan"]
        for bounds, replicas in (
            ({"minReplicas": 3, "maxReplicas": 5}, 3),
            ({"minReplicas": 1, "maxReplicas": 5}, 3),
            ({"minReplicas": 0, "maxReplicas": 2}, 2),
        ):
            home.edit("chat", autoscaling=bounds)
            home.wait_ready("chat")
            assert home.deployment("chat")["spec"]["replicas"] == replicas
        assert home.resource("chat")["status"]["plan"] == plan
        assert home.resource("chat")["status"]["autoscaling"]["desiredReplicas"] == 2

    def test_who_takes_it_away_decides_again(self, home: Home) -> None:
        home.create(sample("chat", autoscaling=self.BOUNDS))
        home.wait_ready("chat")
        home.edit("chat", autoscaling=None, replicas=3)
        home.wait_ready("chat")
        assert home.deployment("chat")["spec"]["replicas"] == 3
        assert "autoscaling" not in home.resource("chat")["status"]

    def test_an_external_autoscaler_is_refused_and_told_why(self, home: Home, load: Callable[[int], None]) -> None:
        home.create(sample("chat", autoscaling={"maxReplicas": 4}))
        home.wait_ready("chat")
        home.objects.create(HPA, home.namespace, example("hpa"))
        load(64)

        def able() -> dict[str, Any]:
            (scaler,) = home.objects.list(HPA, home.namespace)
            found = {one["type"]: one for one in scaler.get("status", {}).get("conditions", ())}
            return dict(found.get("AbleToScale", {}))

        def refused() -> str:
            found = able()
            return found["message"] if found.get("reason") == "FailedUpdateScale" else ""

        told = wait_for(refused, SCALER_SECONDS, lambda: json.dumps(able()))
        assert "must be absent or 1 with `autoscaling`, since the operator's autoscaler decides" in told
        assert running(home, "chat")[:2] == (1, 1)
