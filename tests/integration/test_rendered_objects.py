"""What is rendered, before a real API server: it accepts every field, keeps it as it is, and lets the pods in."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from gemma4_operator.kube.drift import differences
from gemma4_operator.render.context import Owner
from gemma4_operator.render.labels import selector
from tests.cluster import Cluster, wait_for
from tests.rendering import walk
from tests.snapshot.test_objects import CASES

pytestmark = pytest.mark.cluster

APPLY = (
    "apply",
    "--server-side",
    "--force-conflicts",
    "--validate=strict",
    "--field-manager=gemma4-operator",
    "-f",
    "-",
)


@pytest.fixture(scope="module")
def home(cluster: Cluster) -> Iterator[str]:
    """A namespace under the restricted Pod Security Standard, and the RuntimeClass that one case names."""
    runtime_class = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "handler": "nvidia"}
    cluster.apply({**runtime_class, "metadata": {"name": "nvidia"}})
    name = cluster.namespace(prefix="rendered")
    yield name
    cluster.kubectl("delete", "runtimeclass", "nvidia")
    cluster.delete_namespace(name)


def rendered(case: str, namespace: str) -> list[dict[str, Any]]:
    """Render a case without its owner, who does not exist here: the garbage collector would remove its objects."""
    objects = list(walk(CASES[case], owner=Owner(name=case, namespace=namespace, uid="0")).objects.values())
    for obj in objects:
        del obj["metadata"]["ownerReferences"]
    return objects


def apply(cluster: Cluster, objects: list[dict[str, Any]]) -> None:
    cluster.kubectl(*APPLY, stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))


def live(cluster: Cluster, obj: dict[str, Any]) -> dict[str, Any]:
    metadata = obj["metadata"]
    text = cluster.kubectl("get", obj["kind"], metadata["name"], "-n", metadata["namespace"], "-o", "json").stdout
    found: dict[str, Any] = json.loads(text)
    return found


@pytest.mark.parametrize("case", CASES)
def test_the_api_server_keeps_every_field_as_it_is(cluster: Cluster, home: str, case: str) -> None:
    objects = rendered(case, home)
    apply(cluster, objects)
    for obj in objects:
        assert list(differences(obj, live(cluster, obj))) == []


@pytest.mark.parametrize("case", CASES)
def test_the_restricted_namespace_lets_the_pods_in(cluster: Cluster, home: str, case: str) -> None:
    apply(cluster, rendered(case, home))

    def has_pods() -> bool:
        pods = cluster.kubectl("get", "pods", "-n", home, "--selector", selector(case), "-o", "name").stdout
        return bool(pods.strip())

    wait_for(has_pods, 20, f"pods of {case}")
