"""Whether pods may come to a node, and what is said where not."""

from typing import Any

import pytest

from gemma4_operator.api.placement import Toleration
from gemma4_operator.planner.admission import refusal
from gemma4_operator.planner.node_view import NodeView, node_view
from tests.nodes import gpu_node

GPU_TAINT = {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}
DEDICATED = {"key": "dedicated", "value": "ml", "effect": "NoSchedule"}


def view(**more: Any) -> NodeView:
    return node_view(gpu_node("one", **more))


def toleration(**fields: Any) -> Toleration:
    return Toleration.model_validate(fields)


def test_an_idle_node_takes_whoever_asks() -> None:
    assert refusal(view(), {}, ()) == ""


class TestState:
    def test_it_comes_before_anything_else(self) -> None:
        cordoned = view(unschedulable=True, taints=[DEDICATED])
        assert refusal(cordoned, {"pool": "b"}, ()) == "has GPUs and is cordoned: it is left out"

    def test_no_toleration_helps(self) -> None:
        assert "is not ready" in refusal(view(ready="False"), {}, (toleration(operator="Exists"),))


class TestSelector:
    def test_all_labels_must_be_there(self) -> None:
        labelled = view(labels={"pool": "a", "zone": "1"})
        assert refusal(labelled, {"pool": "a"}, ()) == ""
        assert refusal(labelled, {"pool": "a", "zone": "1"}, ()) == ""

    @pytest.mark.parametrize("selector", [{"pool": "b"}, {"pool": "a", "rack": "7"}, {"pool": ""}])
    def test_the_first_one_that_is_not_is_named(self, selector: dict[str, str]) -> None:
        key, value = list(selector.items())[-1]
        told = refusal(view(labels={"pool": "a"}), selector, ())
        assert told == (
            f"has GPUs and not the label {key}={value}, which `placement.nodeSelector` asks for: it is left out"
        )


class TestTaints:
    def test_the_usual_taint_of_gpu_nodes_is_tolerated_by_every_pod(self) -> None:
        assert refusal(view(taints=[GPU_TAINT]), {}, ()) == ""

    def test_with_another_effect_it_is_not(self) -> None:
        """The pods' own toleration says NoSchedule."""
        assert "nvidia.com/gpu=present:NoExecute" in refusal(view(taints=[GPU_TAINT | {"effect": "NoExecute"}]), {}, ())

    def test_what_nothing_tolerates_is_named_with_the_field_that_could(self) -> None:
        assert refusal(view(taints=[GPU_TAINT, DEDICATED]), {}, ()) == (
            "has GPUs and the taint dedicated=ml:NoSchedule, which nothing in `placement.tolerations` tolerates: "
            "it is left out"
        )

    def test_a_taint_without_a_value_is_shown_without_one(self) -> None:
        told = refusal(view(taints=[{"key": "spot", "effect": "NoExecute"}]), {}, ())
        assert "the taint spot:NoExecute," in told

    @pytest.mark.parametrize(
        ("fields", "tolerates"),
        [
            ({"key": "dedicated", "value": "ml"}, True),
            ({"key": "dedicated", "value": "ml", "effect": "NoSchedule"}, True),
            ({"key": "dedicated", "value": "ml", "effect": "NoExecute"}, False),
            ({"key": "dedicated", "value": "web"}, False),
            ({"key": "dedicated"}, False),
            ({"key": "dedicated", "operator": "Exists"}, True),
            ({"key": "other", "operator": "Exists"}, False),
            ({"operator": "Exists"}, True),
            ({"operator": "Exists", "effect": "NoExecute"}, False),
        ],
    )
    def test_tolerations_as_the_scheduler_reads_them(self, fields: dict[str, Any], tolerates: bool) -> None:
        assert (refusal(view(taints=[DEDICATED]), {}, (toleration(**fields),)) == "") is tolerates

    def test_one_for_some_seconds_is_told_as_what_it_is(self) -> None:
        spot = view(taints=[{"key": "spot", "effect": "NoExecute"}])
        short = toleration(key="spot", operator="Exists", effect="NoExecute", tolerationSeconds=60)
        assert refusal(spot, {}, (short,)) == (
            "has GPUs and the taint spot:NoExecute, which `placement.tolerations` tolerates for some seconds alone, by "
            "`tolerationSeconds`: it is left out"
        )
        assert refusal(spot, {}, (short, toleration(key="spot", operator="Exists"))) == ""

    def test_each_taint_needs_one(self) -> None:
        both = view(taints=[DEDICATED, {"key": "spot", "effect": "NoSchedule"}])
        one = toleration(key="dedicated", operator="Exists")
        assert "spot" in refusal(both, {}, (one,))
        assert refusal(both, {}, (one, toleration(key="spot", operator="Exists"))) == ""

    def test_pods_that_are_thrown_out_after_a_while_do_not_come(self) -> None:
        leaving = view(taints=[{"key": "spot", "effect": "NoExecute"}])
        for_a_minute = toleration(key="spot", operator="Exists", effect="NoExecute", tolerationSeconds=60)
        assert "spot:NoExecute" in refusal(leaving, {}, (for_a_minute,))
