"""Statuses as they are written: what an older CRD does not know is left out, and a rival is named."""

from typing import Any

import pytest

from gemma4_operator.kube.api import Listing
from gemma4_operator.kube.errors import ApiRejected
from gemma4_operator.kube.events import Event
from gemma4_operator.runtime.contest import FREE, Contests
from gemma4_operator.runtime.publish import STATUS_MANAGER, StatusWriter, undeclared
from gemma4_operator.runtime.settled import Settled
from gemma4_operator.runtime.world import empty_world

CONDITION = {"type": "Ready", "status": "True", "reason": "Ready", "message": "", "observedGeneration": 1}
STATUS: dict[str, Any] = {
    "serving": "1/1",
    "plan": {"why": "cheap", "alternatives": [{"engine": "VLLM", "lostBecause": "dear"}]},
    "conditions": [{**CONDITION, "lastTransitionTime": "2026-11-29T12:00:00Z"}],
}
OLDER = (
    "failed to create typed patch object (team/chat; gemma4.dev/v1alpha1, Kind=Gemma4Deployment): errors:\n"
    "  .status.serving: field not declared in schema\n"
    "  .status.plan.alternatives[0].lostBecause: field not declared in schema"
)


def resource(status: dict[str, Any] | None = None, *, version: int = 1) -> dict[str, Any]:
    metadata = {"namespace": "team", "name": "chat", "uid": "cr", "resourceVersion": str(version), "generation": 1}
    return {"metadata": metadata} | ({"status": status} if status else {})


class FakeApi:
    """Stores what is applied, unless a refusal lies ready."""

    def __init__(self, *refusals: str) -> None:
        self.refusals = list(refusals)
        self.sent: list[dict[str, Any]] = []
        self.removed: list[str] = []
        self.stays: dict[str, Any] = {}

    async def apply_status(self, kind: Any, body: dict[str, Any], *, manager: str) -> dict[str, Any]:
        self.sent.append(body["status"])
        if self.stays:
            return resource(self.stays, version=1 + len(self.sent))
        if self.refusals:
            raise ApiRejected(self.refusals.pop(0), status=500)
        return resource(body["status"], version=1 + len(self.sent))

    async def remove_status(self, kind: Any, live: dict[str, Any], pointers: list[str]) -> dict[str, Any]:
        self.removed = pointers
        return resource(STATUS, version=99)

    async def list(self, kind: Any, *, namespace: str, field_selector: str) -> Listing:
        assert field_selector == "metadata.name=chat"
        fields = {"f:status": {"f:serving": {}}}
        entries = [
            {"manager": manager, "subresource": "status", "fieldsV1": fields} for manager in (STATUS_MANAGER, "rival")
        ]
        return Listing(items=({"metadata": {"managedFields": entries}},), resource_version=1)


class FakeRecorder:
    def __init__(self) -> None:
        self.published: list[Event] = []

    async def publish(self, event: Event) -> None:
        self.published.append(event)


def writer(api: FakeApi, recorder: FakeRecorder) -> StatusWriter:
    return StatusWriter(
        api,  # type: ignore[arg-type]
        resources=empty_world().custom_resources,
        settled=Settled(),
        contests=Contests(monotonic=lambda: 0.0),
        recorder=recorder,  # type: ignore[arg-type]
    )


async def test_a_status_that_is_there_already_is_not_written() -> None:
    api = FakeApi()
    assert not await writer(api, FakeRecorder()).write(resource(STATUS), STATUS)
    assert api.sent == []


async def test_what_is_no_longer_true_is_taken_away() -> None:
    api = FakeApi()
    stalled = {**CONDITION, "type": "Stalled", "lastTransitionTime": "2026-11-29T12:00:00Z"}
    before = {**STATUS, "conditions": [*STATUS["conditions"], stalled]}
    await writer(api, FakeRecorder()).write(resource(before), STATUS)
    assert api.sent == [STATUS]


async def test_an_older_crd_gets_what_it_knows(caplog: pytest.LogCaptureFixture) -> None:
    api = FakeApi(OLDER)
    writes = writer(api, FakeRecorder())
    await writes.write(resource(), STATUS)
    without = {"plan": {"why": "cheap", "alternatives": [{"engine": "VLLM"}]}, "conditions": STATUS["conditions"]}
    assert api.sent == [STATUS, without]
    assert "does not know status fields (plan.alternatives.lostBecause, serving)" in caplog.text
    # Nor is it tried again as long as nothing else changes.
    await writes.write(resource(without, version=3), STATUS)
    assert len(api.sent) == 2


async def test_fields_are_left_out_until_none_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    """The API server names one unknown field of each object, and the next only once that one is gone."""
    api = FakeApi(
        ".status.serving: field not declared in schema", ".status.plan.alternatives: field not declared in schema"
    )
    await writer(api, FakeRecorder()).write(resource(), STATUS)
    assert api.sent[-1] == {"plan": {"why": "cheap"}, "conditions": STATUS["conditions"]}
    assert [record.getMessage() for record in caplog.records] == [
        "The installed CRD is older than this operator and does not know status fields (plan.alternatives, serving): "
        "apply crds/."
    ]


@pytest.mark.parametrize("refusals", [("no",), (OLDER, "no"), (OLDER, OLDER)], ids=["other", "then-other", "the-same"])
async def test_another_refusal_is_not_taken_for_an_old_crd(refusals: tuple[str, ...]) -> None:
    api = FakeApi(*refusals)
    with pytest.raises(ApiRejected, match="^no$" if refusals[-1] == "no" else "^failed"):
        await writer(api, FakeRecorder()).write(resource(), STATUS)
    assert len(api.sent) == len(refusals)


async def test_who_undoes_the_status_is_named_in_an_event_and_waited_for() -> None:
    api, recorder = FakeApi(), FakeRecorder()
    writes = writer(api, recorder)
    undone = {**STATUS, "serving": "9/9"}
    for moment in range(FREE + 1):
        later = [{**CONDITION, "lastTransitionTime": f"2026-11-29T12:00:0{moment}Z"}]
        assert not await writes.write(resource(undone, version=100 + moment), {**STATUS, "conditions": later})
    assert await writes.write(resource(undone, version=200), STATUS)
    assert len(api.sent) == FREE + 1
    (event,) = recorder.published
    assert event.note.startswith("Each write of the status, which is the operator's alone, is undone by 'rival'")


def test_only_fields_that_are_not_declared_are_read_from_a_refusal() -> None:
    assert undeclared(OLDER) == {"serving", "plan.alternatives.lostBecause"}
    assert undeclared(".spec.replicas: field not declared in schema") == frozenset()
    assert undeclared("status.serving: Invalid value") == frozenset()


async def test_what_others_wrote_into_it_is_taken_away() -> None:
    """An apply takes only what is ours; a condition `Stalled` of somebody else would be believed for ever."""
    api = FakeApi()
    others = [{**CONDITION, "type": kind} for kind in ("Stalled", "Ready", "Odd")]
    api.stays = {**STATUS, "conditions": others, "phase": "Fine"}
    await writer(api, FakeRecorder()).write(resource({**STATUS, "serving": "0/1"}), STATUS)
    assert api.removed == ["/status/conditions/2", "/status/conditions/0", "/status/phase"]
