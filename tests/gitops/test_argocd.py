"""The samples for Argo CD: its own CRD accepts them, each name leads somewhere, and the order is told.

Argo CD itself does not run here: what is asked is the API server, with the CRD of a published Argo CD. What
docs/guides/gitops.md says to apply is applied here.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster import Cluster, wait_for
from tests.cluster.gomodules import module_folder

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "manifests" / "gitops" / "argocd"
FILES = {path.stem: path for path in sorted(FOLDER.rglob("*.yaml"))}
SAMPLES: dict[str, dict[str, Any]] = {name: yaml.safe_load(path.read_text()) for name, path in FILES.items()}
ARGO_CD = ("github.com/argoproj/argo-cd/v3", "v3.3.0")
WAVE = "argocd.argoproj.io/sync-wave"


@pytest.fixture(scope="module")
def applications(cluster: Cluster) -> Iterator[Cluster]:
    """A cluster that knows the kind Application, and has the namespace of the samples."""
    cluster.apply(module_folder(*ARGO_CD) / "manifests" / "crds" / "application-crd.yaml")
    # `kubectl wait` fails at once where it looks before the API server has written the first condition.
    listing = ("get", "applications.argoproj.io", "-A")
    wait_for(lambda: cluster.kubectl(*listing, check=False).returncode == 0, 30, "the API server to serve Applications")
    cluster.kubectl("create", "namespace", "argocd")
    yield cluster
    cluster.delete_namespace("argocd")
    cluster.kubectl("delete", "crd", "applications.argoproj.io")


@pytest.mark.cluster
@pytest.mark.parametrize("name", FILES)
def test_the_crd_of_argo_cd_accepts_it(applications: Cluster, name: str):
    done = applications.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", str(FILES[name]))
    assert "created (server dry run)" in done.stdout
    assert "Warning" not in done.stderr


@pytest.mark.cluster
def test_a_field_that_argo_cd_does_not_know_is_refused(applications: Cluster, tmp_path: Path):
    (tmp_path / "wrong.yaml").write_text(FILES["models"].read_text().replace("syncOptions", "options"))
    done = applications.kubectl(
        "apply", "--dry-run=server", "--validate=strict", "-f", str(tmp_path / "wrong.yaml"), check=False
    )
    assert 'unknown field "spec.syncPolicy.options"' in done.stderr


@pytest.mark.cluster
def test_the_health_check_is_merged_into_the_settings_that_are_there(applications: Cluster):
    apply = ("apply", "--server-side", "--field-manager=gemma4", "-f", str(ROOT / "manifests/argocd/argocd-cm.yaml"))
    applications.kubectl("create", "configmap", "argocd-cm", "-n", "argocd", "--from-literal=url=https://argo.example")
    assert "argocd-cm serverside-applied" in applications.kubectl(*apply).stdout
    assert set(applications.get("configmap", "argocd-cm", "argocd")["data"]) == {
        "url",
        "resource.customizations.health.gemma4.dev_Gemma4Deployment",
    }


def test_paths_into_this_repository_exist():
    assert ROOT / SAMPLES["root"]["spec"]["source"]["path"] == FOLDER / "apps"
    assert (ROOT / SAMPLES["operator"]["spec"]["source"]["path"] / "Chart.yaml").exists()


def test_both_come_from_one_release_which_is_the_charts():
    version = yaml.safe_load((ROOT / "charts" / "gemma4-operator" / "Chart.yaml").read_text())["version"]
    sources = [SAMPLES[name]["spec"]["source"] for name in ("root", "operator")]
    assert {(one["repoURL"], one["targetRevision"]) for one in sources} == {
        ("https://git.example.com/platform/gemma4-operator", f"v{version}")
    }


def test_the_operator_goes_before_the_models():
    waves = {name: int(SAMPLES[name]["metadata"]["annotations"][WAVE]) for name in ("operator", "models")}
    assert waves["operator"] < waves["models"]


def test_what_is_taken_out_of_git_goes_but_for_the_crd():
    assert SAMPLES["operator"]["spec"]["syncPolicy"]["automated"]["prune"] is True
    assert "crds" not in SAMPLES["operator"]["spec"]["source"]["helm"]["valuesObject"], "crds.keep is true by itself"
    assert yaml.safe_load((ROOT / "charts" / "gemma4-operator" / "values.yaml").read_text())["crds"]["keep"] is True
    template = (ROOT / "charts" / "gemma4-operator" / "templates" / "crds" / "gemma4deployments.yaml").read_text()
    kept = template.split("{{- if .Values.crds.keep }}")[1].split("{{- end }}")[0]
    assert "argocd.argoproj.io/sync-options: Prune=false" in kept


@pytest.mark.cluster
def test_the_values_are_the_charts(helm_lint: Any):
    helm_lint(SAMPLES["operator"]["spec"]["source"]["helm"]["valuesObject"])
