"""What holds in every run, whatever the traffic, the rule and the chance."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.scaling.sample import Stage
from gemma4_operator.sim.request import Request
from gemma4_operator.sim.result import result_of
from gemma4_operator.sim.routing import Routing
from gemma4_operator.sim.run import Circumstances, Played
from gemma4_operator.sim.world import play
from tests.unit.sim.settings import Script, circumstances, model, setting

INTERVAL = 5.0


@st.composite
def traffic(draw: st.DrawFn) -> tuple[Request, ...]:
    now, found = 0.0, []
    for gap, given_tokens, asked_tokens in draw(
        st.lists(st.tuples(st.floats(0, 8), st.integers(1, 3000), st.integers(1, 400)), max_size=60)
    ):
        now += gap
        found.append(Request(arrival_seconds=now, input_tokens=given_tokens, output_tokens=asked_tokens))
    return tuple(found)


CIRCUMSTANCES = st.builds(
    circumstances,
    start=st.integers(0, 4),
    routing=st.sampled_from(Routing),
    has_gateway=st.booleans(),
    mean_life_seconds=st.sampled_from([None, 20.0, 200.0]),
    seed=st.integers(0, 9),
    drain_seconds=st.sampled_from([0.0, 10.0, 300.0]),
    setting=st.builds(
        setting,
        engine=st.builds(model, cache_tokens=st.sampled_from([2000, 100_000])),
        boot_seconds=st.sampled_from([0.0, 7.0, 60.0]),
        boot_variation=st.sampled_from([0.0, 0.5]),
        scrape_delay_seconds=st.sampled_from([0.0, 4.0, 15.0]),
        minimum=st.integers(0, 1),
        maximum=st.integers(2, 5),
    ),
)
RULES = st.lists(st.integers(0, 6), min_size=1, max_size=20).map(
    lambda counts: Script(*((15.0 * place, count) for place, count in enumerate(counts)), interval_seconds=INTERVAL)
)
RUNS = given(trace=traffic(), where=CIRCUMSTANCES, script=RULES)


def run(trace: tuple[Request, ...], where: Circumstances, script: Script) -> Played:
    return play(trace, script, circumstances=where)


@RUNS
def test_each_request_is_finished_or_lost_or_not_finished_yet(
    trace: tuple[Request, ...], where: Circumstances, script: Script
):
    played = run(trace, where, script)
    ledger = played.ledger
    for index, (one, first, finish) in enumerate(zip(trace, ledger.first_seconds, ledger.finish_seconds, strict=True)):
        assert one.arrival_seconds < first <= finish
        if finish < inf:
            least = where.setting.engine.fixed_seconds * (one.output_tokens - 1)
            assert finish - first >= least * 0.999
        elif first == inf:
            assert index in ledger.lost or one.arrival_seconds + first > played.end_seconds
        if one.input_tokens + one.output_tokens - 1 > where.setting.engine.cache_tokens and first < inf:
            raise AssertionError("no replica can hold it")


@RUNS
def test_nobody_is_lost_where_nobody_dies_and_all_have_room(
    trace: tuple[Request, ...], where: Circumstances, script: Script
):
    cache_tokens = where.setting.engine.cache_tokens
    too_large = {index for index, one in enumerate(trace) if one.input_tokens + one.output_tokens - 1 > cache_tokens}
    lost = run(trace, where, script).ledger.lost
    assert lost <= too_large if where.mean_life_seconds is None else True
    assert all(index < len(trace) for index in lost)


@RUNS
def test_a_replica_boots_before_it_serves_serves_before_it_leaves_and_leaves_before_it_is_gone(
    trace: tuple[Request, ...], where: Circumstances, script: Script
):
    for life in run(trace, where, script).lives:
        moments = [life.since_seconds, life.serving_since_seconds, life.leaving_since_seconds, life.gone_seconds]
        known = [moment for moment in moments if moment is not None]
        assert known == sorted(known)
        if life.leaving_since_seconds is not None:
            assert life.serving_since_seconds is not None


@RUNS
def test_there_are_always_as_many_as_are_wished_for(trace: tuple[Request, ...], where: Circumstances, script: Script):
    """Those that leave come on top; what dies is replaced at once; and the wish keeps to its limits."""
    run(trace, where, script)
    for view in script.views:
        staying = [seen for seen in view.replicas if seen.replica.stage is not Stage.LEAVING]
        assert len(staying) == view.wanted
        if view.now_seconds:
            assert where.setting.minimum <= view.wanted <= where.setting.maximum


@RUNS
def test_a_rule_sees_counts_that_only_grow_and_are_as_old_as_they_should_be(
    trace: tuple[Request, ...], where: Circumstances, script: Script
):
    run(trace, where, script)
    seen_before: dict[str, float] = {}
    for view in script.views:
        for seen in view.replicas:
            sample = seen.replica.sample
            if sample is None:
                continue
            assert sample.at_seconds == pytest.approx(view.now_seconds - where.setting.scrape_delay_seconds)
            tokens = sample.counts.generation_tokens or 0.0
            assert tokens >= seen_before.get(seen.replica.name, 0.0)
            seen_before[seen.replica.name] = tokens


@RUNS
def test_the_minutes_add_up_to_the_whole(trace: tuple[Request, ...], where: Circumstances, script: Script):
    played = run(trace, where, script)
    objectives = where.setting.objectives
    result = result_of(played, objectives)
    assert sum(minute.arrived for minute in result.minutes) == result.requests == len(trace)
    kept = sum(minute.kept for minute in result.minutes)
    assert kept + result.missed_first_token + result.missed_token == len(trace)
    assert result.lost <= result.missed_first_token
    assert 0 <= result.worst_five_minute_percent <= 100
    assert result.average_replicas <= result.peak_replicas + 1e-9
    seconds = played.duration_seconds
    if seconds > 0:
        spans = [min(60.0, seconds - minute.start_seconds) for minute in result.minutes]
        spent = sum(minute.replicas * span for minute, span in zip(result.minutes, spans, strict=True))
        assert spent == pytest.approx(result.average_replicas * seconds)


@RUNS
def test_the_same_again_is_the_same(trace: tuple[Request, ...], where: Circumstances, script: Script):
    one = run(trace, where, script)
    other = run(trace, where, Script(*script.answers, interval_seconds=INTERVAL))
    assert one.ledger.finish_seconds == other.ledger.finish_seconds
    assert (one.lives, one.wanted, one.ledger.lost) == (other.lives, other.wanted, other.ledger.lost)
