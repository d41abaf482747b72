"""The optional roles for people: what `view`, `edit` and `admin` of a namespace may do, asked of a real API server."""

from collections.abc import Iterator

import pytest
import yaml

from hack.manifests import ROOT
from tests.chart.conftest import HelmRun, Render
from tests.cluster import Cluster, wait_for
from tests.integration.operating import install_crd

pytestmark = pytest.mark.cluster

ON = "rbac.aggregate=true"
RESOURCE = "gemma4deployments.gemma4.dev"
READ = {"get", "list", "watch"}
WRITE = {"create", "update", "patch", "delete", "deletecollection"}
MAY = {
    "view": {"": READ, "status": READ, "scale": READ},
    "edit": {"": READ | WRITE, "status": READ, "scale": READ | {"update", "patch"}},
    "admin": {"": READ | WRITE, "status": READ, "scale": READ | {"update", "patch"}},
}


@pytest.fixture(scope="module")
def team(cluster: Cluster, run_helm: HelmRun) -> Iterator[str]:
    """A namespace with a person for each of Kubernetes' roles, where the chart's roles are installed."""
    install_crd(cluster)
    namespace = cluster.namespace(prefix="access")
    documents = [one for one in yaml.safe_load_all(run_helm("template", ON).stdout) if one]
    roles = [one for one in documents if one["metadata"]["name"].endswith(("-view", "-edit"))]
    try:
        cluster.apply(roles)
        for role in MAY:
            cluster.kubectl("create", "rolebinding", role, f"--clusterrole={role}", f"--user={role}er", "-n", namespace)
        # Each gathers from others, of which one may be seen before another.
        for role, verb in (("view", "get"), ("edit", "get"), ("edit", "create"), ("admin", "get"), ("admin", "create")):
            wait_for(
                lambda role=role, verb=verb: allowed(cluster, namespace, role, verb, ""),
                30,
                f"Kubernetes to gather {role}",
            )
        yield namespace
    finally:
        for role in roles:
            cluster.kubectl("delete", "clusterrole", role["metadata"]["name"], "--ignore-not-found")
        cluster.delete_namespace(namespace)


def allowed(cluster: Cluster, namespace: str, role: str, verb: str, subresource: str) -> bool:
    """Whether the person with a role may do something in a namespace."""
    what = ("auth", "can-i", verb, RESOURCE, f"--subresource={subresource}", f"--as={role}er", "-n", namespace)
    return cluster.kubectl(*what, check=False).stdout.strip() == "yes"


def test_they_are_off_unless_asked_for(render: Render):
    assert [item["metadata"]["name"] for item in render() if item["kind"] == "ClusterRole"] == ["gemma4-operator"]


@pytest.mark.parametrize("role", MAY)
def test_each_role_may_do_this_and_nothing_more(cluster: Cluster, team: str, role: str):
    found = {
        subresource: {verb for verb in READ | WRITE if allowed(cluster, team, role, verb, subresource)}
        for subresource in ("", "status", "scale")
    }
    assert found == MAY[role]


def test_in_other_namespaces_they_may_do_nothing(cluster: Cluster, team: str):
    assert not allowed(cluster, "default", "admin", "get", "")


def test_who_may_edit_makes_and_scales_a_model(cluster: Cluster, team: str):
    sample = str(ROOT / "manifests" / "samples" / "e2b-llamacpp.yaml")
    cluster.kubectl("apply", "-n", team, "-f", sample, "--as=editer")
    cluster.kubectl("scale", "-n", team, "g4d/e2b", "--replicas=2", "--as=editer")
    refused = cluster.kubectl("scale", "-n", team, "g4d/e2b", "--replicas=3", "--as=viewer", check=False)
    assert "cannot patch resource" in refused.stderr
    assert cluster.get("g4d", "e2b", team)["spec"]["replicas"] == 2
