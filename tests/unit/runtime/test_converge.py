"""What is due, what is a stranger's, and what was tried to no effect."""

from typing import Any

import pytest

from gemma4_operator.render.hash import HASH_ANNOTATION, stamped
from gemma4_operator.render.labels import labels
from gemma4_operator.runtime.contest import FREE, Contests
from gemma4_operator.runtime.converge import (
    Change,
    Converger,
    ForeignObject,
    Leftover,
    What,
    contest,
    due_changes,
    summary,
)
from gemma4_operator.runtime.settled import Settled
from gemma4_operator.runtime.store import Key
from gemma4_operator.runtime.world import World, empty_world

KEY = Key("team", "chat")
OWNER = {
    "apiVersion": "gemma4.dev/v1alpha1",
    "kind": "Gemma4Deployment",
    "name": "chat",
    "uid": "cr",
    "controller": True,
}


def service(port: int = 8000, *, uid: str = "cr", **spec: Any) -> dict[str, Any]:
    return stamped(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {
                "name": "chat",
                "namespace": "team",
                "labels": labels("chat"),
                "ownerReferences": [{**OWNER, "uid": uid}],
            },
            "spec": {"ports": [{"name": "http", "port": port}], **spec},
        }
    )


def claim(size: str) -> dict[str, Any]:
    metadata = {key: value for key, value in service()["metadata"].items() if key != "annotations"}
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
    return stamped({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec})


def stored(obj: dict[str, Any], *, version: int = 1, **metadata: Any) -> dict[str, Any]:
    return {**obj, "metadata": {**obj["metadata"], "uid": "service", "resourceVersion": str(version), **metadata}}


def due(desired: dict[str, Any], world: World, settled: Settled | None = None) -> tuple[Change, ...]:
    return due_changes([desired], key=KEY, children=world.children, settled=settled or Settled())


@pytest.fixture
def world() -> World:
    return empty_world()


def test_what_is_not_there_is_created(world: World) -> None:
    (change,) = due(service(), world)
    assert change.what is What.CREATED


def test_what_is_as_it_should_be_is_left_alone(world: World) -> None:
    world.children["Service"].put(stored(service()))
    assert due(service(), world) == ()


def test_what_the_user_changed_is_changed(world: World) -> None:
    world.children["Service"].put(stored(service(8000)))
    (change,) = due(service(9000), world)
    assert change.what is What.CHANGED
    assert "spec.ports[http].port" in change.paths


def test_a_field_that_is_no_longer_wanted_is_a_change_too(world: World) -> None:
    world.children["Service"].put(stored(service(sessionAffinity="ClientIP")))
    (change,) = due(service(), world)
    assert change.what is What.CHANGED


def test_what_somebody_changed_is_repaired(world: World) -> None:
    changed = stored(service())
    world.children["Service"].put({**changed, "spec": {"ports": [{"name": "http", "port": 1}]}})
    (change,) = due(service(), world)
    assert change.what is What.REPAIRED
    assert change.paths == ("spec.ports[http].port",)


def test_what_somebody_added_stays(world: World) -> None:
    live = stored(service())
    live["metadata"]["labels"] = {**live["metadata"]["labels"], "team": "blue"}
    live["spec"] = {**live["spec"], "clusterIP": "10.0.0.1"}
    world.children["Service"].put(live)
    assert due(service(), world) == ()


@pytest.mark.parametrize(
    ("asked", "has", "paths"),
    [
        ("100Gi", "100Gi", ()),
        ("1Ti", "1024Gi", ()),
        ("100Gi", "200Gi", ()),
        ("200Gi", "100Gi", ("spec.resources.requests.storage",)),
        ("100Gi", "no size", ("spec.resources.requests.storage",)),
    ],
    ids=["as asked", "in other words", "enlarged by somebody", "to be enlarged", "nonsense"],
)
def test_a_claim_that_somebody_enlarged_stays_so(world: World, asked: str, has: str, paths: tuple[str, ...]) -> None:
    world.children["PersistentVolumeClaim"].put(stored(claim(has)))
    live = world.children["PersistentVolumeClaim"].get(KEY)
    assert live is not None
    live["metadata"]["annotations"] = claim(asked)["metadata"]["annotations"]
    assert tuple(path for change in due(claim(asked), world) for path in change.paths) == paths


def test_what_else_is_changed_of_an_enlarged_claim_is_sent_with_its_size(world: World) -> None:
    """With the smaller one the API server would refuse the whole write, and with it all that comes after."""
    live = stored(claim("200Gi"), labels={})
    world.children["PersistentVolumeClaim"].put(live)
    (change,) = due(claim("100Gi"), world)
    assert change.obj["spec"]["resources"] == {"requests": {"storage": "200Gi"}}
    assert change.obj["metadata"] == claim("100Gi")["metadata"]


def test_what_has_another_controller_is_never_touched(world: World) -> None:
    stranger = {**OWNER, "kind": "Chart", "uid": "another"}
    world.children["Service"].put(stored(service(), ownerReferences=[stranger]))
    with pytest.raises(ForeignObject, match="Service 'chat' exists and does not belong"):
        due(service(), world)


def test_what_an_earlier_one_of_the_name_left_is_waited_for(world: World) -> None:
    world.children["Service"].put(stored(service(uid="another")))
    with pytest.raises(Leftover, match="Service 'chat' of an earlier object of this name is being removed"):
        due(service(), world)


def test_what_has_no_controller_is_never_touched(world: World) -> None:
    world.children["Service"].put(stored(service(), ownerReferences=[]))
    with pytest.raises(ForeignObject):
        due(service(), world)


def test_an_apply_that_changed_nothing_is_not_repeated_until_something_does(world: World) -> None:
    settled = Settled()
    live = stored({**service(), "spec": {}}, version=5)
    world.children["Service"].put(live)
    (change,) = due(service(), world, settled)
    settled.note("cr", "Service", live, live, change.obj["metadata"]["annotations"][HASH_ANNOTATION])
    assert due(service(), world, settled) == ()
    world.children["Service"].put(stored({**service(), "spec": {}}, version=6))
    assert len(due(service(), world, settled)) == 1


def test_the_summary_is_for_people() -> None:
    changes = [
        Change(what=What.CREATED, obj={"kind": "Deployment"}, paths=()),
        Change(what=What.CREATED, obj={"kind": "Service"}, paths=()),
        Change(
            what=What.REPAIRED,
            obj={"kind": "PodDisruptionBudget"},
            paths=(f"metadata.annotations.{HASH_ANNOTATION}", "a", "b", "c", "d"),
        ),
    ]
    assert summary(changes) == "Created Deployment, Service. Repaired PodDisruptionBudget (a, b, c and 1 more)."


@pytest.mark.parametrize(
    ("change", "rivals", "words"),
    [
        (
            Change(what=What.REPAIRED, obj={"kind": "Deployment"}, paths=("spec.replicas",)),
            ("argocd", "hpa"),
            "Each repair of Deployment (spec.replicas) is undone by 'argocd' and 'hpa'",
        ),
        (
            Change(what=What.REPAIRED, obj={"kind": "Deployment"}, paths=("spec.replicas",)),
            (),
            "Each repair of Deployment (spec.replicas) is undone by a writer without a name, such as an admission "
            "webhook",
        ),
        (
            Change(what=What.CREATED, obj={"kind": "Service"}, paths=()),
            (),
            "Service is deleted each time it is made",
        ),
    ],
    ids=["by name", "nameless", "deletion"],
)
def test_a_contest_is_told_with_who_and_what(change: Change, rivals: tuple[str, ...], words: str) -> None:
    assert contest(change, rivals) == f"{words}, so repairs are made less often now."


async def test_a_rival_is_asked_for_once_and_repairs_go_on_more_slowly(world: World) -> None:
    clock = [0.0]
    contests = Contests(monotonic=lambda: clock[0])
    api = RivalApi()
    converger = Converger(
        api,  # type: ignore[arg-type]
        children=world.children,
        settled=Settled(),
        contests=contests,
    )
    written = 0
    for _ in range(40):
        clock[0] += 1.0
        undone = stored({**service(), "spec": {"ports": [{"name": "http", "port": 1}]}}, version=api.next_version())
        world.children["Service"].put(undone)
        (change,) = due(service(), world)
        written += await converger.apply(change, key=KEY)
    assert written == FREE + 2  # those at once, and those after 10 and 20 s
    assert api.asked == 1
    assert contests.told("cr") == (
        "Each repair of Service (spec.ports[http].port) is undone by 'rival', so repairs are made less often now.",
    )


async def test_a_webhook_that_keeps_a_field_otherwise_undoes_nothing(world: World) -> None:
    """Its object changes by its status alone, so each apply is tried, ever less often, and says nothing of a rival."""
    clock, settled, api = [0.0], Settled(), HookedApi()
    contests = Contests(monotonic=lambda: clock[0])
    converger = Converger(
        api,  # type: ignore[arg-type]
        children=world.children,
        settled=settled,
        contests=contests,
    )
    written = 0
    for version in range(1, 41):
        clock[0] += 1.0
        api.live = stored({**service(), "spec": {"ports": [{"name": "http", "port": 1}]}}, version=version)
        world.children["Service"].put(api.live)
        (change,) = due(service(), world, settled)
        written += await converger.apply(change, key=KEY)
        assert contests.told("cr") == ()
    assert written == FREE + 2


class HookedApi:
    """An API server on which a webhook gives each write of a Service the form that it has already."""

    def __init__(self) -> None:
        self.live: dict[str, Any] = {}

    async def apply(self, kind: Any, obj: dict[str, Any], *, manager: str, force: bool) -> dict[str, Any]:
        return self.live


class RivalApi:
    """An API server on which somebody undoes each write."""

    def __init__(self) -> None:
        self.version = 1
        self.asked = 0

    def next_version(self) -> int:
        self.version += 1
        return self.version

    async def apply(self, kind: Any, obj: dict[str, Any], *, manager: str, force: bool) -> dict[str, Any]:
        return stored(obj, version=self.next_version())

    async def get(self, kind: Any, *, namespace: str, name: str) -> dict[str, Any]:
        self.asked += 1
        ports = {"f:spec": {"f:ports": {'k:{"port":1}': {"f:port": {}}}}}
        return stored(service(), managedFields=[{"manager": "rival", "fieldsV1": ports}])


def test_marks_of_our_own_are_no_part_of_what_is_told() -> None:
    """They change with every change; a label that somebody else took away is one."""
    marks = ("metadata.annotations.gemma4.dev/template-inputs", "spec.template.metadata.labels.gemma4.dev/template")
    told = ("metadata.labels.gemma4.dev/deployment", "spec.template.spec.containers[vllm].args[3]")
    change = Change(what=What.CHANGED, obj={"kind": "Deployment"}, paths=(*marks, *told))
    assert summary([change]) == f"Changed Deployment ({told[0]}, {told[1]})."
