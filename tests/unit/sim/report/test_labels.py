"""Names beside points: each can be read, and it is clear whose it is."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.sim.report.labels import Box, Label, labelled

ROOM = Box(left=0.0, top=0.0, right=600.0, bottom=400.0)


def placed(*wishes: tuple[float, float, str]) -> list[Label]:
    return labelled(wishes, marks=[(x, y) for x, y, _ in wishes], lines=(), room=ROOM)


def test_a_name_is_to_the_right_of_its_point():
    (only,) = placed((100, 100, "gemma4"))
    assert (only.x, only.y, only.anchor, only.is_far) == (109, 104, "start", False)


@pytest.mark.parametrize(("x", "y", "anchor"), [(598, 200, "end"), (2, 200, "start"), (300, 1, "middle")])
def test_at_an_edge_it_stays_inside(x: float, y: float, anchor: str):
    (only,) = placed((x, y, "knative"))
    assert only.anchor == anchor
    assert only.box.overlap(ROOM) == pytest.approx((only.box.right - only.box.left) * (only.box.bottom - only.box.top))


def test_a_name_takes_the_room_of_its_letters():
    widths = {text: one.box.right - one.box.left for text in ("llll", "aaaa", "mmmm") for one in placed((9, 99, text))}
    assert widths["llll"] < widths["aaaa"] < widths["mmmm"]


def test_two_at_one_place_are_apart():
    one, other = placed((300, 200, "knative"), (300, 200, "static:replicas=8"))
    assert one.box.overlap(other.box) == 0


def test_one_that_had_to_go_far_needs_a_line():
    crowd = [(300.0, 200.0, f"policy-{number}") for number in range(14)]
    assert any(label.is_far for label in placed(*crowd))


def test_no_name_covers_a_point():
    marks = [(300.0, 200.0), (330.0, 200.0)]
    (only,) = labelled([(300.0, 200.0, "knative")], marks=marks, lines=(), room=ROOM)
    assert only.box.overlap(Box(left=326, top=196, right=334, bottom=204)) == 0


def test_a_name_keeps_off_a_line_where_it_can():
    line = Box(left=300.0, top=199.0, right=600.0, bottom=201.0)
    (only,) = labelled([(300.0, 200.0, "knative")], marks=[(300.0, 200.0)], lines=[line], room=ROOM)
    assert only.box.overlap(line) == 0


@given(st.lists(st.tuples(st.integers(120, 480), st.integers(60, 340)), min_size=1, max_size=8))
def test_ten_policies_and_fewer_can_all_be_read(places: list[tuple[int, int]]):
    labels = placed(*((x, y, f"policy:{number}") for number, (x, y) in enumerate(places)))
    assert all(one.box.overlap(other.box) == 0 for one, other in combinations(labels, 2))
