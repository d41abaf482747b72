"""Replicas come, serve, leave and die under traffic, and each request is accounted for."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.scaling.sample import Stage
from gemma4_operator.sim.policy import View
from gemma4_operator.sim.routing import Routing
from gemma4_operator.sim.run import Played
from gemma4_operator.sim.world import play
from tests.unit.sim.fixed import Static
from tests.unit.sim.settings import Script, circumstances, request, setting, steady

QUIET = steady(count=400, every=1.0)


def stages(view: View) -> list[Stage]:
    return [seen.replica.stage for seen in view.replicas]


class TestBoot:
    def test_a_replica_serves_when_its_boot_is_over(self):
        played = play(QUIET, Script((0.0, 1), (50.0, 2)), circumstances=circumstances())
        assert [(life.since_seconds, life.serving_since_seconds) for life in played.lives] == [(0, 0), (50, 150)]

    def test_until_then_it_is_loading_and_gets_nothing(self):
        script = Script((0.0, 1), (50.0, 2))
        play(QUIET, script, circumstances=circumstances())
        assert stages(script.view_at(50.0)) == [Stage.SERVING]
        assert stages(script.view_at(55.0)) == stages(script.view_at(145.0)) == [Stage.SERVING, Stage.LOADING]
        assert stages(script.view_at(150.0)) == [Stage.SERVING, Stage.SERVING]
        assert script.view_at(145.0).replicas[1].replica.sample is None

    def test_boots_vary_around_their_mean_as_much_as_they_are_said_to(self):
        where = circumstances(setting=setting(boot_variation=0.3, maximum=2000), start=0)
        played = play(QUIET, Script((0.0, 2000), interval_seconds=1000.0), circumstances=where)
        boots = [life.serving_since_seconds - life.since_seconds for life in played.lives if life.serving_since_seconds]
        mean = sum(boots) / len(boots)
        assert mean == pytest.approx(100.0, rel=0.03)
        assert (sum((boot - mean) ** 2 for boot in boots) / len(boots)) ** 0.5 == pytest.approx(30.0, rel=0.08)
        assert min(boots) > 0

    def test_no_boot_time_is_none(self):
        where = circumstances(setting=setting(boot_seconds=0.0, boot_variation=0.3))
        played = play(QUIET, Script((0.0, 1), (50.0, 2)), circumstances=where)
        assert played.lives[1].serving_since_seconds == 50

    def test_requests_wait_for_the_first_replica(self):
        played = play(QUIET, script := Script((0.0, 1)), circumstances=circumstances(start=0))
        assert script.view_at(95.0).gateway_waiting == 95
        assert script.view_at(100.0).gateway_waiting == 0
        assert min(played.ledger.first_seconds) > 100
        assert max(played.ledger.finish_seconds) < inf


class TestScaleDown:
    def test_those_that_load_are_cancelled_first_and_the_newest_of_them(self):
        where = circumstances(start=2)
        played = play(QUIET, Script((0.0, 3), (50.0, 4), (60.0, 2)), circumstances=where)
        assert [life.gone_seconds for life in played.lives] == [None, None, 60, 60]
        played = play(QUIET, Script((0.0, 3), (50.0, 4), (60.0, 3)), circumstances=where)
        assert [life.gone_seconds for life in played.lives] == [None, None, None, 60]

    def test_then_the_emptiest_leaves_and_finishes_what_it_has_begun(self):
        """Two long answers and one short: the least loaded replica has one to finish when it is told to go."""
        trace = (
            request(0.0, 100, 3000),
            request(0.0, 100, 3000),
            request(0.0, 100, 3000),
            *steady(100, 1.0, 10, 1)[1:],
        )
        where = circumstances(start=2, routing=Routing.LEAST)
        played = play(trace, Script((0.0, 2), (5.0, 1)), circumstances=where)
        leaving = played.lives[1]
        assert (leaving.leaving_since_seconds, played.lives[0].leaving_since_seconds) == (5.0, None)
        assert leaving.gone_seconds == played.ledger.finish_seconds[1] > 40
        assert not played.ledger.lost

    def test_one_that_has_nothing_to_do_is_gone_at_once(self):
        trace = (request(0.0, 10, 1), request(20.0, 10, 1))
        played = play(trace, Script((0.0, 2), (10.0, 1)), circumstances=circumstances(start=2))
        assert [life.gone_seconds for life in played.lives] == [None, 10.0]

    def test_who_leaves_gets_nothing_more(self):
        script = Script((0.0, 2), (5.0, 1))
        trace = (request(0.0, 100, 3000), request(0.0, 100, 3000), *steady(100, 1.0, 100, 1500)[1:])
        play(trace, script, circumstances=circumstances(start=2, routing=Routing.LEAST))
        leaving = [seen for seen in script.view_at(20.0).replicas if seen.replica.stage is Stage.LEAVING]
        assert [(seen.running, seen.waiting) for seen in leaving] == [(3, 0)]

    @given(
        counts=st.lists(st.integers(1, 8), min_size=1, max_size=12),
        gateway=st.booleans(),
        routing=st.sampled_from(Routing),
    )
    def test_however_often_it_scales_no_request_is_lost(self, counts: list[int], gateway: bool, routing: Routing):
        script = Script(*((20.0 * place, count) for place, count in enumerate(counts)))
        where = circumstances(has_gateway=gateway, routing=routing, setting=setting(boot_seconds=30.0))
        trace = steady(count=500, every=0.5, input_tokens=300, output_tokens=40)
        played = play(trace, script, circumstances=where)
        assert not played.ledger.lost
        assert max(played.ledger.finish_seconds) < played.end_seconds
        assert all(first > one.arrival_seconds for one, first in zip(trace, played.ledger.first_seconds, strict=True))


class TestLimits:
    @pytest.mark.parametrize(("answer", "expected"), [(-3, 2), (0, 2), (3, 3), (9, 5)])
    def test_a_rule_is_held_within_minimum_and_maximum(self, answer: int, expected: int):
        where = circumstances(start=4, setting=setting(minimum=2, maximum=5))
        played = play(QUIET, Script((0.0, answer)), circumstances=where)
        assert played.wanted[-1][1] == expected

    def test_the_same_answer_again_is_no_change(self):
        played = play(QUIET, Static(replicas=1), circumstances=circumstances())
        assert list(played.wanted) == [(0.0, 1)]


class TestDeath:
    def deadly(self, **changes: object) -> Played:
        where = circumstances(start=4, mean_life_seconds=100.0, setting=setting(boot_seconds=10.0), **changes)
        trace = steady(count=2000, every=0.2, input_tokens=300, output_tokens=60)
        return play(trace, Static(replicas=4), circumstances=where)

    def test_who_dies_is_replaced_at_once(self):
        played = self.deadly()
        deaths = sorted(life.gone_seconds for life in played.lives if life.gone_seconds is not None)
        births = sorted(life.since_seconds for life in played.lives if life.since_seconds > 0)
        assert births == deaths
        assert 8 < len([death for death in deaths if death < 400]) < 32  # 16 are expected

    def test_what_it_worked_on_is_lost_and_all_else_is_answered(self):
        played = self.deadly()
        lost = played.ledger.lost
        unfinished = {index for index, at in enumerate(played.ledger.finish_seconds) if at == inf}
        assert 10 < len(lost) < 200
        assert unfinished <= lost
        # One in the step during which its replica died has a moment at which it would have been done.
        assert len(lost - unfinished) <= len(played.lives)

    def test_none_dies_unless_it_is_said(self):
        played = play(QUIET, Static(replicas=4), circumstances=circumstances(start=4))
        assert all(life.gone_seconds is None for life in played.lives)


class TestWhatARuleSees:
    @pytest.mark.parametrize("delay", [0.0, 3.0, 5.0, 15.0, 32.0])
    def test_counts_are_exactly_as_old_as_scraping_makes_them(self, delay: float):
        script = Script((0.0, 1))
        play(QUIET, script, circumstances=circumstances(setting=setting(scrape_delay_seconds=delay)))
        for view in script.views:
            sample = view.replicas[0].replica.sample
            if view.now_seconds < delay:
                assert sample is None
            else:
                assert sample is not None
                assert view.now_seconds - sample.at_seconds == delay
                answered = max(0, view.now_seconds - delay)  # One comes each second, and takes less than one.
                assert sample.counts.finished == pytest.approx(answered, abs=1)

    def test_but_what_runs_is_as_of_now(self):
        script = Script((0.0, 1))
        trace = (*[request(0.0, 10, 2000)] * 3, *steady(100, 1.0, 10, 1)[1:])
        play(trace, script, circumstances=circumstances(setting=setting(scrape_delay_seconds=30.0)))
        assert script.view_at(5.0).replicas[0].running >= 3
        assert script.view_at(5.0).replicas[0].cache_tokens > 0
        assert script.view_at(5.0).replicas[0].cache_capacity_tokens == 100_000

    def test_it_is_asked_every_interval_until_the_trace_ends(self):
        script = Script((0.0, 1), interval_seconds=15.0)
        play(QUIET, script, circumstances=circumstances())
        assert [view.now_seconds for view in script.views] == [15.0 * turn for turn in range(27)]

    def test_how_many_came_and_what_was_wished_for(self):
        script = Script((0.0, 2), (100.0, 3))
        play(QUIET, script, circumstances=circumstances())
        assert script.view_at(100.0).arrived == 100
        assert [script.view_at(at).wanted for at in (0.0, 5.0, 100.0, 105.0)] == [1, 2, 2, 3]

    def test_no_two_replicas_ever_share_a_name(self):
        script = Script((0.0, 3), (20.0, 1), (40.0, 4))
        play(QUIET, script, circumstances=circumstances())
        since = {(seen.replica.name, seen.replica.since_seconds) for view in script.views for seen in view.replicas}
        assert len({name for name, _ in since}) == len(since) == 6


class TestDeterminism:
    def run(self, seed: int) -> tuple[list[float], list[float | None]]:
        where = circumstances(
            setting=setting(boot_variation=0.2), seed=seed, mean_life_seconds=500.0, routing=Routing.RANDOM, start=2
        )
        played = play(steady(1000, 0.1), Script((0.0, 3), (30.0, 5)), circumstances=where)
        return played.ledger.finish_seconds, [life.serving_since_seconds for life in played.lives]

    def test_a_seed_decides_all(self):
        assert self.run(1) == self.run(1)

    def test_and_another_gives_other_boots_and_routes(self):
        (finished, boots), (others, other_boots) = self.run(1), self.run(2)
        assert finished != others
        assert boots != other_boots

    def test_boots_do_not_depend_on_how_requests_are_routed(self):
        lives = []
        for routing in Routing:
            where = circumstances(setting=setting(boot_variation=0.2), routing=routing)
            lives.append(play(QUIET, Script((0.0, 4)), circumstances=where).lives)
        assert lives[0] == lives[1] == lives[2]


def test_a_trace_without_requests_costs_nothing():
    played = play((), Static(replicas=2), circumstances=circumstances(start=2))
    assert (played.duration_seconds, len(played.lives)) == (0.0, 2)
