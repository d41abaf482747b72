"""What the chart says of itself in Chart.yaml is so: its kinds, its license, its picture, where it runs."""

import tomllib
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pytest
import yaml

from hack.manifests import CHART, ROOT
from tests.chart.conftest import HelmRun
from tests.unit.render.test_samples import document

ABOUT = yaml.safe_load((CHART / "Chart.yaml").read_text())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PICTURE = "data:image/svg+xml,"
LEVELS = ("basic install", "seamless upgrades", "full lifecycle", "deep insights", "auto pilot")
"""What an operator can do, as Artifact Hub knows it."""


def told(annotation: str) -> Any:
    """Return what an annotation for Artifact Hub says, which is YAML in a string."""
    return yaml.safe_load(ABOUT["annotations"][f"artifacthub.io/{annotation}"])


def test_its_kinds_are_those_of_the_crds():
    definitions = [yaml.safe_load(path.read_text()) for path in sorted((ROOT / "crds").glob("*.yaml"))]
    kinds = [
        (one["metadata"]["name"], one["spec"]["names"]["kind"], version["name"])
        for one in definitions
        if one["kind"] == "CustomResourceDefinition"
        for version in one["spec"]["versions"]
        if version["served"]
    ]
    assert [(one["name"], one["kind"], one["version"]) for one in told("crds")] == kinds
    assert all(one["displayName"] and one["description"] for one in told("crds"))


def test_each_kind_has_an_example_which_is_a_sample_that_is_tested():
    assert told("crdsExamples") == [document("e2b-llamacpp")]
    assert {one["kind"] for one in told("crdsExamples")} == {one["kind"] for one in told("crds")}


def test_it_is_an_operator_of_a_level_that_there_is():
    assert told("operator") is True
    assert told("operatorCapabilities") in LEVELS


def test_license_and_keywords_are_those_of_the_package():
    assert told("license") == PROJECT["license"]
    assert "Apache License" in (ROOT / "LICENSE").read_text()
    assert {*ABOUT["keywords"], "kubernetes"} == set(PROJECT["keywords"])


def test_it_is_called_a_prerelease_as_long_as_its_version_is():
    assert told("prerelease") is ABOUT["version"].startswith("0.")


def test_the_picture_is_all_there_and_asks_no_host_for_anything():
    assert ABOUT["icon"].startswith(PICTURE)
    picture = ET.fromstring(unquote(ABOUT["icon"].removeprefix(PICTURE)))
    tags = [element.tag.removeprefix("{http://www.w3.org/2000/svg}") for element in picture.iter()]
    assert (tags[0], set(tags[1:])) == ("svg", {"path"})
    assert not [name for element in picture.iter() for name in element.attrib if "href" in name]


@pytest.mark.cluster
def test_helm_lint_recommends_nothing(run_helm: HelmRun):
    said = run_helm("lint", arguments=("--strict",)).stdout
    assert "1 chart(s) linted, 0 chart(s) failed" in said
    assert "[INFO]" not in said


@pytest.mark.cluster
@pytest.mark.parametrize(("version", "taken"), [("1.29.14", False), ("1.30.0", True), ("1.36.0-eks-1", True)])
def test_an_older_kubernetes_is_refused_and_a_clouds_own_is_taken(run_helm: HelmRun, version: str, taken: bool):
    result = run_helm("template", arguments=("--kube-version", version))
    assert (result.returncode == 0) is taken, result.stderr
    assert taken or "requires kubeVersion: >=1.30.0-0" in result.stderr
