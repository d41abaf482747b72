"""Pods that have started and do not serve: what has served and is silent, what never answered, what a gate holds."""

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest

from gemma4_operator.status.diagnose import Finding, diagnose
from gemma4_operator.status.diagnosis.answering import not_serving
from gemma4_operator.status.diagnosis.cause import find_cause
from gemma4_operator.status.evidence import gather
from gemma4_operator.status.pods import pod_view, speaker
from gemma4_operator.status.reasons import Reason
from gemma4_operator.status.unready import GATE_SECONDS, MOMENT_SECONDS
from tests.rendering import ONE_OF_EACH, VLLM, walk

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
DAYS = 3 * 86400
REFUSES = "Readiness probe failed: HTTP probe failed with statuscode: 503"
ENGINE = walk(VLLM).pod_spec["containers"][0]
PROXY = {"name": "proxy", "image": "registry.test/proxy:1", "readinessProbe": {"tcpSocket": {"port": 9000}}}
READY_SECONDS = MOMENT_SECONDS + 30
"""After the kubelet's last news, for probes as they are rendered: every ten seconds."""


def ago(seconds: float) -> str:
    return (NOW - timedelta(seconds=seconds)).isoformat()


def runs(name: str = "vllm", *, since: float = DAYS, ready: bool = False, started: bool = True, **more: Any) -> Any:
    state = {"running": {"startedAt": ago(since)}}
    return {"name": name, "ready": ready, "started": started, "restartCount": 0, "state": state, **more}


def pod(
    *statuses: Any,
    unready: float,
    told: float | None = None,
    beside: tuple[Any, ...] = (),
    engine: Any = ENGINE,
    why: str = "ContainersNotReady",
    message: str = "",
    others: tuple[Any, ...] = (),
    spec: Any = None,
    **metadata: Any,
) -> dict[str, Any]:
    """Return a pod that has been unready for so many seconds, and of which its kubelet told something so long ago."""
    said = {"subresource": "status", "fieldsV1": {"f:status": {"f:containerStatuses": {}}}}
    news = [{**said, "manager": "kubelet", "time": ago(told)}] if told is not None else []
    ready = {"type": "Ready", "status": "False", "reason": why, "message": message, "lastTransitionTime": ago(unready)}
    return {
        "metadata": {"name": "chat-1", "managedFields": news, **metadata},
        "spec": {"nodeName": "gpu-7", "containers": [engine, *beside], **(spec or {})},
        "status": {"phase": "Running", "conditions": [ready, *others], "containerStatuses": list(statuses)},
    }


def refusal(message: str = REFUSES, *, seconds_ago: float = 5) -> dict[str, Any]:
    about = {"kind": "Pod", "name": "chat-1"}
    return {"reason": "Unhealthy", "message": message, "involvedObject": about, "lastTimestamp": ago(seconds_ago)}


def found(raw: dict[str, Any], *events: Any, log: str = "") -> Finding | None:
    return diagnose([pod_view(raw)], {"chat-1": gather(raw, events, log, read_at=NOW)})


def reason(raw: dict[str, Any], *events: Any, log: str = "") -> Reason | None:
    finding = found(raw, *events, log=log)
    return finding.reason if finding is not None else None


class TestAnEngineThatHasServedAndIsSilent:
    MUTE = pod(runs(), unready=600)
    SERVES = 'INFO:     10.0.0.1:1 - "POST /v1/chat/completions HTTP/1.1" 200 OK'

    def test_is_a_failure_with_since_when_and_the_probes_own_words(self) -> None:
        finding = found(self.MUTE, refusal(), log="Engine 000: Avg prompt throughput: 0.0 tokens/s, 7% cache usage")
        assert finding is not None
        assert finding.reason is Reason.NOT_ANSWERING
        assert finding.message == (
            "Pod 'chat-1': container 'vllm' has run since 2026-11-22T12:00:00Z; it was ready, and has not answered its "
            f"readiness probe since 2026-11-25T11:50:00Z: {REFUSES}. {Reason.NOT_ANSWERING.advice}"
        )

    def test_is_one_at_once_and_without_an_event_or_a_log(self) -> None:
        finding = diagnose([pod_view(pod(runs(), unready=1))])
        assert finding is not None
        assert finding.reason is Reason.NOT_ANSWERING

    @pytest.mark.parametrize("engine", ONE_OF_EACH)
    def test_is_known_of_each_engine_by_the_startup_probe_that_it_is_rendered_with(self, engine: str) -> None:
        container = walk(ONE_OF_EACH[engine]).engine
        mute = pod(runs(container["name"], since=90), unready=30, engine=container)
        assert reason(mute) is Reason.NOT_ANSWERING
        loads = pod(runs(container["name"], since=90, started=False), unready=95, engine=container)
        assert reason(loads) is Reason.STILL_STARTING

    def test_did_not_fail_as_it_did_long_ago(self) -> None:
        last = {"exitCode": 1, "reason": "Error", "message": "torch.OutOfMemoryError: CUDA out of memory."}
        mute = pod(runs(restartCount=4, lastState={"terminated": last}), unready=600)
        assert reason(mute) is Reason.NOT_ANSWERING
        assert speaker(pod_view(mute)) is None, "its log is that of now"

    def test_may_say_in_its_log_what_ails_it(self) -> None:
        line = "RuntimeError: CUDA error: uncorrectable ECC error encountered"
        assert reason(self.MUTE, log=line) is Reason.GPU_HARDWARE_FAULT
        assert reason(self.MUTE, log=f"{line}\n{self.SERVES}") is Reason.NOT_ANSWERING

    def test_is_no_news_with_each_port_from_which_its_kubelet_asks(self) -> None:
        asked = 'Readiness probe failed: Get "http://10.0.0.3:8000/health": read tcp 10.0.0.1:{}->10.0.0.3:8000: reset'
        assert found(self.MUTE, refusal(asked.format(40001))) == found(self.MUTE, refusal(asked.format(50002)))

    def test_goes_before_what_serves_beside_it(self) -> None:
        mute = pod(runs("a-proxy"), runs(), unready=600, beside=({**PROXY, "name": "a-proxy"},))
        assert "container 'vllm' has run" in found(mute).message

    def test_is_told_to_go_and_drains(self) -> None:
        drains = pod(runs(), unready=20, deletionTimestamp=ago(-100))
        assert reason(drains) is None
        told = find_cause(gather(drains, [refusal()], read_at=NOW))
        assert told is None or told.reason is Reason.STILL_STARTING

    def test_was_started_again_and_loads(self) -> None:
        """A kubelet that kills for liveness starts the container anew before it writes that the pod is not ready."""
        unguarded = {key: value for key, value in ENGINE.items() if key != "startupProbe"}
        assert reason(pod(runs(since=60), unready=58, engine=unguarded)) is Reason.STILL_STARTING
        assert reason(pod(runs(since=60, started=False), unready=58)) is Reason.STILL_STARTING


class TestAnEngineThatHasJustStarted:
    @pytest.mark.parametrize("told", [0, 15, READY_SECONDS - 1])
    def test_has_its_moment_until_the_first_answer(self, told: float) -> None:
        """Of a load that took long its log is read, and it is that of an engine that serves."""
        starts = pod(runs(since=900), unready=905, told=told)
        finding = found(starts, refusal(), log="Engine 000: Avg prompt throughput: 0.0 tokens/s")
        assert finding is not None
        assert finding.reason is Reason.STILL_STARTING
        assert finding.message == (
            "1 of 1 waiting pods have started and are not ready yet. pod 'chat-1' is starting: its startup probes have "
            "passed, and its readiness probes have not yet."
        )

    def test_fails_when_that_has_passed(self) -> None:
        finding = found(pod(runs(since=900), unready=905, told=READY_SECONDS), refusal())
        assert finding is not None
        assert finding.reason is Reason.NOT_ANSWERING
        assert f"it has started, and has not answered its readiness probe yet: {REFUSES}. " in finding.message

    def test_fails_for_what_it_failed_for_before_only_until_then(self) -> None:
        last = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
        anew = runs(since=900, restartCount=1, lastState=last)
        assert reason(pod(anew, unready=905, told=5)) is Reason.HOST_OUT_OF_MEMORY
        assert reason(pod(anew, unready=905, told=READY_SECONDS)) is Reason.NOT_ANSWERING

    def test_has_as_long_as_its_own_probe_takes(self) -> None:
        slow = {**ENGINE, "readinessProbe": {"initialDelaySeconds": 600, "periodSeconds": 60}}
        assert reason(pod(runs(), unready=DAYS, told=780, engine=slow)) is Reason.STILL_STARTING
        assert reason(pod(runs(), unready=DAYS, told=840, engine=slow)) is Reason.NOT_ANSWERING

    def test_is_judged_by_its_refusals_where_nobody_knows_the_time(self) -> None:
        """As in files that `kubectl get` wrote."""
        starts = pod(runs(since=900), unready=905)
        assert not_serving(gather(starts)) is None
        told = not_serving(gather(starts, [refusal()]))
        assert told is not None
        assert told.reason is Reason.NOT_ANSWERING

    def test_may_be_one_without_a_startup_probe_that_loads_for_long(self) -> None:
        unguarded = {key: value for key, value in ENGINE.items() if key != "startupProbe"}
        loads = pod(runs(since=3000), unready=3005, told=3000, engine=unguarded)
        assert reason(loads, refusal()) is Reason.STILL_STARTING


class TestWhatServesBesideAnEngine:
    def test_is_named_when_it_has_served(self) -> None:
        finding = found(pod(runs(ready=True), runs("proxy"), unready=600, beside=(PROXY,)))
        assert finding is not None
        assert finding.reason is Reason.NOT_ANSWERING
        assert "container 'proxy' has run since" in finding.message

    def test_is_named_when_it_never_answers_though_the_engine_does(self) -> None:
        beside = pod(runs(since=900, ready=True), runs("proxy", since=900), unready=905, told=100, beside=(PROXY,))
        assert "container 'proxy' has run since" in found(beside).message

    @pytest.mark.parametrize("probe", [{}, {"startupProbe": {"tcpSocket": {"port": 9000}}}], ids=["none", "one"])
    def test_is_none_to_be_named_while_the_engine_loads(self, probe: dict[str, Any]) -> None:
        engine = runs(since=900, started=False)
        loads = pod(engine, runs("proxy", since=900), unready=905, told=900, beside=({**PROXY, **probe},))
        assert reason(loads) is Reason.STILL_STARTING

    def test_says_nothing_of_an_engine_that_has_no_startup_probe(self) -> None:
        guard = {**PROXY, "startupProbe": {"tcpSocket": {"port": 9000}}}
        unguarded = {key: value for key, value in ENGINE.items() if key != "startupProbe"}
        loads = pod(
            runs(since=900),
            runs("proxy", since=900, ready=True),
            unready=905,
            told=890,
            beside=(guard,),
            engine=unguarded,
        )
        assert reason(loads) is Reason.STILL_STARTING


class TestAReadinessGate:
    GATES: ClassVar[dict[str, Any]] = {
        "readinessGates": [{"conditionType": "example.com/lb"}, {"conditionType": "met"}]
    }

    def held(self, *, since: float, spec: Any = None, message: str = "") -> dict[str, Any]:
        """Return a pod whose containers have been ready for so long."""
        whole = {"type": "ContainersReady", "status": "True", "lastTransitionTime": ago(since)}
        met = {"type": "met", "status": "True"}
        why, others = "ReadinessGatesNotReady", (whole, met)
        return pod(
            runs(ready=True),
            unready=DAYS,
            why=why,
            message=message,
            others=others,
            spec=self.GATES if spec is None else spec,
        )

    def test_that_is_not_met_is_named(self) -> None:
        finding = found(self.held(since=GATE_SECONDS))
        assert finding is not None
        assert finding.reason is Reason.READINESS_GATE_UNMET
        assert finding.message == (
            "Pod 'chat-1': all containers are ready, and readiness gate 'example.com/lb' keeps the pod from serving "
            f"since 2026-11-25T11:55:00Z. {Reason.READINESS_GATE_UNMET.advice}"
        )

    def test_has_its_time_and_loads_nothing_meanwhile(self) -> None:
        finding = found(self.held(since=GATE_SECONDS - 1))
        assert finding is not None
        assert finding.reason is Reason.STILL_STARTING
        assert "readiness gate 'example.com/lb' is not met yet" in finding.message
        assert "load the weights" not in finding.message

    def test_has_its_time_anew_when_it_was_met_before(self) -> None:
        lost = self.held(since=DAYS)
        lost["status"]["conditions"][0]["lastTransitionTime"] = ago(10)
        assert reason(lost) is Reason.STILL_STARTING

    def test_is_named_in_the_kubelets_words_where_the_spec_is_not_known(self) -> None:
        said = 'corresponding condition of pod readiness gate "example.com/lb" does not exist.'
        assert (
            "'example.com/lb' keeps" in found(self.held(since=900, spec={"readinessGates": []}, message=said)).message
        )

    def test_is_what_there_is_to_tell_where_nobody_knows_the_time(self) -> None:
        told = not_serving(gather(self.held(since=10)))
        assert told is not None
        assert told.reason is Reason.READINESS_GATE_UNMET

    def test_is_judged_by_the_pass_where_nothing_more_was_read(self) -> None:
        finding = diagnose([pod_view(self.held(since=10))], now=NOW)
        assert finding is not None
        assert finding.reason is Reason.STILL_STARTING


class TestAKillByAProbe:
    """The liveness probe begins only when the startup probe has passed."""

    ENDED: ClassVar[dict[str, Any]] = {"exitCode": 137, "reason": "Error"}
    FAILED = refusal('Liveness probe failed: Get "http://10.0.0.3:8000/health": context deadline exceeded')
    STARTS_AGAIN = refusal("Startup probe failed: dial tcp 10.0.0.3:8000: connect: connection refused", seconds_ago=1)

    def killed(self, *events: Any, by: str = "", ran: float = 0, engine: Any = ENGINE) -> Any:
        """Return the cause of a pod whose container ran for so long, ended and loads again."""
        about = {"involvedObject": {"kind": "Pod", "name": "chat-1"}, "lastTimestamp": ago(30)}
        killing = {"reason": "Killing", "message": f"Container vllm failed {by} probe, will be restarted", **about}
        last = self.ENDED | ({"startedAt": ago(ran + 20), "finishedAt": ago(20)} if ran else {})
        status = runs(since=18, started=False, restartCount=1, lastState={"terminated": last})
        return find_cause(gather(pod(status, unready=40, engine=engine), [*events, *([killing] if by else [])]))

    @pytest.mark.parametrize("ran", [0, 200, DAYS])
    def test_of_liveness_is_that_of_an_engine_that_hung(self, ran: float) -> None:
        cause = self.killed(self.STARTS_AGAIN, self.FAILED, by="liveness", ran=ran)
        assert cause.reason is Reason.PROBE_KILLED
        assert "Liveness probe failed" in cause.message
        assert "Startup" not in cause.message
        assert ("which ran for 3 days" in cause.message) == (ran == DAYS)

    def test_of_startup_is_that_of_an_engine_that_took_too_long(self) -> None:
        assert self.killed(self.STARTS_AGAIN, by="startup", ran=900).reason is Reason.PROBE_KILLED_DURING_START

    def test_of_liveness_may_be_so_as_well_where_no_startup_probe_held_it_back(self) -> None:
        unguarded = {key: value for key, value in ENGINE.items() if key != "startupProbe"}
        killed = self.killed(self.FAILED, by="liveness", ran=150, engine=unguarded)
        assert killed.reason is Reason.PROBE_KILLED_DURING_START
        assert self.killed(self.FAILED, by="liveness", ran=DAYS, engine=unguarded).reason is Reason.PROBE_KILLED

    def test_of_which_the_event_is_gone_is_known_by_the_probes_failures(self) -> None:
        assert self.killed(self.STARTS_AGAIN, self.FAILED, ran=DAYS).reason is Reason.PROBE_KILLED
        assert self.killed(self.STARTS_AGAIN, ran=900).reason is Reason.PROBE_KILLED_DURING_START

    def test_is_none_where_only_the_next_start_has_failures(self) -> None:
        assert self.killed(self.STARTS_AGAIN, ran=DAYS).reason is Reason.ENGINE_CRASHED
