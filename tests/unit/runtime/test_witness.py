"""What more is read of a pod that fails: when, how often, and what happens where it may not be read."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gemma4_operator.engines import budget
from gemma4_operator.kube.api import Listing
from gemma4_operator.kube.errors import ApiError, ApiUnavailable, Forbidden, NotFound
from gemma4_operator.render.context import IMAGE_PULL_SECONDS
from gemma4_operator.runtime.witness import DENIED_SECONDS, FRESH_SECONDS, MOST_PODS, Witness
from gemma4_operator.status.diagnose import diagnose
from gemma4_operator.status.diagnosis.scheduling import NODE_SECONDS
from gemma4_operator.status.pods import PodView, pod_view
from gemma4_operator.status.reasons import Reason
from gemma4_operator.status.unplaced import nodes_coming
from tests.rendering import VLLM, walk

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
OUT_OF_MEMORY = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.10 GiB. GPU 0 has 1.05 GiB free."
NO_IMAGE = 'Failed to pull image "registry.test/vllm:v9": rpc error: code = NotFound desc = manifest unknown'


class FakeApi:
    """Answers with one log and one event, or with an error, and remembers what it was asked."""

    def __init__(self, *, log: str | ApiError = "", event: str | ApiError = "") -> None:
        self.answers = {"log": log, "event": event}
        self.asked: list[tuple[str, Mapping[str, Any]]] = []

    async def log(self, **options: Any) -> str:
        self.asked.append(("log", options))
        return self._answer("log")

    async def list(self, kind: Any, *, namespace: str, field_selector: str) -> Listing:
        self.asked.append(("event", {"namespace": namespace, "selector": field_selector}))
        note = self._answer("event")
        event = {"reason": "Failed", "type": "Warning", "note": note, "regarding": {"kind": "Pod", "name": "chat-1"}}
        return Listing(items=(event,) if note else (), resource_version=1)

    def _answer(self, what: str) -> str:
        answer = self.answers[what]
        if isinstance(answer, ApiError):
            raise answer
        return answer


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def crashed(name: str = "chat-1", *, restarts: int = 1, running: bool = False) -> PodView:
    state = {"running": {}} if running else {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 20s"}}
    status = {
        "name": "vllm",
        "ready": False,
        "restartCount": restarts,
        "state": state,
        "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}},
    }
    return pod_view({"metadata": {"name": name}, "status": {"phase": "Running", "containerStatuses": [status]}})


def waiting_for_image() -> PodView:
    status = {"name": "vllm", "ready": False, "state": {"waiting": {"reason": "ErrImagePull", "message": ""}}}
    return pod_view({"metadata": {"name": "chat-1"}, "status": {"phase": "Pending", "containerStatuses": [status]}})


def witness(api: FakeApi, clock: Clock | None = None) -> Witness:
    return Witness(api, monotonic=clock or Clock(), now=lambda: NOW)  # type: ignore[arg-type]


def loading(seconds: int, *, init: bool = False, tries: int = 0) -> PodView:
    """Return a pod whose engine, or what brings its model, has been at work for so long.

    Its startup probe, if it has one, asks so many times.
    """
    status = {
        "name": "bring-model" if init else "vllm",
        "ready": False,
        "state": {"running": {"startedAt": (NOW - timedelta(seconds=seconds)).isoformat()}},
    }
    waits = {"name": "vllm", "ready": False, "state": {"waiting": {"reason": "PodInitializing"}}}
    statuses = (
        {"initContainerStatuses": [status], "containerStatuses": [waits]} if init else {"containerStatuses": [status]}
    )
    probe = {"startupProbe": {"failureThreshold": tries}} if tries else {}
    spec = {"containers": [{"name": "vllm", **probe}]}
    return pod_view({"metadata": {"name": "chat-1"}, "spec": spec, "status": {"phase": "Running", **statuses}})


def said(line: str, *, seconds_ago: int) -> str:
    """Return a line as the kubelet gives it with its time."""
    return f"{(NOW - timedelta(seconds=seconds_ago)).isoformat().replace('+00:00', '.123456789Z')} {line}"


DOWNLOAD = "model-00001-of-00002.safetensors:  45%|####5     | 4.1G/9.0G [03:12<04:00, 21.1MB/s]"


@pytest.mark.parametrize("init", [False, True])
async def test_a_download_that_stands_still_is_told_with_how_far_it_was(init: bool) -> None:
    """Nothing of it is news: neither the pod nor its events change."""
    api = FakeApi(log=f"{said('Downloading', seconds_ago=700)}\n{said(DOWNLOAD, seconds_ago=650)}\n")
    pod = loading(720, init=init)
    found = diagnose([pod], await witness(api).evidence("team", [pod]))
    assert found is not None
    assert found.reason is Reason.DOWNLOAD_STALLED
    assert "45%" in found.message
    # In steps that double, so that a silence that goes on is no news in each pass.
    assert "for 600 s nothing more" in found.message


MUTE = "INFO 11-29 11:40:00 [gpu_model_runner.py:2602] Starting to load model google/gemma-4-31B-it..."
AFTER = "INFO 11-29 11:40:01 [cuda.py:366] Using Flash Attention backend on V1 engine."
OF_31B_SECONDS = budget.start_seconds(weights_bytes=62_500_000_000, downloads=True)
OF_31B = budget.startup_probe("/health", seconds=OF_31B_SECONDS).failure_threshold


def test_how_long_a_start_may_take_is_read_off_the_pod_as_it_is_rendered() -> None:
    template = walk(VLLM).deployment["spec"]["template"]
    deadline_seconds = walk(VLLM).deployment["spec"]["progressDeadlineSeconds"]
    assert 0 <= pod_view({"spec": template["spec"]}).start_seconds - (deadline_seconds - IMAGE_PULL_SECONDS) < 10


@pytest.mark.parametrize("silent_seconds", [310, 700, 1500])
async def test_an_engine_that_prints_nothing_while_it_downloads_is_given_the_time_for_its_weights(
    silent_seconds: int,
) -> None:
    api = FakeApi(log=f"{said(MUTE, seconds_ago=silent_seconds + 1)}\n{said(AFTER, seconds_ago=silent_seconds)}\n")
    pod = loading(silent_seconds + 30, tries=OF_31B)
    found = diagnose([pod], await witness(api).evidence("team", [pod]))
    assert found is not None
    assert found.reason is Reason.STILL_STARTING
    assert "it prints nothing while it downloads. " in found.message
    assert "Starting to load model google/gemma-4-31B-it" in found.message


async def test_it_is_told_as_stalled_before_its_kubelet_gives_it_up() -> None:
    api = FakeApi(log=f"{said(MUTE, seconds_ago=1600)}\n{said(AFTER, seconds_ago=1599)}\n")
    pod = loading(1650, tries=OF_31B)
    assert OF_31B_SECONDS > 1650
    found = diagnose([pod], await witness(api).evidence("team", [pod]))
    assert found is not None
    assert found.reason is Reason.DOWNLOAD_STALLED
    assert "Starting to load model google/gemma-4-31B-it..., and for 1200 s nothing more" in found.message


async def test_one_that_prints_how_far_it_is_gets_no_longer_for_being_large() -> None:
    api = FakeApi(log=f"{said(MUTE, seconds_ago=400)}\n{said(DOWNLOAD, seconds_ago=310)}\n")
    pod = loading(420, tries=OF_31B)
    assert diagnose([pod], await witness(api).evidence("team", [pod])).reason is Reason.DOWNLOAD_STALLED


async def test_a_silence_that_goes_on_is_no_news_in_each_pass() -> None:
    told = set()
    for seconds in range(700, 1100, 60):
        api, pod = FakeApi(log=said(DOWNLOAD, seconds_ago=seconds)), loading(2000)
        told.add(diagnose([pod], await witness(api).evidence("team", [pod])))
    assert len(told) == 1


async def test_one_that_goes_on_is_told_as_loading_with_how_far_it_is() -> None:
    api = FakeApi(log=said(DOWNLOAD, seconds_ago=5))
    pod = loading(720)
    found = diagnose([pod], await witness(api).evidence("team", [pod]))
    assert found is not None
    assert found.reason is Reason.STILL_STARTING
    assert found.message.startswith("1 of 1 waiting pods load the weights, the first of them since ")
    assert "45%" in found.message


async def test_of_one_that_has_just_begun_nothing_is_read() -> None:
    api = FakeApi(log=said(DOWNLOAD, seconds_ago=5))
    assert await witness(api).evidence("team", [loading(200)]) == {}
    assert api.asked == []


async def test_the_last_words_of_a_crashed_engine_name_the_cause() -> None:
    api = FakeApi(log=f"INFO loading\n{OUT_OF_MEMORY}\nRuntimeError: Engine core initialization failed.\n")
    pod = crashed()
    found = diagnose([pod], await witness(api).evidence("team", [pod]))
    assert found is not None
    assert found.reason is Reason.GPU_OUT_OF_MEMORY
    assert "CUDA out of memory" in found.message


async def test_the_events_of_a_pod_say_why_an_image_is_missing() -> None:
    api = FakeApi(event=NO_IMAGE)
    pod = waiting_for_image()
    found = diagnose([pod], await witness(api).evidence("team", [pod]))
    assert found is not None
    assert found.reason is Reason.IMAGE_NOT_FOUND
    (asked,) = api.asked
    assert asked == ("event", {"namespace": "team", "selector": "regarding.kind=Pod,regarding.name=chat-1"})


@pytest.mark.parametrize("running", [False, True])
async def test_the_log_is_that_of_the_run_that_ended(running: bool) -> None:
    api = FakeApi()
    await witness(api).evidence("team", [crashed(running=running)])
    (options,) = (options for what, options in api.asked if what == "log")
    assert (options["pod"], options["container"], options["previous"]) == ("chat-1", "vllm", running)


class StartedAgain(FakeApi):
    """Has a container that was started again since its pod's status was written."""

    async def log(self, **options: Any) -> str:
        self.asked.append(("log", options))
        return said(OUT_OF_MEMORY, seconds_ago=61) if options["previous"] else said("INFO starting", seconds_ago=20)


async def test_of_one_that_was_started_again_meanwhile_the_run_before_is_read() -> None:
    began, ended = (NOW - timedelta(seconds=ago) for ago in (120, 60))
    ran = {"startedAt": began.isoformat(), "finishedAt": ended.isoformat()}
    status = {
        "name": "vllm",
        "ready": False,
        "restartCount": 1,
        "state": {"terminated": {"exitCode": 1, "reason": "Error", **ran}},
    }
    pod = pod_view({"metadata": {"name": "chat-1"}, "status": {"containerStatuses": [status]}})
    api = StartedAgain()
    assert diagnose([pod], await witness(api).evidence("team", [pod])).reason is Reason.GPU_OUT_OF_MEMORY
    assert [options["previous"] for what, options in api.asked if what == "log"] == [False, True]


READY = pod_view({"metadata": {"name": "a"}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}})
LOADS = pod_view(
    {
        "metadata": {"name": "c"},
        "status": {"containerStatuses": [{"name": "vllm", "ready": False, "state": {"running": {}}}]},
    }
)


@pytest.mark.parametrize("pod", [READY, LOADS], ids=["serves", "loads"])
async def test_of_a_pod_that_does_not_fail_nothing_is_read(pod: PodView) -> None:
    api = FakeApi(log=OUT_OF_MEMORY)
    assert await witness(api).evidence("team", [pod]) == {}
    assert api.asked == []


def started(*, unready: int, told: int, crashed: bool = False) -> PodView:
    """Return a pod that started two minutes ago, became unready later or was so before, and of which news came then."""
    status = {
        "name": "vllm",
        "ready": False,
        "started": True,
        "state": {"running": {"startedAt": (NOW - timedelta(seconds=120)).isoformat()}},
        "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}} if crashed else {},
    }
    ready = {"type": "Ready", "status": "False", "lastTransitionTime": (NOW - timedelta(seconds=unready)).isoformat()}
    news = {"fieldsV1": {"f:status": {"f:containerStatuses": {}}}, "time": (NOW - timedelta(seconds=told)).isoformat()}
    return pod_view(
        {
            "metadata": {"name": "chat-1", "managedFields": [news]},
            "spec": {"containers": [{"name": "vllm", "startupProbe": {"failureThreshold": 90}}]},
            "status": {"phase": "Running", "conditions": [ready], "containerStatuses": [status]},
        }
    )


@pytest.mark.parametrize(
    "pod",
    [
        started(unready=30, told=30),
        started(unready=130, told=100),
        started(unready=130, told=100, crashed=True),
    ],
    ids=["served", "never did", "never did since it crashed"],
)
async def test_of_one_that_no_longer_answers_the_probes_words_are_read(pod: PodView) -> None:
    api = FakeApi(event="Readiness probe failed: HTTP probe failed with statuscode: 503", log="INFO serving")
    found = diagnose([pod], await witness(api).evidence("team", [pod]))
    assert found is not None
    assert found.reason is Reason.NOT_ANSWERING
    assert [what for what, _ in api.asked] == ["event", "log"]
    assert api.asked[1][1]["previous"] is False


async def test_of_one_in_the_moment_before_its_first_answer_nothing_is_read() -> None:
    api, pod = FakeApi(), started(unready=130, told=5)
    assert await witness(api).evidence("team", [pod]) == {}
    assert api.asked == []
    found = diagnose([pod], now=NOW)
    assert found is not None
    assert found.reason is Reason.STILL_STARTING


async def test_what_was_read_serves_until_a_restart_or_half_a_minute() -> None:
    api, clock = FakeApi(), Clock()
    one = witness(api, clock)
    await one.evidence("team", [crashed()])
    await one.evidence("team", [crashed()])
    assert len(api.asked) == 2
    await one.evidence("team", [crashed(restarts=2)])
    assert len(api.asked) == 4
    clock.seconds = 31
    await one.evidence("team", [crashed(restarts=2)])
    assert len(api.asked) == 6


async def test_of_many_that_fail_only_a_few_are_read() -> None:
    api = FakeApi()
    found = await witness(api).evidence("team", [crashed(f"chat-{number}") for number in range(40)])
    assert len(found) == MOST_PODS


def evicted(name: str) -> PodView:
    ended = {"name": "vllm", "ready": False, "state": {"terminated": {"exitCode": 137, "reason": "Error"}}}
    status = {"phase": "Failed", "reason": "Evicted", "containerStatuses": [ended]}
    return pod_view({"metadata": {"name": name}, "status": status})


@pytest.mark.parametrize("pod", [crashed("chat-9"), loading(400)], ids=["fails", "takes long"])
async def test_pods_that_ended_take_no_place_from_the_one_that_came_after_them(pod: PodView) -> None:
    api = FakeApi()
    before = [evicted(f"chat-{number}") for number in range(3, 3 + MOST_PODS)]
    assert list(await witness(api).evidence("team", [*before, pod])) == [pod.name]
    assert list(await witness(api).evidence("team", before)) == [one.name for one in before]


async def test_they_come_after_one_that_its_kubelet_has_only_just_taken() -> None:
    """Which may be refused as well, or not get its volumes."""
    sandbox = {"type": "PodReadyToStartContainers", "status": "False"}
    taken = pod_view({"metadata": {"name": "chat-9"}, "status": {"phase": "Pending", "conditions": [sandbox]}})
    before = [evicted(f"chat-{number}") for number in range(MOST_PODS)]
    found = await witness(FakeApi()).evidence("team", [*before, taken])
    assert list(found) == ["chat-9", *(one.name for one in before[:-1])]


async def test_without_the_right_it_is_asked_for_once() -> None:
    api = FakeApi(log=Forbidden("no", status=403), event=Forbidden("no", status=403))
    one = witness(api)
    found = await one.evidence("team", [crashed()])
    assert diagnose([crashed()], found) is not None
    await one.evidence("team", [crashed(restarts=2)])
    assert [what for what, _ in api.asked] == ["event", "log"]


async def test_a_right_that_is_given_later_is_used(caplog: pytest.LogCaptureFixture) -> None:
    """Such as where a namespace comes back, and its Role after it."""
    api, clock = FakeApi(log=Forbidden("no", status=403)), Clock()
    one = witness(api, clock)
    for seconds in (0.0, DENIED_SECONDS):
        clock.seconds = seconds
        await one.evidence("team", [crashed()])
    assert caplog.text.count("The logs of pods may not be read in team") == 1, "it is said once"
    api.answers["log"] = OUT_OF_MEMORY
    clock.seconds = 2 * DENIED_SECONDS - 1
    assert diagnose([crashed()], await one.evidence("team", [crashed()])).reason is not Reason.GPU_OUT_OF_MEMORY
    clock.seconds = 2 * DENIED_SECONDS + FRESH_SECONDS
    assert diagnose([crashed()], await one.evidence("team", [crashed()])).reason is Reason.GPU_OUT_OF_MEMORY


def on_node(name: str = "gpu-1") -> PodView:
    raw = {"metadata": {"name": "chat-1"}, "spec": {"nodeName": name}}
    waits = {"name": "vllm", "ready": False, "state": {"waiting": {"reason": "CreateContainerError"}}}
    return pod_view({**raw, "status": {"phase": "Pending", "containerStatuses": [waits]}})


async def test_what_happened_to_its_node_is_read_too() -> None:
    api = FakeApi(event="GPU has fallen off the bus")
    await witness(api).evidence("team", [on_node()])
    assert [asked for what, asked in api.asked if what == "event"] == [
        {"namespace": "team", "selector": "regarding.kind=Pod,regarding.name=chat-1"},
        {"namespace": "default", "selector": "regarding.kind=Node,regarding.name=gpu-1"},
    ]


class OfSomeNamespaces(FakeApi):
    """May read nothing in `default`."""

    async def list(self, kind: Any, *, namespace: str, field_selector: str) -> Listing:
        if namespace == "default":
            self.asked.append(("event", {"namespace": namespace}))
            raise Forbidden("no", status=403)
        return await super().list(kind, namespace=namespace, field_selector=field_selector)


async def test_who_may_not_read_it_does_without_and_warns_of_nothing(caplog: pytest.LogCaptureFixture) -> None:
    api, clock = OfSomeNamespaces(event=NO_IMAGE), Clock()
    one = witness(api, clock)
    for seconds in (0.0, FRESH_SECONDS):
        clock.seconds = seconds
        found = await one.evidence("team", [on_node()])
        assert [event.reason for event in found["chat-1"].events] == ["Failed"]
    assert [asked["namespace"] for what, asked in api.asked if what == "event"] == ["team", "default", "team"]
    assert caplog.records == []


@pytest.mark.parametrize("error", [NotFound("gone", status=404), ApiUnavailable("no answer")])
async def test_what_cannot_be_read_now_is_done_without(error: ApiError) -> None:
    api = FakeApi(log=error, event=error)
    one = witness(api)
    assert diagnose([crashed()], await one.evidence("team", [crashed()])) is not None
    await one.evidence("team", [crashed(restarts=2)])
    assert len(api.asked) == 4


async def test_of_pods_that_are_gone_nothing_is_kept_for_long() -> None:
    api, clock = FakeApi(), Clock()
    one = witness(api, clock)
    await one.evidence("team", [crashed("chat-1"), crashed("chat-2")])
    clock.seconds = FRESH_SECONDS
    await one.evidence("team", [crashed("other-1")])
    assert set(one._read) == {("team", "other-1")}


async def test_resources_of_one_namespace_do_not_make_each_other_be_read_again() -> None:
    """Each call is about the pods of one resource alone."""
    api = FakeApi()
    one = witness(api)
    for _ in range(3):
        await one.evidence("team", [crashed("chat-1")])
        await one.evidence("team", [crashed("other-1")])
    assert len(api.asked) == 4


def without_node(name: str = "chat-1", *, seconds: int = 60, said: str = "0/1 nodes are available") -> PodView:
    since = (NOW - timedelta(seconds=seconds)).isoformat()
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": said}
    return pod_view(
        {"metadata": {"name": name}, "status": {"conditions": [{**condition, "lastTransitionTime": since}]}}
    )


class Scalers(FakeApi):
    """Answers with what a scaler of nodes has said about each pod."""

    def __init__(self, **said: str) -> None:
        super().__init__()
        self.said = said

    async def list(self, kind: Any, *, namespace: str, field_selector: str) -> Listing:
        name = field_selector.rpartition("=")[2]
        self.asked.append(("event", {"pod": name}))
        event = {"reason": self.said.get(name, ""), "note": "gpus 1->2", "eventTime": NOW.isoformat()}
        return Listing(items=(event,), resource_version=1)


class TestPodsWithoutANode:
    """One may be on its way, and only an event says so."""

    async def test_their_events_are_read_and_no_log(self) -> None:
        api, pod = Scalers(chat="TriggeredScaleUp"), without_node("chat")
        assert nodes_coming(await witness(api).evidence("team", [pod])) == {"chat"}
        assert api.asked == [("event", {"pod": "chat"})]

    async def test_a_word_that_comes_later_is_heard_though_the_pod_is_as_it_was(self) -> None:
        api, clock = Scalers(), Clock()
        one = witness(api, clock)
        assert nodes_coming(await one.evidence("team", [without_node("chat")])) == set()
        api.said["chat"], clock.seconds = "TriggeredScaleUp", FRESH_SECONDS
        assert nodes_coming(await one.evidence("team", [without_node("chat")])) == {"chat"}

    async def test_an_old_word_is_none(self) -> None:
        later, api = NOW + timedelta(seconds=NODE_SECONDS + 1), Scalers(chat="TriggeredScaleUp")
        one = Witness(api, monotonic=Clock(), now=lambda: later)  # type: ignore[arg-type]
        assert nodes_coming(await one.evidence("team", [without_node("chat")])) == set()

    async def test_what_the_scheduler_says_of_the_pod_is_told_as_it_is_now(self) -> None:
        one = witness(Scalers())
        await one.evidence("team", [without_node(said="0/1 nodes are available")])
        found = await one.evidence("team", [without_node(said="0/2 nodes are available")])
        assert found["chat-1"].pod is not None
        assert found["chat-1"].pod.unschedulable == "0/2 nodes are available"

    async def test_where_those_that_have_waited_longest_get_one_the_others_are_taken_to(self) -> None:
        pods = [without_node(name, seconds=wait) for name, wait in zip("abcde", (10, 20, 300, 40, 50), strict=True)]
        api = Scalers(**dict.fromkeys("cde", "TriggeredScaleUp"))
        found = await witness(api).evidence("team", pods)
        assert [asked["pod"] for _, asked in api.asked] == ["c", "e", "d"]
        assert nodes_coming(found) == set("abcde")
        assert found["a"].pod == pods[0]

    async def test_but_not_where_one_of_them_gets_none(self) -> None:
        pods = [without_node(name) for name in "abcde"]
        api = Scalers(a="TriggeredScaleUp", b="NotTriggerScaleUp", c="TriggeredScaleUp")
        assert nodes_coming(await witness(api).evidence("team", pods)) == {"a", "c"}

    async def test_they_are_read_though_others_fail(self) -> None:
        pods = [*(crashed(f"crashed-{number}") for number in range(MOST_PODS)), without_node("chat")]
        assert "chat" in await witness(Scalers()).evidence("team", pods)
