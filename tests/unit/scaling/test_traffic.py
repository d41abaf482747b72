"""How much comes, how large it is, and how many of it fit: what is told is what came, whatever it is staffed as."""

import math
from dataclasses import replace

import pytest

from gemma4_operator.scaling.flow import Flow
from gemma4_operator.scaling.sample import Counts
from gemma4_operator.scaling.series import SPAN_SECONDS, Series, Tick
from gemma4_operator.scaling.service import Service
from gemma4_operator.scaling.traffic import came_per_request, load_of, most_sequences, spans_together
from tests.scaling import SERVICE, Engine, Loop, terms

SLOW = Service(
    fixed_seconds=0.2, sequence_seconds=0.02, prompt_token_seconds=0.01, most_sequences=16, max_batched_tokens=512
)
"""A CPU: one usual request is half a minute of its time."""


def series(*flows: tuple[float, Flow]) -> Series:
    """What flowed in each second of one time after the other."""
    ticks = [Tick(0.0, Flow())]
    for seconds, flow in flows:
        ticks.append(Tick(ticks[-1].at_seconds + seconds, ticks[-1].total.plus(flow, seconds)))
    return tuple(ticks)


class TestHowManyFit:
    def test_is_as_planned_as_long_as_nothing_ran(self) -> None:
        assert most_sequences(terms(), series((60.0, Flow()))) == pytest.approx(SERVICE.most_sequences)

    def test_is_what_those_that_ran_held_of_the_cache(self) -> None:
        """Ten that hold half of it: twenty fit, and the plan counts as one request that always runs."""
        seen = series((480.0, Flow(sequences=10.0, cache=0.5)))
        assert most_sequences(terms(), seen) == pytest.approx(11 / (0.5 + 1 / 80))

    def test_does_not_depend_on_over_how_many_replicas_they_ran(self) -> None:
        few, many = (series((480.0, Flow(sequences=40.0 * n, cache=0.8 * n))) for n in (5, 50))
        assert (
            most_sequences(terms(), few)
            == pytest.approx(most_sequences(terms(), many), rel=0.01)
            == pytest.approx(50, rel=0.02)
        )

    @pytest.mark.parametrize("tokens", [1.0, 3.0])
    def test_so_requests_of_another_size_than_was_told_get_the_replicas_that_they_take(self, tokens: float) -> None:
        """Engines say how full they are; long requests fill them with fewer."""

        def say(engine: Engine, at: float, said: Counts) -> Counts:
            return replace(said, cache_usage=min(1.0, tokens * engine.running / 80))

        service = replace(SERVICE, most_sequences=80 / tokens)
        told = Loop(terms(service=service), lambda at: 12.0, serving=6).run(2400).replicas
        found = Loop(terms(), lambda at: 12.0, serving=6, engine=service, say=say).run(2400).replicas
        assert found == told


class TestASlowEngine:
    def test_is_seen_over_so_long_that_one_request_is_no_burst(self) -> None:
        bound = terms(service=SLOW)
        load = load_of(bound, series((60.0, Flow())), imbalance=1.0, slowness=1.0)
        assert spans_together(bound, load, slowness=1.0) * SPAN_SECONDS > 200
        usual = load_of(terms(), series((60.0, Flow())), imbalance=1.0, slowness=1.0)
        assert spans_together(terms(), usual, slowness=1.0) == 1

    def test_counts_one_request_as_an_eighth_of_a_replica_at_most(self) -> None:
        bound = terms(service=SLOW)
        each = SLOW.work_seconds(input_tokens=bound.input_tokens, output_tokens=bound.output_tokens)
        one = series((470.0, Flow()), (10.0, Flow(work_seconds=each / 10, arrivals=0.1)))
        load = load_of(bound, one, imbalance=1.0, slowness=1.0)
        assert load.requests_per_second * each <= 1 / 8 + 1e-9

    def test_is_not_multiplied_for_one_request_an_hour(self) -> None:
        bound = terms(service=SLOW, first_token_seconds=60.0, token_seconds=math.inf, boot_seconds=60.0)
        loop = Loop(bound, lambda at: 0.1 if at % 3600 == 0 else 0.0, serving=1)
        loop.run(4 * 3600)
        assert max(loop.numbers) == 1


class TestWhatIsTold:
    def test_are_the_requests_that_came_whatever_their_size(self) -> None:
        bound = terms()
        each = bound.service.work_seconds(input_tokens=200, output_tokens=5)
        came = Flow(arrivals=0.5, prompts=0.5, prompt_tokens=100, answers=0.5, answer_tokens=2.5)
        seen = series((480.0, replace(came, work_seconds=0.5 * each)))
        load = load_of(bound, seen, imbalance=0.0, slowness=1.0)
        assert load.requests_per_second < 0.4, "the load is told in larger ones, of which the usual are a part"
        assert load.requests_per_second * came_per_request(bound, load, seen) == pytest.approx(0.5)

    def test_is_nothing_of_its_own_where_nothing_came(self) -> None:
        load = load_of(terms(), series((60.0, Flow())), imbalance=0.0, slowness=1.0)
        assert (load.requests_per_second, came_per_request(terms(), load, series((60.0, Flow())))) == (0.0, 1.0)

    def test_is_never_less_than_nothing(self) -> None:
        """Where answers end sooner than was reckoned with, what was taken for work is taken back."""
        taken_back = series((60.0, Flow(work_seconds=-0.3)))
        assert load_of(terms(), taken_back, imbalance=0.0, slowness=1.0).requests_per_second == 0


def test_an_answer_counts_once() -> None:
    """Half of it where it begins, what is written, and that half taken off where it ends."""
    loop = Loop(terms(output_tokens=300.0), lambda at: 2.0, serving=6, tick_seconds=5.0)
    loop.run(1800)
    expected = loop.last.expected
    assert expected is not None
    assert expected.now * 60 == pytest.approx(120, rel=0.02)
    work = terms().service.work_seconds(input_tokens=1500.0, output_tokens=300.0)
    total = loop.state.series[-1].total.work_seconds - loop.state.series[0].total.work_seconds
    seconds = loop.state.series[-1].at_seconds - loop.state.series[0].at_seconds
    assert total / seconds == pytest.approx(2.0 * work, rel=0.02)
