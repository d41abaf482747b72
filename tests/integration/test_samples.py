"""Every sample on a real API server: applied as its file is, planned on the GPUs that it is for, and served.

The namespace is under the restricted Pod Security Standard, so a pod that is there keeps it. Fake nodes play the GPUs:
their pods become ready, and nothing computes.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.integration.home import Home
from tests.unit.render.test_samples import GPUS, SAMPLES, document, nodes, rendered

pytestmark = pytest.mark.cluster


@contextmanager
def gpus_of(cluster: Cluster, name: str) -> Iterator[None]:
    """Have the nodes that a sample is planned on; other tests count on there being none."""
    found = cluster.add_fake_nodes(nodes(name))
    try:
        yield
    finally:
        cluster.remove_nodes(*found)


def volumes(pod_spec: dict[str, Any], namespace: str) -> list[dict[str, Any]]:
    """Return the volumes and claims that a pod mounts, as a user must have made them; nothing reads them here."""
    claims = {
        volume["persistentVolumeClaim"]["claimName"]
        for volume in pod_spec["volumes"]
        if "persistentVolumeClaim" in volume
    }
    return [part for claim in sorted(claims) for part in _volume(claim, namespace)]


def _volume(claim: str, namespace: str) -> Iterator[dict[str, Any]]:
    common = {"accessModes": ["ReadOnlyMany"], "storageClassName": ""}
    volume = f"{namespace}-{claim}"
    yield {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": volume},
        "spec": common
        | {
            "capacity": {"storage": "1Gi"},
            "nfs": {"server": "192.0.2.1", "path": "/"},
            "claimRef": {"namespace": namespace, "name": claim},
        },
    }
    yield {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": claim, "namespace": namespace},
        "spec": common | {"volumeName": volume, "resources": {"requests": {"storage": "1Gi"}}},
    }


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_served_on_its_gpus(
    cluster: Cluster, home: Home, operator: object, collector: None, name: str
) -> None:
    expected = rendered(name)
    served = document(name)["metadata"]["name"]
    needed = volumes(expected.pod_spec, home.namespace)
    with gpus_of(cluster, name):
        if needed:
            cluster.apply(needed)
        cluster.kubectl("apply", "--validate=strict", "-n", home.namespace, "-f", str(SAMPLES[name]))
        home.wait_ready(served)
        plan = home.resource(served)["status"]["plan"]
        assert plan["engine"] == expected.plan.engine
        # A sample that takes any GPU may find better ones here than its own.
        if not GPUS[name].is_any:
            assert plan["gpuProduct"] == GPUS[name].product
            assert _containers(home.deployment(served)) == _containers(expected.deployment)
        assert home.service(served)["spec"]["ports"][0]["port"] == expected.service["spec"]["ports"][0]["port"]
        assert home.budget(served)["status"]["disruptionsAllowed"] >= 0
        home.delete(served)
        home.wait_gone(served)
    if needed:
        cluster.kubectl("delete", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": needed}))


def _containers(deployment: dict[str, Any]) -> list[tuple[str, str, list[str]]]:
    containers = deployment["spec"]["template"]["spec"]["containers"]
    return [(one["name"], one["image"], one.get("args", [])) for one in containers]
