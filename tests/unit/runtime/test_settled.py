"""Applies to no effect: remembered of a state and of what was written, and only as long as the resource is there."""

from typing import Any

from gemma4_operator.runtime.settled import Settled


def stored(version: int) -> dict[str, Any]:
    return {"metadata": {"uid": "service", "resourceVersion": str(version)}}


def test_one_that_changed_nothing_is_known_of_its_state_and_its_mark() -> None:
    settled = Settled()
    settled.note("cr", "Service", stored(5), stored(5), "x")
    assert settled.is_settled("cr", "Service", stored(5), "x")
    assert not settled.is_settled("cr", "Service", stored(6), "x")
    assert not settled.is_settled("cr", "Service", stored(5), "y")
    assert not settled.is_settled("cr", "Deployment", stored(5), "x")
    assert settled.was_idle("cr", "Service", "x")
    assert not settled.was_idle("cr", "Service", "y")


def test_one_that_changed_something_is_not_taken_for_settled() -> None:
    settled = Settled()
    settled.note("cr", "Service", stored(5), stored(5), "x")
    settled.note("cr", "Service", stored(5), stored(6), "x")
    assert not settled.is_settled("cr", "Service", stored(6), "x")
    assert not settled.was_idle("cr", "Service", "x")


def test_the_first_write_of_an_object_changes_something() -> None:
    settled = Settled()
    settled.note("cr", "Service", None, stored(5), "x")
    assert not settled.was_idle("cr", "Service", "x")


def test_nothing_is_kept_of_a_resource_that_is_gone() -> None:
    """Not of its children either, which have other uids and go with it."""
    settled = Settled()
    for uid in ("cr", "another"):
        settled.note(uid, "Service", stored(5), stored(5), "x")
    settled.forget("cr")
    assert list(settled._known) == ["another"]
