"""Where no GPU is left, the message goes on with what keeps nodes away, of the first few."""

from gemma4_operator.planner.inventory import Inventory
from gemma4_operator.planner.left_out import NODES_TOLD, with_nodes
from gemma4_operator.planner.plan import INFEASIBLE, NO_GPUS, Rejection
from tests.unit.planner.plans import a_plan

NOTES = tuple(f"Node {number} is cordoned." for number in range(NODES_TOLD + 1))
FOUND = Inventory(classes=(), notes=NOTES)


def test_of_the_first_nodes_is_told_what_is_wrong_with_them() -> None:
    told = with_nodes(Rejection(reason=NO_GPUS, message="No node offers a GPU."), FOUND)
    assert isinstance(told, Rejection)
    assert told.message == " ".join(("No node offers a GPU.", *NOTES[:NODES_TOLD]))


def test_where_no_node_was_left_out_nothing_is_added() -> None:
    rejection = Rejection(reason=NO_GPUS, message="No node offers a GPU.")
    assert with_nodes(rejection, Inventory(classes=(), notes=())) == rejection


def test_what_fails_for_another_reason_or_not_at_all_stays() -> None:
    too_small = Rejection(reason=INFEASIBLE, message="Nothing serves this.")
    assert with_nodes(too_small, FOUND) == too_small
    assert with_nodes(a_plan(), FOUND) == a_plan()
