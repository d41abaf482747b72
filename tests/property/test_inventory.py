"""Laws of the inventory: for any nodes, in any state, whatever their labels say."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gemma4_operator.planner.inventory import GpuClass, Inventory, inventory
from gemma4_operator.planner.node_labels import GPU
from gemma4_operator.planner.node_view import node_view
from gemma4_operator.planner.uses import Use, uses_of
from tests.nodes import GB10, H100, L4, ORIN, pod
from tests.rendering import CATALOG

Raw = dict[str, Any]
LAW = settings(max_examples=60, deadline=None)
RESOURCES = (
    GPU,
    "nvidia.com/gpu.shared",
    "nvidia.com/mig-3g.40gb",
    "nvidia.com/mig-1g.10gb.me",
    "nvidia.com/mig-9g.9gb",
)
COUNTS = st.sampled_from(["0", "1", "2", "8", "16", "-1", "none", ""])
PRODUCTS = st.sampled_from(
    [H100, f"{H100}-SHARED", f"{H100}-MIG-3g.40gb", f"{H100}-MIG-INVALID", L4, GB10, ORIN, "NVIDIA-X900", "", "-SHARED"]
)
MEMORIES = st.sampled_from(["81559", "81251", "7620", "62841", "23034", "40448", "0", "[N/A]", "80", "999999999", ""])


LABELS = st.fixed_dictionaries(
    {},
    optional={
        "nvidia.com/gpu.product": PRODUCTS,
        "nvidia.com/gpu.memory": MEMORIES,
        "nvidia.com/gpu.count": COUNTS,
        "nvidia.com/gpu.replicas": COUNTS,
        "nvidia.com/gpu.sharing-strategy": st.sampled_from(["none", "mps", ""]),
        "nvidia.com/gpu.compute.major": st.sampled_from(["9", "x"]),
        "nvidia.com/mig-3g.40gb.memory": MEMORIES,
        "pool": st.sampled_from(["a", "b"]),
    },
)
"""Each may be missing, and none has to go with another."""
OFFERED = st.lists(st.tuples(st.sampled_from(RESOURCES), COUNTS), max_size=3).map(dict)
STATES = st.sampled_from(
    [
        ({}, "True"),
        ({}, "True"),
        ({}, "Unknown"),
        ({"unschedulable": True}, "True"),
        ({"taints": [{"key": "nvidia.com/gpu", "effect": "NoSchedule"}]}, "True"),
        ({"taints": [{"key": "spot", "effect": "NoSchedule"}]}, "True"),
    ]
)
CAPACITIES = st.sampled_from([{"memory": "7802880Ki"}, {"memory": "128Gi", GPU: "8"}, {"memory": ""}, {GPU: "0"}])


def nodes(name: str) -> st.SearchStrategy[Raw]:
    """A node of a name, in any state, of which every label may be missing or wrong."""
    return st.tuples(LABELS, OFFERED, CAPACITIES, STATES).map(
        lambda drawn: {
            "kind": "Node",
            "metadata": {"name": name, "labels": drawn[0]},
            "spec": drawn[3][0],
            "status": {
                "allocatable": drawn[1],
                "capacity": drawn[2],
                "conditions": [{"type": "Ready", "status": drawn[3][1]}],
            },
        }
    )


NAMES = ("n0", "n1", "n2", "n3")
CLUSTERS = st.sampled_from(NAMES).flatmap(lambda last: st.tuples(*map(nodes, NAMES[: NAMES.index(last) + 1])))
USES = st.lists(
    st.builds(Use, st.sampled_from(["n0", "n1", "n2"]), st.sampled_from(RESOURCES), st.integers(0, 20)), max_size=6
)


def found(cluster: Sequence[Raw], uses: Sequence[Use] = (), **more: Any) -> Inventory:
    return inventory([node_view(raw) for raw in cluster], uses, catalog=CATALOG, **more)


def key(one: GpuClass) -> tuple[object, ...]:
    """What a plan remembers of a class: by this its pods find GPUs."""
    return (one.resource, one.product, one.node_labels, one.device.product)


@LAW
@given(CLUSTERS, st.randoms())
def test_the_order_of_nodes_does_not_matter(cluster: tuple[Raw, ...], random: Any) -> None:
    shuffled = list(cluster)
    random.shuffle(shuffled)
    assert found(shuffled) == found(cluster)


@LAW
@given(CLUSTERS, nodes("one-more"))
def test_one_more_node_takes_no_class_away_and_no_room(cluster: tuple[Raw, ...], more: Raw) -> None:
    after = {key(one): one for one in found((*cluster, more)).classes}
    for before in found(cluster).classes:
        now = after[key(before)]
        assert all(now.replicas_total(gpus) >= before.replicas_total(gpus) for gpus in (1, 2, 4, 8))
        assert all(now.replicas_free(gpus) >= before.replicas_free(gpus) for gpus in (1, 2, 4, 8))
        assert now.gpus_per_node >= before.gpus_per_node


@LAW
@given(CLUSTERS, nodes("one-more"))
def test_one_more_node_leaves_a_known_gpu_about_the_size_it_had(cluster: tuple[Raw, ...], more: Raw) -> None:
    after = {key(one): one for one in found((*cluster, more)).classes}
    for before in found(cluster).classes:
        now = after[key(before)]
        if before.device.is_known and now.device.is_known and not before.device.unified_memory:
            assert now.device.memory_bytes >= before.device.memory_bytes * 0.75 / 1.25


@LAW
@given(CLUSTERS)
def test_no_two_classes_are_found_the_same_way(cluster: tuple[Raw, ...]) -> None:
    classes = found(cluster).classes
    assert len({key(one) for one in classes}) == len(classes)


@LAW
@given(CLUSTERS, USES)
def test_what_is_used_is_never_free_again(cluster: tuple[Raw, ...], uses: list[Use]) -> None:
    idle, busy = found(cluster), found(cluster, uses)
    assert [key(one) for one in idle.classes] == [key(one) for one in busy.classes]
    for before, now in zip(idle.classes, busy.classes, strict=True):
        assert now.gpus_by_node == before.gpus_by_node
        assert all(now.replicas_free(gpus) <= before.replicas_free(gpus) for gpus in (1, 2, 4, 8))


@LAW
@given(CLUSTERS, USES)
def test_free_is_never_more_than_there_is_nor_less_than_nothing(cluster: tuple[Raw, ...], uses: list[Use]) -> None:
    for one in found(cluster, uses).classes:
        assert all(0 <= free <= total for free, total in zip(one.free_by_node, one.gpus_by_node, strict=True))
        assert one.gpus_by_node == tuple(sorted(one.gpus_by_node))
        assert one.replicas_free(1) <= one.replicas_total(1)


@LAW
@given(nodes("n0"))
def test_a_node_alone_is_counted_or_told_of(raw: Raw) -> None:
    view, result = node_view(raw), found([raw])
    has_gpus = bool(view.offers) or view.is_mute
    assert has_gpus == bool(result.classes or result.notes)
    assert all(f"'{view.name}'" in sentence for sentence in result.notes)
    assert all(sentence.endswith(".") for sentence in result.notes)


@LAW
@given(CLUSTERS)
def test_devices_make_sense(cluster: tuple[Raw, ...]) -> None:
    for one in found(cluster).classes:
        assert one.device.memory_bytes >= 0
        assert one.device.bandwidth > 0
        assert one.gpus_per_node >= 1
        assert one.node_labels
        assert all(value for _, value in one.node_labels)
        # Slices beside shared GPUs bear the label of these, and are whole slices.
        assert "-SHARED" not in one.product or one.device.is_shared or one.resource != GPU


@LAW
@given(CLUSTERS)
def test_pods_of_a_class_can_reach_all_of_its_nodes(cluster: tuple[Raw, ...]) -> None:
    """The node affinity of a plan is its class's labels: what does not bear them was counted in vain."""
    by_name = [{"kubernetes.io/hostname": raw["metadata"]["name"], **raw["metadata"]["labels"]} for raw in cluster]
    for one in found(cluster).classes:
        reached = sum(all(bears.get(label) == value for label, value in one.node_labels) for bears in by_name)
        assert reached >= one.nodes


@LAW
@given(CLUSTERS, st.sampled_from(["a", "b"]))
def test_a_selector_only_ever_takes_away(cluster: tuple[Raw, ...], pool: str) -> None:
    everywhere = {key(one): one for one in found(cluster).classes}
    for one in found(cluster, node_selector={"pool": pool}).classes:
        assert one.replicas_total(1) <= everywhere[key(one)].replicas_total(1)


@LAW
@given(st.lists(st.integers(0, 8), max_size=4), st.lists(st.integers(0, 8), max_size=3))
def test_a_pod_takes_no_more_than_all_its_containers_and_no_less_than_those_that_run(
    running: list[int], starting: list[int]
) -> None:
    raw = pod("one", "n0", *running)
    raw["spec"]["initContainers"] = pod("two", "n0", *starting)["spec"]["containers"]
    taken = sum(use.gpus for use in uses_of([raw]))
    assert max(sum(running), *starting, 0) == taken if running or starting else taken == 0
