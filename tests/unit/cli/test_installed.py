"""What is read of an operator's Deployment: that it is one, whose rights it has, and where it needs them."""

from typing import Any

from gemma4_operator.cli.installed import is_operator, questions, watched
from gemma4_operator.kube.rights import Right

PODS = Right(group="", resource="pods", verb="list")
NODES = Right(group="", resource="nodes", verb="list", namespaced=False)


def operator(*env: dict[str, str], **spec: str) -> dict[str, Any]:
    pod = {"containers": [{"name": "operator", "env": list(env)}, {"name": "sidecar"}], **spec}
    return {"metadata": {"name": "it", "namespace": "gemma4-system"}, "spec": {"template": {"spec": pod}}}


def test_it_is_one_whatever_it_is_called() -> None:
    assert is_operator(operator({"name": "GEMMA4_LEASE_NAMESPACE"}))
    assert not is_operator(operator({"name": "OTHER", "value": "x"}))


def test_the_account_is_the_pods() -> None:
    (named,) = questions(operator(serviceAccountName="gemma4-operator"), [PODS])
    assert named.user == "system:serviceaccount:gemma4-system:gemma4-operator"
    assert named.groups == (
        "system:serviceaccounts",
        "system:serviceaccounts:gemma4-system",
        "system:authenticated",
    )
    (unnamed,) = questions(operator(), [PODS])
    assert unnamed.user == "system:serviceaccount:gemma4-system:default"


def test_one_of_some_namespaces_needs_its_rights_in_each() -> None:
    some = operator({"name": "GEMMA4_WATCH_NAMESPACES", "value": "team-a, team-b"})
    assert watched(some) == ("team-a", "team-b")
    asked = list(questions(some, (PODS, NODES)))
    assert [one.text for one in asked] == ["list pods in team-a", "list pods in team-b", "list nodes"]
    assert [one.attributes["namespace"] for one in asked] == ["team-a", "team-b", ""]


def test_one_of_all_needs_them_everywhere() -> None:
    everywhere = operator({"name": "OTHER", "value": "x"})
    assert watched(everywhere) == ()
    (one,) = questions(everywhere, [PODS])
    assert (one.text, one.attributes["namespace"]) == ("list pods", "")
