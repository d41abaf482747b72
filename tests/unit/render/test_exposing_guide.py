"""docs/guides/exposing.md and its examples fit the Service and the pods that the operator makes."""

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from hack.manifests import CHART
from tests.rendering import ONE_OF_EACH, walk

GUIDES = Path(__file__).parents[3] / "docs" / "guides"
TEXT = (GUIDES / "exposing.md").read_text(encoding="utf-8")


def example(name: str) -> dict[str, Any]:
    return dict(yaml.safe_load((GUIDES / "examples" / f"{name}.yaml").read_text()))


POLICY, ROUTE = example("networkpolicy"), example("httproute")


@pytest.mark.parametrize("version", ["1.35", "1.36", "1.37"])
def test_kubernetes_takes_the_policy(version: str):
    assert kubernetes_validate.validate(POLICY, version, strict=True) == version


@pytest.mark.parametrize("data", ONE_OF_EACH.values(), ids=ONE_OF_EACH)
def test_the_policy_is_about_the_pods_and_the_port_at_which_they_listen(data: dict[str, Any]):
    rendered = walk(data)
    assert POLICY["spec"]["podSelector"]["matchLabels"].items() <= rendered.template["metadata"]["labels"].items()
    (allowed,) = POLICY["spec"]["ingress"]
    assert {port["port"] for port in allowed["ports"]} == {port["containerPort"] for port in rendered.engine["ports"]}


def test_it_lets_in_those_whom_the_page_names():
    (allowed,) = POLICY["spec"]["ingress"]
    (source,) = allowed["from"]
    (namespaces,) = source["namespaceSelector"]["matchExpressions"]
    assert "gemma4-system" in namespaces["values"]
    assert len(namespaces["values"]) == 3


@pytest.mark.parametrize("data", ONE_OF_EACH.values(), ids=ONE_OF_EACH)
def test_the_route_leads_to_the_service(data: dict[str, Any]):
    service = walk(data).service
    (rule,) = ROUTE["spec"]["rules"]
    (backend,) = rule["backendRefs"]
    assert (backend["name"], backend["port"]) == (service["metadata"]["name"], service["spec"]["ports"][0]["port"])


def test_another_port_of_the_service_is_no_other_port_of_the_pods():
    rendered = walk({**ONE_OF_EACH["vllm"], "endpoint": {"port": 80}})
    assert rendered.service["spec"]["ports"][0]["port"] == 80
    assert [port["containerPort"] for port in rendered.engine["ports"]] == [8000]
    assert "pods listen at 8000 in any case" in TEXT


def test_the_value_that_it_names_is_one_of_the_chart():
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert "admissionPolicy.allowedServiceTypes" in TEXT
    assert "allowedServiceTypes" in values["admissionPolicy"]
