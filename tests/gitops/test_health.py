"""Argo CD's health of a Gemma4Deployment: its own tests by its own interpreter, and the same answer as kstatus.

Argo CD finds `health.lua` with `health_test.yaml` in this layout and tests it as the first test here does.
"""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gemma4_operator.status.project import Problem
from gemma4_operator.status.reasons import Reason
from gemma4_operator.status.rollout import Rollout
from hack.argocd import CONFIG_MAP, FOLDER, SETTING
from hack.health_cases import HEALTH_CASES, HealthCase, resource_of
from tests.cluster.errors import ClusterError
from tests.cluster.gitops import Verdict, verdicts
from tests.kstatus import kstatus
from tests.unit.status.test_project import plan, spec, status

pytestmark = pytest.mark.cluster

ROOT = Path(__file__).parents[2]
HOME = ROOT / FOLDER
SCRIPT = (HOME / "health.lua").read_text()
TESTS: list[dict[str, Any]] = yaml.safe_load((HOME / "health_test.yaml").read_text())["tests"]

AGREEMENT = {
    "Terminating": {"Progressing"},
    "InProgress": {"Progressing", "Suspended"},
    "Failed": {"Degraded"},
    "Current": {"Healthy", "Suspended"},
}
"""What Argo CD may say where kstatus says a word. kstatus has no word for what is suspended."""


def judged(resource: dict[str, Any]) -> Verdict:
    (verdict,) = verdicts([resource], script=SCRIPT)
    return verdict


@pytest.mark.parametrize("test", TESTS, ids=lambda test: Path(test["inputPath"]).stem)
def test_the_script_passes_its_own_tests(test: dict[str, Any]):
    verdict = judged(yaml.safe_load((HOME / test["inputPath"]).read_text()))
    assert {"status": verdict.health, "message": verdict.message} == test["healthStatus"]


def test_every_file_of_test_data_is_used_and_written_by_a_case():
    files = {f"testdata/{path.name}" for path in (HOME / "testdata").iterdir()}
    assert files == {test["inputPath"] for test in TESTS} == {f"testdata/{case.name}.yaml" for case in HEALTH_CASES}


def test_every_word_of_argo_cd_that_a_resource_may_have_is_a_case():
    assert {case.health for case in HEALTH_CASES} == {"Progressing", "Healthy", "Suspended", "Degraded"}


@pytest.mark.parametrize("case", HEALTH_CASES, ids=lambda case: case.name)
def test_argo_cd_and_kstatus_agree(case: HealthCase):
    verdict = judged(resource_of(case))
    assert verdict.health in AGREEMENT[verdict.kstatus]
    assert (verdict.health == "Suspended") <= bool(case.spec.get("suspend"))


@st.composite
def resources(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a resource with a status that the operator makes of some facts, seen by it now, earlier or never."""
    counts = st.integers(0, 3)
    replicas, is_suspended = draw(counts), draw(st.booleans())
    reasons = st.sampled_from([Reason.PROGRESSING, Reason.CHILD_REJECTED, Reason.CONTESTED, Reason.NAME_CONFLICT])
    body = status(
        spec=spec(replicas=replicas, suspend=is_suspended),
        plan=plan(),
        problem=draw(st.none() | st.builds(Problem, reason=reasons, message=st.just("So."), planned=st.just(True))),
        rollout=draw(
            st.builds(
                Rollout,
                current=st.booleans(),
                replicas=counts,
                updated=counts,
                ready=counts,
                deadline_message=st.sampled_from(["", "timed out"]),
            )
        ),
        pending=draw(st.sampled_from([(), ("Deployment",)])) if is_suspended else (),
    )
    metadata: dict[str, Any] = {"name": "chat", "namespace": "team", "generation": draw(st.sampled_from([4, 5]))}
    if draw(st.booleans()):
        metadata["deletionTimestamp"] = "2026-11-25T12:00:00Z"
    seen = draw(st.sampled_from([body, {"observedGeneration": -1}]))
    return {"metadata": metadata, "spec": {"suspend": is_suspended}, "status": seen}


@settings(max_examples=5)
@given(st.lists(resources(), min_size=50, max_size=100))
def test_they_agree_on_whatever_the_operator_may_write(drawn: list[dict[str, Any]]):
    """In lists, since one process answers for all of one."""
    for resource, verdict in zip(drawn, verdicts(drawn, script=SCRIPT), strict=True):
        assert verdict.health in AGREEMENT[verdict.kstatus], resource
        assert verdict.kstatus == kstatus(resource), "the tests' own copy of kstatus"
        if not resource["spec"]["suspend"]:
            assert verdict.health != "Suspended", resource


def test_a_script_that_uses_what_argo_cd_does_not_give_it_fails():
    with pytest.raises(ClusterError, match="attempt to index a non-table object"):
        verdicts([resource_of(HEALTH_CASES[0])], script='return { status = string.upper("healthy") }')


def test_the_setting_for_argocd_cm_is_the_same_script():
    document = yaml.safe_load((ROOT / CONFIG_MAP).read_text())
    assert (document["metadata"]["name"], document["data"]) == ("argocd-cm", {SETTING: SCRIPT})
