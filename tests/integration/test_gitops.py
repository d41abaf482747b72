"""A GitOps tool beside the operator: what Git says stays as it is, and no tool ever sees a difference.

Argo CD and Flux apply from the server's side under a field manager of their own, as kubectl does here for them.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from gemma4_operator.api.common import GROUP
from hack.argocd import FOLDER
from hack.health_cases import HEALTH_CASES, HealthCase, resource_of
from tests.cluster import wait_for
from tests.cluster.gitops import verdicts
from tests.gitops.test_health import AGREEMENT
from tests.integration.home import Home, faulty, sample
from tests.integration.judge import ServerJudge
from tests.integration.objects import Object

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("operator")]

SCRIPT = (Path(__file__).parents[2] / FOLDER / "health.lua").read_text()
MANAGERS = ("argocd-controller", "kustomize-controller", "helm-controller")
TRACKING = {
    "annotations": {"argocd.argoproj.io/tracking-id": f"models:{GROUP}/Gemma4Deployment:team-a/chat"},
    "labels": {"kustomize.toolkit.fluxcd.io/name": "models", "app.kubernetes.io/instance": "models"},
}


def in_git(name: str, **spec: Any) -> Object:
    """Return a resource as a tool applies it, with the marks by which it knows its own."""
    resource = sample(name, **spec)
    return resource | {"metadata": {**resource["metadata"], **TRACKING}}


def apply(home: Home, resource: Object, *arguments: str, verb: str = "apply", check: bool = True) -> Any:
    return home.cluster.kubectl(
        verb, "-n", home.namespace, *arguments, "-f", "-", stdin=json.dumps(resource), check=check
    )


@pytest.mark.parametrize("manager", MANAGERS)
def test_no_drift_and_no_foreign_hand_on_spec_or_metadata(home: Home, manager: str):
    server_side = ("--server-side", f"--field-manager={manager}")
    wanted = in_git("chat", replicas=2)
    apply(home, wanted, *server_side)
    before = home.resource("chat")
    home.wait_ready("chat")
    home.wait_quiet()
    after = home.resource("chat")
    assert apply(home, wanted, *server_side, verb="diff", check=False).returncode == 0
    assert after["spec"] == before["spec"]
    noise = {"managedFields", "resourceVersion"}
    assert {name: one for name, one in after["metadata"].items() if name not in noise} == {
        name: one for name, one in before["metadata"].items() if name not in noise
    }
    fields = after["metadata"]["managedFields"]
    assert {one["manager"] for one in fields if one.get("subresource") != "status"} == {manager}
    for one in fields:
        if one.get("subresource") == "status":
            assert set(one["fieldsV1"]) == {"f:status"}


def test_what_is_applied_anew_changes_no_generation_and_makes_no_work(home: Home):
    server_side = ("--server-side", "--field-manager=argocd-controller")
    apply(home, in_git("chat"), *server_side)
    home.wait_ready("chat")
    since = home.wait_quiet()
    before = home.resource("chat")["metadata"]
    apply(home, in_git("chat"), *server_side)
    home.wait_quiet()
    after = home.resource("chat")["metadata"]
    assert (after["generation"], after["resourceVersion"]) == (before["generation"], before["resourceVersion"])
    assert not home.writes(since=since)


def test_a_change_by_hand_is_seen_as_drift(home: Home):
    """Else the tests above could not fail."""
    server_side = ("--server-side", "--field-manager=argocd-controller")
    apply(home, in_git("chat", replicas=1), *server_side)
    home.edit("chat", replicas=2)
    drift = apply(home, in_git("chat", replicas=1), *server_side, "--force-conflicts", verb="diff", check=False)
    assert drift.returncode == 1
    assert "+  replicas: 1" in drift.stdout


def test_a_client_side_apply_sees_no_difference_either(home: Home):
    apply(home, in_git("chat"))
    home.wait_ready("chat")
    assert apply(home, in_git("chat"), verb="diff", check=False).returncode == 0
    assert "unchanged" in apply(home, in_git("chat")).stdout


def test_children_bear_no_mark_of_the_tool(home: Home):
    """By such a mark a tool would take them for its own, find them in no Git, and prune them."""
    apply(home, in_git("chat"), "--server-side", "--field-manager=argocd-controller")
    home.wait_ready("chat")
    for kind, child in home.children("chat").items():
        assert child is not None, kind
        metadata = child["metadata"]
        assert metadata["ownerReferences"][0]["name"] == "chat"
        assert metadata["labels"]["app.kubernetes.io/instance"] == "chat"
        assert [key for key in (*metadata["labels"], *metadata.get("annotations", {})) if "argocd" in key] == []
        assert [key for key in (*metadata["labels"], *metadata.get("annotations", {})) if "toolkit" in key] == []


@pytest.mark.parametrize("case", HEALTH_CASES, ids=lambda case: case.name)
def test_the_states_of_the_test_data_are_of_resources_that_there_can_be(home: Home, case: HealthCase):
    resource = resource_of(case)
    body = {key: resource[key] for key in ("apiVersion", "kind", "spec")} | {"metadata": {"name": "chat"}}
    assert ServerJudge(home.cluster.kubeconfig, namespace=home.namespace).refusal(body) is None


def test_argo_cd_and_kstatus_agree_on_a_whole_life(home: Home):
    """Every state that the API server shows, from the first to the last, as a tool sees them go by."""
    seen: list[tuple[str, str]] = []

    def says(*words: str) -> None:
        def look() -> bool:
            (verdict,) = verdicts([home.resource("chat")], script=SCRIPT)
            assert verdict.health in AGREEMENT[verdict.kstatus]
            if not seen or seen[-1] != (verdict.kstatus, verdict.health):
                seen.append((verdict.kstatus, verdict.health))
            return seen[-1] == words

        wait_for(look, 30, lambda: f"{words}; seen: {seen}")

    home.create(sample("chat"))
    says("Current", "Healthy")
    home.edit("chat", suspend=True)
    says("Current", "Suspended")
    home.edit("chat", replicas=2)
    says("InProgress", "Suspended")
    home.edit("chat", suspend=None)
    says("Current", "Healthy")
    home.edit("chat", podTemplatePatch=faulty("NeverReady"))
    says("InProgress", "Progressing")
    home.edit("chat", podTemplatePatch=None, objectives={"maximumHourlyCost": "0.01"})
    says("Failed", "Degraded")
    home.edit("chat", objectives=None)
    says("Current", "Healthy")
