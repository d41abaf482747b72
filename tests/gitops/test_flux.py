"""The samples for Flux: each field is one of Flux's own types, each name leads somewhere, and health is told truly.

Flux itself does not run here: what is asked are its types, its kstatus and its evaluation of health expressions.
"""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from gemma4_operator.api.common import GROUP, VERSION
from gemma4_operator.api.deployment import KIND
from hack.health_cases import HEALTH_CASES, resource_of
from tests.cluster.errors import ClusterError
from tests.cluster.gitops import flux_health, refusal, verdicts

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "manifests" / "gitops" / "flux"
CONFIGURATION = "kustomization.yaml"
SAMPLES: dict[str, dict[str, Any]] = {
    f"{document['kind']}/{document['metadata']['name']}": document
    for path in sorted(FOLDER.rglob("*.yaml"))
    if path.name != CONFIGURATION
    for document in yaml.safe_load_all(path.read_text())
}
MODELS = SAMPLES["Kustomization/models"]
(CHECK,) = MODELS["spec"]["healthCheckExprs"]
EXPRESSIONS = {name: CHECK[name] for name in ("inProgress", "failed", "current")}
ANY_SCRIPT = 'return { status = "Unknown", message = "" }'


@pytest.mark.cluster
@pytest.mark.parametrize("name", SAMPLES)
def test_flux_knows_every_field(name: str):
    assert refusal(SAMPLES[name]) == ""


@pytest.mark.cluster
def test_a_field_that_flux_does_not_know_is_refused():
    wrong = deepcopy(SAMPLES["HelmRelease/gemma4-operator"])
    wrong["spec"]["crdPolicy"] = "Keep"
    assert 'unknown field "crdPolicy"' in refusal(wrong)
    assert "is none of Flux's kinds" in refusal({"apiVersion": "v1", "kind": "Namespace"})


def test_the_sources_of_all_samples_exist():
    sources = {name for name in SAMPLES if name.startswith("GitRepository/")}
    chart = SAMPLES["HelmRelease/gemma4-operator"]["spec"]["chart"]["spec"]
    named = [sample["spec"]["sourceRef"] for name, sample in SAMPLES.items() if name.startswith("Kustomization/")]
    assert {f"{one['kind']}/{one['name']}" for one in (*named, chart["sourceRef"])} == sources


def test_paths_into_this_repository_exist():
    operator = SAMPLES["Kustomization/gemma4-operator"]
    chart = SAMPLES["HelmRelease/gemma4-operator"]["spec"]["chart"]["spec"]["chart"]
    assert (ROOT / operator["spec"]["path"] / "helmrelease.yaml").exists()
    assert (ROOT / chart / "Chart.yaml").exists()


def test_models_come_after_the_operator_and_its_crd():
    operator, release = SAMPLES["Kustomization/gemma4-operator"], SAMPLES["HelmRelease/gemma4-operator"]
    (waited,) = operator["spec"]["healthChecks"]
    assert (waited["apiVersion"], waited["kind"]) == (release["apiVersion"], release["kind"])
    assert (waited["name"], waited["namespace"]) == (release["metadata"]["name"], release["metadata"]["namespace"])
    assert MODELS["spec"]["dependsOn"] == [{"name": operator["metadata"]["name"]}]


def test_the_release_is_the_charts_version():
    version = yaml.safe_load((ROOT / "charts" / "gemma4-operator" / "Chart.yaml").read_text())["version"]
    assert SAMPLES["GitRepository/gemma4-operator"]["spec"]["ref"] == {"tag": f"v{version}"}


def test_what_kustomize_applies_is_what_is_there():
    listed = yaml.safe_load((FOLDER / CONFIGURATION).read_text())["resources"]
    assert sorted(listed) == sorted(path.name for path in FOLDER.glob("*.yaml") if path.name != CONFIGURATION)


@pytest.mark.cluster
def test_the_values_are_the_charts(helm_lint: Any):
    helm_lint(SAMPLES["HelmRelease/gemma4-operator"]["spec"]["values"])


@pytest.mark.cluster
def test_health_expressions_say_what_kstatus_says_but_for_what_is_suspended():
    """Flux looks for a deletion itself before it asks an expression."""
    assert (CHECK["apiVersion"], CHECK["kind"]) == (f"{GROUP}/{VERSION}", KIND)
    cases = [case for case in HEALTH_CASES if not case.is_deleted]
    resources = [resource_of(case) for case in cases]
    by_kstatus = [verdict.kstatus for verdict in verdicts(resources, script=ANY_SCRIPT)]
    by_expressions = flux_health(resources, expressions=EXPRESSIONS)
    said = {case.name: pair for case, *pair in zip(cases, by_kstatus, by_expressions, strict=True)}
    assert said.pop("suspended_changes_wait") == ["InProgress", "Current"]
    assert {name: one for name, (one, other) in said.items() if one != other} == {}
    assert {one for one, _ in said.values()} == {"InProgress", "Failed", "Current"}


@pytest.mark.cluster
def test_an_expression_that_is_none_is_refused():
    with pytest.raises(ClusterError, match="failed to parse the expression Current"):
        flux_health([resource_of(HEALTH_CASES[0])], expressions={"current": "status.("})
