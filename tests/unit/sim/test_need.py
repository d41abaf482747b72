"""How many replicas a run begins with."""

import pytest

from gemma4_operator.sim.need import start_of
from gemma4_operator.sim.result import result_of
from gemma4_operator.sim.world import play
from tests.unit.sim.fixed import Static
from tests.unit.sim.settings import circumstances, model, request, setting, steady

RELAXED = setting(engine=model(cache_tokens=10**9, max_sequences=4096))


@pytest.mark.parametrize(
    ("rate", "replicas"),
    [(1, 1), (20, 1), (40, 2), (80, 4)],
)
def test_prompts_alone_need_the_time_that_reading_them_takes(rate: int, replicas: int):
    """500 tokens each take 30.5 ms; at 0.8 of 60 ms a token, 67 % of the time may go to reading: 22 a second."""
    assert start_of(steady(rate * 300, 1 / rate, 500, 1), RELAXED) == replicas


def test_room_in_the_cache_counts_too():
    small = setting(engine=model(cache_tokens=2000))
    assert start_of(steady(3000, 0.1, 100, 100), RELAXED) == 1
    assert start_of(steady(3000, 0.1, 100, 100), small) == 2


def test_and_so_does_the_number_of_sequences():
    few = setting(engine=model(max_sequences=8))
    assert start_of(steady(3000, 0.1, 10, 100), few) > start_of(steady(3000, 0.1, 10, 100), RELAXED) == 1


def test_long_answers_hold_the_cache_for_longer_than_their_number_says():
    """The same requests and tokens, once all alike and once a tenth of them with nearly all that is written."""
    tight = setting(engine=model(cache_tokens=7000))
    alike = steady(3000, 0.1, 100, 100)
    unlike = [request(number / 10, 100, 910 if number % 10 == 0 else 10) for number in range(3000)]
    assert sum(one.output_tokens for one in alike) == sum(one.output_tokens for one in unlike)
    assert start_of(unlike, tight) > start_of(alike, tight)


def test_only_the_first_five_minutes_count():
    later = [request(300.0 + number / 100, 500, 1) for number in range(10_000)]
    assert start_of([*steady(300, 1.0, 500, 1), *later], RELAXED) == 1


@pytest.mark.parametrize(("minimum", "maximum", "replicas"), [(1, 3, 3), (6, 9, 6), (0, 20, 4)])
def test_it_stays_within_the_limits(minimum: int, maximum: int, replicas: int):
    limited = setting(engine=RELAXED.engine, minimum=minimum, maximum=maximum)
    assert start_of(steady(24_000, 1 / 80, 500, 1), limited) == replicas


@pytest.mark.parametrize("trace", [(), (request(0.0),), (request(1000.0),)])
def test_without_traffic_it_is_the_minimum_and_at_least_one(trace: tuple[object, ...]):
    assert start_of(trace, setting(minimum=0)) == 1  # type: ignore[arg-type]
    assert start_of(trace, setting(minimum=3)) == 3  # type: ignore[arg-type]


@pytest.mark.parametrize("rate", [10, 30, 60])
def test_what_it_says_holds_the_load_and_half_of_it_does_not(rate: int):
    trace = steady(rate * 120, 1 / rate, 300, 60)
    count = start_of(trace, setting())
    attained = {}
    for replicas in (count, max(1, count // 2)):
        played = play(trace, Static(replicas=replicas), circumstances=circumstances(start=replicas))
        attained[replicas] = result_of(played, setting().objectives).attainment_percent
    assert attained[count] == 100
    if count > 1:
        assert attained[count // 2] < 90
