"""Whether a router looks or chance decides is seen in how requests differ between replicas."""

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.scaling.balance import Balance, balanced, watched

counts = st.lists(st.floats(0, 300), min_size=0, max_size=40)


def by_chance(chance: random.Random, *, replicas: int, requests: int) -> list[float]:
    """Throw so many requests at replicas without looking."""
    thrown = [chance.randrange(replicas) for _ in range(requests)]
    return [float(thrown.count(one)) for one in range(replicas)]


def looked_at(chance: random.Random, *, replicas: int, requests: int) -> list[float]:
    """Give each request to the emptier of two."""
    held = [0.0] * replicas
    for _ in range(requests):
        held[min(chance.sample(range(replicas), 2), key=held.__getitem__)] += 1
    return held


def after(moments: Sequence[Sequence[float]], *, first: Balance | None = None) -> Balance:
    balance = first or Balance()
    for moment in moments:
        balance = watched(balance, moment, elapsed_seconds=5.0)
    return balance


def test_at_first_it_is_taken_for_what_a_service_does() -> None:
    assert Balance().imbalance == 1.0


@pytest.mark.parametrize("replicas", [2, 4, 9, 40])
def test_within_two_minutes_it_is_seen_that_somebody_looks(replicas: int) -> None:
    chance = random.Random(1)
    seen = after([looked_at(chance, replicas=replicas, requests=20 * replicas) for _ in range(24)])
    assert seen.imbalance < 0.05


@pytest.mark.parametrize("replicas", [4, 9, 40])
def test_and_in_time_that_nobody_does_any_more(replicas: int) -> None:
    chance = random.Random(1)

    def unrouted(minutes: int) -> list[list[float]]:
        return [by_chance(chance, replicas=replicas, requests=20 * replicas) for _ in range(12 * minutes)]

    routed = after([looked_at(chance, replicas=replicas, requests=20 * replicas) for _ in range(120)])
    assert routed.imbalance == 0.0
    assert after(unrouted(5), first=routed).imbalance < 0.5
    # Nothing is fuller here for being full: the variance is once the mean, and not more.
    assert after(unrouted(60), first=routed).imbalance > 0.6


@pytest.mark.parametrize(
    ("requests", "why"),
    [([], "none"), ([30.0], "one has nobody to differ from"), ([0.0, 0.0, 0.0], "idle"), ([0.0, 2.9, 0.0], "too few")],
)
def test_a_moment_that_says_nothing_changes_nothing(requests: list[float], why: str) -> None:
    assert watched(balanced(0.4), requests, elapsed_seconds=5.0) == balanced(0.4), why


def test_no_time_no_evidence() -> None:
    assert watched(balanced(0.4), [1.0, 40.0], elapsed_seconds=0.0) == balanced(0.4)


def test_one_that_hung_is_forgotten_within_half_an_hour() -> None:
    hung = after([[250.0, 10.0, 10.0, 10.0]] * 24, first=balanced(0.0))
    assert hung.imbalance == 1.0
    assert after([[10.0, 10.0, 10.0, 10.0]] * 360, first=hung).imbalance == 0.0


@given(imbalance=st.floats(0, 1))
def test_what_is_kept_of_it_comes_back(imbalance: float) -> None:
    assert balanced(imbalance).imbalance == pytest.approx(imbalance)


@given(moments=st.lists(counts, max_size=30), first=st.floats(0, 1))
def test_it_is_a_share_whatever_is_seen(moments: list[list[float]], first: float) -> None:
    assert 0 <= after(moments, first=balanced(first)).imbalance <= 1
