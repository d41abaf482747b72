"""The order of ways that work: which field decides, and that it is the one that is told."""

from decimal import Decimal
from typing import Any

import pytest

from gemma4_operator.api.objectives import OptimizeFor
from gemma4_operator.planner.ranking import Comparison, Key, lost_capacity, steps_of_latency, steps_of_price

BEST = Key(
    waits=False,
    first=0.0,
    cost=Decimal("2.00"),
    is_slow=False,
    lost_words=1,
    lost_capacity=0,
    lost_points=20.0,
    token_seconds=0.020,
    names=("a",),
)

BEHIND: dict[str, tuple[dict[str, Any], str]] = {
    "it would wait": ({"waits": True, "cost": Decimal("0.10")}, "has no free GPUs now, and the plan has"),
    "cost": ({"cost": Decimal("2.50"), "is_slow": True}, "costs 2.50 an hour, and the plan 2.00"),
    "comfort": (
        {"is_slow": True, "token_seconds": 0.09, "lost_words": 0},
        "is uncomfortably slow, 90 ms per output token, at the same cost",
    ),
    "words": (
        {"lost_words": 2, "lost_points": 30.0, "lost_capacity": -3},
        "is of lower quality at the same cost: 70.0 points, and the plan 80.0",
    ),
    "capacity": ({"lost_capacity": 3}, "carries about 51% of the plan's requests at the same cost and quality"),
    "points": ({"lost_points": 20.5}, "has 79.5 points of quality at the same cost, and the plan 80.0"),
    "speed": ({"token_seconds": 0.0215}, "takes 21.5 ms per output token, and the plan 20.0, all else equal"),
    "its name": ({"names": ("b",)}, "is equal in everything but its name"),
}


@pytest.mark.parametrize("story", BEHIND)
def test_the_first_field_that_is_behind_decides_and_is_told(story: str) -> None:
    change, sentence = BEHIND[story]
    lost = BEST._replace(**change)
    assert lost > BEST
    assert str(Comparison(lost, BEST, OptimizeFor.COST)) == sentence


@pytest.mark.parametrize(
    ("objective", "change", "sentence"),
    [
        (OptimizeFor.QUALITY, {"lost_points": 25.0}, "has 75.0 points of quality, and the plan 80.0"),
        (OptimizeFor.LATENCY, {"token_seconds": 0.03}, "takes 30.0 ms per output token, and the plan 20.0"),
        (OptimizeFor.THROUGHPUT, {}, "costs about 22% more for each request"),
    ],
)
def test_what_is_optimized_for_comes_before_the_cost(
    objective: OptimizeFor, change: dict[str, Any], sentence: str
) -> None:
    lost = BEST._replace(first=4.0, cost=Decimal("0.01"), **change)
    assert lost > BEST
    assert str(Comparison(lost, BEST, objective)) == sentence


def test_of_a_way_that_was_not_worked_out_only_the_least_cost_is_told() -> None:
    lost = BEST._replace(cost=Decimal("3.00"))
    told = str(Comparison(lost, BEST, OptimizeFor.COST, at_best=True))
    assert told == "costs at least 3.00 an hour, and the plan 2.00"


def test_noise_does_not_decide() -> None:
    assert steps_of_latency(0.0203) == steps_of_latency(0.0205)
    assert steps_of_latency(0.0200) < steps_of_latency(0.0220)
    assert steps_of_price(1.00) == steps_of_price(1.03)
    assert steps_of_price(1.00) < steps_of_price(1.10)


def test_more_requests_lose_less_capacity_in_steps_of_a_quarter() -> None:
    assert lost_capacity(1.0) == lost_capacity(1.2) > lost_capacity(1.3)
