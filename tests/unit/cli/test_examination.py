"""What `gemma4 doctor` says of a cluster: one sentence for each thing that must be so, with what to do."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from gemma4_operator.api.crd import crds
from gemma4_operator.catalog.loader import builtin_catalog
from gemma4_operator.cli.examination import Finding, Seen, Verdict, examined
from gemma4_operator.planner.inventory import Inventory, inventory
from gemma4_operator.planner.node_view import node_view
from tests.cluster.fakenodes import fake_gpu_node

(OURS,) = crds()
OPERATOR: dict[str, Any] = {
    "metadata": {"name": "gemma4-operator", "namespace": "gemma4-system"},
    "spec": {"replicas": 2, "template": {"spec": {"containers": []}}},
    "status": {"availableReplicas": 2},
}


def of_namespaces(name: str, *namespaces: str) -> dict[str, Any]:
    """Return an operator that has some namespaces; none: all."""
    env = [{"name": "GEMMA4_WATCH_NAMESPACES", "value": ",".join(namespaces)}]
    pod = {"containers": [{"env": env if namespaces else []}]}
    return {**OPERATOR, "metadata": {"name": name, "namespace": "ops"}, "spec": {"template": {"spec": pod}}}


def gpus(*nodes: Mapping[str, Any]) -> Inventory:
    return inventory(map(node_view, nodes), (), catalog=builtin_catalog())


def resource(name: str, *conditions: Mapping[str, str]) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "team-a"}, "status": {"conditions": list(conditions)}}


def ready(status: str = "True", reason: str = "Ready", message: str = "It serves.") -> dict[str, str]:
    return {"type": "Ready", "status": status, "reason": reason, "message": message}


WELL = Seen(
    version="v1.36.3",
    definition=OURS,
    operators=[OPERATOR],
    denied=(),
    denied_diagnosis=(),
    inventory=gpus(fake_gpu_node("gpu-1"), fake_gpu_node("gpu-2")),
    resources=[resource("chat", ready())],
)


def said(seen: Seen, check: str) -> list[tuple[Verdict, str]]:
    return [(one.verdict, one.message) for one in examined(seen, definition=OURS) if one.check == check]


def only(seen: Seen, check: str) -> tuple[Verdict, str]:
    (one,) = said(seen, check)
    return one


def worst(found: Sequence[Finding]) -> set[Verdict]:
    return {one.verdict for one in found} - {Verdict.OK}


def without(definition: Mapping[str, Any], *path: str) -> dict[str, Any]:
    """Return a definition whose schema lacks a field."""
    changed = copy.deepcopy(dict(definition))
    schema = changed["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for name in path[:-1]:
        schema = schema["properties"][name]
    del schema["properties"][path[-1]]
    return changed


def test_where_all_is_well_it_says_what_there_is() -> None:
    found = examined(WELL, definition=OURS)
    assert worst(found) == set()
    assert [(one.check, one.message) for one in found] == [
        ("kubernetes", "Kubernetes is v1.36.3."),
        ("definition", "'gemma4deployments.gemma4.dev' is installed and has the fields of this version."),
        ("operator", "gemma4-system/gemma4-operator runs, 2 of 2 available."),
        ("permissions", "The operator may do all that it must."),
        ("gpus", "NVIDIA-H100-80GB-HBM3: 16 on 2 nodes, 16 free."),
        ("resources", "1 of 1 Gemma4Deployment Ready."),
    ]


@pytest.mark.parametrize(
    ("version", "verdict"),
    [
        ("v1.30.0", Verdict.OK),
        ("v1.31.2-eks-7f9249a", Verdict.OK),
        ("v2.0.0", Verdict.OK),
        ("v1.29.14", Verdict.PROBLEM),
        ("v1.9.0", Verdict.PROBLEM),
        ("nightly", Verdict.UNKNOWN),
    ],
)
def test_an_old_kubernetes(version: str, verdict: Verdict) -> None:
    found, message = only(replace(WELL, version=version), "kubernetes")
    assert found is verdict
    assert version in message
    if verdict is Verdict.PROBLEM:
        assert "must be 1.30 or newer" in message


class TestTheDefinition:
    def test_that_is_missing(self) -> None:
        assert only(replace(WELL, definition={}), "definition") == (
            Verdict.PROBLEM,
            "There is no CustomResourceDefinition 'gemma4deployments.gemma4.dev': "
            "`gemma4 crds | kubectl apply --server-side -f -`.",
        )

    def test_that_is_older_lacks_fields_that_are_named(self) -> None:
        old = without(without(OURS, "spec", "autoscaling"), "status", "autoscaling", "imbalancePercent")
        verdict, message = only(replace(WELL, definition=old), "definition")
        assert verdict is Verdict.PROBLEM
        assert "does not know spec.autoscaling, " in message
        assert message.endswith("`gemma4 crds | kubectl apply --server-side -f -`.")
        assert "more" in message, "a field's own fields are fields as well"

    def test_that_is_newer_has_more(self) -> None:
        newer = examined(WELL, definition=without(OURS, "spec", "autoscaling", "idleSeconds"))
        (one,) = [found for found in newer if found.check == "definition"]
        assert one.verdict is Verdict.WARNING
        assert "which does not know spec.autoscaling.idleSeconds: use the `gemma4` of the operator's" in one.message

    def test_in_lists_fields_count_as_well(self) -> None:
        old = copy.deepcopy(OURS)
        conditions = old["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"][
            "conditions"
        ]
        del conditions["items"]["properties"]["reason"]
        assert "status.conditions[].reason" in only(replace(WELL, definition=old), "definition")[1]


class TestTheOperator:
    def test_that_is_not_installed_has_no_permissions_to_look_at(self) -> None:
        seen = replace(WELL, operators=[])
        assert only(seen, "operator")[0] is Verdict.PROBLEM
        assert "install its chart" in only(seen, "operator")[1]
        assert said(seen, "permissions") == []

    @pytest.mark.parametrize("status", [{}, {"status": {}}, {"status": {"availableReplicas": 0}}])
    def test_that_does_not_run(self, status: dict[str, Any]) -> None:
        down = {**OPERATOR, "status": {}, **status}
        verdict, message = only(replace(WELL, operators=[down]), "operator")
        assert verdict is Verdict.PROBLEM
        assert message.startswith(
            "gemma4-system/gemma4-operator has none of 2 available: `kubectl -n gemma4-system logs "
            "deployment/gemma4-operator` "
        )

    @pytest.mark.parametrize("others", [(), ("team-b",), ("team-a", "team-c")])
    def test_two_that_share_a_namespace_undo_each_others_work(self, others: tuple[str, ...]) -> None:
        both = [of_namespaces("one", "team-a", "team-b"), of_namespaces("other", *others)]
        found = said(replace(WELL, operators=both), "operator")
        assert [verdict for verdict, _ in found] == [Verdict.OK, Verdict.OK, Verdict.WARNING]
        assert found[2][1].startswith("ops/one and ops/other look after the same namespaces")

    def test_two_that_share_none_do_not(self) -> None:
        both = [of_namespaces("one", "team-a"), of_namespaces("other", "team-b")]
        assert [verdict for verdict, _ in said(replace(WELL, operators=both), "operator")] == [Verdict.OK] * 2


class TestPermissions:
    def test_that_are_missing_are_named(self) -> None:
        seen = replace(WELL, denied=["list pods", "patch services"])
        assert only(seen, "permissions") == (
            Verdict.PROBLEM,
            "The operator may not list pods, patch services: grant it, as the chart's ClusterRole does.",
        )

    def test_of_many_a_few_are(self) -> None:
        _, message = only(replace(WELL, denied=[f"verb {number}" for number in range(9)]), "permissions")
        assert "verb 4 and 4 more: grant" in message
        assert "verb 5" not in message

    def test_that_are_not_needed_are_a_warning(self) -> None:
        found = said(replace(WELL, denied_diagnosis=["get pods/log"]), "permissions")
        assert [verdict for verdict, _ in found] == [Verdict.OK, Verdict.WARNING]
        assert "`rbac.diagnosis: true`" in found[1][1]


class TestGpus:
    def test_without_any_nothing_can_be_placed(self) -> None:
        verdict, message = only(replace(WELL, inventory=gpus({"metadata": {"name": "cpu-1"}})), "gpus")
        assert verdict is Verdict.WARNING
        assert "device plugin" in message

    def test_nodes_that_are_left_out_are_told_with_the_reason(self) -> None:
        cordoned = fake_gpu_node("gpu-3")
        cordoned["spec"] = {**cordoned.get("spec", {}), "unschedulable": True}
        found = said(replace(WELL, inventory=gpus(fake_gpu_node("gpu-1"), cordoned)), "gpus")
        assert [verdict for verdict, _ in found] == [Verdict.OK, Verdict.WARNING]
        assert "gpu-3" in found[1][1]
        assert "cordoned" in found[1][1]


class TestResources:
    def test_that_are_not_ready_are_named_with_their_reason(self) -> None:
        waiting = resource("code", ready("False", "NoCapacity", "No node has 2 free GPUs."))
        found = said(replace(WELL, resources=[resource("chat", ready()), waiting]), "resources")
        assert found == [
            (Verdict.OK, "1 of 2 Gemma4Deployments Ready."),
            (Verdict.WARNING, "team-a/code is not Ready, NoCapacity: No node has 2 free GPUs."),
        ]

    def test_that_nobody_has_looked_at_yet(self) -> None:
        new = {"metadata": {"name": "new", "namespace": "team-a"}}
        assert said(replace(WELL, resources=[new]), "resources")[1] == (
            Verdict.WARNING,
            "team-a/new is not Ready, the operator has not looked at it",
        )

    def test_of_many_a_few_are_named(self) -> None:
        found = said(replace(WELL, resources=[resource(f"chat-{number}") for number in range(8)]), "resources")
        assert len(found) == 1 + 5 + 1
        assert found[-1][1] == "3 more are not Ready: `kubectl get g4d -A`."

    def test_an_empty_cluster_has_none_and_that_is_no_fault(self) -> None:
        assert said(replace(WELL, resources=[]), "resources") == []


@pytest.mark.parametrize(
    ("part", "check"),
    [
        ("version", "kubernetes"),
        ("definition", "definition"),
        ("operators", "operator"),
        ("denied", "permissions"),
        ("inventory", "gpus"),
        ("resources", "resources"),
    ],
)
def test_what_may_not_be_read_is_unknown_and_no_problem(part: str, check: str) -> None:
    seen = replace(WELL, **{part: None})
    assert only(seen, check)[0] is Verdict.UNKNOWN
    assert worst(examined(seen, definition=OURS)) == {Verdict.UNKNOWN}
