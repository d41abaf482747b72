# ruff: noqa: E501  -- lines of programs stand as they are printed
"""The field cases, and what holds for any pod: always an answer or none, the same in any order, never a secret."""

import json
import random
import re
import string
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.status.diagnose import diagnose
from gemma4_operator.status.diagnosis import engine, images, rules, scheduling
from gemma4_operator.status.diagnosis.cause import find_cause
from gemma4_operator.status.diagnosis.rules import Diagnosis
from gemma4_operator.status.evidence import Evidence, gather
from gemma4_operator.status.meanings import FixableBy
from gemma4_operator.status.pods import pod_view
from gemma4_operator.status.reasons import Reason
from tests.unit.status.test_diagnosis_further import CASES as FURTHER

CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "data" / "pod-failures.json").read_text(encoding="utf-8")
)
WRONG: dict[str, str] = {}
"""Cases that are known to be wrong, by id, each with why; at most one in twenty."""
LONGEST = 1000


def raw_pod(case: dict[str, Any]) -> dict[str, Any] | None:
    names = [event["involvedObject"]["name"] for event in case["events"] if event["involvedObject"]["kind"] == "Pod"]
    return {"metadata": {"name": (names or ["pod"])[0]}, "status": case["pod"]} if case["pod"] is not None else None


def cause_of(case: dict[str, Any]) -> Diagnosis | None:
    return find_cause(gather(raw_pod(case), case["events"], case["logTail"]))


def _marked(case: dict[str, Any]) -> Any:
    why = WRONG.get(case["id"])
    return pytest.param(case, id=case["id"], marks=[pytest.mark.xfail(reason=why, strict=True)] if why else [])


@pytest.mark.parametrize("case", [_marked(case) for case in CASES])
def test_a_field_case(case: dict[str, Any]) -> None:
    expected, cause = case["expected"], cause_of(case)
    assert cause is not None
    assert (cause.reason.value, cause.message) == (expected["reason"], cause.message)
    assert str(cause.reason.fixable_by) == expected["fixableBy"]
    assert cause.reason.retryable is expected["retryable"]
    assert [word for word in expected["mustMention"] if word.lower() not in cause.message.lower()] == []
    assert len(cause.message) < LONGEST


def test_at_most_one_in_twenty_is_wrong() -> None:
    assert len(CASES) == 79
    assert len(WRONG) <= len(CASES) * 0.05


EVIDENCE: dict[str, tuple[Any, list[Any], list[str]]] = {
    **{case["id"]: (raw_pod(case), case["events"], case["logTail"]) for case in CASES},
    **{name: (case.pod, list(case.events), list(case.log)) for name, case in FURTHER.items()},
}


def reason_of(pod: Any, events: Any, log: Any) -> Reason | None:
    cause = find_cause(gather(pod, events, log))
    return None if cause is None else cause.reason


@pytest.mark.parametrize("name", EVIDENCE)
def test_order_does_not_matter(name: str) -> None:
    pod, events, log = json.loads(json.dumps(EVIDENCE[name]))
    before = find_cause(gather(pod, events, log))
    events.reverse()
    for kind in ("containerStatuses", "initContainerStatuses", "conditions"):
        if pod is not None:
            pod["status"].get(kind, []).reverse()
    assert find_cause(gather(pod, events, log)) == before


@pytest.mark.parametrize("name", EVIDENCE)
@pytest.mark.parametrize("seed", range(3))
def test_other_names_and_numbers_give_the_same_reason(name: str, seed: int) -> None:
    pod, events, log = EVIDENCE[name]
    draw = random.Random(f"{name} {seed}")
    text = json.dumps([pod, events, log])
    for old in sorted(_names(pod, events), key=len, reverse=True):
        text = text.replace(old, _name(draw))
    changed = json.loads(text)
    other = _renumber(changed, draw)
    assert reason_of(*other) is reason_of(pod, events, log)


def _names(pod: Any, events: list[Any]) -> set[str]:
    """Names of objects and images; words that programs print of themselves stay."""
    found = {event["involvedObject"]["name"] for event in events}
    if pod is not None:
        found.add(pod["metadata"]["name"])
        statuses = [*pod["status"].get("containerStatuses", ()), *pod["status"].get("initContainerStatuses", ())]
        found |= {status["image"] for status in statuses if "image" in status}
    return {name for name in found if len(name) > 4}


def _name(draw: random.Random) -> str:
    return "-".join("".join(draw.choices(string.ascii_lowercase, k=draw.randint(3, 9))) for _ in range(3))


def _renumber(value: Any, draw: random.Random) -> Any:
    """Change counts of nodes, process ids, hashes and sizes, and leave what has a meaning: codes, errors, statuses."""
    if isinstance(value, dict):
        return {key: _renumber(item, draw) for key, item in value.items()}
    if isinstance(value, list):
        return [_renumber(item, draw) for item in value]
    if not isinstance(value, str):
        return value
    value = re.sub(r"pid=\d+", lambda _: f"pid={draw.randint(2, 99999)}", value)
    value = re.sub(r"\b\d+\.\d\d(?= [GM]i?B)", lambda _: f"{draw.randint(100, 900)}.{draw.randint(10, 99)}", value)
    value = re.sub(r"\b0/\d+ nodes", lambda _: f"0/{draw.randint(1, 5000)} nodes", value)
    value = re.sub(r"\b[1-9]\d*(?= (?:Insufficient|node\(s\)))", lambda _: str(draw.randint(1, 5000)), value)
    value = re.sub(
        r"\b[0-9a-f]{12,}\b", lambda found: "".join(draw.choices("0123456789abcdef", k=len(found[0]))), value
    )
    return re.sub(r"\d\d-\d\d \d\d:\d\d:\d\d", "01-02 03:04:05", value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
STATE = st.sampled_from(["waiting", "running", "terminated"]).flatmap(
    lambda kind: st.fixed_dictionaries(
        {
            kind: st.fixed_dictionaries(
                {},
                optional={
                    "reason": st.sampled_from(["OOMKilled", "Error", "ErrImagePull", "CrashLoopBackOff"]) | JSON,
                    "message": JSON,
                    "exitCode": st.integers() | JSON,
                },
            )
            | JSON
        }
    )
)
CONTAINER = st.fixed_dictionaries(
    {},
    optional={
        "name": JSON,
        "image": JSON,
        "ready": JSON,
        "started": st.booleans() | JSON,
        "restartCount": JSON,
        "state": STATE | JSON,
        "lastState": STATE | JSON,
    },
)
CONDITION = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["PodScheduled", "Ready", "DisruptionTarget", "PodReadyToStartContainers"]) | JSON,
        "status": st.sampled_from(["True", "False", "Unknown"]) | JSON,
        "reason": st.sampled_from(
            ["Unschedulable", "SchedulingGated", "ReadinessGatesNotReady", "PreemptionByScheduler"]
        )
        | JSON,
        "message": JSON,
        "lastTransitionTime": st.sampled_from(["2026-11-20T08:00:00", "9999-12-31T23:59:59Z"]) | JSON,
    },
)
STATUS = st.fixed_dictionaries(
    {},
    optional={
        "phase": st.sampled_from(["Pending", "Running", "Failed", "Succeeded"]) | JSON,
        "reason": st.sampled_from(["Evicted", "UnexpectedAdmissionError", "NodeLost"]) | JSON,
        "message": JSON,
        "conditions": st.lists(CONDITION, max_size=4) | JSON,
        "containerStatuses": st.lists(CONTAINER, max_size=3) | JSON,
        "initContainerStatuses": st.lists(CONTAINER, max_size=3) | JSON,
    },
)
PROBED = st.fixed_dictionaries({}, optional={"name": JSON, "startupProbe": JSON, "readinessProbe": JSON})
SPEC = st.fixed_dictionaries(
    {},
    optional={
        "containers": st.lists(PROBED, max_size=3) | JSON,
        "readinessGates": st.lists(st.fixed_dictionaries({"conditionType": JSON}), max_size=2) | JSON,
        "schedulingGates": st.lists(st.fixed_dictionaries({"name": JSON}), max_size=2) | JSON,
    },
)
NEWS = st.fixed_dictionaries({}, optional={"time": JSON, "fieldsV1": st.fixed_dictionaries({"f:status": JSON}) | JSON})
METADATA = st.fixed_dictionaries({}, optional={"name": JSON, "managedFields": st.lists(NEWS, max_size=2) | JSON})
POD = st.fixed_dictionaries({"status": STATUS | JSON}, optional={"metadata": METADATA | JSON, "spec": SPEC | JSON})
EVENT = st.fixed_dictionaries(
    {},
    optional={
        "reason": st.sampled_from(["Failed", "FailedMount", "Killing", "FailedCreate", "Preempted", "Pulling"]) | JSON,
        "message": st.sampled_from(["Container x failed liveness probe", "exceeded quota"]) | JSON,
        "involvedObject": JSON,
        "lastTimestamp": JSON,
    },
)


@given(pod=st.none() | POD, events=st.lists(EVENT | JSON, max_size=4), log=st.text() | st.lists(st.text(), max_size=5))
def test_anything_has_an_answer_or_none(pod: Any, events: list[Any], log: Any) -> None:
    cause = find_cause(gather(pod, events, log))
    assert cause is None or (cause.reason.fixable_by is not None and len(cause.message) < LONGEST)
    assert find_cause(gather(pod, reversed(events), log)) == cause


@pytest.mark.parametrize("name", EVIDENCE)
def test_a_pod_that_serves_has_no_cause(name: str) -> None:
    pod, events, log = EVIDENCE[name]
    if pod is None:
        return
    ready = {"type": "Ready", "status": "True"}
    others = [item for item in pod["status"].get("conditions", ()) if item["type"] != "Ready"]
    serving = {**pod, "status": {**pod["status"], "conditions": [*others, ready]}}
    assert find_cause(gather(serving, events, log)) is None


@pytest.mark.parametrize("name", EVIDENCE)
def test_without_events_and_log_there_is_still_an_answer(name: str) -> None:
    pod, _, _ = EVIDENCE[name]
    cause = find_cause(gather(pod))
    assert (cause is None) == (pod is None)
    if pod is not None:
        finding = diagnose([pod_view(pod)])
        assert (
            finding is None or "load the weights" in finding.message or finding.message.endswith(finding.reason.advice)
        )


SECRETS = (
    "hf_" + "aB3dE6gH9" * 4,
    "hf_" + "abcdefghijklmnopqrstuvwxyzabcdefgh",
    "nvapi-" + "x9_-Q" * 12,
    "Bearer eyJhbGciOi.payload.sig",
    "https://user:pa55word@registry.example.com/v2/",
    "https://bucket.s3.amazonaws.com/x?X-Amz-Credential=AKIA&X-Amz-Signature=deadbeef01",
)
HIDDEN = ("aB3dE6gH9", "ghijkl", "x9_-Q", "eyJhbGciOi", "pa55word", "AKIA", "deadbeef01")


@pytest.mark.parametrize("name", EVIDENCE)
def test_no_secret_is_told(name: str) -> None:
    pod, events, log = EVIDENCE[name]
    secret = " ".join(SECRETS)
    text = json.dumps([pod, events, log])
    marked = json.loads(re.sub(r'("(?:message)": ")', lambda found: found[1] + secret + " ", text))
    marked[2] = [f"{line} {secret}" for line in marked[2]]
    evidence = gather(*marked)
    assert not [part for part in HIDDEN if part in repr(evidence)]
    cause = find_cause(evidence)
    assert cause is None or not [part for part in HIDDEN if part in cause.message]


@pytest.mark.parametrize("word", ["hf_transfer", "hf_overrides", "--hf-overrides", "hf_hub_download", "nvapi-"])
def test_words_that_are_no_secrets_stay(word: str) -> None:
    assert word in gather(None, (), [f"x {word} y"]).log[0]


ALL_RULES = (*engine.RULES, *images.RULES, *scheduling.RULES)


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule.says[:40])
def test_a_rule_names_its_source_and_a_cause(rule: rules.Rule) -> None:
    assert len(rule.says) > 10
    assert isinstance(rule.reason.fixable_by, FixableBy)
    assert rule.match("") is None
    assert rule.match("The server is ready.") is None


@pytest.mark.parametrize("letter", ["a", " ", "0 ", "not ", "error ", "no ", "/a", "Process 1 has 1 GiB ", "x: "])
def test_a_long_line_takes_no_time(letter: str) -> None:
    lines = [letter * (8000 // len(letter))] * 3
    start = time.process_time()
    find_cause(Evidence(log=gather(None, (), lines).log))
    assert time.process_time() - start < 5


HEALTHY = """
(APIServer pid=1) INFO 06-19 15:35:00 [api_utils.py:273] non-default args: {'model': 'x', 'api_key': None, 'quantization': None}
(APIServer pid=1) WARNING 08-19 14:58:41 [__init__.py:1635] Default sampling parameters have been overridden by the model's Hugging Face generation config recommended from the model creator. If this is not intended, please relaunch vLLM instance with `--generation-config vllm`.
(EngineCore_DP0 pid=188893) INFO 10-21 09:11:57 [gpu_worker.py:298] Available KV cache memory: 16.23 GiB
(EngineCore_DP0 pid=188893) INFO 10-21 09:11:57 [kv_cache_utils.py:1087] GPU KV cache size: 425,424 tokens
(EngineCore_DP0 pid=441) INFO 11-24 11:44:01 [backends.py:648] Using cache directory: /root/.cache/vllm/torch_compile_cache/fd1e589ad6/rank_0_0/backbone for vLLM's torch.compile
INFO 06-16 09:48:14 [config.py:1634] Disabled the custom all-reduce kernel because it is not supported on current platform.
WARNING 06-16 09:48:14 [_logger.py:72] uni is not supported on CPU, fallback to mp distributed executor backend.
(EngineCore pid=9) INFO 11-20 08:00:01 [cuda.py:300] Using FLASH_ATTN attention backend out of potential backends: ['FLASH_ATTN', 'FLASHINFER'].
Warning: You are sending unauthenticated requests to the HF Hub. Please set a HF_TOKEN to enable higher rate limits and faster downloads.
(Worker_TP0 pid=402) INFO 11-20 08:03:44 [pynccl.py:111] vLLM is using nccl==2.27.5
INFO 07-26 09:44:00.18 ngc_profile.py:224] Detected 3 compatible profile(s).
INFO 2026-05-11 09:12:02 nim_sdk.py:376] Downloading manifest profile: 4f904d571fe60ff24695b5ee2aa42da58cb460787a968f1e8a09f5a7e862728d
NOTE: CUDA Forward Compatibility mode ENABLED.
ggml_cuda_init: found 1 CUDA devices (Total VRAM: 24564 MiB):
  Device 0: NVIDIA GeForce RTX 4090, compute capability 8.9, VMM: yes, VRAM: 24564 MiB
0.00.072.371 W srv  llama_server: CORS is set to allow all origins ('*') and no API key is set
0.00.072.372 W srv  llama_server: this can be a security risk (cross-origin attacks)
load_backend: loaded CPU backend from /app/libggml-cpu-haswell.so
warning: failed to mlock 123-byte buffer (after previously locking 0 bytes): Cannot allocate memory
load: control-looking token:    212 '</s>' was not control-type; this is probably a bug in the model. its type will be overridden
srv    load_model: prompt cache is enabled, size limit: 8192 MiB
main: server is listening on http://0.0.0.0:8080 - starting the main loop
Couldn't find '/root/.ollama/id_ed25519'. Generating new private key.
time=2026-09-01T03:12:40.118Z level=INFO source=routes.go:1225 msg="server config" env="map[OLLAMA_DEBUG:INFO OLLAMA_HOST:http://0.0.0.0:11434 OLLAMA_MODELS:/cache]"
time=2026-09-01T03:12:40.200Z level=INFO source=gpu.go:217 msg="looking for compatible GPUs"
time=2026-09-01T03:12:40.300Z level=WARN source=sched.go:200 msg="model architecture does not currently support parallel requests"
[GIN] 2026/09/01 - 21:40:19 | 200 |      35.087us |      172.17.0.1 | HEAD     "/"
[GIN] 2026/09/01 - 21:40:20 | 404 |      35.087us |      172.17.0.1 | POST     "/api/show"
time=2026-09-01T03:12:41.330Z level=INFO source=download.go:291 msg="60e05f210007 part 5 attempt 0 failed: EOF, retrying in 1s"
""".strip().splitlines()


@pytest.mark.parametrize("line", HEALTHY)
def test_what_a_healthy_engine_prints_is_no_cause(line: str) -> None:
    assert engine.cause(gather(None, (), [line]).log) is None


def test_logs_in_json_are_read() -> None:
    line = json.dumps({"level": "error", "message": "ValueError: No available memory for the cache blocks."})
    cause = find_cause(gather(None, (), [line]))
    assert cause is not None
    assert cause.reason is Reason.KV_CACHE_TOO_SMALL
    assert "{" not in cause.message


def test_last_words_in_the_status_are_read_as_a_log() -> None:
    words = json.dumps({"level": "ERROR", "message": "Exception: Authentication Error", "exc_info": "None"})
    ended = {"terminated": {"exitCode": 1, "reason": "Error", "message": f"INFO It begins\n{words}\n"}}
    container = {
        "name": "nim",
        "ready": False,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": ended,
    }
    cause = find_cause(gather({"metadata": {"name": "a"}, "status": {"containerStatuses": [container]}}))
    assert cause is not None
    assert cause.reason is Reason.CREDENTIALS_INVALID
    assert "{" not in cause.message


def test_the_newest_event_counts() -> None:
    pod = {"metadata": {"name": "a"}, "status": {"phase": "Pending", "conditions": []}}
    old = {"reason": "FailedScheduling", "message": "0/1 nodes are available: 1 Insufficient nvidia.com/gpu."}
    new = {"reason": "FailedScheduling", "message": "0/1 nodes are available: 1 Insufficient cpu."}
    events = [old | {"lastTimestamp": "2026-11-20T08:00:00Z"}, new | {"eventTime": "2026-11-20T09:00:00.000000Z"}]
    assert reason_of(pod, events, ()) is Reason.INSUFFICIENT_NODE_RESOURCES
