"""The CustomResourceDefinition as a whole: what it may not hold, what it must, and what people see."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from gemma4_operator.api.common import DEFAULT_SHOWN
from gemma4_operator.api.crd import crds, deployment_crd, to_yaml
from gemma4_operator.api.status import ConditionType, Gemma4DeploymentStatus
from tests.cases.deployments import BAD

FORBIDDEN = {
    "$ref", "$defs", "additionalItems", "const", "definitions", "dependencies", "deprecated", "discriminator",
    "examples", "id", "nullable", "patternProperties", "prefixItems", "propertyNames", "readOnly", "title",
    "uniqueItems", "writeOnly", "xml", DEFAULT_SHOWN,
}  # fmt: skip


def version() -> dict[str, Any]:
    return deployment_crd()["spec"]["versions"][0]


def root() -> dict[str, Any]:
    return version()["schema"]["openAPIV3Schema"]


def walk(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every schema with its path; the names of properties are not keywords."""
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from walk(child, f"{path}.{name}")
    for keyword, mark in (("items", "[]"), ("additionalProperties", ".*")):
        if keyword in schema:
            yield from walk(schema[keyword], path + mark)


NODES = dict(walk(root()))
OURS = {path: node for path, node in NODES.items() if path.startswith((".spec", ".status"))}


@pytest.mark.parametrize("path", NODES)
def test_no_forbidden_keyword(path: str):
    assert not FORBIDDEN & NODES[path].keys()


@pytest.mark.parametrize("path", OURS)
def test_everything_of_unlimited_size_is_bounded(path: str):
    node = NODES[path]
    match node:
        case {"type": "string"} if "enum" not in node:
            assert "maxLength" in node
        case {"type": "array"}:
            assert "maxItems" in node
        case {"type": "object", "additionalProperties": _}:
            assert "maxProperties" in node
        case {"type": "integer"}:
            assert "minimum" in node


@pytest.mark.parametrize("path", [path for path in OURS if not path.endswith(("[]", ".*"))])
def test_every_field_is_explained_in_a_sentence(path: str):
    description = NODES[path]["description"]
    assert description[0].isupper()
    assert description.endswith(".")


@pytest.mark.parametrize("path", [path for path, node in NODES.items() if "x-kubernetes-validations" in node])
def test_every_rule_says_what_must_be(path: str):
    for rule in NODES[path]["x-kubernetes-validations"]:
        assert rule["message"].startswith("must ")
        assert "\n" not in rule["rule"]
        assert rule["reason"] in {"FieldValueInvalid", "FieldValueForbidden"}
        assert path + rule.get("fieldPath", "") in NODES


def test_maps_in_lists_have_required_keys():
    for node in NODES.values():
        if node.get("x-kubernetes-list-type") == "map":
            assert set(node["x-kubernetes-list-map-keys"]) <= set(node["items"]["required"])


def test_only_replicas_and_what_is_not_observed_yet_have_a_stored_default():
    stored = {path: node["default"] for path, node in NODES.items() if "default" in node}
    assert stored == {".spec.replicas": 1, ".status": {"observedGeneration": -1}}


def test_no_field_is_a_float():
    assert {node.get("type") for node in NODES.values()} == {"object", "string", "integer", "boolean", "array"}


def test_nothing_but_the_spec_is_required_of_people():
    assert set(root()["required"]) == {"apiVersion", "kind", "metadata", "spec"}
    assert "required" not in root()["properties"]["spec"]


def test_names_and_subresources():
    names = deployment_crd()["spec"]["names"]
    assert (names["shortNames"], names["categories"]) == (["g4d"], ["gemma"])
    assert version()["subresources"]["scale"] == {
        "specReplicasPath": ".spec.replicas",
        "statusReplicasPath": ".status.replicas",
        "labelSelectorPath": ".status.selector",
    }


def test_columns():
    columns = version()["additionalPrinterColumns"]
    assert [column["name"] for column in columns if "priority" not in column] == [
        "Model", "GPU", "Ready", "Replicas", "Reason", "Age",
    ]  # fmt: skip
    assert [column["name"] for column in columns if column.get("priority") == 1] == [
        "Engine", "Quantization", "Endpoint", "Message",
    ]  # fmt: skip
    for column in columns:
        plain = column["jsonPath"].split("[")[0]
        assert plain in NODES or column["name"] == "Age"


def test_yaml_is_stable_small_and_the_same_document():
    text = to_yaml(deployment_crd())
    assert text == to_yaml(yaml.safe_load(text))
    assert yaml.safe_load(text) == deployment_crd()
    # A client-side apply keeps it all in one annotation once more, and those take 256 KiB.
    assert len(text.encode()) < 100_000


@pytest.mark.parametrize("crd", crds(), ids=lambda crd: crd["metadata"]["name"])
def test_gitops_tools_that_prune_leave_it(crd: dict[str, Any]):
    """Each in its own words: with the definition would go every model."""
    assert crd["metadata"]["annotations"] == {
        "argocd.argoproj.io/sync-options": "Prune=false",
        "kustomize.toolkit.fluxcd.io/prune": "disabled",
    }


def test_every_crd_has_its_own_name():
    assert [crd["metadata"]["name"] for crd in crds()] == ["gemma4deployments.gemma4.dev"]


def test_a_newer_operators_status_reads_back():
    status = Gemma4DeploymentStatus.model_validate({"replicas": 2, "somethingNew": {"a": 1}})
    assert status.to_json() == {"replicas": 2, "conditions": []}


def test_condition_types_are_words_of_one_case():
    assert {kind.value for kind in ConditionType} == {"Planned", "Available", "Ready", "Reconciling", "Stalled"}


def test_every_rule_has_a_bad_deployment():
    messages = {rule["message"] for node in NODES.values() for rule in node.get("x-kubernetes-validations", ())}
    assert {message for message in messages if not any(case.says in message for case in BAD)} == set()
