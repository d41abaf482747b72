"""The chart's README: every value once, with its comment, and links that lead somewhere."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from hack.chart_reference import _DEFINED, CHART, chart_reference, comments, values

Object = dict[str, Any]
CHART_YAML = """\
name: example
description: An example.
version: 1.2.3
kubeVersion: ">=1.30.0-0"
"""
VALUES_YAML = """\
# About the file, which is about no value.

# How many
# there are.
replicas: 1

# The image.
image:
  # Where it is: here | there.
  repository: example
  # How it is fetched.
  policy: Always
ports: [443]
labels: {}
# What is set aside.
resources:
  cpu: 1
"""
SCHEMA = {
    "properties": {
        "replicas": {"type": "integer", "minimum": 0, "maximum": 5},
        "image": {"type": "object", "properties": {"repository": {"type": "string"}, "policy": {"enum": ["Always"]}}},
        "ports": {"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 9}},
        "labels": {"$ref": "#/$defs/labels"},
        "resources": {"type": "object"},
    }
}


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    (tmp_path / "Chart.yaml").write_text(CHART_YAML)
    (tmp_path / "values.yaml").write_text(VALUES_YAML)
    (tmp_path / "values.schema.json").write_text(json.dumps(SCHEMA))
    return tmp_path


def rows(page: str) -> list[str]:
    return [line for line in page.splitlines() if line.startswith("| `")]


def test_each_value_has_its_default_its_bounds_and_its_comment(chart: Path):
    assert rows(chart_reference(chart)) == [
        "| `replicas` | `1` | 0 to 5 | How many there are. |",
        "| `ports` | `[443]` | list of numbers from 1 to 9 |  |",
        "| `labels` | `{}` | object of strings |  |",
        '| `resources` | `{"cpu": 1}` | object | What is set aside. |',
        '| `image.repository` | `"example"` | string | Where it is: here \\| there. |',
        '| `image.policy` | `"Always"` | `Always` | How it is fetched. |',
    ]


def test_a_section_is_told_before_its_values(chart: Path):
    page = chart_reference(chart)
    assert "### image\n\nThe image.\n\n| value |" in page
    assert "Version 1.2.3, for Kubernetes at least 1.30.0." in page


def test_a_comment_belongs_to_the_key_right_below():
    assert comments("# Of nobody.\n\na: 1\n# Of b,\n# and more.\nb:\n  # Of c.\n  c: 1\nd: 2\n") == {
        ("a",): "",
        ("b",): "Of b, and more.",
        ("b", "c"): "Of c.",
        ("d",): "",
    }


def test_a_value_of_which_the_schema_says_nothing_is_an_error(chart: Path):
    (chart / "values.yaml").write_text("labels: {}\nunknown: 1\n")
    with pytest.raises(KeyError, match="unknown"):
        chart_reference(chart)
    (chart / "values.schema.json").write_text(json.dumps({"properties": {"labels": {"type": "object"}, "unknown": {}}}))
    with pytest.raises(ValueError, match="must give a type"):
        chart_reference(chart)


class TestOurChart:
    """What values.yaml and its schema owe the page."""

    def test_every_value_has_a_comment_that_is_a_sentence(self):
        text = (CHART / "values.yaml").read_text()
        found = values(yaml.safe_load(text), _schema(), comments(text))
        assert [value.path for value in found if not re.search(r"[.\]]$", value.comment)] == []

    def test_the_schema_knows_no_value_that_the_file_has_not(self):
        # Of these two the file shows only a part: Helm's own key, and a field that few clusters have.
        hidden = {("global",), ("resources", "claims")}
        assert _declared(_schema()) - hidden == set(comments((CHART / "values.yaml").read_text())) - _inner()

    def test_every_definition_is_used_and_has_a_word(self):
        text = (CHART / "values.schema.json").read_text()
        assert set(re.findall(r'"#/\$defs/(\w+)"', text)) == _schema()["$defs"].keys()
        assert _DEFINED.keys() == _schema()["$defs"].keys()

    def test_links_lead_somewhere(self):
        links = re.findall(r"\]\(([^)#]+)\)", (CHART / "README.md").read_text())
        assert links
        assert [link for link in links if not (CHART / link).exists()] == []

    def test_no_object_takes_keys_that_nobody_reads(self):
        objects = [one for one in _objects(_schema()) if "properties" in one]
        assert all(one["additionalProperties"] is False for one in objects)


def _schema() -> Object:
    schema: Object = json.loads((CHART / "values.schema.json").read_text())
    return schema


def _declared(schema: Object, path: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    """Return the paths of all keys that a schema names."""
    named = {(*path, key): below for key, below in schema.get("properties", {}).items()}
    return named.keys() | {one for where, below in named.items() for one in _declared(below, where)}


def _inner() -> set[tuple[str, ...]]:
    """Return the keys of values.yaml that are the user's own, not the chart's."""
    resources = {("requests", "cpu"), ("requests", "memory"), ("limits", "memory")}
    security = {
        ("podSecurityContext", "runAsNonRoot"),
        ("podSecurityContext", "runAsUser"),
        ("podSecurityContext", "runAsGroup"),
        ("podSecurityContext", "seccompProfile"),
        ("podSecurityContext", "seccompProfile", "type"),
        ("securityContext", "allowPrivilegeEscalation"),
        ("securityContext", "readOnlyRootFilesystem"),
        ("securityContext", "capabilities"),
        ("securityContext", "capabilities", "drop"),
    }
    labels = {("monitoring", "dashboard", "labels", "grafana_dashboard")}
    return {("resources", *path) for path in resources} | security | labels


def _objects(schema: Object) -> list[Object]:
    return [schema, *(one for below in schema.get("properties", {}).values() for one in _objects(below))]
