"""The operator's judge: the models refuse what the table of bad deployments holds, with the words a person needs."""

import pytest

from gemma4_operator.api.deployment import Gemma4DeploymentSpec, Model
from gemma4_operator.api.read import InvalidResource, read_deployment
from tests.cases.deployments import BAD, GOOD, MINIMAL, Bad, Good, patched


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.name)
def test_bad_deployment_is_refused_with_path_and_words(case: Bad):
    with pytest.raises(InvalidResource) as refused:
        read_deployment(patched(case.patch))
    told = [problem.must for problem in refused.value.problems if problem.path == case.path]
    assert any(case.operator_says in must for must in told), refused.value


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case.name)
def test_good_deployment_is_accepted(case: Good):
    read_deployment(patched(case.patch))


def test_the_tables_are_large_and_their_names_unique():
    assert len(BAD) >= 180
    assert len(GOOD) >= 60
    assert len({case.name for case in (*BAD, *GOOD)}) == len(BAD) + len(GOOD)


def test_all_problems_are_told_at_once():
    body = patched({"spec": {"replicas": -1, "engine": {"type": "TGI", "extraArgs": [""]}}})
    with pytest.raises(InvalidResource) as refused:
        read_deployment(body)
    assert [problem.path for problem in refused.value.problems] == [
        "spec.engine.type",
        "spec.engine.extraArgs[0]",
        "spec.replicas",
    ]
    assert str(refused.value).startswith("spec.engine.type: must be one of 'Auto', ")


def test_every_broken_rule_of_an_object_is_told():
    body = patched(
        {
            "spec": {
                "model": {"variant": "E2B", "checkpoint": {"ollama": {"name": "gemma4"}}},
                "capabilities": {"contextTokens": 200000},
            }
        }
    )
    with pytest.raises(InvalidResource) as refused:
        read_deployment(body)
    assert {problem.path for problem in refused.value.problems} == {
        "spec.capabilities.contextTokens",
        "spec.model.quantization",
    }


def test_status_is_never_judged():
    body = patched({"status": {"plan": {"ofAnotherVersion": [1, 2]}, "conditions": "none"}})
    assert read_deployment(body).spec.replicas == 1


def test_reading_leaves_the_object_alone():
    body = patched({"spec": {"engine": None, "podTemplatePatch": {"metadata": None}}})
    before = patched({"spec": {"engine": None, "podTemplatePatch": {"metadata": None}}})
    read_deployment(body)
    assert body == before


def test_defaults_are_the_published_ones():
    spec = read_deployment(MINIMAL).spec
    assert spec.to_json() == {
        "model": {"variant": "31B", "quantization": "FP8", "adapters": [], "drafter": False},
        "capabilities": {"contextTokens": 8192, "modalities": ["Text"], "toolCalling": True, "reasoning": True},
        "objectives": {"optimizeFor": "Cost", "attainmentPercent": 95, "allowedLicences": []},
        "engine": {"type": "Auto", "extraArgs": [], "env": []},
        "placement": {"gpuProducts": [], "allowSharedGPUs": False, "nodeSelector": {}, "tolerations": []},
        "replicas": 1,
        "secrets": {"imagePullSecrets": []},
        "endpoint": {"port": 8000, "servedModelName": "gemma-4", "serviceType": "ClusterIP"},
        "disruption": {"minAvailablePercent": 50},
        "update": {"strategy": "Auto", "onOperatorUpgrade": "Keep"},
        "podTemplatePatch": {},
        "suspend": False,
    }


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case.name)
def test_what_is_written_reads_back_equal(case: Good):
    deployment = read_deployment(patched(case.patch))
    assert read_deployment(deployment.to_json()) == deployment


def test_python_code_builds_specs_by_attribute_names():
    spec = Gemma4DeploymentSpec(model=Model(variant="12B", quantization="Q8_0"), pod_template_patch={"spec": {}})
    assert spec.model.quantization.is_gguf
    assert spec.capabilities.context_tokens == 8192
