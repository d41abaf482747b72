"""manifests/overlays: each is the chart with some values, told as patches over the base."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hack import overlays
from hack.manifests import ROOT
from hack.merge_patch import merge_patch
from hack.overlays import FOLDER, OVERLAYS, Overlay, files, key_of, objects, stale, texts

Object = dict[str, Any]


def built(kubectl: Path, folder: Path) -> dict[str, Object]:
    """Return the objects that kustomize makes of a folder."""
    command = [str(kubectl), "kustomize", str(folder)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {key_of(one): one for one in yaml.safe_load_all(output)}


def unordered(value: Any) -> Any:
    """Return an object with lists of named things sorted: a patch puts its own first, and nobody minds the order."""
    if isinstance(value, dict):
        return {key: unordered(inner) for key, inner in value.items()}
    if isinstance(value, list) and all(isinstance(item, dict) and "name" in item for item in value):
        return sorted((unordered(item) for item in value), key=lambda item: str(item["name"]))
    return value


GUIDE = (ROOT / "docs" / "guides" / "monitoring.md").read_text()
MONITORING = re.findall(r"^```yaml\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
OF_KUSTOMIZE_ALONE = {"Namespace/gemma4-system", "CustomResourceDefinition/gemma4deployments.gemma4.dev"}


@pytest.mark.cluster
@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda overlay: overlay.name)
def test_kustomize_makes_of_it_what_helm_makes_of_the_values(overlay: Overlay, helm: Path, kubectl: Path):
    found = built(kubectl, FOLDER / overlay.name)
    assert found.keys() >= OF_KUSTOMIZE_ALONE
    wanted = objects(helm, *overlay.values)
    assert unordered({key: one for key, one in found.items() if key not in OF_KUSTOMIZE_ALONE}) == unordered(wanted)
    assert wanted != objects(helm), "else it is no overlay"


# Values that take away, add in other namespaces, and change what has a name and what has none.
FURTHER = (
    ("serviceAccount.create=false", "serviceAccount.name=mine"),
    ("rbac.diagnosis=false",),
    ("catalog.overrides.prices.NVIDIA-L40S=1",),
    ("operator.logLevel=debug", "extraEnv[0].name=HTTPS_PROXY", "extraEnv[0].value=http://proxy.example:3128"),
    ("resources.limits=null", "podLabels.team=platform"),
    ("watch.namespaces={team-a,team-b}", "replicas=2"),
    ("monitoring.dashboard.enabled=true", "monitoring.dashboard.annotations.grafana_folder=Models", "replicas=2"),
    ("operator.healthPort=9090", "imagePullSecrets[0].name=regcred", "tolerations[0].operator=Exists", "replicas=3"),
)


@pytest.mark.cluster
@pytest.mark.parametrize("values", FURTHER, ids=" ".join)
def test_so_would_any_other_values(values: tuple[str, ...], helm: Path, kubectl: Path, tmp_path: Path):
    overlay = Overlay(name="any", about="Any.", values=values)
    base, wanted = objects(helm), objects(helm, *values)
    for name, text in files(overlay, base=base, wanted=wanted).items():
        (tmp_path / name).write_text(text)
    found = built_from_anywhere(kubectl, tmp_path)
    assert unordered({key: one for key, one in found.items() if key not in OF_KUSTOMIZE_ALONE}) == unordered(wanted)


def built_from_anywhere(kubectl: Path, folder: Path) -> dict[str, Object]:
    """Return what kustomize makes of an overlay outside of the repository."""
    configuration = folder / "kustomization.yaml"
    base = os.path.relpath(ROOT / "manifests" / "base", folder)
    configuration.write_text(configuration.read_text().replace("../../base", base))
    return built(kubectl, folder)


@pytest.mark.cluster
def test_the_guides_overlay_gives_the_kinds_of_the_prometheus_operator_a_label(kubectl: Path, tmp_path: Path):
    (text,) = [block for block in MONITORING if "overlays/monitoring" in block]
    configuration = yaml.safe_load(text)
    configuration["resources"] = [os.path.relpath(FOLDER / "monitoring", tmp_path)]
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(configuration))
    labelled = {key for key, one in built(kubectl, tmp_path).items() if "release" in one["metadata"].get("labels", {})}
    assert labelled == {f"{kind}/gemma4-system/gemma4-operator" for kind in ("PodMonitor", "PrometheusRule")}


@pytest.mark.cluster
def test_the_files_are_what_the_chart_makes(helm: Path):
    assert stale(texts(helm)) == []


def test_what_is_old_missing_or_too_much_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(overlays, "FOLDER", tmp_path)
    for name in ("same", "old", "over"):
        (tmp_path / f"{name}.yaml").write_text(name)
    assert stale({"same.yaml": "same", "old.yaml": "new", "missing.yaml": "x"}) == [
        "missing.yaml",
        "old.yaml",
        "over.yaml",
    ]


VALUES = st.recursive(
    st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)


def applied(old: Object, patch: Object) -> Object:
    """Apply a merge patch without lists of names, as RFC 7396 says."""
    result = {key: value for key, value in old.items() if patch.get(key, value) is not None}
    for key, value in patch.items():
        if isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = applied(result[key], value)
        elif value is not None:
            result[key] = value
    return result


@given(OBJECTS, OBJECTS)
def test_a_patch_makes_the_one_of_the_other(old: Object, new: Object):
    assert applied(old, merge_patch(old, new)) == new


@given(OBJECTS)
def test_nothing_differs_from_itself(one: Object):
    assert merge_patch(one, one) == {}


@pytest.mark.parametrize(
    ("field", "old", "new", "patch"),
    [
        ("env", [{"name": "a", "v": 1}], [{"name": "a", "v": 2}], [{"name": "a", "v": 2}]),
        ("env", [{"name": "a", "v": 1}], [{"name": "a", "v": 1}, {"name": "b"}], [{"name": "b"}]),
        ("volumes", [{"name": "a"}, {"name": "b"}], [{"name": "b"}], [{"$patch": "delete", "name": "a"}]),
        ("volumeMounts", [], [{"name": "a", "mountPath": "/a"}], [{"mountPath": "/a", "name": "a"}]),
        ("args", ["a"], ["a", "b"], ["a", "b"]),
        ("subjects", [{"name": "a", "kind": "b"}], [{"name": "c", "kind": "b"}], [{"name": "c", "kind": "b"}]),
    ],
)
def test_lists_are_merged_as_kubernetes_merges_them(field: str, old: list[Any], new: list[Any], patch: list[Any]):
    assert merge_patch({field: old}, {field: new}) == {field: patch}
