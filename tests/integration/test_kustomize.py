"""`kubectl apply -k` on a real API server: what the folders hold is taken, runs, and is the same the second time.

The operator's pods come onto simulated nodes here, where no process runs in them; the operator itself runs in the other
tests of this folder, with the role of manifests/base. docs/guides/install.md, docs/guides/gitops.md and
docs/guides/monitoring.md show the command.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hack.manifests import NAMESPACE, RELEASE, ROOT
from tests.cluster import Cluster, wait_for
from tests.cluster.prometheus_operator import kinds
from tests.integration.operating import CRD

pytestmark = pytest.mark.cluster

BASE = ROOT / "manifests" / "base"
FOLDERS = {"base": BASE, **{path.name: path for path in sorted((ROOT / "manifests" / "overlays").iterdir())}}
TEAM = "team-a"
SERVER_SIDE = ("--server-side", "--force-conflicts", "--field-manager=kustomize-controller")


@pytest.fixture(scope="module")
def team(cluster: Cluster) -> Iterator[None]:
    """The namespace that the overlay `namespaced` is for."""
    # Another file's may still be on its way out.
    cluster.delete_namespace(TEAM, wait=True)
    cluster.kubectl("create", "namespace", TEAM)
    yield
    cluster.delete_namespace(TEAM)


@pytest.fixture(scope="module")
def watched(cluster: Cluster) -> Iterator[None]:
    """The kinds that the overlay `monitoring` is made of."""
    with kinds(cluster):
        yield


@pytest.fixture(params=FOLDERS)
def folder(
    request: pytest.FixtureRequest, cluster: Cluster, installed: None, team: None, watched: None
) -> Iterator[Path]:
    """A folder to apply; afterwards there is what other tests need, the base without its Deployment."""
    yield FOLDERS[request.param]
    cluster.kubectl("apply", *SERVER_SIDE, "-k", str(BASE))
    for added in (f"poddisruptionbudget/{RELEASE}", f"deployment/{RELEASE}", f"configmap/{RELEASE}-dashboard"):
        cluster.kubectl("delete", added, "-n", NAMESPACE, "--ignore-not-found")


def metadata(cluster: Cluster, folder: Path) -> dict[str, dict[str, Any]]:
    """Return the metadata of each object of a folder."""
    listed = cluster.kubectl("get", "-k", str(folder), "-o", "yaml").stdout
    return {f"{one['kind']}/{one['metadata']['name']}": one["metadata"] for one in yaml.safe_load(listed)["items"]}


def generations(cluster: Cluster, folder: Path) -> dict[str, int]:
    """Return how often what each object asks for has changed, where Kubernetes counts it."""
    return {key: one["generation"] for key, one in metadata(cluster, folder).items() if "generation" in one}


def versions(cluster: Cluster, folder: Path) -> dict[str, str]:
    """Return the version of each object but those whose status Kubernetes writes meanwhile."""
    alive = {f"{kind}/{RELEASE}" for kind in ("Deployment", "PodDisruptionBudget")}
    return {key: one["resourceVersion"] for key, one in metadata(cluster, folder).items() if key not in alive}


def test_it_is_applied_without_a_warning_and_the_second_time_changes_nothing(cluster: Cluster, folder: Path):
    first = cluster.kubectl("apply", *SERVER_SIDE, "-k", str(folder))
    assert "Warning" not in first.stderr
    assert "deployment.apps/gemma4-operator serverside-applied" in first.stdout
    cluster.kubectl("rollout", "status", "-n", NAMESPACE, f"deployment/{RELEASE}", "--timeout=240s")
    assert len(metadata(cluster, folder)) == len(first.stdout.splitlines())
    before = versions(cluster, folder), generations(cluster, folder)
    assert cluster.kubectl("diff", *SERVER_SIDE, "-k", str(folder), check=False).returncode == 0
    cluster.kubectl("apply", *SERVER_SIDE, "-k", str(folder))
    assert (versions(cluster, folder), generations(cluster, folder)) == before


def test_so_it_is_from_the_clients_side(cluster: Cluster, folder: Path):
    cluster.kubectl("apply", "-k", str(folder))
    before = generations(cluster, folder)
    second = cluster.kubectl("apply", "-k", str(folder))
    assert "Warning" not in second.stderr
    # The selector of a budget is replaced as a whole by its definition, so kubectl sends it each time.
    others = [line for line in second.stdout.splitlines() if not line.startswith("poddisruptionbudget")]
    assert [line for line in others if not line.endswith(" unchanged")] == []
    assert generations(cluster, folder) == before


@pytest.mark.parametrize("folder", ["ha"], indirect=True)
def test_of_two_replicas_one_may_go_at_a_time(cluster: Cluster, folder: Path):
    cluster.kubectl("apply", *SERVER_SIDE, "-k", str(folder))

    def allowed() -> bool:
        status = cluster.get("poddisruptionbudget", RELEASE, NAMESPACE)["status"]
        return (status.get("currentHealthy"), status["disruptionsAllowed"]) == (2, 1)

    wait_for(allowed, 60, "both pods to be counted by the budget")


@pytest.mark.parametrize("folder", ["ha"], indirect=True)
def test_back_from_two_replicas_to_one(cluster: Cluster, folder: Path):
    cluster.kubectl("apply", *SERVER_SIDE, "-k", str(folder))
    cluster.kubectl("apply", *SERVER_SIDE, "-k", str(BASE))
    deployment = cluster.get("deployment", RELEASE, NAMESPACE)
    assert deployment["spec"]["replicas"] == 1
    assert "topologySpreadConstraints" not in deployment["spec"]["template"]["spec"]


@pytest.mark.parametrize("folder", ["namespaced"], indirect=True)
def test_the_namespaced_operator_has_rights_in_its_namespace_alone(cluster: Cluster, folder: Path):
    cluster.kubectl("apply", *SERVER_SIDE, "-k", str(folder))

    def may(verb: str, resource: str, namespace: str) -> bool:
        user = f"--as=system:serviceaccount:{NAMESPACE}:{RELEASE}"
        done = cluster.kubectl("auth", "can-i", verb, resource, user, "-n", namespace, check=False)
        return done.stdout.strip() == "yes"

    def rights() -> set[tuple[str, str, str]]:
        asked = [("create", "deployments.apps"), ("list", "gemma4deployments.gemma4.dev"), ("list", "nodes")]
        return {(*one, namespace) for one in asked for namespace in (TEAM, "default") if may(*one, namespace)}

    expected = {
        ("create", "deployments.apps", TEAM),
        ("list", "gemma4deployments.gemma4.dev", TEAM),
        ("list", "nodes", TEAM),
        ("list", "nodes", "default"),
    }
    # The API server takes a moment to go by roles that have changed.
    wait_for(lambda: rights() == expected, 20, lambda: f"{expected}; {rights()}")


@pytest.mark.parametrize("folder", ["monitoring"], indirect=True)
def test_the_monitor_selects_the_pods_that_there_are_and_the_port_that_they_have(cluster: Cluster, folder: Path):
    cluster.kubectl("apply", *SERVER_SIDE, "-k", str(folder))
    cluster.kubectl("rollout", "status", "-n", NAMESPACE, f"deployment/{RELEASE}", "--timeout=240s")
    spec = cluster.get("podmonitor", RELEASE, NAMESPACE)["spec"]
    selector = ",".join(f"{name}={value}" for name, value in spec["selector"]["matchLabels"].items())
    pods = cluster.get("pods", namespace=NAMESPACE, selector=selector)["items"]
    assert pods
    ports = {port["name"] for pod in pods for one in pod["spec"]["containers"] for port in one["ports"]}
    assert {endpoint["port"] for endpoint in spec["podMetricsEndpoints"]} <= ports
    assert cluster.get("prometheusrule", RELEASE, NAMESPACE)["spec"]["groups"]
    dashboard = cluster.get("configmap", f"{RELEASE}-dashboard", NAMESPACE)
    assert dashboard["metadata"]["labels"]["grafana_dashboard"] == "1"


def test_by_its_label_all_of_it_goes_but_for_the_crd(cluster: Cluster, folder: Path):
    """Only said and not done: the other tests need the namespace and its account."""
    cluster.kubectl("apply", *SERVER_SIDE, "-k", str(folder))
    deleting = ("delete", "-k", str(folder), "--selector", f"app.kubernetes.io/name={RELEASE}")
    would_go = cluster.kubectl(*deleting, "--dry-run=server", "-o", "name").stdout.split()
    there = cluster.kubectl("get", "-k", str(folder), "-o", "name").stdout.split()
    assert f"namespace/{NAMESPACE}" in would_go
    assert set(there) - set(would_go) == {f"customresourcedefinition.apiextensions.k8s.io/{CRD}"}
