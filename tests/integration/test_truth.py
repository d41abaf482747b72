"""The status tells the truth: each way to fail has its reason, its advice and its event, and is not told too early."""

import re
import time
from datetime import UTC, datetime

import pytest

from gemma4_operator.api.common import TEMPLATE_LABEL
from gemma4_operator.kube.kinds import DEPLOYMENT, POD
from gemma4_operator.planner.node_labels import GPU
from gemma4_operator.runtime.world import GEMMA4_DEPLOYMENT
from gemma4_operator.status.reasons import Reason
from tests.cluster import wait_for
from tests.cluster.fakenodes import FAULT_LABEL
from tests.integration.home import Home, condition, faulty, is_ready, names, notes, sample
from tests.integration.objects import Object, Refused
from tests.integration.policies import pods_are_refused
from tests.kstatus import kstatus

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("operator")]

INIT_CONTAINER: Object = {
    "name": "fetch",
    "image": "registry.test/fetch:1",
    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
}


def told_by_event(home: Home, name: str, reason: Reason) -> str:
    """Return the note of the event that gives a reason."""
    return wait_for(lambda: notes(home.events(name), reason.value), 5, f"an event that says {reason}")[-1]


def age_seconds(pod: Object) -> float:
    """Return how long ago at the most a pod was made: its time is whole seconds."""
    made = datetime.fromisoformat(pod["metadata"]["creationTimestamp"])
    return (datetime.now(UTC) - made).total_seconds() + 1


class TestFailingPods:
    @pytest.mark.parametrize(
        ("fault", "reason", "words"),
        [
            ("ImagePullBackOff", Reason.IMAGE_NOT_FOUND, "container 'llama-server' waits for its image, "),
            ("OOMKilled", Reason.HOST_OUT_OF_MEMORY, "container 'llama-server' was killed for memory "),
        ],
    )
    def test_the_engines_failure_is_named_and_forgotten_once_it_is_over(
        self, home: Home, fault: str, reason: Reason, words: str
    ):
        home.create(sample("chat", podTemplatePatch=faulty(fault)))
        ready = home.wait_reason("chat", reason.value)
        (pod,) = home.pods()
        assert ready["status"] == "False"
        assert ready["message"].startswith(f"Pod '{pod['metadata']['name']}': {words}")
        assert ready["message"].endswith(reason.advice)
        # kubelets try again, so nothing is lost yet: kstatus waits.
        assert kstatus(home.resource("chat")) == "InProgress"
        assert words in told_by_event(home, "chat", reason)
        home.edit("chat", podTemplatePatch=None)
        home.wait_ready("chat")
        assert kstatus(home.resource("chat")) == "Current"
        # Who looks in the morning sees what happened at night.
        status = home.resource("chat")["status"]
        assert status["lastFailure"]["reason"] == reason.value
        (pod,) = [one for one in home.pods() if "deletionTimestamp" not in one["metadata"]]
        assert status["observed"]["template"] == pod["metadata"]["labels"][TEMPLATE_LABEL]
        assert status["observed"]["loadSeconds"] <= age_seconds(pod), "of this pod, and not of the one that failed"

    def test_an_init_container_that_fails_is_named(self, home: Home):
        patch = faulty("InitFailed") | {"spec": {"initContainers": [INIT_CONTAINER]}}
        home.create(sample("chat", podTemplatePatch=patch))
        ready = home.wait_reason("chat", "EngineCrashed")
        assert "container 'fetch' ended with exit code 1, restarted 1 times" in ready["message"]
        assert ready["message"].endswith(Reason.ENGINE_CRASHED.advice)
        assert kstatus(home.resource("chat")) == "InProgress"
        home.edit("chat", podTemplatePatch=None)
        home.wait_ready("chat")

    def test_an_engine_that_is_not_ready_yet_loads(self, home: Home):
        home.create(sample("chat", podTemplatePatch=faulty("NeverReady")))
        ready = home.wait_reason("chat", "StillStarting")
        assert ready["message"].startswith("1 of 1 waiting pods load the weights, the first of them since 20")
        assert "The plan expects " in ready["message"]
        assert kstatus(home.resource("chat")) == "InProgress"
        # Loading is the usual course of things and no event.
        assert not notes(home.events("chat"), "StillStarting")
        home.edit("chat", podTemplatePatch=None)
        home.wait_ready("chat")

    def test_an_engine_that_served_and_no_longer_answers_does_not_load(self, home: Home):
        home.create(sample("chat"))
        home.wait_ready("chat")
        (pod,) = home.pods()
        home.patch(POD, pod["metadata"]["name"], {"metadata": {"labels": {FAULT_LABEL: "NeverReady"}}})
        ready = home.wait_reason("chat", "NotAnswering")
        assert ready["message"].startswith(
            f"Pod '{pod['metadata']['name']}': container 'llama-server' has run since 20"
        )
        assert "it was ready, and has not answered its readiness probe since 20" in ready["message"]
        assert "it was ready" in told_by_event(home, "chat", Reason.NOT_ANSWERING)
        home.patch(POD, pod["metadata"]["name"], {"metadata": {"labels": {FAULT_LABEL: None}}})
        home.wait_ready("chat")
        assert home.resource("chat")["status"]["lastFailure"]["reason"] == "NotAnswering"

    def test_a_pod_with_scheduling_gates_waits_for_whoever_removes_them(self, home: Home):
        gates = {"spec": {"schedulingGates": [{"name": "queue.test/admission"}]}}
        home.create(sample("chat", podTemplatePatch=gates))
        ready = home.wait_reason("chat", "SchedulingGated")
        assert "scheduling gates ('queue.test/admission')" in ready["message"]
        home.edit("chat", podTemplatePatch=None)
        home.wait_ready("chat")

    def test_a_pod_that_fits_nowhere_is_told_in_the_schedulers_words(self, home: Home):
        home.create(sample("chat", placement={"gpuProducts": ["NVIDIA-L40S"]}))
        ready = home.wait_reason("chat", "NodeSelectorMismatch")
        assert re.match(r"1 of 1 waiting pods fit on no node: 0/\d+ nodes are available: ", ready["message"])
        assert "didn't match Pod's node affinity/selector" in ready["message"]
        assert ready["message"].endswith(Reason.NODE_SELECTOR_MISMATCH.advice)
        assert kstatus(home.resource("chat")) == "InProgress"
        assert "didn't match Pod's node affinity" in told_by_event(home, "chat", Reason.NODE_SELECTOR_MISMATCH)
        home.edit("chat", placement={"gpuProducts": None})
        home.wait_ready("chat")

    def test_a_pod_that_breaks_later_takes_readiness_away_and_gives_it_back(self, home: Home):
        home.create(sample("chat", replicas=2))
        home.wait_ready("chat")
        broken = home.pods()[0]["metadata"]["name"]
        home.patch(POD, broken, {"metadata": {"labels": {FAULT_LABEL: "OOMKilled"}}})
        ready = home.wait_reason("chat", "HostOutOfMemory")
        assert f"Pod '{broken}'" in ready["message"]
        resource = home.resource("chat")
        assert resource["status"]["serving"] == "1/2"
        assert condition(resource, "Available")["status"] == "True"
        home.patch(POD, broken, {"metadata": {"labels": {FAULT_LABEL: None}}})
        home.wait_ready("chat")


class TestStalled:
    @pytest.mark.parametrize(
        ("spec", "reason", "words"),
        [
            (
                {"model": {"variant": "12B", "quantization": "Q4_0"}, "engine": {}},
                Reason.NO_CHECKPOINT,
                "`spec.model.quantization` must be one of BF16, FP8, NVFP4, W4A16, Q8_0, Q6_K, Q4_K_M for 12B",
            ),
            (
                {"engine": {"extraArgs": ["--ctx-size", "1"]}},
                Reason.ENGINE_REFUSES,
                "spec.capabilities.contextTokens",
            ),
            (
                {"podTemplatePatch": {"spec": {"hostNetwork": True}}},
                Reason.INVALID_SPEC,
                "`spec.podTemplatePatch.spec.hostNetwork` must not be true",
            ),
            (
                {"podTemplatePatch": {"metadata": {"labels": {"gemma4.dev/deployment": "other"}}}},
                Reason.INVALID_SPEC,
                "`spec.podTemplatePatch.metadata.labels` must not change 'gemma4.dev/deployment'",
            ),
            (
                {"podTemplatePatch": {"spec": {"containers": [{"name": "vllm"}]}}},
                Reason.INVALID_SPEC,
                "must have an `image`: the engine's container is called 'llama-server'",
            ),
            (
                {
                    "podTemplatePatch": {
                        "spec": {"containers": [{"name": "llama-server", "resources": {"limits": {GPU: "4"}}}]}
                    }
                },
                Reason.INVALID_SPEC,
                "must have 1 of nvidia.com/gpu, as the plan has",
            ),
            (
                {"podTemplatePatch": {"spec": {"containers": [{"name": "llama-server", "nope": 1}]}}},
                Reason.CHILD_REJECTED,
                ".nope: field not declared in schema",
            ),
            (
                {
                    "podTemplatePatch": {
                        "spec": {"containers": [{"name": "x", "image": "a:1", "resources": {"limits": {"cpu": "1 x"}}}]}
                    }
                },
                Reason.CHILD_REJECTED,
                "quantities must match",
            ),
        ],
        ids=[
            "no checkpoint",
            "engine refuses",
            "a fence",
            "our label",
            "another engine",
            "more GPUs",
            "unknown field",
            "quantity",
        ],
    )
    def test_what_only_the_operator_can_judge_is_told_with_advice(
        self, home: Home, spec: Object, reason: Reason, words: str
    ):
        home.create(sample("chat", replicas=0, **spec))
        ready = home.wait_reason("chat", reason.value)
        assert ready["status"] == "False"
        assert words in ready["message"]
        assert kstatus(home.resource("chat")) == "Failed"
        assert words in told_by_event(home, "chat", reason)
        home.edit("chat", **sample("chat")["spec"] | {"podTemplatePatch": None, "engine": {"extraArgs": None}})
        home.wait_ready("chat")
        assert kstatus(home.resource("chat")) == "Current"

    def test_an_edit_that_makes_no_sense_leaves_what_serves(self, home: Home):
        home.create(sample("chat"))
        home.wait_ready("chat")
        before = home.children("chat")
        home.edit("chat", podTemplatePatch={"spec": {"hostPID": True}})
        home.wait_reason("chat", "InvalidSpec")
        resource = home.resource("chat")
        assert home.children("chat") == before
        assert condition(resource, "Available")["status"] == "True"
        assert resource["status"]["readyReplicas"] == 1

    def test_pods_that_the_cluster_forbids_are_told(self, home: Home):
        # Pod Security's own standard never does: whatever breaks it is no pod of the operator's.
        with pods_are_refused(home, why="no pods on Sundays"):
            home.create(sample("chat"))
            home.wait_observed("chat")
            failing = wait_for(
                lambda: [
                    item
                    for item in home.deployment("chat").get("status", {}).get("conditions", ())
                    if item["type"] == "ReplicaFailure"
                ],
                10,
                "the Deployment to say that no pod can be made",
            )
            ready = home.wait_reason("chat", "PodSecurityViolation")
            assert kstatus(home.resource("chat")) == "InProgress"
        assert "no pods on Sundays" in ready["message"]
        assert failing[0]["message"].partition(" is forbidden")[2] in ready["message"]
        assert ready["message"].endswith(Reason.POD_SECURITY_VIOLATION.advice)
        home.edit("chat", engine={"env": [{"name": "A", "value": "1"}]})
        home.wait_ready("chat")

    @pytest.mark.parametrize(
        ("spec", "field"),
        [
            ({"replicas": -1}, "spec.replicas"),
            ({"capabilities": {"contextTokens": 100}}, "spec.capabilities.contextTokens"),
            ({"engine": {"type": "VLLM"}}, "spec.engine.type"),
            ({"secrets": {"apiKey": {"name": "a"}}}, "spec.secrets.apiKey.key"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_what_the_schema_forbids_is_refused_by_the_api_server(self, home: Home, spec: Object, field: str):
        with pytest.raises(Refused, match=field):
            home.create(sample("chat", **spec))


def test_one_bad_resource_never_hinders_another(home: Home):
    home.objects.create(DEPLOYMENT, home.namespace, _stranger("foreign"))
    bad = {
        "lost": sample("lost", model={"variant": "12B", "quantization": "Q4_0"}, engine={}),
        "foreign": sample("foreign"),
        "refused": sample("refused", podTemplatePatch={"spec": {"containers": [{"name": "llama-server", "nope": 1}]}}),
    }
    home.create(*bad.values(), *(sample(name) for name in names(10)))
    # None of the bad ones is ever well: who waited for one would wait for ever.
    home.wait_ready(*names(10))
    for name, reason in {"lost": "NoCheckpoint", "foreign": "NameConflict", "refused": "ChildRejected"}.items():
        home.wait_reason(name, reason)


def _stranger(name: str) -> Object:
    labels = {"app": "other"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "a", "image": "a:1"}]}}
    spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def _complete(deployment: Object | None, replicas: int) -> bool:
    """Whether a Deployment's rollout is over, as `kubectl rollout status` sees it."""
    if deployment is None:
        return False
    status = deployment.get("status", {})
    counts = [status.get(count, 0) for count in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")]
    return status.get("observedGeneration") == deployment["metadata"]["generation"] and counts == [replicas] * 4


def test_kstatus_waits_from_the_first_moment(home: Home):
    created = home.objects.create(GEMMA4_DEPLOYMENT, home.namespace, sample("chat", suspend=True))
    assert kstatus(created) == "InProgress"


def test_kstatus_never_says_current_before_the_rollout_is_over(home: Home):
    """Watch as closely as the API server answers; what is seen first is the resource, then its Deployment.

    A rollout that is over stays so until the next edit: a Deployment that is not complete when it is looked at after
    the resource was not complete when the resource said so.
    """
    seen = []

    def watch_until_current(replicas: int) -> None:
        deadline = time.monotonic() + 120
        while True:
            resource = home.objects.get(GEMMA4_DEPLOYMENT, home.namespace, "chat")
            deployment = home.objects.get(DEPLOYMENT, home.namespace, "chat")
            assert resource is not None
            says = kstatus(resource)
            seen.append(says)
            if says == "Current":
                assert _complete(deployment, replicas), (resource["status"], deployment)
                assert is_ready(resource)
                return
            assert time.monotonic() < deadline, resource
            time.sleep(0.01)

    home.create(sample("chat", replicas=2, disruption={"minAvailablePercent": 0}))
    home.wait_observed("chat")
    watch_until_current(2)
    edits: list[tuple[Object, int]] = [
        ({"replicas": 3}, 3),
        ({"engine": {"image": "registry.test/llama:1"}}, 3),
        ({"replicas": 1, "engine": {"env": [{"name": "A", "value": "1"}]}}, 1),
    ]
    for edit, replicas in edits:
        home.edit("chat", **edit)
        watch_until_current(replicas)
    assert "Failed" not in seen
