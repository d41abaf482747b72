"""What the operator may do: exactly this, and never a Secret."""

import pytest

from gemma4_operator.kube import kinds
from tests.chart.conftest import HIGH_AVAILABILITY, Object, Render, only

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
OWN_NAMESPACE = {("coordination.k8s.io", "leases"): {"get", "create", "update"}}


@pytest.fixture(params=[(), HIGH_AVAILABILITY], ids=["default", "high-availability"])
def objects(request: pytest.FixtureRequest, render: Render) -> list[Object]:
    return render(*request.param)


def _granted(role: Object) -> dict[tuple[str, str], set[str]]:
    granted: dict[tuple[str, str], set[str]] = {}
    for rule in role["rules"]:
        assert set(rule) == {"apiGroups", "resources", "verbs"}
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                granted.setdefault((group, resource), set()).update(rule["verbs"])
    return granted


def test_the_cluster_role_grants_exactly_the_table(objects: list[Object]):
    assert _granted(only(objects, "ClusterRole")) == CLUSTER


def test_the_role_of_its_own_namespace_grants_the_lease(objects: list[Object]):
    role = only(objects, "Role")
    assert _granted(role) == OWN_NAMESPACE
    assert role["metadata"]["namespace"] == "gemma4-system"


def test_no_wildcard_and_no_secret_anywhere(objects: list[Object]):
    for kind in ("ClusterRole", "Role"):
        words = {word for rule in only(objects, kind)["rules"] for words in rule.values() for word in words}
        assert not {word for word in words if "*" in word or "secret" in word}


def test_both_roles_are_bound_to_the_account_of_the_pod(objects: list[Object]):
    account = only(objects, "ServiceAccount")["metadata"]
    assert only(objects, "Deployment")["spec"]["template"]["spec"]["serviceAccountName"] == account["name"]
    for binding_kind, role_kind in (("ClusterRoleBinding", "ClusterRole"), ("RoleBinding", "Role")):
        binding = only(objects, binding_kind)
        assert binding["subjects"] == [{"kind": "ServiceAccount", **_identity(account)}]
        assert binding["roleRef"]["kind"] == role_kind
        assert binding["roleRef"]["name"] == only(objects, role_kind)["metadata"]["name"]


def _identity(metadata: Object) -> Object:
    return {"name": metadata["name"], "namespace": metadata["namespace"]}


def test_every_kind_the_client_knows_is_granted():
    known = {(item.group, item.plural) for item in vars(kinds).values() if isinstance(item, kinds.Kind)}
    assert known <= CLUSTER.keys() | OWN_NAMESPACE.keys()
