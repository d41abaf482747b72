"""The guide to scaling and its examples: scalers that Kubernetes takes, aimed at what they must be, two ways alike."""

import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from gemma4_operator.api.autoscaling import Autoscaling
from gemma4_operator.api.common import GROUP, VERSION
from gemma4_operator.api.deployment import KIND, Gemma4DeploymentSpec
from gemma4_operator.engines.dialects import VLLM

GUIDES = Path(__file__).parents[3] / "docs" / "guides"
TEXT = (GUIDES / "scaling.md").read_text()
FRAGMENTS = [yaml.safe_load(text) for text in re.findall(r"^```yaml\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)]
OWN = next(found["spec"] for found in FRAGMENTS if "autoscaling" in found.get("spec", {}))
ADAPTER = next(found["rules"][0] for found in FRAGMENTS if "rules" in found)
KEDA_TRIGGER = {"serverAddress", "query", "threshold"}
"""What KEDA's documentation requires of a trigger of the type prometheus (https://keda.sh/docs/latest/scalers)."""


def example(name: str) -> dict[str, Any]:
    return dict(yaml.safe_load((GUIDES / "examples" / f"{name}.yaml").read_text()))


HPA, KEDA = example("hpa"), example("keda")
METRIC = HPA["spec"]["metrics"][0]["pods"]
TRIGGER = KEDA["spec"]["triggers"][0]


@pytest.mark.parametrize("version", ["1.35", "1.36", "1.37"])
def test_kubernetes_takes_the_scaler(version: str):
    assert kubernetes_validate.validate(HPA, version, strict=True) == version


@pytest.mark.parametrize("scaler", [HPA, KEDA], ids=["HPA", "KEDA"])
def test_it_is_aimed_at_the_resource_and_not_at_its_deployment(scaler: dict[str, Any]):
    target = scaler["spec"]["scaleTargetRef"]
    assert target == {"apiVersion": f"{GROUP}/{VERSION}", "kind": KIND, "name": "chat"}


def test_both_do_the_same():
    assert (KEDA["apiVersion"], KEDA["kind"]) == ("keda.sh/v1alpha1", "ScaledObject")
    hpa, keda = HPA["spec"], KEDA["spec"]
    assert (hpa["minReplicas"], hpa["maxReplicas"]) == (keda["minReplicaCount"], keda["maxReplicaCount"])
    assert hpa["behavior"] == keda["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    assert METRIC["target"] == {"type": "AverageValue", "averageValue": TRIGGER["metadata"]["threshold"]}


def test_the_trigger_has_what_keda_requires_as_the_texts_that_it_takes():
    assert TRIGGER["type"] == "prometheus"
    assert TRIGGER["metadata"].keys() == KEDA_TRIGGER
    assert {type(value) for value in TRIGGER["metadata"].values()} == {str}


@pytest.mark.parametrize("query", [TRIGGER["metadata"]["query"], ADAPTER["metricsQuery"]], ids=["KEDA", "adapter"])
def test_what_is_asked_for_is_what_the_engine_publishes(query: str):
    assert re.findall(r"vllm:\w+", query) == [VLLM.running, VLLM.waiting]


def test_the_rule_offers_the_metric_that_the_scaler_reads():
    assert ADAPTER["name"]["as"] == METRIC["metric"]["name"]
    assert ADAPTER["seriesQuery"].startswith(f"{VLLM.running}{{")


def test_the_guide_shows_every_field_of_the_operators_own():
    unsaid = {"scaleDownStabilizationSeconds"}
    assert OWN["autoscaling"].keys() | unsaid == {field.alias for field in Autoscaling.model_fields.values()}
    assert all(f"`{name}`" in TEXT for name in unsaid)
    shown = Gemma4DeploymentSpec.model_validate(OWN).autoscaling
    assert shown == Autoscaling(max_replicas=10), "what it shows beside the bound are the defaults"


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", TEXT))
def test_every_link_leads_somewhere(target: str):
    assert (GUIDES / target).exists()
