"""`gemma4 diagnose`: what kubectl prints about a pod becomes one cause, in the words of the operator's status."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from gemma4_operator.cli.main import main
from gemma4_operator.status.diagnose import diagnose
from gemma4_operator.status.evidence import gather
from gemma4_operator.status.pods import pod_view
from gemma4_operator.status.reasons import Reason
from tests.unit.cli.calls import told

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parents[2] / "data" / "pod-failures.json").read_text())
OUT_OF_MEMORY = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.10 GiB."
CRASHED: dict[str, Any] = {
    "kind": "Pod",
    "metadata": {"name": "chat-1"},
    "status": {
        "phase": "Running",
        "containerStatuses": [
            {
                "name": "vllm",
                "ready": False,
                "restartCount": 3,
                "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}},
                "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}},
            }
        ],
    },
}
UNPULLED = {
    "reason": "Failed",
    "message": 'Failed to pull image "vllm/vllm-openai:v9": not found',
    "involvedObject": {"kind": "Pod", "name": "chat-2"},
}
BACK_OFF = {"waiting": {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "vllm/vllm-openai:v9"'}}
REFUSED = {
    "reason": "FailedCreate",
    "message": 'Error creating: pods "chat-1" is forbidden: exceeded quota: gpus, requested: requests.nvidia.com/gpu=1',
    "involvedObject": {"kind": "ReplicaSet", "name": "chat-5d8c"},
}


def saved(folder: Path, name: str, value: Any) -> str:
    path = folder / name
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return str(path)


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_every_field_case(case: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["diagnose", "--events", saved(tmp_path, "events.json", {"items": case["events"]})]
    if case["pod"] is not None:
        arguments += ["--pod", saved(tmp_path, "pod.json", case["pod"])]
    if case["logTail"]:
        arguments += ["--log", saved(tmp_path, "log", "\n".join(case["logTail"]))]
    found = told(arguments, capsys)
    expected = case["expected"]
    for key in ("reason", "fixableBy", "retryable"):
        assert found[key] == expected[key]
    assert [word for word in expected["mustMention"] if word.lower() not in found["message"].lower()] == []


def test_the_words_are_the_operators(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = ["--pod", saved(tmp_path, "pod.json", CRASHED), "--log", saved(tmp_path, "log", OUT_OF_MEMORY)]
    found = told(["diagnose", *files], capsys)
    view = pod_view(CRASHED)
    said = diagnose([view], {"chat-1": gather(view, (), OUT_OF_MEMORY)})
    assert said is not None
    assert said.message == f"Pod 'chat-1': {found['message']} {found['advice']}"


def test_a_log_makes_the_answer_exact(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pod = saved(tmp_path, "pod.json", CRASHED)
    assert told(["diagnose", "--pod", pod], capsys)["reason"] == "EngineCrashed"
    log = saved(tmp_path, "log", f"INFO starting\n{OUT_OF_MEMORY}\n")
    assert told(["diagnose", "--pod", pod, "--log", log], capsys)["reason"] == "GPUOutOfMemory"


def test_events_about_other_pods_do_not_count(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = ["--events", saved(tmp_path, "events.json", [UNPULLED]), "--pod", str(tmp_path / "pod.json")]
    pulling = {"phase": "Pending", "containerStatuses": [{"name": "vllm", "state": BACK_OFF}]}
    reasons = []
    for name in ("chat-1", "chat-2"):
        saved(tmp_path, "pod.json", {"kind": "Pod", "metadata": {"name": name}, "status": pulling})
        reasons.append(told(["diagnose", *files], capsys)["reason"])
    assert reasons == ["ImagePullFailed", "ImageNotFound"]


def placed(status: dict[str, Any]) -> dict[str, Any]:
    """A pod as kubectl prints it: of a ReplicaSet of the Deployment `chat`, on a node, with two claims."""
    owner = {"kind": "ReplicaSet", "name": "chat-5d8c", "controller": True}
    volumes = [
        {"name": "weights", "persistentVolumeClaim": {"claimName": "weights"}},
        {"name": "scratch", "ephemeral": {"volumeClaimTemplate": {}}},
    ]
    metadata = {"name": "chat-5d8c-1", "namespace": "team-a", "ownerReferences": [owner]}
    return {"kind": "Pod", "metadata": metadata, "spec": {"nodeName": "node-a", "volumes": volumes}, "status": status}


CONDITION = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
UNBOUND = {
    "phase": "Pending",
    "conditions": [{**CONDITION, "message": "0/1 nodes: pod has unbound immediate PersistentVolumeClaims."}],
}
KILLED = json.loads(json.dumps(CRASHED["status"]).replace('"exitCode": 1,', '"exitCode": 137,'))
XID = {"reason": "XidError", "message": "NVRM: Xid 79: GPU has fallen off the bus"}
SYSTEM_OOM = {"reason": "SystemOOM", "message": "System OOM encountered, victim process: java"}
UNMADE = {"reason": "ProvisioningFailed", "message": 'storageclass "gone" not found'}
OURS_AND_THEIRS: dict[str, tuple[dict[str, Any], dict[str, str], str, str, str]] = {
    "a fault of the node": (CRASHED["status"], XID, "Node", "node-a", "node-b"),
    "memory of the node": (KILLED, SYSTEM_OOM, "Node", "node-a", "node-b"),
    "a claim": (UNBOUND, UNMADE, "PersistentVolumeClaim", "weights", "database"),
    "a claim made for a pod": (UNBOUND, UNMADE, "PersistentVolumeClaim", "chat-5d8c-1-scratch", "chat-5d8c-2-scratch"),
    "a pod's owner": (CRASHED["status"], XID, "ReplicaSet", "chat-5d8c", "chat-7f9a"),
    "the owner's owner": (CRASHED["status"], XID, "Deployment", "chat", "cha"),
}


@pytest.mark.parametrize("case", OURS_AND_THEIRS)
@pytest.mark.parametrize("form", ["involvedObject", "regarding"])
def test_only_what_the_pod_hangs_on_is_blamed(
    form: str, case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, event, kind, ours, theirs = OURS_AND_THEIRS[case]
    pod = ["diagnose", "--pod", saved(tmp_path, "pod.json", placed(status))]
    without = told(pod, capsys)

    def with_event_of(name: str, **more: str) -> Any:
        about = {"kind": kind, "name": name, **more}
        events: list[dict[str, Any]] = [{**event, form: about}]
        return told([*pod, "--events", saved(tmp_path, "events.json", events)], capsys)

    assert with_event_of(theirs) == without
    assert with_event_of(ours) != without
    elsewhere = {"namespace": "default" if kind == "Node" else "team-b"}
    assert (with_event_of(ours, **elsewhere) == without) is (kind != "Node")


def test_of_a_status_alone_nothing_says_whose_an_event_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    events = saved(tmp_path, "events.json", [{**XID, "involvedObject": {"kind": "Node", "name": "node-b"}}])
    pod = saved(tmp_path, "pod.json", CRASHED["status"])
    assert told(["diagnose", "--pod", pod, "--events", events], capsys)["reason"] == "GPUHardwareFault"


def test_without_a_pod_the_events_tell_why_none_was_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = told(["diagnose", "--events", saved(tmp_path, "events.json", [REFUSED])], capsys)
    assert found["reason"] == "QuotaExceeded"


def test_a_pod_that_serves_has_no_cause(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pod = {"kind": "Pod", "status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    found = told(["diagnose", "--pod", saved(tmp_path, "pod.json", pod)], capsys)
    assert (found["reason"], found["message"], found["advice"]) == (None, "The pod serves.", "Nothing to do.")


def test_what_tells_nothing_is_answered_with_what_to_bring(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = told(["diagnose", "--events", saved(tmp_path, "events.json", "[]")], capsys)
    assert found["reason"] is None
    assert found["advice"] == "Give the pod, its events and the end of its log together."


def test_a_log_that_begins_within_a_character_says_as_much(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "log"
    log.write_bytes(f"é\n{OUT_OF_MEMORY}\n".encode()[1:])
    pod = saved(tmp_path, "pod.json", CRASHED)
    assert told(["diagnose", "--pod", pod, "--log", str(log)], capsys)["reason"] == "GPUOutOfMemory"


def test_a_secret_in_a_log_is_not_repeated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    token = "hf_" + "a1B2" * 8
    log = saved(tmp_path, "log", f"401 Client Error: Unauthorized, Authorization: Bearer {token}")
    assert main(["diagnose", "--pod", saved(tmp_path, "pod.json", CRASHED), "--log", log]) == 0
    assert token not in capsys.readouterr().out


def test_people_see_the_cause_and_who_mends_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = ["--pod", saved(tmp_path, "pod.json", CRASHED), "--log", saved(tmp_path, "log", OUT_OF_MEMORY)]
    assert main(["diagnose", *files]) == 0
    *told, advice, rest = capsys.readouterr().out.splitlines()
    assert told == [
        "cause     GPUOutOfMemory",
        "message   container 'vllm', ended with exit code 1, restarted 3 times: torch.OutOfMemoryError: CUDA out of "
        "memory. Tried",
        "          to allocate 2.10 GiB.",
        "fixed by  User; a new attempt changes nothing",
    ]
    assert f"{advice} {rest.strip()}" == f"advice    {Reason.GPU_OUT_OF_MEMORY.advice}"


def test_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(CRASHED)))
    assert told(["diagnose", "--pod", "-"], capsys)["reason"] == "EngineCrashed"


@pytest.mark.parametrize(
    ("arguments", "files", "sentence"),
    [
        ([], {}, "`POD` or `--pod` must be given, or `--events` where no pod was ever made"),
        (["--log", "log"], {"log": "x"}, "`POD` or `--pod` must be given, or `--events` where no pod was ever made"),
        (
            ["chat-1", "--log", "log"],
            {"log": "x"},
            "`POD` must be alone, or files be given in its place: a pod of the cluster needs none",
        ),
        (["--pod", "-", "--log", "-"], {}, "`-` must be given once: standard input can be read only once"),
        (
            ["--pod", "pod"],
            {"pod": {"kind": "PodList", "items": [CRASHED, CRASHED]}},
            "pod: must hold one Pod, as `kubectl get pod NAME -o json` prints it, and has 2 of them",
        ),
        (
            ["--pod", "pod"],
            {"pod": {"kind": "Node", "metadata": {"name": "gpu-1"}}},
            "pod: must hold one Pod, as `kubectl get pod NAME -o json` prints it, and has none",
        ),
        (
            ["--pod", "pod"],
            {"pod": {"kind": "Node", "metadata": {"name": "gpu-1"}, "status": {"conditions": []}}},
            "pod: must hold one Pod, as `kubectl get pod NAME -o json` prints it, and has none",
        ),
        (
            ["--events", "events"],
            {"events": [CRASHED]},
            "events: must hold what `kubectl get events -o json` prints, and has one without `reason`",
        ),
        (
            ["--pod", "pod", "-n", "team-a"],
            {},
            "`-n`, `--context` and `--kubeconfig` must be given with `POD` alone: files need no cluster",
        ),
        (["--pod", "absent"], {}, "absent: must be a file that can be read: No such file or directory"),
    ],
    ids=[
        "nothing",
        "only a log",
        "a pod and a file",
        "one input twice",
        "two pods",
        "a node",
        "a node with conditions",
        "no events",
        "a namespace beside a file",
        "no file",
    ],
)
def test_what_cannot_be_used_is_told_in_one_sentence(
    arguments: list[str],
    files: dict[str, Any],
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in files.items():
        saved(tmp_path, name, value)
    assert main(["diagnose", *arguments]) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", f"gemma4: {sentence}\n")
