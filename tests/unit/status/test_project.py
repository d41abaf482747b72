"""The status of one deployment, from what is: what each condition says, when, and in which words."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest

from gemma4_operator.api.common import Variant
from gemma4_operator.api.deployment import Gemma4DeploymentSpec
from gemma4_operator.api.status import AutoscalingStatus, Gemma4DeploymentStatus
from gemma4_operator.engines.base import ClaimWeights, HuggingFaceWeights, OllamaWeights, Weights
from gemma4_operator.planner.plan import Plan
from gemma4_operator.status.diagnose import Finding
from gemma4_operator.status.pods import ContainerView, Ended, PodView
from gemma4_operator.status.project import Problem, Subject, project
from gemma4_operator.status.reasons import Reason
from gemma4_operator.status.rollout import Rollout, rollout, told_replicas
from tests.unit.planner.plans import a_plan

NOW = datetime(2026, 11, 25, 12, 0, 0, 123456, tzinfo=UTC)
INVALID = Problem(reason=Reason.INVALID_SPEC, message="spec.model: must be given.", planned=False)
HUB = HuggingFaceWeights(repository="google/gemma-4-E2B-it", revision="main")


def spec(**fields: Any) -> Gemma4DeploymentSpec:
    return Gemma4DeploymentSpec.model_validate({"model": {"variant": "E2B", "quantization": "BF16"}, **fields})


def plan(*, weights: Weights = HUB, **changes: Any) -> Plan:
    return a_plan(variant=Variant.E2B, weights=weights, why="Because.", **changes)


def running(wanted: int, *, ready: int | None = None, updated: int | None = None, current: bool = True) -> Rollout:
    return Rollout(
        current=current,
        replicas=wanted,
        updated=wanted if updated is None else updated,
        ready=wanted if ready is None else ready,
    )


def status(*, now: datetime = NOW, **fields: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "namespace": "team",
        "name": "chat",
        "generation": 4,
        "previous": {},
        "spec": spec(),
        "plan": plan(),
        "problem": None,
        "rollout": running(1),
        "pods": (),
        "selector": "gemma4.dev/deployment=chat",
    }
    facts |= fields
    facts.setdefault("wanted", facts["spec"].replicas if facts["spec"] is not None else None)
    return project(Subject(**facts), now=now)


def conditions(body: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {item["type"]: (item["status"], item["reason"]) for item in body["conditions"]}


def test_all_is_well() -> None:
    body = status(spec=spec(replicas=2), rollout=running(2))
    assert conditions(body) == {
        "Planned": ("True", "Planned"),
        "Available": ("True", "Available"),
        "Ready": ("True", "Ready"),
    }
    assert (body["serving"], body["replicas"], body["readyReplicas"]) == ("2/2", 2, 2)
    assert body["endpoint"] == {"url": "http://chat.team.svc:8000/v1", "model": "gemma-4"}
    assert body["observedGeneration"] == 4


def test_what_is_said_is_what_the_crd_knows() -> None:
    Gemma4DeploymentStatus.model_validate(status())


def test_the_plan_is_shown_with_its_reason() -> None:
    shown = status(plan=plan(gpu_product="NVIDIA-L40S", gpus_per_replica=2))["plan"]
    assert shown["gpu"] == "2x NVIDIA-L40S"
    assert shown["why"] == "Because."


@pytest.mark.parametrize(
    ("weights", "text"),
    [
        (HUB, "google/gemma-4-E2B-it@main"),
        (ClaimWeights(claim_name="weights", path="a/b.gguf"), "claim:weights/a/b.gguf"),
        (OllamaWeights(name="gemma4", tag="e2b"), "ollama:gemma4:e2b"),
    ],
)
def test_the_weights_are_named_in_one_line(weights: Weights, text: str) -> None:
    assert status(plan=plan(weights=weights))["plan"]["checkpoint"] == text


INCOMPLETE: dict[str, tuple[Rollout, Reason]] = {
    "the Deployment controller has not looked yet": (running(1, current=False), Reason.PROGRESSING),
    "no pod serves": (running(1, ready=0), Reason.PROGRESSING),
    "an old pod is left over": (Rollout(current=True, replicas=2, updated=1, ready=2), Reason.PROGRESSING),
    "too many pods": (running(2), Reason.PROGRESSING),
    "there is no Deployment": (rollout(None), Reason.PROGRESSING),
}


@pytest.mark.parametrize("case", INCOMPLETE.values(), ids=INCOMPLETE.keys())
def test_ready_is_said_only_of_a_rollout_that_is_over(case: tuple[Rollout, Reason]) -> None:
    state, reason = case
    told = conditions(status(rollout=state))
    assert told["Ready"] == ("False", reason.value)
    assert told["Reconciling"] == ("True", reason.value)
    assert "Stalled" not in told


@pytest.mark.parametrize(
    ("ready", "percent", "wanted", "available"),
    [
        (2, 50, 4, "True"),
        (1, 50, 4, "False"),
        (2, 50, 3, "True"),
        (1, 50, 3, "False"),
        (1, 0, 4, "True"),
        (0, 0, 4, "False"),  # nothing at all is never available
        (4, 100, 4, "True"),
        (3, 100, 4, "False"),
    ],
)
def test_available_is_what_disruption_asks_for(ready: int, percent: int, wanted: int, available: str) -> None:
    wish = spec(replicas=wanted, disruption={"minAvailablePercent": percent})
    assert conditions(status(spec=wish, rollout=running(wanted, ready=ready)))["Available"][0] == available


def test_zero_replicas_are_ready_and_serve_nothing() -> None:
    told = conditions(status(spec=spec(replicas=0), rollout=running(0)))
    assert told["Ready"] == ("True", "ScaledToZero")
    assert told["Available"] == ("False", "ScaledToZero")


def test_a_pod_in_trouble_is_the_reason() -> None:
    blocked = PodView(
        name="chat-1", ready=False, unschedulable="0/4 nodes are available: 4 Insufficient nvidia.com/gpu."
    )
    body = status(rollout=running(1, ready=0), pods=(blocked,))
    assert conditions(body)["Ready"] == ("False", "InsufficientGPU")
    assert conditions(body)["Reconciling"] == ("True", "InsufficientGPU")


def test_past_the_deadline_it_is_stalled() -> None:
    late = Rollout(current=True, replicas=1, updated=1, ready=0, deadline_message="timed out")
    told = conditions(status(rollout=late))
    assert told["Stalled"] == ("True", "ProgressDeadlineExceeded")
    assert "Reconciling" not in told


def test_past_the_deadline_a_known_cause_is_still_the_better_reason() -> None:
    late = Rollout(current=True, replicas=1, updated=1, ready=0, deadline_message="timed out")
    blocked = PodView(
        name="chat-1", ready=False, unschedulable="0/4 nodes are available: 4 Insufficient nvidia.com/gpu."
    )
    assert conditions(status(rollout=late, pods=(blocked,)))["Stalled"] == ("True", "InsufficientGPU")


def test_a_deadline_of_an_earlier_generation_does_not_count() -> None:
    late = Rollout(current=False, replicas=1, updated=0, ready=0, deadline_message="timed out")
    assert "Stalled" not in conditions(status(rollout=late))


def test_a_spec_without_a_plan_is_stalled_and_old_pods_are_still_told() -> None:
    problem = Problem(reason=Reason.NO_CHECKPOINT, message="`spec.model.quantization` must be ...", planned=False)
    body = status(plan=None, problem=problem, rollout=running(1))
    assert conditions(body) == {
        "Planned": ("False", "NoCheckpoint"),
        "Available": ("True", "Available"),
        "Ready": ("False", "NoCheckpoint"),
        "Stalled": ("True", "NoCheckpoint"),
    }
    assert "plan" not in body


def test_a_spec_that_cannot_be_read_still_has_a_status() -> None:
    body = status(spec=None, plan=None, problem=INVALID, rollout=running(2))
    assert conditions(body)["Ready"] == ("False", "InvalidSpec")
    assert body["serving"] == "2/2"
    assert "endpoint" not in body
    Gemma4DeploymentStatus.model_validate(body)


def test_a_spec_that_cannot_be_read_takes_nothing_from_what_was_chosen_and_learned() -> None:
    """A GitOps pipeline brings the CRD's new field before the operator that knows it: nothing may move by that."""
    scaled = spec(autoscaling={"minReplicas": 1, "maxReplicas": 4})
    learned = AutoscalingStatus(desired_replicas=3, boot_seconds=140)
    before = status(spec=scaled, autoscaling=learned)
    body = status(spec=None, plan=None, problem=INVALID, rollout=running(2), previous=before)
    assert {name: body[name] for name in ("plan", "endpoint", "autoscaling")} == {
        name: before[name] for name in ("plan", "endpoint", "autoscaling")
    }
    assert conditions(body)["Planned"] == ("False", "InvalidSpec")
    again = status(previous=body)
    assert again["plan"] == before["plan"]
    assert "autoscaling" not in again


@pytest.mark.parametrize(
    "words",
    ["denied: hf_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789 is bad\n\x1b[31mReady: all is well", "x" * 40_000],
    ids=["a secret and a forged line", "too many"],
)
def test_what_an_api_server_says_is_made_fit_wherever_it_is_told(words: str) -> None:
    body = status(problem=Problem(reason=Reason.CHILD_REJECTED, message=words, planned=True))
    told = [one["message"] for one in body["conditions"]] + [body["lastFailure"]["message"]]
    for message in told:
        assert "hf_" not in message
        assert message.isprintable()
        assert len(message) <= 32_768
    Gemma4DeploymentStatus.model_validate(body)


def test_a_child_that_is_refused_leaves_the_plan_standing() -> None:
    problem = Problem(reason=Reason.CHILD_REJECTED, message="quota", planned=True)
    told = conditions(status(problem=problem))
    assert told["Planned"] == ("True", "Planned")
    assert told["Stalled"] == ("True", "ChildRejected")


def test_pods_that_are_refused_are_told_and_stall_nothing() -> None:
    refused = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota: gpus"}
    raw = {"metadata": {"generation": 1}, "status": {"observedGeneration": 1, "conditions": [refused]}}
    body = status(rollout=rollout(raw))
    assert conditions(body)["Ready"] == ("False", "QuotaExceeded")
    assert conditions(body)["Reconciling"] == ("True", "QuotaExceeded")
    assert body["conditions"][-1]["message"].startswith("Pods are refused: exceeded quota: gpus. ")


def test_a_child_that_is_waited_for_stalls_nothing() -> None:
    problem = Problem(reason=Reason.PROGRESSING, message="It goes.", planned=True)
    told = conditions(status(problem=problem))
    assert told["Ready"] == ("False", "Progressing")
    assert told["Reconciling"] == ("True", "Progressing")
    assert "Stalled" not in told


def test_suspended_with_nothing_to_do_is_as_ready_as_it_is() -> None:
    body = status(spec=spec(suspend=True))
    assert conditions(body)["Ready"] == ("True", "Ready")
    assert Reason.SUSPENDED.sentence in body["conditions"][-1]["message"]


def test_suspended_with_changes_waiting_is_not_ready_and_not_stalled() -> None:
    body = status(spec=spec(suspend=True), pending=("Deployment", "Service"))
    assert conditions(body)["Ready"] == ("False", "Suspended")
    assert set(conditions(body)) == {"Planned", "Available", "Ready"}
    assert "Deployment, Service" in body["conditions"][-1]["message"]


def test_only_a_change_of_status_moves_the_time_of_transition() -> None:
    first = status(rollout=running(1, ready=0))
    later = NOW + timedelta(hours=1)
    second = status(previous=first, rollout=running(1, ready=0, updated=0), now=later)
    third = status(previous=second, now=later)
    times = [
        {item["type"]: item["lastTransitionTime"] for item in body["conditions"]} for body in (first, second, third)
    ]
    assert times[0]["Ready"] == times[1]["Ready"] == "2026-11-25T12:00:00Z"
    assert times[2]["Ready"] == "2026-11-25T13:00:00Z"
    assert times[2]["Planned"] == "2026-11-25T12:00:00Z"


def test_the_same_facts_give_the_same_status_at_any_time() -> None:
    first = status()
    assert status(previous=first, now=NOW + timedelta(days=3)) == first


def test_every_condition_bears_the_generation_it_judged() -> None:
    assert {item["observedGeneration"] for item in status(generation=9)["conditions"]} == {9}


def test_a_raw_deployment_is_read() -> None:
    raw = {
        "metadata": {"generation": 3},
        "status": {
            "observedGeneration": 3,
            "replicas": 4,
            "updatedReplicas": 3,
            "readyReplicas": 2,
            "conditions": [{"type": "Progressing", "reason": "ProgressDeadlineExceeded", "message": "timed out"}],
        },
    }
    state = rollout(raw)
    assert (state.current, state.old, state.ready, state.deadline_message) == (True, 1, 2, "timed out")
    assert not rollout({"metadata": {"generation": 3}, "status": {"observedGeneration": 2}}).current


@pytest.mark.parametrize(("pods", "updated"), [(0, 0), (1, 1), (3, 3), (4, 3)])
def test_before_its_controller_has_looked_no_more_are_up_to_date_than_are_of_the_plan(pods: int, updated: int) -> None:
    before = Rollout(current=False, replicas=3, updated=3, ready=2)
    assert before.of_plan(pods) == replace(before, updated=updated)


def test_once_it_has_looked_its_word_counts() -> None:
    looked = Rollout(current=True, replicas=3, updated=3, ready=2)
    assert looked.of_plan(1) == looked, "what is watched of pods may be older"


def test_an_edit_that_nobody_has_looked_at_yet_is_told_as_it_is() -> None:
    body = status(wanted=2, rollout=running(2, current=False).of_plan(0))
    (ready,) = (one for one in body["conditions"] if one["type"] == "Ready")
    assert body["updatedReplicas"] == 0
    assert ready["message"] == ("2 of 2 replicas serve, 0 are up to date, 2 of an earlier plan are still to go.")


@pytest.mark.parametrize(
    ("deployment", "told"),
    [(None, None), ({"spec": {"replicas": 3}}, 3), ({"spec": {"replicas": 0}}, 0), ({"spec": {}}, 1)],
)
def test_what_a_raw_deployment_was_told_to_run_is_read(deployment: dict[str, Any] | None, told: int | None) -> None:
    """Without a word of its own a Deployment runs one."""
    assert told_replicas(deployment) == told


class TestRollouts:
    BLOCKED = Finding(reason=Reason.ROLLOUT_BLOCKED_NO_SPARE_GPU, message="No GPU is free. Add one.")
    HALF = Rollout(current=True, replicas=3, updated=1, ready=2)

    def ready(self, **fields: Any) -> dict[str, Any]:
        body = status(spec=spec(replicas=2), rollout=self.HALF, **fields)
        return next(one for one in body["conditions"] if one["type"] == "Ready")

    def test_it_is_told_how_pods_are_replaced(self) -> None:
        told = self.ready(rolling="Pods are replaced in place, 1 at a time.")["message"]
        assert told == (
            "2 of 2 replicas serve, 1 are up to date, 2 of an earlier plan are still to go. "
            "Pods are replaced in place, 1 at a time."
        )

    def test_what_it_waits_for_goes_before_a_pod_without_a_node(self) -> None:
        waiting = PodView(name="chat-3", ready=False, scheduled=False, unschedulable="0/4 nodes are available")
        told = self.ready(pods=(waiting,), blocked=self.BLOCKED, rolling="The rollout waits for a free GPU.")
        assert (told["reason"], told["message"]) == ("RolloutBlockedNoSpareGPU", "No GPU is free. Add one.")

    def test_a_pod_that_waits_for_the_place_of_one_that_ends_lacks_nothing(self) -> None:
        """To add GPUs would be the wrong advice: the old pod drains, and gives its own."""
        waiting = PodView(name="chat-3", ready=False, scheduled=False, unschedulable="Insufficient nvidia.com/gpu")
        told = status(pods=(waiting,), leaving=1, rollout=running(1, ready=0))["conditions"][2]
        assert (told["reason"], told["message"]) == (
            "Progressing",
            "0 of 1 replicas serve, 1 are up to date. 1 pod that ends still holds its place.",
        )
        told = status(pods=(waiting,), leaving=2, rollout=running(1, ready=0))["conditions"][2]
        assert told["message"].endswith("2 pods that end still hold their places.")

    @pytest.mark.parametrize(
        ("overdue", "late"),
        [
            (1, "1 pod should be gone by now and is not: see whether its node is up."),
            (2, "2 pods should be gone by now and are not: see whether their nodes are up."),
        ],
    )
    def test_one_that_does_not_go_hides_nothing_and_is_told(self, overdue: int, late: str) -> None:
        waiting = PodView(name="chat-3", ready=False, scheduled=False, unschedulable="Insufficient nvidia.com/gpu")
        told = status(pods=(waiting,), overdue=overdue, rollout=running(1, ready=0))["conditions"][2]
        assert told["reason"] == "InsufficientGPU"
        assert told["message"].endswith(f"{Reason.INSUFFICIENT_GPU.advice} {late}")
        assert self.ready(blocked=self.BLOCKED, overdue=overdue)["message"] == f"{self.BLOCKED.message} {late}"
        assert late in self.ready(overdue=overdue, rolling="Pods are replaced in place, 1 at a time.")["message"]

    def test_one_that_was_evicted_before_is_no_cause_of_the_wait(self) -> None:
        evicted = PodView(name="chat-1", ready=False, phase="Failed", reason="Evicted", scheduled=True)
        waiting = PodView(name="chat-3", ready=False, scheduled=False, unschedulable="Insufficient nvidia.com/gpu")
        told = status(pods=(evicted, waiting), leaving=1, rollout=running(1, ready=0))["conditions"][2]
        assert told["reason"] == "Progressing"
        assert self.ready(pods=(evicted, waiting), blocked=self.BLOCKED)["reason"] == "RolloutBlockedNoSpareGPU"

    def test_a_new_pod_that_fails_goes_before_what_the_others_wait_for(self) -> None:
        ended = Ended(exit_code=137, reason="OOMKilled")
        failing = PodView(
            name="chat-3",
            ready=False,
            scheduled=True,
            containers=(ContainerView(name="vllm", ended=ended, restarts=3),),
        )
        assert self.ready(pods=(failing,), blocked=self.BLOCKED)["reason"] == "HostOutOfMemory"

    def test_loading_is_told_with_its_begin_and_what_the_plan_expects(self) -> None:
        loading = PodView(name="chat-3", ready=False, scheduled=True, running=True, started_at=NOW)
        told = self.ready(pods=(loading,))["message"]
        seconds = plan().predicted.load_seconds
        assert told == (
            "1 of 1 waiting pods load the weights, the first of them since 2026-11-25T12:00:00Z. "
            f"The plan expects {seconds} s for it, downloads aside."
        )

    def test_what_is_worth_knowing_is_said_of_pods_that_serve(self) -> None:
        body = status(remark="They are of another release.")
        assert body["conditions"][2]["message"] == "1 of 1 replicas serve. They are of another release."


@pytest.mark.parametrize(
    ("tries", "says"),
    [
        (0, "After 2 restarts it is planned anew with more left free, as try 1 of 3, if anything fits then."),
        (2, "as try 3 of 3, if anything fits then."),
        (3, "3 plans that leave more of it free have failed as well, so this one stays."),
    ],
)
def test_what_the_operator_does_about_memory_itself_is_told(tries: int, says: str) -> None:
    ended = Ended(exit_code=1, reason="Error", message="torch.OutOfMemoryError: CUDA out of memory.")
    pod = PodView(name="chat-1", ready=False, scheduled=True, containers=(ContainerView(name="vllm", ended=ended),))
    ready = status(plan=plan(tries=tries), pods=(pod,), rollout=running(1, ready=0))["conditions"][2]
    assert ready["reason"] == "GPUOutOfMemory"
    assert ready["message"].endswith(says)


def test_it_promises_no_other_plan_where_a_replica_shows_that_this_one_fits() -> None:
    ended = Ended(exit_code=1, reason="Error", message="torch.OutOfMemoryError: CUDA out of memory.")
    pod = PodView(name="chat-1", ready=False, scheduled=True, containers=(ContainerView(name="vllm", ended=ended),))
    pods = (PodView(name="chat-0", ready=True, scheduled=True), pod)
    ready = status(wanted=2, pods=pods, rollout=running(2, ready=1))["conditions"][2]
    assert ready["reason"] == "GPUOutOfMemory"
    assert "planned anew" not in ready["message"]


class TestAPodThatNoLongerAnswers:
    """It was ready, and its engine runs on."""

    HOUR_AGO, MINUTE_AGO = NOW - timedelta(hours=1), NOW - timedelta(minutes=1)
    MUTE = PodView(
        name="chat-1",
        ready=False,
        scheduled=True,
        running=True,
        unready_since=MINUTE_AGO,
        has_started=True,
        answer_seconds=30,
        containers=(ContainerView(name="vllm", running=True, guarded=True, has_served=True, since=HOUR_AGO),),
    )

    def test_is_told_as_a_failure_and_remembered_as_one(self) -> None:
        body = status(rollout=running(1, ready=0), pods=(self.MUTE,))
        assert conditions(body)["Ready"] == ("False", "NotAnswering")
        assert body["lastFailure"]["reason"] == "NotAnswering"
        assert "load the weights" not in str(body)
        assert "The plan expects" not in str(body)

    def test_is_none_that_has_just_started(self) -> None:
        (container,) = self.MUTE.containers
        starts = replace(self.MUTE, told_at=self.MINUTE_AGO, containers=(replace(container, has_served=False),))
        told = status(rollout=running(1, ready=0), pods=(starts,))
        assert conditions(told)["Ready"] == ("False", "StillStarting")
        assert "lastFailure" not in told
        assert "The plan expects" not in str(told)
        later = status(rollout=running(1, ready=0), pods=(starts,), now=NOW + timedelta(minutes=1))
        assert conditions(later)["Ready"] == ("False", "NotAnswering")


class TestAutoscaling:
    SLEEPER: ClassVar = {"autoscaling": {"minReplicas": 0, "maxReplicas": 4}}
    TOLD = AutoscalingStatus(desired_replicas=3, limited_by="spec.autoscaling.maxReplicas")

    def test_what_is_wanted_is_what_was_decided_and_not_what_the_spec_shows(self) -> None:
        body = status(spec=spec(autoscaling={"maxReplicas": 3}), wanted=3, rollout=running(3), autoscaling=self.TOLD)
        assert (body["serving"], body["replicas"]) == ("3/3", 3)
        assert conditions(body)["Ready"] == ("True", "Ready")
        assert body["conditions"][2]["message"] == "3 of 3 replicas serve."
        assert body["autoscaling"] == {"desiredReplicas": 3, "limitedBy": "spec.autoscaling.maxReplicas"}

    def test_the_share_that_must_serve_is_one_of_what_is_wanted(self) -> None:
        body = status(spec=spec(autoscaling={"maxReplicas": 9}), wanted=8, rollout=running(8, ready=3))
        assert conditions(body)["Available"] == ("False", "TooFewServing")
        assert body["conditions"][1]["message"] == "3 of 8 replicas serve; at least 4 must."
        assert body["serving"] == "3/8"

    def test_who_sleeps_is_ready_and_not_available(self) -> None:
        body = status(spec=spec(**self.SLEEPER), wanted=0, rollout=running(0))
        assert conditions(body) == {
            "Planned": ("True", "Planned"),
            "Available": ("False", "ScaledToZero"),
            "Ready": ("True", "ScaledToZero"),
        }
        assert body["serving"] == "0/0"

    def test_without_it_nothing_is_said_of_it(self) -> None:
        assert "autoscaling" not in status()
