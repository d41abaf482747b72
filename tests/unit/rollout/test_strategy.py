"""The choice between surge, in place and waiting: as a table, and as laws."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.api.update import UpdateStrategy
from gemma4_operator.rollout.strategy import Decision, Standing, Way, decide

AUTO, SURGE, RECREATE = UpdateStrategy.AUTO, UpdateStrategy.SURGE, UpdateStrategy.RECREATE


def standing(**facts: Any) -> Standing:
    """Two replicas serve the old template, one of them may go, and no GPU is free but theirs."""
    usual = {
        "replicas": 2,
        "max_unavailable": 1,
        "most": None,
        "old": 2,
        "old_serving": 2,
        "placed": 0,
        "unplaced": 0,
        "leaving": 0,
        "room": 0,
        "room_without_old": 2,
    }
    return Standing(**{**usual, **facts})


ONE = {"replicas": 1, "old": 1, "old_serving": 1, "is_exclusive": True}
"""One replica whose claim no other node can mount before it is gone."""
CASES: dict[str, tuple[dict[str, Any], UpdateStrategy, tuple[Way, int, int]]] = {
    "a GPU is free": ({"room": 1, "room_without_old": 3}, AUTO, (Way.SURGE, 1, 0)),
    "many are": ({"room": 9, "room_without_old": 11}, AUTO, (Way.SURGE, 2, 0)),
    "none is": ({}, AUTO, (Way.IN_PLACE, 0, 1)),
    "none is and all must stay": ({"max_unavailable": 0}, AUTO, (Way.BLOCKED, 1, 0)),
    "none is and new pods must come first": ({}, SURGE, (Way.BLOCKED, 1, 0)),
    "one is and an old one must go first": ({"room": 1}, RECREATE, (Way.IN_PLACE, 0, 1)),
    "an old one must go first although all must stay": ({"max_unavailable": 0}, RECREATE, (Way.IN_PLACE, 0, 1)),
    "the surge has its place": ({"placed": 1}, AUTO, (Way.SURGE, 1, 0)),
    "the surge has served and an old one goes": ({"old": 1, "placed": 1, "leaving": 1}, AUTO, (Way.SURGE, 1, 0)),
    "the next one waits for it to be gone": (
        {"old": 1, "old_serving": 1, "placed": 1, "unplaced": 1, "leaving": 1},
        AUTO,
        (Way.SURGE, 1, 0),
    ),
    "the GPU that seemed free is not": ({"unplaced": 1, "room": 1}, AUTO, (Way.IN_PLACE, 0, 1)),
    "nor is it where all must stay": ({"unplaced": 1, "room": 1, "max_unavailable": 0}, AUTO, (Way.BLOCKED, 1, 0)),
    "half is done in place": (
        {"old": 1, "old_serving": 1, "placed": 1, "room_without_old": 1},
        AUTO,
        (Way.IN_PLACE, 0, 1),
    ),
    "other GPUs are wanted and none is free": ({"room_without_old": 0}, AUTO, (Way.BLOCKED, 1, 0)),
    "old pods that do not serve go": ({"old_serving": 0, "max_unavailable": 0}, AUTO, (Way.IN_PLACE, 0, 2)),
    "even where new ones must come first": ({"old_serving": 1}, SURGE, (Way.IN_PLACE, 0, 1)),
    "a GPU is free and the budget has none": ({"room": 1, "most": 2}, AUTO, (Way.IN_PLACE, 0, 1)),
    "many are and the budget has one": ({"room": 5, "most": 3}, AUTO, (Way.SURGE, 1, 0)),
    "one goes beyond the budget where all must stay": (
        {"room": 5, "most": 2, "max_unavailable": 0},
        AUTO,
        (Way.SURGE, 1, 0),
    ),
    "and where new pods must come first": ({"room": 5, "most": 2}, SURGE, (Way.SURGE, 1, 0)),
    "more are wanted than there were": ({"replicas": 4, "max_unavailable": 2, "room": 1}, AUTO, (Way.IN_PLACE, 0, 2)),
    "fewer are wanted than there were": ({"replicas": 1, "room": 0}, AUTO, (Way.SURGE, 1, 0)),
    "a GPU is free and the claim is not": ({**ONE, "room": 1}, AUTO, (Way.IN_PLACE, 0, 1)),
    "none suits and the claim is not free": ({**ONE, "room_without_old": 0}, AUTO, (Way.BLOCKED, 1, 0)),
    "it has come and the claim is not free": (
        {**ONE, "room_without_old": 0, "placed": 1},
        AUTO,
        (Way.IN_PLACE, 0, 1),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_how_it_goes_on(case: str) -> None:
    facts, strategy, (way, surge, unavailable) = CASES[case]
    assert decide(standing(**facts), strategy) == Decision(way=way, max_surge=surge, max_unavailable=unavailable)


COUNT = st.integers(min_value=0, max_value=20)
STANDINGS = st.builds(
    lambda old, serving, **facts: Standing(old=old, old_serving=min(old, serving), **facts),
    old=COUNT,
    serving=COUNT,
    replicas=st.integers(min_value=1, max_value=20),
    max_unavailable=COUNT,
    most=st.none() | COUNT,
    placed=COUNT,
    unplaced=COUNT,
    leaving=COUNT,
    room=COUNT,
    room_without_old=COUNT,
    is_exclusive=st.booleans(),
)


@given(now=STANDINGS, strategy=st.sampled_from(UpdateStrategy))
def test_kubernetes_takes_the_numbers(now: Standing, strategy: UpdateStrategy) -> None:
    """It refuses a rolling update of which both are 0."""
    decided = decide(now, strategy)
    assert decided.max_surge + decided.max_unavailable >= 1
    assert min(decided.max_surge, decided.max_unavailable) == 0


@given(now=STANDINGS)
def test_new_pods_that_come_first_take_nobody_away_who_serves(now: Standing) -> None:
    decided = decide(now, UpdateStrategy.SURGE)
    assert decided.max_unavailable <= now.old - now.old_serving


@given(now=STANDINGS)
def test_no_more_go_than_may_unless_they_do_not_serve(now: Standing) -> None:
    assert decide(now, UpdateStrategy.AUTO).max_unavailable <= max(now.max_unavailable, now.old - now.old_serving)


@given(now=STANDINGS)
def test_recreate_never_takes_more_places(now: Standing) -> None:
    assert decide(now, UpdateStrategy.RECREATE).max_surge == 0


@given(now=STANDINGS)
def test_nothing_waits_where_a_pod_may_go_and_would_make_room(now: Standing) -> None:
    decided = decide(now, UpdateStrategy.AUTO)
    if now.max_unavailable and now.room_without_old:
        assert decided.way is not Way.BLOCKED


@given(now=STANDINGS)
def test_a_surge_never_counts_on_more_places_than_there_are(now: Standing) -> None:
    decided = decide(now, UpdateStrategy.AUTO)
    if decided.way is Way.SURGE:
        assert now.replicas + decided.max_surge <= now.old + now.placed + now.leaving + now.room
