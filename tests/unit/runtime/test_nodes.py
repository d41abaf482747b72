"""Nodes and plans: whose business nodes are, and when a plan is made, kept or made anew."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gemma4_operator.catalog.loader import builtin_catalog
from gemma4_operator.engines.registry import engines
from gemma4_operator.planner.node_view import NodeView, node_view
from gemma4_operator.planner.record import record
from gemma4_operator.runtime.desire import Desire, Desires, desire
from gemma4_operator.runtime.store import Key
from gemma4_operator.runtime.world import EVERYONE, World, empty_world
from gemma4_operator.status.reasons import Reason
from tests.cluster.fakenodes import fake_gpu_node

CATALOG, ENGINES = builtin_catalog(), engines()
CHAT, MAIL = Key("team", "chat"), Key("team", "mail")


def node(name: str = "one", *, product: str = "NVIDIA-L40S", version: int = 1, **changes: Any) -> dict[str, Any]:
    made = fake_gpu_node(name, product=product, count=4, memory_mib=46068, compute=(8, 9), **changes)
    made["metadata"] |= {"uid": name, "resourceVersion": str(version)}
    return made


def resource(name: str = "chat", *, status: Any = None, generation: int = 1, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "gemma4.dev/v1alpha1",
        "kind": "Gemma4Deployment",
        "metadata": {"namespace": "team", "name": name, "uid": name, "generation": generation, "resourceVersion": "1"},
        "spec": {"model": {"variant": "31B", "quantization": "FP8"}, **spec},
        "status": {} if status is None else status,
    }


def wanted(raw: dict[str, Any], *nodes: dict[str, Any]) -> Desire:
    return desire(raw, catalog=CATALOG, engines=ENGINES, nodes=tuple(map(node_view, nodes)))


def status_of(made: Desire) -> dict[str, Any]:
    assert made.plan is not None
    return {"plan": record(made.plan).to_json()}


@pytest.fixture
def world() -> World:
    return empty_world()


class TestWhoseBusiness:
    def test_a_new_node_is_everyones(self, world: World) -> None:
        world.custom_resources.put(resource("chat"))
        world.custom_resources.put(resource("mail"))
        assert world.nodes.put(node()) == EVERYONE
        assert set(world.concerned(EVERYONE)) == {CHAT, MAIL}

    def test_where_nobody_is_it_is_nobodys(self, world: World) -> None:
        assert world.concerned(EVERYONE) == ()

    def test_an_owners_object_is_the_owners_alone(self, world: World) -> None:
        world.custom_resources.put(resource("chat"))
        assert world.concerned(MAIL) == (MAIL,)

    def test_a_heartbeat_is_no_news(self, world: World) -> None:
        """A node's status is written several times a minute; a pass for each resource each time would be a storm."""
        world.nodes.put(node(version=1))
        beat = node(version=2)
        beat["status"]["conditions"] = [{"type": "Ready", "status": "True", "lastHeartbeatTime": "now"}]
        beat["status"]["images"] = [{"names": ["a"], "sizeBytes": 7}]
        assert world.nodes.put(beat) is None

    @pytest.mark.parametrize(
        "change",
        [
            {"resources": {"nvidia.com/gpu": "3"}},
            {"taints": [{"key": "team", "value": "a", "effect": "NoSchedule"}]},
            {"labels": {"pool": "b"}},
        ],
    )
    def test_what_a_plan_looks_at_is(self, world: World, change: dict[str, Any]) -> None:
        world.nodes.put(node(version=1))
        assert world.nodes.put(node(version=2, **change)) == EVERYONE

    def test_so_is_a_node_that_is_lost_or_gone(self, world: World) -> None:
        world.nodes.put(node(version=1))
        lost = node(version=2)
        lost["status"]["conditions"] = [{"type": "Ready", "status": "Unknown"}]
        assert world.nodes.put(lost) == EVERYONE
        assert world.nodes.remove(node(version=3)) == EVERYONE

    def test_a_late_event_does_not_bring_back_old_gpus(self, world: World) -> None:
        world.nodes.put(node(version=9))
        assert world.nodes.put(node(version=7, product="NVIDIA-L4")) is None
        assert world.node_views() == (node_view(node(version=9)),)

    def test_they_are_seen_in_the_order_of_their_names(self, world: World) -> None:
        for name in ("c", "a", "b"):
            world.nodes.put(node(name))
        assert [view.name for view in world.node_views()] == ["a", "b", "c"]


class TestSticky:
    def test_a_plan_in_the_status_stays_though_better_gpus_come(self) -> None:
        first = wanted(resource(), node())
        again = wanted(resource(status=status_of(first)), node("new", product="NVIDIA-L4"), node())
        assert again.plan == first.plan
        assert again.objects == first.objects

    def test_it_stays_though_its_nodes_are_gone(self) -> None:
        """Nodes of a pool come and go with the pods; the plan says what the pods wait for."""
        first = wanted(resource(), node())
        assert wanted(resource(status=status_of(first))).plan == first.plan

    def test_another_wish_makes_another_plan(self) -> None:
        first = wanted(resource(), node())
        changed = resource(status=status_of(first), capabilities={"contextTokens": 32768})
        again = wanted(changed, node())
        assert again.plan is not None
        assert again.plan.context_tokens == 32768

    def test_scaling_leaves_the_pods_as_they_are(self) -> None:
        first = wanted(resource(), node())
        scaled = wanted(resource(status=status_of(first), replicas=3), node())
        (before, *_), (after, *_) = first.objects, scaled.objects
        assert after["spec"]["replicas"] == 3
        assert after["spec"]["template"] == before["spec"]["template"]

    @pytest.mark.parametrize("plan", [None, {}, [], "plan", {"hash": "0123456789ab"}])
    def test_a_status_without_a_plan_gets_one(self, plan: Any) -> None:
        assert wanted(resource(status={"plan": plan}), node()).plan == wanted(resource(), node()).plan


class TestDesires:
    @staticmethod
    def desires(nodes: list[dict[str, Any]]) -> tuple[Desires, list[int]]:
        looked: list[int] = []

        def views() -> tuple[NodeView, ...]:
            looked.append(1)
            return tuple(map(node_view, nodes))

        return Desires(catalog=CATALOG, engines=ENGINES, nodes=views), looked

    def test_what_no_node_serves_is_looked_at_anew_when_one_comes(self) -> None:
        nodes: list[dict[str, Any]] = []
        desires, _ = self.desires(nodes)
        rejected = desires.of(resource())
        assert rejected.problem is not None
        assert rejected.problem.reason is Reason.NO_GPUS
        assert desires.of(resource()) is rejected
        nodes.append(node())
        assert desires.of(resource()).plan is not None

    def test_a_node_that_is_too_small_changes_what_is_said(self) -> None:
        nodes: list[dict[str, Any]] = []
        desires, _ = self.desires(nodes)
        before = desires.of(resource())
        memory = {"nvidia.com/gpu.memory": "23034"}
        nodes.append(node(product="NVIDIA-L4", labels=memory, resources={"nvidia.com/gpu": "1"}))
        after = desires.of(resource())
        assert before.problem is not None
        assert after.problem is not None
        assert (before.problem.reason, after.problem.reason) == (Reason.NO_GPUS, Reason.INFEASIBLE)
        assert "GiB of each NVIDIA-L4" in after.problem.message

    def test_a_plan_is_not_looked_at_anew_whatever_nodes_do(self) -> None:
        nodes = [node()]
        desires, looked = self.desires(nodes)
        first = desires.of(resource())
        seen = len(looked)
        nodes.clear()
        assert desires.of(resource(status=status_of(first))) is first
        assert len(looked) == seen

    def test_after_a_restart_it_is_read_from_the_status_whatever_nodes_do(self) -> None:
        desires, _ = self.desires([node()])
        first = desires.of(resource())
        restarted, _ = self.desires([])
        assert restarted.of(resource(status=status_of(first))).plan == first.plan

    def test_free_gpus_matter_only_where_a_choice_is_due(self) -> None:
        desires, _ = self.desires([node()])
        assert desires.must_choose(resource())
        made = desires.of(resource())
        assert not desires.must_choose(resource(status=status_of(made)))
        restarted, _ = self.desires([node()])
        assert not restarted.must_choose(resource(status=status_of(made)))
        assert restarted.must_choose(resource(status=status_of(made), capabilities={"contextTokens": 32768}))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
WRITTEN = status_of(wanted(resource(), node()))["plan"]


@settings(max_examples=200, deadline=None)
@given(
    field=st.sampled_from(sorted(WRITTEN)),
    value=JSON | st.sampled_from([0, 1, 3, "", "31B", "Q4_K_M", "LlamaCpp", "fp8"]),
    drop=st.sets(st.sampled_from(sorted(set(WRITTEN) - {"hash"})), max_size=2),
)
def test_a_status_that_somebody_edited_is_never_a_traceback(field: str, value: Any, drop: set[str]) -> None:
    """Whatever stands there, there is a plan in the end: the edited one if it can be served, else a new one."""
    edited = {name: kept for name, kept in (WRITTEN | {field: value}).items() if name not in drop}
    made = wanted(resource(status={"plan": edited}), node())
    assert made.plan is not None or made.problem is not None


@settings(max_examples=50, deadline=None)
@given(plan=JSON)
def test_nor_is_one_that_is_no_plan_at_all(plan: Any) -> None:
    assert wanted(resource(status={"plan": plan}), node()).plan == wanted(resource(), node()).plan
