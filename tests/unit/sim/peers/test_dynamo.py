"""Dynamo's planner: what it expects of an engine, its floor, its steps of one, and when it only looks on."""

from dataclasses import replace
from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.scaling.sample import Stage
from gemma4_operator.sim.peers.dynamo import Dynamo, Knobs
from gemma4_operator.sim.peers.dynamo_engine import Work, best_rate, first_token_seconds, token_seconds
from gemma4_operator.sim.peers.lengths import Lengths
from gemma4_operator.sim.peers.predictor import Predictor
from gemma4_operator.sim.policy import Seen
from gemma4_operator.sim.setting import Objectives
from tests.unit.sim.peers.views import ENGINE, SETTING, counts, fleet, seen, setting, view

CHAT = Lengths(input_tokens=1000.0, output_tokens=200.0)
SIMPLE = replace(
    ENGINE, fixed_seconds=0.010, sequence_seconds=0.001, context_token_seconds=0.0, prompt_token_seconds=0.0
)
"""A step of 10 ms and one more for each sequence, whatever it reads."""


def work(**changes: Any) -> Work:
    usual: dict[str, Any] = {"sequences": 10, "queued_tokens": 0.0, "cache_tokens": 11_000}
    return Work(**(usual | {"prompt_tokens_per_second": 0.0} | changes))


class TestEngine:
    def test_a_first_token_waits_for_full_steps(self) -> None:
        # 1500 tokens are two steps of 14 + 1.6 + 0.44 ms, and 72 ms of reading.
        expected = 2 * 0.01604 + 1500 * 48e-6
        assert first_token_seconds(ENGINE, work(queued_tokens=500.0), input_tokens=1000.0) == pytest.approx(expected)
        assert first_token_seconds(ENGINE, work(), input_tokens=768.0) == pytest.approx(0.01604 + 768 * 48e-6)

    def test_a_token_is_stretched_by_the_prompts_of_others(self) -> None:
        assert token_seconds(ENGINE, work()) == pytest.approx(0.01604)
        assert token_seconds(ENGINE, work(prompt_tokens_per_second=5000.0)) == pytest.approx(0.01604 / 0.76)
        assert token_seconds(ENGINE, work(prompt_tokens_per_second=21_000.0)) == inf

    @pytest.mark.parametrize(
        ("changes", "objectives", "expected"),
        [
            ({}, {"token_seconds": 0.0605}, 50 / (200 * 0.060)),  # 50 sequences make a step of 60 ms, 51 one of 61
            ({"cache_tokens": 22_000}, {}, 20 / (200 * 0.030)),  # 20 of 1100 tokens fit
            ({"max_sequences": 10}, {}, 10 / (200 * 0.020)),
            ({}, {"first_token_seconds": 0.080}, 30 / (200 * 0.040)),  # 1000 tokens take two steps of 40 ms
            ({}, {"token_seconds": 0.001}, 1 / (200 * 0.011)),  # nothing keeps that; one at a time is tried
        ],
    )
    def test_the_best_rate_is_that_of_the_most_sequences_in_time(
        self, changes: dict[str, Any], objectives: dict[str, float], expected: float
    ) -> None:
        limits = replace(SETTING.objectives, **objectives)
        assert best_rate(replace(SIMPLE, **changes), CHAT, limits) == pytest.approx(expected)

    @given(st.floats(50, 5000), st.floats(2, 1000), st.floats(0.02, 0.2))
    def test_no_more_sequences_keep_the_time_per_token(self, read: float, written: float, limit: float) -> None:
        lengths = Lengths(input_tokens=read, output_tokens=written)
        rate = best_rate(ENGINE, lengths, Objectives(first_token_seconds=inf, token_seconds=limit, attainment=0.99))
        context = read + written / 2
        each = ENGINE.sequence_seconds + ENGINE.context_token_seconds * context
        kept = 0.0
        for sequences in range(1, int(min(256, 100_000 / context)) + 1):
            token = ENGINE.fixed_seconds + each * sequences + sequences * read * 48e-6 / written
            if sequences == 1 or token <= limit:
                kept = sequences / (written * token)
        assert rate == pytest.approx(kept)


def dynamo(**knobs: Any) -> Dynamo:
    return Dynamo(Knobs(**knobs), setting(maximum=40))


BUSY = {"running": 30, "cache": 40_000, "queued": 12_000}
"""Enough to do that nothing is to change: 2 engines would break one of the limits as 1."""


class TestLoad:
    def test_one_more_if_all_would_be_late_with_a_first_token(self) -> None:
        slow = {"queued": 35_000}  # 36,000 tokens take 1.73 s, and 47 steps 0.66 s
        assert dynamo().wanted(view(fleet(2, **slow))) == 3
        assert dynamo().wanted(view([*fleet(2, **slow), seen("idle")])) == 3

    def test_one_more_if_all_would_be_late_with_each_token(self) -> None:
        # 250 sequences in 95,000 tokens take 57.8 ms; with 5,000 prompt tokens a second 76 ms.
        rule, full = dynamo(), {"running": 250, "cache": 95_000}
        assert rule.wanted(view(fleet(2, **full), now=0.0)) == 2
        assert rule.wanted(view(fleet(2, **full), now=5.0, arrived=50)) == 3

    def test_what_comes_is_averaged_over_64_looks(self) -> None:
        full = {"running": 250, "cache": 95_000}
        for samples, expected in ((64, 2), (2, 3)):
            rule = dynamo(samples=samples)
            for turn in range(60):
                rule.wanted(view(fleet(2, **full), now=turn * 5.0))
            wanted = rule.wanted(view(fleet(2, **full), now=300.0, arrived=50))
            assert wanted == expected

    @pytest.mark.parametrize(
        ("each", "knobs", "expected"),
        [
            ({}, {}, 1),
            ({"running": 30, "cache": 45_000}, {}, 1),  # 60 sequences in 90,000 tokens: 27 ms
            ({"running": 30, "cache": 50_000}, {}, 2),  # 100,000 tokens fill the cache
            ({"running": 10, "cache": 30_000, "queued": 20_000}, {}, 2),  # so do these, when they are read
            ({"running": 90, "cache": 40_000}, {}, 1),  # 180 sequences: 46 ms
            ({"running": 100, "cache": 40_000}, {}, 2),  # 200: 49 ms, and 48 is 80 %
            ({"running": 80, "waiting": 20, "cache": 40_000}, {}, 2),  # those that wait will run
            ({"running": 100, "cache": 40_000}, {"down_percent": 90.0}, 1),
            ({"queued": 11_000}, {}, 1),  # 22,000 more tokens: 1.06 s, and 28 steps 0.39 s, of 1.54 s
            ({"queued": 12_000}, {}, 2),  # 24,000: 1.58 s
            ({"queued": 11_000}, {"down_percent": 70.0}, 2),  # 1.34 s
        ],
    )
    def test_one_less_only_if_the_rest_keeps_a_part_of_every_limit(
        self, each: dict[str, int], knobs: dict[str, Any], expected: int
    ) -> None:
        assert dynamo(**knobs).wanted(view(fleet(2, **each))) == expected

    def test_the_last_one_stays(self) -> None:
        assert dynamo().wanted(view(fleet(1))) == 1

    def test_prompts_of_the_one_that_goes_come_to_the_rest(self) -> None:
        rule = dynamo()
        rule.wanted(view(fleet(2, **BUSY), now=0.0))
        # 5,000 tokens a second to each: as one, half of the time goes to prompts, and 27 ms become 55.
        assert rule.wanted(view(fleet(2, running=35, cache=45_000), now=5.0, arrived=50)) == 2

    @pytest.mark.parametrize("stage", [Stage.LOADING, Stage.UNPLACED, Stage.FAILED])
    def test_while_it_waits_for_a_replica_it_only_looks_on(self, stage: Stage) -> None:
        assert dynamo().wanted(view([*fleet(2, queued=40_000), *fleet(1, stage=stage)])) == 3
        assert dynamo().wanted(view([*fleet(2), *fleet(1, stage=stage)])) == 3

    def test_so_it_does_while_it_sees_others_than_it_expects(self) -> None:
        assert dynamo().wanted(view(fleet(3), wanted=2)) == 2
        assert dynamo().wanted(view([], wanted=2)) == 2

    def test_those_that_leave_are_not_its_workers(self) -> None:
        assert dynamo().wanted(view([*fleet(2), *fleet(1, stage=Stage.LEAVING, queued=40_000)])) == 1

    def test_it_looks_every_5_seconds(self) -> None:
        assert dynamo().interval_seconds == 5.0
        assert dynamo(load_seconds=10.0).interval_seconds == 10.0


def by_rate(rule: Dynamo, rates: list[float], *, seconds: float = 180.0, count: int = 2) -> list[int]:
    """What it wants at the end of each interval with so many requests per second, its engines busy as ever."""
    arrived, now, wanted = 0, 0.0, []
    rule.wanted(view(fleet(count, **BUSY), now=now))
    for rate in rates:
        arrived, now = arrived + round(rate * seconds), now + seconds
        count = rule.wanted(view(fleet(count, **BUSY), now=now, arrived=arrived))
        wanted.append(count)
    return wanted


class TestFloor:
    def test_rate_by_what_one_engine_takes_rounded_up(self) -> None:
        one = best_rate(ENGINE, CHAT, SETTING.objectives)
        assert 6.5 < one < 8.5
        assert by_rate(dynamo(), [3.9 * one]) == [4]
        assert by_rate(dynamo(), [4.1 * one]) == [5]

    def test_safety_multiplies_demand(self) -> None:
        one = best_rate(ENGINE, CHAT, SETTING.objectives)
        assert by_rate(dynamo(safety=1.5), [3.9 * one]) == [6]

    def test_before_the_interval_is_over_there_is_none(self) -> None:
        rule = dynamo()
        rule.wanted(view(fleet(2, **BUSY), now=0.0))
        assert rule.wanted(view(fleet(2, **BUSY), now=175.0)) == 2
        assert rule.wanted(view(fleet(2, **BUSY), now=180.0, arrived=5000)) == 4
        assert by_rate(dynamo(throughput_seconds=60.0), [28.0], seconds=60.0) == [4]

    def test_at_most_eight_at_once(self) -> None:
        assert by_rate(dynamo(), [150.0]) == [10]
        assert by_rate(dynamo(step=3), [150.0]) == [5]

    def test_a_trend_raises_it_beyond_the_last_interval(self) -> None:
        ramp = [10.0, 20.0, 30.0, 40.0, 50.0]
        assert by_rate(dynamo(predictor=Predictor.KALMAN), ramp)[-1] > by_rate(dynamo(), ramp)[-1]

    def test_it_holds_when_load_alone_would_shrink(self) -> None:
        rule = dynamo()
        by_rate(rule, [28.0])
        assert rule.wanted(view(fleet(4), now=185.0, arrived=5040)) == 4
        assert dynamo().wanted(view(fleet(4))) == 3

    def test_a_quiet_interval_leaves_a_floor_of_one(self) -> None:
        rule = dynamo()
        rule.wanted(view(fleet(2, **BUSY), now=0.0))
        assert rule.wanted(view(fleet(2), now=180.0)) == 1

    def test_lengths_are_measured(self) -> None:
        rule = dynamo()
        for at, finished in ((0.0, 0.0), (175.0, 5000.0), (180.0, 5040.0)):
            told = counts(finished=finished, prompt_tokens=finished * 4000, generation_tokens=finished * 200)
            engines = [seen(name, at=at, counts=told, running=30, cache=40_000, queued=12_000) for name in "ab"]
            wanted = rule.wanted(view(engines, now=at, arrived=round(finished)))
        long = best_rate(ENGINE, Lengths(input_tokens=4000.0, output_tokens=200.0), SETTING.objectives)
        assert wanted == min(10, -(-28 // long))


ENGINES = st.lists(
    st.builds(
        lambda running, waiting, cache, queued: {
            "running": running,
            "waiting": waiting,
            "cache": cache,
            "queued": queued,
        },
        st.integers(0, 200),
        st.integers(0, 30),
        st.integers(0, 100_000),
        st.integers(0, 30_000),
    ),
    min_size=1,
    max_size=6,
)


@given(ENGINES)
def test_it_never_shrinks_when_the_rest_would_break_and_never_moves_by_more_than_one(
    engines: list[dict[str, int]],
) -> None:
    count = len(engines)
    replicas: list[Seen] = [seen(f"r{index}", **engine) for index, engine in enumerate(engines)]
    wanted = dynamo().wanted(view(replicas))
    assert abs(wanted - count) <= 1
    if wanted < count:
        more = count / (count - 1)
        for engine in engines:
            held = (engine["cache"] + engine["queued"]) * more
            step = 0.014 + 0.00016 * (engine["running"] + engine["waiting"]) * more + 40e-9 * held
            assert held < 100_000
            assert step < 0.8 * 0.060


@given(ENGINES)
def test_after_it_shrank_it_does_not_grow_again_under_the_same_load(engines: list[dict[str, int]]) -> None:
    count = len(engines)
    even = {key: max(engine[key] for engine in engines) for key in engines[0]}
    if count > 1 and dynamo().wanted(view(fleet(count, **even))) == count - 1:
        rest = {key: round(value * count / (count - 1)) for key, value in even.items()}
        assert dynamo().wanted(view(fleet(count - 1, **rest))) <= count - 1
