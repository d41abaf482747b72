"""Least privilege, from the audit log of a real API server: each right that the roles grant is used, and no other.

In a cluster of its own with the admission plugin that OpenShift adds: one right is looked at by that plugin alone.
"""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gemma4_operator.kube.kinds import PERSISTENT_VOLUME_CLAIM, SERVICE
from tests.cluster import Cluster, wait_for
from tests.cluster.cluster import RESTRICTED
from tests.integration.home import Home, faulty, sample
from tests.integration.objects import Object, Objects
from tests.integration.operating import NAME, SYSTEM, Operators, account, add_account, install, may_hold

pytestmark = pytest.mark.cluster

Right = tuple[str, str, str]
"""API group, resource with its subresource, verb."""
BASE = Path(__file__).parents[2] / "manifests" / "base"
ROLES = ("clusterrole.yaml", "role.yaml")
ASKED_BY_A_PLUGIN = ("gemma4.dev", "gemma4deployments/finalizers", "update")
"""OwnerReferencesPermissionEnforcement asks for it itself, so that no request shows it; a test below does."""


@pytest.fixture(scope="module")
def own_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    root = tmp_path_factory.mktemp("cluster")
    with Cluster.start(name="rights", root=root, admission_plugins=["OwnerReferencesPermissionEnforcement"]) as running:
        running.add_fake_nodes(2)
        install(running)
        yield running


@pytest.fixture
def team(own_cluster: Cluster) -> Iterator[Home]:
    """A namespace under the restricted Pod Security Standard."""
    admin = Objects(own_cluster.kubeconfig)
    home = Home(own_cluster, admin, own_cluster.namespace(labels=RESTRICTED))
    yield home
    home.end()
    admin.close()


@pytest.fixture
def operators(own_cluster: Cluster, tmp_path: Path) -> Iterator[Operators]:
    made = Operators(own_cluster, tmp_path)
    yield made
    made.end()


def granted(*files: str) -> set[Right]:
    """Return what the roles of manifests/base grant, each of which the chart has rendered."""
    rules = [rule for file in files for rule in yaml.safe_load((BASE / file).read_text())["rules"]]
    return {
        (group, resource, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def used(events: list[dict[str, Any]]) -> set[Right]:
    """Return the rights by which requests were let through; an apply that makes an object takes two."""
    rights = set()
    for event in events:
        thing = event.get("objectRef", {})
        if "resource" not in thing or event["annotations"]["authorization.k8s.io/decision"] != "allow":
            continue
        resource = "/".join(filter(None, (thing["resource"], thing.get("subresource"))))
        made = event["verb"] == "patch" and event["responseStatus"]["code"] == 201
        rights |= {(thing.get("apiGroup", ""), resource, verb) for verb in (event["verb"], *["create"] * made)}
    return rights


def of(events: list[dict[str, Any]], user: str) -> list[dict[str, Any]]:
    """Return one user's requests for objects; what everybody may ask about the API server itself is no right."""
    return [event for event in events if event["user"]["username"] == user and "objectRef" in event]


def live_a_full_life(team: Home) -> None:
    """Make the operator do all that it ever does."""
    team.create(
        sample("chat", replicas=2),
        sample("failing", podTemplatePatch=faulty("OOMKilled")),
        sample("cached", cache={"claim": {"size": "1Gi"}}),
    )
    team.wait_ready("chat")
    team.wait_reason("failing", "HostOutOfMemory")
    wait_for(lambda: team.objects.get(PERSISTENT_VOLUME_CLAIM, team.namespace, "cached"), 20, "the claim of a cache")
    team.edit("chat", endpoint={"port": 9000}, disruption={"minAvailablePercent": 100})
    team.wait_ready("chat")
    first = told(team)
    for count in (1, 2):
        team.delete("chat", kind=SERVICE)
        wait_for(lambda: team.objects.get(SERVICE, team.namespace, "chat"), 20, "the Service to come back")
        wait_for(lambda wanted=first + count: told(team) >= wanted, 20, "an event about it")
        time.sleep(1.1)  # Sooner, it would only be counted.
    team.wait_quiet()
    team.delete("chat")
    team.wait_gone("chat")


def told(team: Home) -> int:
    """Count what was told of repairs, in an event of its own or in a series."""
    about = [event for event in team.events("chat") if event["reason"] == "ChildrenApplied"]
    return sum((event.get("series") or {}).get("count", 1) for event in about)


def test_each_right_is_used_and_none_is_missing(own_cluster: Cluster, team: Home, operators: Operators):
    team.wait_collector()
    since = own_cluster.audit_offset()
    running = operators.new(module="tests.integration.hurried", lease=NAME, resync_seconds=5).wait_leading()
    live_a_full_life(team)
    running.must_be_steady()
    running.stop()  # A watch gets its line when it ends.
    expected = granted(*ROLES) - {ASKED_BY_A_PLUGIN}

    def requests() -> list[dict[str, Any]]:
        return of(own_cluster.audit_events(since), account())

    with contextlib.suppress(TimeoutError):
        wait_for(lambda: used(requests()) >= expected, 10, "the last lines of the log")
    assert expected - used(requests()) == set(), "granted and never used"
    assert used(requests()) - expected == set(), "used, and granted by something else than our roles"
    refused = {
        (event["verb"], event["requestURI"]) for event in requests() if event["responseStatus"].get("code") == 403
    }
    assert refused == set(), "asked for and not granted"
    resources = {event["objectRef"].get("resource") for event in requests()}
    assert "secrets" not in resources


def test_leases_of_others_beside_its_own_are_not_in_its_hands(own_cluster: Cluster):
    assert may_hold(own_cluster, NAME)
    assert not may_hold(own_cluster, "of-somebody-else")


def test_no_right_is_a_wildcard_or_reads_a_secret():
    words = {word for right in granted(*ROLES) for word in right}
    assert not {word for word in words if "*" in word or "secret" in word}
    assert {verb for _, _, verb in granted(*ROLES)} == {"get", "list", "watch", "create", "patch", "update"}


def test_without_the_right_that_a_plugin_asks_for_no_child_is_made(
    own_cluster: Cluster, team: Home, operators: Operators
):
    role: Object = yaml.safe_load((BASE / "clusterrole.yaml").read_text())
    role["metadata"]["name"] = "less"
    role["rules"] = [rule for rule in role["rules"] if rule["resources"] != ["gemma4deployments/finalizers"]]
    add_account(own_cluster, "lesser")
    subject = {"kind": "ServiceAccount", "name": "lesser", "namespace": SYSTEM}
    own_cluster.kubectl("delete", "clusterrolebinding", "lesser-as-well")
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "less"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "less"},
        "subjects": [subject],
    }
    own_cluster.apply([role, binding])
    operators.new(account="lesser").wait_leading()
    team.create(sample("chat"))
    # Until the API server goes by the new role, it refuses more than that.
    wait_for(lambda: "blockOwnerDeletion" in team.ready("chat").get("message", ""), 20, lambda: f"{team.ready('chat')}")
    assert team.ready("chat")["reason"] == "ChildRejected"
