"""manifests/: the base is the chart's, and the samples are valid."""

import subprocess
from pathlib import Path

import pytest
import yaml

from gemma4_operator.api.deployment import KIND, Gemma4Deployment
from hack.manifests import BASE, RELEASE, ROOT, differences, render, write
from tests.chart.conftest import Object

FOLDERS = [BASE, *sorted((ROOT / "manifests" / "overlays").iterdir())]
SAMPLES = sorted((ROOT / "manifests" / "samples").glob("*.yaml"))


def _resources(kustomization: Path) -> list[str]:
    resources: list[str] = yaml.safe_load(kustomization.read_text())["resources"]
    return resources


def test_the_base_lists_each_of_its_files():
    files = {path.name for path in BASE.glob("*.yaml")} - {"kustomization.yaml"}
    assert set(_resources(BASE / "kustomization.yaml")) == files | {"../../crds"}


def test_the_crds_folder_lists_each_of_its_files():
    assert _resources(ROOT / "crds" / "Kustomization") == sorted(path.name for path in (ROOT / "crds").glob("*.yaml"))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_is_one_valid_custom_resource(path: Path):
    (document,) = yaml.safe_load_all(path.read_text())
    assert document["kind"] == KIND
    Gemma4Deployment.model_validate(document)


@pytest.mark.cluster
def test_the_base_is_what_the_chart_renders(helm: Path):
    assert differences(helm) == []


@pytest.mark.cluster
def test_a_difference_is_shown_and_mended(helm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("hack.manifests.BASE", tmp_path)
    write(helm)
    assert differences(helm) == []
    (tmp_path / "role.yaml").write_text("edited: by hand\n")
    (tmp_path / "stale.yaml").write_text("left: over\n")
    edited, stale = differences(helm)
    assert "-edited: by hand" in edited
    assert "-left: over" in stale
    write(helm)
    assert differences(helm) == []


@pytest.mark.cluster
def test_nothing_of_helm_is_left_in_the_base(helm: Path):
    for name, text in render(helm).items():
        assert "Helm" not in text, name
        assert "helm.sh/" not in text, name


@pytest.mark.cluster
def test_kustomize_builds_the_base(kubectl: Path):
    command = [str(kubectl), "kustomize", str(BASE)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    objects: list[Object] = list(yaml.safe_load_all(output))
    namespaces = {item["metadata"].get("namespace") for item in objects} - {None}
    assert namespaces == {"gemma4-system"}
    assert {"Namespace", "CustomResourceDefinition", "Deployment"} <= {item["kind"] for item in objects}


@pytest.mark.cluster
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_the_label_by_which_the_operator_is_taken_away_is_on_all_but_the_crd(kubectl: Path, folder: Path):
    """docs/guides/install.md deletes by it, and with the CRD would go every model."""
    command = [str(kubectl), "kustomize", str(folder)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    without = [
        item["kind"]
        for item in yaml.safe_load_all(output)
        if item["metadata"].get("labels", {}).get("app.kubernetes.io/name") != RELEASE
    ]
    assert without == ["CustomResourceDefinition"]
