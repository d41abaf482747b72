"""What the operator may do: exactly this, and never a Secret."""

from typing import ClassVar

import pytest

from gemma4_operator.kube import kinds
from gemma4_operator.runtime.settings import from_environment
from gemma4_operator.status.evidence import LOG_BYTES, LOG_LINES
from hack.manifests import ROOT
from tests.chart.conftest import HIGH_AVAILABILITY, SOME_NAMESPACES, VALUES, Object, Render, only

pytestmark = pytest.mark.cluster

CLUSTER = {
    ("gemma4.dev", "gemma4deployments"): {"list", "watch"},
    ("gemma4.dev", "gemma4deployments/status"): {"patch"},
    ("gemma4.dev", "gemma4deployments/finalizers"): {"update"},
    ("apps", "deployments"): {"get", "list", "watch", "create", "patch"},
    ("", "persistentvolumeclaims"): {"get", "list", "watch", "create", "patch"},
    ("", "services"): {"get", "list", "watch", "create", "patch"},
    ("policy", "poddisruptionbudgets"): {"get", "list", "watch", "create", "patch"},
    ("", "pods"): {"list", "watch"},
    ("", "pods/log"): {"get"},
    ("", "nodes"): {"list", "watch"},
    ("events.k8s.io", "events"): {"create", "patch", "list"},
    ("apiextensions.k8s.io", "customresourcedefinitions"): {"list", "watch"},
}
LEASES = ("coordination.k8s.io", "leases")
OWN_NAMESPACE = {LEASES: {"create"}, (*LEASES, "gemma4-operator"): {"get", "update"}}
"""With the one name for which a right is, where it is for one."""


@pytest.fixture(params=[(), HIGH_AVAILABILITY], ids=["default", "high-availability"])
def objects(request: pytest.FixtureRequest, render: Render) -> list[Object]:
    return render(*request.param)


def _granted(role: Object) -> dict[tuple[str, ...], set[str]]:
    granted: dict[tuple[str, ...], set[str]] = {}
    for rule in role["rules"]:
        assert set(rule) - {"resourceNames"} == {"apiGroups", "resources", "verbs"}
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                granted.setdefault((group, resource, *rule.get("resourceNames", ())), set()).update(rule["verbs"])
    return granted


def test_the_cluster_role_grants_exactly_the_table(objects: list[Object]):
    assert _granted(only(objects, "ClusterRole")) == CLUSTER


def test_the_role_of_its_own_namespace_grants_the_lease(objects: list[Object]):
    role = only(objects, "Role")
    assert _granted(role) == OWN_NAMESPACE
    assert role["metadata"]["namespace"] == "gemma4-system"


@pytest.mark.parametrize("sets", [(), ("fullnameOverride=second",)], ids=["default", "second"])
def test_it_grants_the_lease_that_the_pod_is_told_of(render: Render, sets: tuple[str, ...]):
    objects = render(*sets)
    (container,) = only(objects, "Deployment")["spec"]["template"]["spec"]["containers"]
    (told,) = [item["value"] for item in container["env"] if item["name"] == "GEMMA4_LEASE_NAME"]
    assert {name for rule in only(objects, "Role")["rules"] for name in rule.get("resourceNames", ())} == {told}


@pytest.mark.parametrize("sets", VALUES.values(), ids=VALUES)
def test_no_wildcard_and_no_secret_anywhere(render: Render, sets: tuple[str, ...]):
    for role in [item for item in render(*sets) if item["kind"] in ("ClusterRole", "Role")]:
        words = {word for rule in role["rules"] for words in rule.values() for word in words}
        assert not {word for word in words if "*" in word or "secret" in word}, role["metadata"]["name"]


def test_security_md_says_what_is_read_and_the_switch_takes_just_that_away(render: Render):
    without = _granted(only(render("rbac.diagnosis=false"), "ClusterRole"))
    assert ("", "pods/log") not in without
    assert without["events.k8s.io", "events"] == {"create", "patch"}, "its own events are still written"
    assert without.keys() == CLUSTER.keys() - {("", "pods/log")}
    (told,) = [line for line in (ROOT / "SECURITY.md").read_text().split("\n* ") if "rbac.diagnosis: false" in line]
    assert f"last {LOG_LINES} lines" in told
    assert f"{LOG_BYTES // 1024} KiB" in told
    assert "`default`" in told, "the events of nodes"


class TestSomeNamespaces:
    """With `watch.namespaces` the same is granted, and nowhere else."""

    OF_THE_CLUSTER: ClassVar = {
        ("", "nodes"): {"list", "watch"},
        ("", "namespaces"): {"list", "watch"},
        ("apiextensions.k8s.io", "customresourcedefinitions"): {"list", "watch"},
    }

    def test_of_the_whole_cluster_it_sees_nodes_and_what_there_is(self, render: Render):
        assert _granted(only(render(*SOME_NAMESPACES), "ClusterRole")) == self.OF_THE_CLUSTER

    def test_each_namespace_grants_the_rest(self, render: Render):
        roles = [item for item in render(*SOME_NAMESPACES) if item["kind"] == "Role"]
        by_namespace = {role["metadata"]["namespace"]: _granted(role) for role in roles}
        rest = CLUSTER.keys() - self.OF_THE_CLUSTER.keys()
        expected = {resource: CLUSTER[resource] for resource in rest}
        assert by_namespace == {"team-a": expected, "team-b": expected, "gemma4-system": OWN_NAMESPACE}

    def test_each_role_is_bound_to_the_account_of_the_pod(self, render: Render):
        objects = render(*SOME_NAMESPACES)
        account = _identity(only(objects, "ServiceAccount")["metadata"])
        names = {_place(item) for item in objects if item["kind"] == "Role"}
        bindings = [item for item in objects if item["kind"] == "RoleBinding"]
        assert {(one["metadata"]["namespace"], one["roleRef"]["name"]) for one in bindings} == names
        assert all(one["subjects"] == [{"kind": "ServiceAccount", **account}] for one in bindings)

    def test_the_operator_and_its_checkup_are_told(self, render: Render):
        objects = render(*SOME_NAMESPACES)
        for pod in (only(objects, "Deployment")["spec"]["template"], only(objects, "Pod")):
            environment = {item["name"]: item.get("value", "x") for item in pod["spec"]["containers"][0]["env"]}
            assert from_environment(environment).watch_namespaces == ("team-a", "team-b")


def test_both_roles_are_bound_to_the_account_of_the_pod(objects: list[Object]):
    account = only(objects, "ServiceAccount")["metadata"]
    assert only(objects, "Deployment")["spec"]["template"]["spec"]["serviceAccountName"] == account["name"]
    for binding_kind, role_kind in (("ClusterRoleBinding", "ClusterRole"), ("RoleBinding", "Role")):
        binding = only(objects, binding_kind)
        assert binding["subjects"] == [{"kind": "ServiceAccount", **_identity(account)}]
        assert binding["roleRef"]["kind"] == role_kind
        assert binding["roleRef"]["name"] == only(objects, role_kind)["metadata"]["name"]


def _place(item: Object) -> tuple[str, str]:
    return item["metadata"]["namespace"], item["metadata"]["name"]


def _identity(metadata: Object) -> Object:
    return {"name": metadata["name"], "namespace": metadata["namespace"]}


def test_every_kind_the_client_knows_is_granted():
    known = {(item.group, item.plural) for item in vars(kinds).values() if isinstance(item, kinds.Kind)}
    assert known - CLUSTER.keys() - {LEASES} == {("", "namespaces")}, "asked for with `watch.namespaces` alone"
    assert ("", "namespaces") in TestSomeNamespaces.OF_THE_CLUSTER
