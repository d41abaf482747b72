"""A claim for downloads that is smaller than what is downloaded is told of, as long as it is."""

from dataclasses import replace
from typing import Any

import pytest

from gemma4_operator.planner.cache_room import with_cache_room
from gemma4_operator.planner.plan import Plan
from tests.rendering import LLAMA_CPP, VLLM, plan_of, spec_of, with_fields
from tests.unit.planner.plans import a_plan

NOTE = (
    "`spec.cache.claim.size` is 50Gi, and google/gemma-4-31B-it@main has 58.3 GiB, so its download fills the volume "
    "before it ends: make it at least 70Gi."
)
OTHER = "The catalogue does not know this GPU."


def sized(size: str | None, base: dict[str, Any] = VLLM) -> dict[str, Any]:
    return with_fields(base, cache={"claim": {"size": size}}) if size else base


def test_the_note_says_what_is_too_small_and_what_is_not() -> None:
    assert with_cache_room(a_plan(notes=(OTHER,)), spec_of(sized("50Gi"))).notes == (NOTE, OTHER)


@pytest.mark.parametrize("size", [None, "70Gi", "62546177752M", "63G", "1Ti"])
def test_one_that_is_large_enough_is_nobodys_matter(size: str | None) -> None:
    assert with_cache_room(a_plan(), spec_of(sized(size))) == a_plan()


@pytest.mark.parametrize("size", [None, "70Gi"])
def test_what_was_told_before_goes_once_it_is_mended(size: str | None) -> None:
    assert with_cache_room(a_plan(notes=(NOTE, OTHER)), spec_of(sized(size))).notes == (OTHER,)


def test_it_is_told_once_and_nothing_else_of_a_plan_changes() -> None:
    once = with_cache_room(a_plan(), spec_of(sized("50Gi")))
    assert with_cache_room(once, spec_of(sized("50Gi"))) == once
    assert replace(once, notes=()) == a_plan()


@pytest.mark.parametrize("base", [VLLM, LLAMA_CPP], ids=["vllm", "llama.cpp"])
def test_whoever_plans_is_told_and_the_size_that_is_told_is_enough(base: dict[str, Any]) -> None:
    plan = plan_of(sized("1Gi", base))
    assert isinstance(plan, Plan), plan
    first = plan.notes[0]
    assert first.startswith("`spec.cache.claim.size` is 1Gi")
    enough = first.removesuffix(".").rpartition(" ")[2]
    plan = plan_of(sized(enough, base))
    assert isinstance(plan, Plan), plan
    assert not any("cache.claim" in note for note in plan.notes)
