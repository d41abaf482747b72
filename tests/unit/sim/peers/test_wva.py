"""llm-d's saturation analyzer in tokens: what a replica carries, what is asked, and what it makes of both."""

from dataclasses import replace
from typing import Any

import pytest

from gemma4_operator.scaling.sample import Stage
from gemma4_operator.sim.peers.lengths import Lengths
from gemma4_operator.sim.peers.wva import Knobs, Wva
from gemma4_operator.sim.peers.wva_capacity import Capacity
from tests.unit.sim.peers.views import ENGINE, counts, drive, fleet, seen, setting, steady, view

CHAT = Lengths(input_tokens=1000.0, output_tokens=200.0)


def wva(**knobs: Any) -> Wva:
    return Wva(Knobs(**({"down_window_seconds": 0.0} | knobs)), setting(maximum=30))


class TestWhatAReplicaCarries:
    def capacity(self, **engine: Any) -> Capacity:
        return Capacity(replace(ENGINE, **engine), cache_share=0.8, queue_threshold=5)

    def carried(self, capacity: Capacity, *, tokens: float = 0.0, waiting: float = 0.0, output: float = 200.0) -> int:
        mean = Lengths(input_tokens=1000.0, output_tokens=output)
        return capacity.of(tokens=tokens, waiting=waiting, cache_tokens=100_000, lengths=mean)

    def test_four_fifths_of_the_cache_where_memory_is_the_limit(self) -> None:
        # The arguments allow min(768 x 200 / 1200, 256) = 128 sequences of 1100 tokens.
        assert self.carried(self.capacity()) == 80_000

    @pytest.mark.parametrize(
        ("engine", "output", "expected"),
        [
            ({"max_batched_tokens": 300}, 200.0, 55_000),  # 50 sequences of 1100
            ({"max_sequences": 40}, 200.0, 44_000),
            ({}, 50.0, 37_485),  # 768 x 50 / 1050 = 36.57 of 1025
        ],
    )
    def test_a_steady_state_by_the_engines_arguments_where_that_is_less(
        self, engine: dict[str, Any], output: float, expected: int
    ) -> None:
        assert self.carried(self.capacity(**engine), output=output) == expected
        mean = Lengths(input_tokens=1000.0, output_tokens=output)
        assert self.capacity(**engine).unseen(mean) == expected

    def test_what_is_in_use_while_five_wait(self) -> None:
        assert self.carried(self.capacity(), tokens=30_000, waiting=4) == 80_000
        assert self.carried(self.capacity(), tokens=30_000, waiting=5) == 30_000
        assert self.carried(self.capacity(), tokens=90_000, waiting=5) == 80_000
        assert self.carried(self.capacity(), tokens=0, waiting=5) == 80_000  # nothing in use shows nothing

    def test_later_the_mean_of_the_last_ten_such_times(self) -> None:
        capacity = self.capacity()
        for tokens in (5_000, *[40_000] * 5, *[60_000] * 5):
            self.carried(capacity, tokens=tokens, waiting=9)
        assert self.carried(capacity) == 50_000

    def test_remembered_for_answers_about_as_long(self) -> None:
        capacity = self.capacity(max_batched_tokens=10_000)
        self.carried(capacity, tokens=20_000, waiting=9, output=99.0)
        self.carried(capacity, tokens=30_000, waiting=9, output=100.0)
        self.carried(capacity, tokens=40_000, waiting=9, output=500.0)
        lengths = (50.0, 99.0, 100.0, 499.0, 500.0, 2000.0)
        assert [self.carried(capacity, output=output) for output in lengths] == [
            20_000,
            20_000,
            30_000,
            30_000,
            40_000,
            40_000,
        ]


class TestWhatItWants:
    @pytest.mark.parametrize(
        ("count", "each", "knobs", "expected"),
        [
            (2, {"cache": 67_000}, {}, 2),  # 134,000 / 0.85 = 157,647 of 160,000
            (2, {"cache": 69_000}, {}, 3),  # 162,353
            (2, {"cache": 69_000}, {"up": 0.9}, 2),  # 153,333
            (2, {"cache": 100_000}, {}, 3),  # 235,294: 75,294 short
            (2, {"cache": 100_000, "waiting": 4}, {}, 4),  # 9,600 more: 86,588 short, two of 80,000
            (2, {"cache": 100_000}, {"cache_share": 0.5}, 5),  # 135,294 short, three of 50,000
            (3, {"cache": 50_000}, {}, 3),  # 150,000 / 0.70 = 214,286 of 240,000: not a whole one spare
            (3, {"cache": 35_000}, {}, 2),  # 150,000: 90,000 spare
            (3, {"cache": 35_000}, {"down": 0.6}, 3),  # 175,000: 65,000 spare
            (3, {}, {}, 1),  # nothing to do; one stays
            (2, {"cache": 40_000, "waiting": 5}, {}, 3),  # 92,000 / 0.85 = 108,235 of 2 x 40,000
            (2, {"cache": 40_000, "waiting": 5}, {"queue_threshold": 6}, 2),
        ],
    )
    def test_worked_examples(self, count: int, each: dict[str, int], knobs: dict[str, Any], expected: int) -> None:
        assert wva(**knobs).wanted(view(fleet(count, **each))) == expected

    def test_what_the_router_holds_counts_as_whole_requests(self) -> None:
        assert wva().wanted(view(fleet(2, cache=60_000), held=13)) == 2  # 135,600 / 0.85 = 159,529
        assert wva().wanted(view(fleet(2, cache=60_000), held=14)) == 3

    def test_replicas_that_start_are_supply_already_but_not_to_spare(self) -> None:
        starting = [*fleet(2, cache=90_000), *fleet(1, stage=Stage.LOADING)]
        assert wva().wanted(view(starting)) == 3  # 211,765 of 240,000
        quiet = [*fleet(2, cache=40_000), *fleet(2, stage=Stage.LOADING)]
        assert wva().wanted(view(quiet)) == 4  # 160,000 - 114,286 is not one to spare
        assert wva().wanted(view(fleet(2, cache=40_000))) == 2

    def test_passing_over_a_variant_that_starts_is_a_knob(self) -> None:
        more = [*fleet(2, cache=100_000), *fleet(1, stage=Stage.LOADING)]
        assert wva().wanted(view(more, held=10)) == 4  # 212,000 / 0.85 = 249,412 of 240,000
        assert wva(skip_pending=True).wanted(view(more, held=10)) == 3
        assert wva(skip_pending=True).wanted(view(fleet(2, cache=69_000))) == 3

    def test_one_replica_carries_the_median(self) -> None:
        unlike = [
            seen("a", cache=60_000),
            seen("b", cache=60_000),
            seen("c", cache=60_000, capacity=50_000),
        ]
        assert wva().wanted(view(unlike)) == 3  # 180,000 / 0.85 of 3 x 80,000
        assert wva().wanted(view(unlike[1:])) == 3  # 120,000 / 0.85 = 141,176 of 2 x 60,000
        small = [seen(name, cache=25_000, capacity=50_000) for name in "de"]
        assert wva(up=0.71).wanted(view([*unlike[:2], *small])) == 4  # 170,000 / 0.71 = 239,437 of 4 x 60,000

    def test_a_replica_without_a_cache_tells_nothing(self) -> None:
        assert wva().wanted(view(fleet(2, capacity=0), held=50)) == 2

    def test_before_any_serves_it_goes_by_the_arguments(self) -> None:
        assert wva().wanted(view(fleet(1, stage=Stage.LOADING), held=50)) == 1  # 70,588 of 80,000
        assert wva().wanted(view(fleet(1, stage=Stage.LOADING), held=100)) == 2

    def test_lengths_are_measured(self) -> None:
        rule = wva()
        for at, finished, prompts, answers in ((0.0, 0.0, 0.0, 0.0), (60.0, 10.0, 30_000.0, 10_000.0)):
            told = counts(finished=finished, prompt_tokens=prompts, generation_tokens=answers)
            busy = [seen(name, cache=60_000, waiting=3, at=at, counts=told) for name in "ab"]
            wanted = rule.wanted(view(busy, now=at))
        assert wanted == 3  # 120,000 + 6 x 4,000 = 144,000; with 6 x 1,200 two were enough


class TestTimes:
    def test_it_looks_once_a_minute_at_the_peaks_of_that_minute(self) -> None:
        rule = wva()
        caches = {0.0: 40_000, 15.0: 69_000, 30.0: 10_000, 45.0: 10_000, 60.0: 50_000}
        wanted = [rule.wanted(view(fleet(2, cache=cache), now=now)) for now, cache in caches.items()]
        assert wanted == [2, 2, 2, 2, 3]

    def test_peaks_are_of_its_window(self) -> None:
        rule = wva(peak_seconds=45.0)
        caches = {0.0: 40_000, 15.0: 69_000, 30.0: 10_000, 45.0: 10_000, 60.0: 50_000}
        wanted = [rule.wanted(view(fleet(2, cache=cache), now=now)) for now, cache in caches.items()]
        assert wanted == [2, 2, 2, 2, 2]

    def test_what_is_a_minute_old_is_no_peak_any_more(self) -> None:
        rule = wva()
        caches = {0.0: 100_000, 15.0: 50_000, 30.0: 50_000, 45.0: 50_000, 60.0: 50_000}
        wanted = [rule.wanted(view(fleet(2, cache=cache), now=now)) for now, cache in caches.items()]
        assert wanted == [3, 3, 3, 3, 2]

    def test_it_goes_on_once_a_minute(self) -> None:
        rule = wva()
        caches = {0.0: 50_000, 60.0: 50_000, 75.0: 100_000, 105.0: 100_000, 120.0: 100_000}
        wanted = [rule.wanted(view(fleet(2, cache=cache), now=now)) for now, cache in caches.items()]
        assert wanted == [2, 2, 2, 2, 3]

    def test_lengths_are_of_five_minutes(self) -> None:
        rule = wva()
        for at, finished in ((50.0, 0.0), (360.0, 10.0)):
            told = counts(finished=finished, prompt_tokens=finished * 3000, generation_tokens=finished * 1000)
            busy = [seen(name, cache=60_000, waiting=3, at=at, counts=told) for name in "ab"]
            wanted = rule.wanted(view(busy, now=at))
        assert wanted == 2  # 6 x 1,200 as expected, and not 6 x 4,000

    def test_how_often_it_looks_is_a_knob(self) -> None:
        rule = wva(analyze_seconds=30.0)
        assert [rule.wanted(view(fleet(2, cache=69_000 if now else 0), now=now)) for now in (0.0, 15.0, 30.0)][1:] == [
            1,  # the autoscaler still follows what an empty fleet needed
            3,
        ]

    def test_the_autoscaler_follows_every_15_seconds_and_ignores_a_tenth(self) -> None:
        assert wva().interval_seconds == 15.0
        assert wva(sync_seconds=30.0).interval_seconds == 30.0
        assert wva().wanted(view(fleet(20, cache=69_000))) == 20  # 21 wanted
        assert wva().wanted(view(fleet(9, cache=69_000))) == 10

    def test_the_autoscaler_holds_up_for_300_seconds(self) -> None:
        rule = wva(down_window_seconds=300.0)
        turns = drive(rule, steady(rule), until=400.0, wanted=3)
        assert next(now for now, wanted in turns if wanted < 3) == 300.0


def test_thresholds_the_wrong_way_round_are_refused() -> None:
    with pytest.raises(ValueError, match=r"`down` must be below `up`, and is 0\.7 where that is 0\.6"):
        Knobs(up=0.6)
    with pytest.raises(ValueError, match="`down` must be below `up`"):
        Knobs(up=0.7)
