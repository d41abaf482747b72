"""The optional admission policy: what it refuses before the operator sees it, on a real API server."""

import ast
import json
from collections.abc import Generator, Iterator
from typing import Any

import pytest
import yaml

from gemma4_operator.render.fences import POD_FIELDS, PROJECTED_KINDS, VOLUME_KINDS
from gemma4_operator.render.security import SYSCTLS
from gemma4_operator.runtime.world import GEMMA4_DEPLOYMENT
from tests.chart.conftest import HelmRun, Object, Render, only
from tests.chart.test_manifests import SAMPLES
from tests.cluster import Cluster, wait_for
from tests.hostile import hostile
from tests.integration.home import sample
from tests.integration.objects import Objects, Refused
from tests.integration.operating import install_crd
from tests.unit.render.test_fences import HARMLESS

pytestmark = pytest.mark.cluster

ON = "admissionPolicy.enabled=true"
LIMITS = {
    "allowedImages": ["registry.test/team/", "ghcr.io/ggml-org/"],
    "allowedServiceTypes": ["ClusterIP"],
    "maximumGPUs": 8,
}
PLACEMENT = {"maximumGPUs": 4}


class Court:
    """A namespace under a policy: what may be written there."""

    def __init__(self, objects: Objects, namespace: str) -> None:
        self._objects = objects
        self.namespace = namespace

    def refusal(self, resource: Object) -> str:
        """Return what the policy says against a resource; empty if nothing."""
        path = f"{GEMMA4_DEPLOYMENT.path(namespace=self.namespace)}?dryRun=All"
        try:
            self._objects.request("POST", path, body=resource)
        except Refused as refused:
            if "ValidatingAdmissionPolicy 'gemma4-operator-resources'" not in str(refused):
                raise
            return str(refused)
        return ""


@pytest.fixture(scope="module")
def objects(cluster: Cluster) -> Iterator[Objects]:
    admin = Objects(cluster.kubeconfig)
    yield admin
    admin.close()


def in_force(
    cluster: Cluster, objects: Objects, run_helm: HelmRun, values: dict[str, Any], *older: Object
) -> Generator[Court, None, None]:
    """Put the chart's policy over one new namespace, where `older` resources are already, and take it away again."""
    install_crd(cluster)
    namespace = cluster.namespace(prefix="policy")
    here = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    told = json.dumps({"enabled": True, "namespaceSelector": here, **values})
    result = run_helm("template", arguments=("--set-json", f"admissionPolicy={told}"))
    assert result.returncode == 0, result.stderr
    policies = [document for document in yaml.safe_load_all(result.stdout) if document and "Policy" in document["kind"]]
    policies = [document for document in policies if document["kind"].startswith("ValidatingAdmission")]
    court = Court(objects, namespace)
    try:
        for resource in older:
            objects.create(GEMMA4_DEPLOYMENT, namespace, resource)
        cluster.apply(policies)
        hostile_one = sample("chat", podTemplatePatch={"spec": {"hostNetwork": True}})
        wait_for(lambda: court.refusal(hostile_one), 20, "the policy to be in force")
        yield court
    finally:
        for document in policies:
            cluster.kubectl("delete", document["kind"], document["metadata"]["name"], "--ignore-not-found")
        cluster.delete_namespace(namespace)


@pytest.fixture(scope="module")
def court(cluster: Cluster, objects: Objects, run_helm: HelmRun) -> Iterator[Court]:
    """A namespace under the policy without limits."""
    yield from in_force(cluster, objects, run_helm, {})


@pytest.fixture(scope="module")
def strict_court(cluster: Cluster, objects: Objects, run_helm: HelmRun) -> Iterator[Court]:
    """A namespace under the policy with limits."""
    yield from in_force(cluster, objects, run_helm, LIMITS)


def test_it_is_off_unless_asked_for(render: Render):
    kinds = {item["kind"] for item in render()}
    assert not {kind for kind in kinds if kind.startswith("ValidatingAdmission")}


def test_it_knows_the_same_words_as_the_operator(render: Render):
    policy = only(render(ON), "ValidatingAdmissionPolicy")
    variables = {one["name"]: one["expression"] for one in policy["spec"]["variables"]}
    words = {name: ast.literal_eval(text) for name, text in variables.items() if text.startswith("[")}
    free = [name for name, fence in POD_FIELDS.items() if not fence.must]
    assert words == {
        "freeFields": sorted(free),
        "volumeKinds": list(VOLUME_KINDS),
        "projectedKinds": list(PROJECTED_KINDS),
        "sysctls": sorted(SYSCTLS),
    }


def test_the_api_server_finds_no_fault_with_its_expressions(court: Court, cluster: Cluster):
    def checked() -> Object:
        found: Object = cluster.get("validatingadmissionpolicy", "gemma4-operator-resources").get("status", {})
        return found if "typeChecking" in found else {}

    assert wait_for(checked, 30, "the check of the policy's types")["typeChecking"] == {}


def test_hostile_patches_are_refused_when_they_are_written(court: Court):
    verdicts = {
        name: bool(court.refusal(sample("chat", podTemplatePatch=attempt.patch)))
        for name, attempt in hostile("llama-server").items()
    }
    assert verdicts == {name: attempt.by_policy for name, attempt in hostile("llama-server").items()}


@pytest.mark.parametrize("case", HARMLESS)
def test_harmless_patches_are_not(court: Court, case: str):
    assert court.refusal(sample("chat", podTemplatePatch={"spec": HARMLESS[case]})) == ""


def test_nor_is_any_sample(court: Court):
    for path in SAMPLES:
        assert court.refusal(yaml.safe_load(path.read_text())) == "", path.name


def test_what_was_there_before_can_still_be_labelled_and_deleted(cluster: Cluster, objects: Objects, run_helm: HelmRun):
    older = sample("older", podTemplatePatch={"spec": {"hostPID": True}})
    policy = in_force(cluster, objects, run_helm, {}, older)
    try:
        namespace = next(policy).namespace
        objects.patch(GEMMA4_DEPLOYMENT, namespace, "older", {"metadata": {"labels": {"team": "a"}}})
        with pytest.raises(Refused):
            objects.patch(GEMMA4_DEPLOYMENT, namespace, "older", {"spec": {"replicas": 2}})
        objects.patch(GEMMA4_DEPLOYMENT, namespace, "older", {"metadata": {"finalizers": ["test.example/stays"]}})
        objects.delete(GEMMA4_DEPLOYMENT, namespace, "older")
        objects.patch(GEMMA4_DEPLOYMENT, namespace, "older", {"metadata": {"finalizers": None}})
        assert objects.get(GEMMA4_DEPLOYMENT, namespace, "older") is None
    finally:
        policy.close()


HELPER = {"name": "helper"}


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({}, ""),
        ({"engine": {"type": "LlamaCpp", "image": "registry.test/team/llama.cpp:1"}}, ""),
        (
            {"engine": {"type": "LlamaCpp", "image": "registry.test/other/llama.cpp:1"}},
            "spec.engine.image must begin with one of: registry.test/team/, ghcr.io/ggml-org/.",
        ),
        (
            {"podTemplatePatch": {"spec": {"containers": [{**HELPER, "image": "docker.io/a:1"}]}}},
            "Images in spec.podTemplatePatch must begin with one of",
        ),
        (
            {"podTemplatePatch": {"spec": {"volumes": [{"name": "a", "image": {"reference": "docker.io/a:1"}}]}}},
            "Images in spec.podTemplatePatch must begin with one of",
        ),
        ({"endpoint": {"serviceType": "LoadBalancer"}}, "spec.endpoint.serviceType must be one of: ClusterIP."),
        ({"placement": {}}, "spec.placement.maximumGPUs must be given, and at most 8."),
        ({"placement": {"maximumGPUs": 9}}, "spec.placement.maximumGPUs must be given, and at most 8."),
        (
            {"placement": {**PLACEMENT, "gpusPerReplica": 4}, "replicas": 3},
            "spec.replicas times spec.placement.gpusPerReplica must be at most 8.",
        ),
        (
            {"podTemplatePatch": {"spec": {"containers": [{**HELPER, "resources": {"limits": {"amd.com/gpu": "8"}}}]}}},
            "spec.podTemplatePatch must not ask for devices",
        ),
        ({"podTemplatePatch": {"spec": {"containers": [{**HELPER, "resources": {"limits": {"memory": "1Gi"}}}]}}}, ""),
        ({"podTemplatePatch": {"spec": {"resourceClaims": []}}}, "spec.podTemplatePatch must not ask for devices"),
    ],
)  # fmt: skip
def test_limits_are_told_in_the_words_of_the_resource(strict_court: Court, spec: dict[str, Any], said: str):
    refusal = strict_court.refusal(sample("chat", **{"placement": PLACEMENT, **spec}))
    assert said in refusal
    assert bool(refusal) == bool(said)


def test_a_namespace_may_be_closed_to_models(cluster: Cluster, objects: Objects, run_helm: HelmRun):
    closed = in_force(cluster, objects, run_helm, {"allowedNamespaces": ["models"]})
    try:
        said = next(closed).refusal(sample("chat"))
        assert "A Gemma4Deployment must be in one of these namespaces: models." in said
    finally:
        closed.close()


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("admissionPolicy.validationActions[0]=Refuse", "validationActions"),
        ("admissionPolicy.validationActions={Deny,Warn}", "/admissionPolicy/validationActions"),
        ("admissionPolicy.validationActions={Audit,Audit}", "/admissionPolicy/validationActions"),
        ("admissionPolicy.maximumGPUs=-1", "maximumGPUs"),
        ("admissionPolicy.images=x", "images"),
        ("admissionPolicy.allowedServiceTypes[0]=ExternalName", "allowedServiceTypes"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(run_helm: HelmRun, value: str, named: str):
    result = run_helm("template", ON, value)
    assert result.returncode != 0
    assert named in result.stderr
