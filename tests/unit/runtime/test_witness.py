"""What more is read of a pod that fails: when, how often, and what happens where it may not be read."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gemma4_operator.kube.api import Listing
from gemma4_operator.kube.errors import ApiError, ApiUnavailable, Forbidden, NotFound
from gemma4_operator.runtime.witness import FRESH_SECONDS, MOST_PODS, Witness
from gemma4_operator.status.diagnose import diagnose
from gemma4_operator.status.pods import PodView, pod_view
from gemma4_operator.status.reasons import Reason

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


def loading(seconds: int, *, init: bool = False) -> PodView:
    """Return a pod whose engine, or what brings its model, has been at work for so long."""
    status = {
        "name": "bring-model" if init else "vllm",
        "ready": False,
        "state": {"running": {"startedAt": (NOW - timedelta(seconds=seconds)).isoformat()}},
    }
    waits = {"name": "vllm", "ready": False, "state": {"waiting": {"reason": "PodInitializing"}}}
    statuses = (
        {"initContainerStatuses": [status], "containerStatuses": [waits]} if init else {"containerStatuses": [status]}
    )
    return pod_view({"metadata": {"name": "chat-1"}, "status": {"phase": "Running", **statuses}})


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


READY = pod_view({"metadata": {"name": "a"}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}})
WAITS = pod_view(
    {
        "metadata": {"name": "b"},
        "status": {
            "conditions": [
                {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no GPU"},
            ]
        },
    }
)
LOADS = pod_view(
    {
        "metadata": {"name": "c"},
        "status": {"containerStatuses": [{"name": "vllm", "ready": False, "state": {"running": {}}}]},
    }
)


@pytest.mark.parametrize("pod", [READY, WAITS, LOADS], ids=["serves", "waits for a node", "loads"])
async def test_of_a_pod_that_does_not_fail_nothing_is_read(pod: PodView) -> None:
    api = FakeApi(log=OUT_OF_MEMORY)
    assert await witness(api).evidence("team", [pod]) == {}
    assert api.asked == []


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


async def test_without_the_right_it_is_asked_for_once() -> None:
    api = FakeApi(log=Forbidden("no", status=403), event=Forbidden("no", status=403))
    one = witness(api)
    found = await one.evidence("team", [crashed()])
    assert diagnose([crashed()], found) is not None
    await one.evidence("team", [crashed(restarts=2)])
    assert [what for what, _ in api.asked] == ["event", "log"]


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
