"""`gemma4 doctor` on a real API server: as its admin, as somebody with few rights, and where things are missing."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gemma4_operator.cli.main import main
from gemma4_operator.kube.kinds import DEPLOYMENT
from tests.cluster import Cluster, wait_for
from tests.integration.home import Home, sample
from tests.integration.objects import Objects
from tests.integration.operating import NAME, SYSTEM

pytestmark = pytest.mark.cluster

BASE = Path(__file__).parents[2] / "manifests" / "base"
Checks = dict[str, list[tuple[str, str]]]


@pytest.fixture
def deployed(cluster: Cluster, installed: None, objects: Objects) -> Iterator[None]:
    """The operator's Deployment, on a simulated node: its pods do nothing, and are available."""
    document = yaml.safe_load((BASE / "deployment.yaml").read_text())
    cluster.apply([document])

    def is_available() -> bool:
        found = objects.get(DEPLOYMENT, SYSTEM, NAME)
        return bool(found and found.get("status", {}).get("availableReplicas"))

    wait_for(is_available, 60, "the operator's Deployment to be available")
    yield
    cluster.kubectl("-n", SYSTEM, "delete", "deployment", NAME, "--wait=true")


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Ask as the owner of a kubeconfig; returns the exit code and what was found by check."""

    def run(kubeconfig: Path) -> tuple[int, Checks]:
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
        code = main(["doctor", "-o", "json"])
        told = json.loads(capsys.readouterr().out)
        assert told["healthy"] is (code == 0)
        found: Checks = {}
        for one in told["checks"]:
            found.setdefault(one["check"], []).append((one["status"], one["message"]))
        return code, found

    return run


def test_where_all_is_there(cluster: Cluster, deployed: None, home: Home, ask: Any) -> None:
    home.create(sample("chat", on="VLLM"))
    code, found = ask(cluster.kubeconfig)
    assert code == 0, found
    assert found["kubernetes"][0][0] == "ok"
    assert found["definition"] == [
        ("ok", "'gemma4deployments.gemma4.dev' is installed and has the fields of this version.")
    ]
    assert ("ok", f"{SYSTEM}/{NAME} runs, 1 of 1 available.") in found["operator"]
    assert found["permissions"] == [("ok", "The operator may do all that it must.")]
    assert any("NVIDIA-" in message for _, message in found["gpus"])
    assert any(f"{home.namespace}/chat is not Ready" in message for _, message in found["resources"])


def test_a_right_that_was_taken_away_is_named(cluster: Cluster, deployed: None, ask: Any) -> None:
    role = yaml.safe_load((BASE / "clusterrole.yaml").read_text())
    lesser = [
        rule for rule in role["rules"] if "services" not in rule["resources"] and "pods/log" not in rule["resources"]
    ]
    try:
        cluster.apply([{**role, "rules": lesser}])
        wait_for(lambda: ask(cluster.kubeconfig)[0] == 3, 30, "the authorizer to know")
        code, found = ask(cluster.kubeconfig)
    finally:
        cluster.apply([role])
    assert code == 3
    (missing, less) = found["permissions"]
    assert missing == (
        "problem",
        "The operator may not get services, list services, watch services, create services, patch services: "
        "grant it, as the chart's ClusterRole does.",
    )
    assert less[0] == "warning"
    assert "get pods/log" in less[1]


def test_whoever_may_read_nothing_is_told_so_and_no_more(
    cluster: Cluster, deployed: None, home: Home, ask: Any
) -> None:
    nobody = cluster.service_account_kubeconfig(home.namespace, "default")
    code, found = ask(nobody)
    assert code == 0
    assert found["kubernetes"][0][0] == "ok", "everybody may know the version"
    assert {check: status for check, ((status, _), *_) in found.items() if check != "kubernetes"} == {
        "definition": "unknown",
        "operator": "unknown",
        "gpus": "unknown",
        "resources": "unknown",
    }


def test_without_an_operator(cluster: Cluster, installed: None, ask: Any) -> None:
    code, found = ask(cluster.kubeconfig)
    assert code == 3
    assert found["operator"] == [
        ("problem", "No operator is installed: install its chart, or manifests/base, and ask again.")
    ]
