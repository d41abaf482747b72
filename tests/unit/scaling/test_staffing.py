"""How many replicas carry a load: the planner's own laws, pooled, within memory and both times."""

import itertools
import math
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gemma4_operator.planner import capacity
from gemma4_operator.scaling.service import Service
from gemma4_operator.scaling.staffing import (
    CACHE_SHARE,
    MOST,
    ROOM,
    SPREAD,
    Limits,
    Load,
    keeps,
    needed,
    point,
    reachable,
)
from tests.scaling import SERVICE

LIMITS = Limits(first_token_seconds=2.0, token_seconds=0.06, attainment=0.95)
NO_WAIT_LIMIT = Limits(first_token_seconds=1e12, token_seconds=0.06, attainment=0.95)
CHAT = Load(requests_per_second=2.0, input_tokens=1500, output_tokens=300)

services = st.builds(
    Service,
    fixed_seconds=st.floats(0.002, 0.03),
    sequence_seconds=st.floats(1e-5, 1e-3),
    prompt_token_seconds=st.floats(1e-6, 2e-4),
    most_sequences=st.floats(4, 300),
    max_batched_tokens=st.sampled_from([256, 768, 2048, 8192]),
)
loads = st.builds(
    Load,
    requests_per_second=st.floats(0.05, 200),
    input_tokens=st.floats(20, 8000),
    output_tokens=st.floats(5, 1000),
    variation=st.floats(1, 8),
    imbalance=st.floats(0, 1),
)
limits = st.builds(
    Limits,
    first_token_seconds=st.floats(0.3, 30),
    token_seconds=st.floats(0.02, 0.2),
    attainment=st.sampled_from([0.9, 0.95, 0.99]),
)


def possible(service: Service, load: Load, limit: Limits) -> bool:
    """Whether some number keeps the objectives with room."""
    return reachable(service, load, limit) == limit


class TestOneReplica:
    def test_fares_as_littles_law_has_it(self) -> None:
        at = point(SERVICE, CHAT, replicas=1)
        assert at is not None
        # 600 tokens a second: 14 ms in the 61.6 % of the time that prompts and sequences leave.
        assert at.token_seconds == pytest.approx(0.014 / (1 - 2 * 1500 * 48e-6 - 600 * 0.0004))
        assert at.sequences == pytest.approx(600 * at.token_seconds)
        # And a token is a step, stretched by others' prompts.
        assert at.token_seconds == pytest.approx(at.step_seconds / (1 - 2 * 1500 * 48e-6))

    def test_that_has_no_time_left_carries_nothing(self) -> None:
        assert point(SERVICE, CHAT.times(1.01 * 2.604166), replicas=1) is None
        assert point(SERVICE, CHAT.times(0.99 * 2.604166), replicas=1) is not None
        assert not keeps(SERVICE, CHAT.times(3), LIMITS, replicas=1)

    def test_of_so_many_fares_as_one_under_its_share(self) -> None:
        assert point(SERVICE, CHAT.times(5), replicas=5) == point(SERVICE, CHAT, replicas=1)


class TestLimits:
    def test_without_traffic_any_number_keeps_them(self) -> None:
        assert keeps(SERVICE, CHAT.times(0), replace(LIMITS, token_seconds=1e-9), replicas=1)
        assert needed(SERVICE, CHAT.times(0), LIMITS) == 1

    def test_the_cache_holds_so_many_with_slack(self) -> None:
        at, even = point(SERVICE, CHAT, replicas=1), replace(CHAT, variation=0.0)
        assert at is not None
        for most, fits in ((at.sequences / CACHE_SHARE * 1.001, True), (at.sequences / CACHE_SHARE * 0.999, False)):
            assert keeps(replace(SERVICE, most_sequences=most), even, LIMITS, replicas=1) is fits

    def test_and_more_where_few_fit_since_a_few_more_than_on_average_are_many_beside_them(self) -> None:
        """Requests in work vary as rain does: of nine, three more is one deviation; of nine hundred, thirty."""
        at = point(SERVICE, CHAT, replicas=1)
        assert at is not None
        most = at.sequences + math.sqrt(at.sequences)
        for sequences, fits in ((most * 1.001, True), (most * 0.999, False)):
            assert keeps(replace(SERVICE, most_sequences=sequences), CHAT, LIMITS, replicas=1) is fits
        many, service = CHAT.times(100.0), replace(SERVICE, most_sequences=at.sequences / CACHE_SHARE * 1.001)
        assert keeps(service, many, LIMITS, replicas=100)

    def test_the_time_per_token_is_kept_when_traffic_swings_by_one_deviation(self) -> None:
        at = point(SERVICE, CHAT, replicas=1)
        assert at is not None
        in_one_answer = CHAT.requests_per_second * CHAT.output_tokens * at.token_seconds
        swung = point(SERVICE, CHAT.times(1 + math.sqrt(CHAT.variation / in_one_answer)), replicas=1)
        assert swung is not None
        assert swung.token_seconds > at.token_seconds
        for share, fits in ((1.001, True), (0.999, False)):
            limit = replace(LIMITS, token_seconds=swung.token_seconds * share)
            assert keeps(SERVICE, CHAT, limit, replicas=1) is fits

    def test_a_swing_of_short_answers_is_bounded_by_what_one_step_reads(self) -> None:
        """Code: long prompts, few tokens of answer. By the fluid's law 25 a second would swing to twice as many."""
        code = Load(requests_per_second=25.0, input_tokens=2500, output_tokens=18, variation=9.0)
        at = point(SERVICE, code, replicas=7)
        assert at is not None
        # 14 ms, a few sequences, and 768 prompt tokens: less than 60 ms, however many prompts come.
        times = 1 + math.sqrt(9.0 / (25.0 * 18 * at.token_seconds))
        full = SERVICE.step_seconds(at.sequences * times) + 768 * 48e-6
        assert full == pytest.approx(0.0521, rel=0.01)
        for share, fits in ((1.001, True), (0.999, False)):
            assert keeps(SERVICE, code, replace(NO_WAIT_LIMIT, token_seconds=full * share), replicas=7) is fits
        greedy = replace(SERVICE, max_batched_tokens=8192)
        assert needed(SERVICE, code, NO_WAIT_LIMIT) < needed(greedy, code, NO_WAIT_LIMIT)

    def test_bursts_swing_more_and_many_replicas_share_the_swing(self) -> None:
        tight = replace(LIMITS, token_seconds=0.03)
        much = CHAT.times(10)
        assert needed(SERVICE, replace(much, variation=8.0), tight) > needed(SERVICE, much, tight)
        apart = 10 * needed(SERVICE, CHAT, tight)
        assert needed(SERVICE, much, tight) < apart

    @pytest.mark.parametrize("replicas", [1, 2, 4])
    def test_the_first_token_waits_for_the_queue_a_prompt_and_steps(self, replicas: int) -> None:
        at = point(SERVICE, CHAT, replicas=1)
        assert at is not None
        each = 48e-6 + at.step_seconds / 768
        busy = 2 * 1500 * each
        waits = busy ** (0.75 * (math.sqrt(2 * (replicas + 1)) - 1))
        mean_wait = (1500 * each + at.step_seconds) / ((1 - busy) * replicas**0.75)
        first = (waits * mean_wait + 1500 * each) * math.log(1 / 0.05) + 1.5 * at.step_seconds
        for share, fits in ((1.001, True), (0.999, False)):
            limit = replace(LIMITS, first_token_seconds=first * share)
            assert keeps(SERVICE, CHAT.times(replicas), limit, replicas=replicas) is fits

    @pytest.mark.parametrize("replicas", [1, 2, 4])
    def test_where_chance_spreads_traffic_each_replica_swings_for_itself(self, replicas: int) -> None:
        at = point(SERVICE, CHAT, replicas=1)
        assert at is not None
        load = replace(CHAT.times(replicas), imbalance=1.0)
        in_one_answer = load.requests_per_second * CHAT.output_tokens * at.token_seconds
        swing = math.sqrt((1 + SPREAD**2 * (replicas - 1)) / in_one_answer)
        swung = point(SERVICE, CHAT.times(1 + swing), replicas=1)
        assert swung is not None
        for share, fits in ((1.001, True), (0.999, False)):
            limit = replace(LIMITS, token_seconds=swung.token_seconds * share)
            assert keeps(SERVICE, load, limit, replicas=replicas) is fits

    @pytest.mark.parametrize("replicas", [1, 2, 4])
    def test_and_has_a_queue_of_its_own_in_which_bursts_are_thinned(self, replicas: int) -> None:
        at = point(SERVICE, CHAT, replicas=1)
        assert at is not None
        each = 48e-6 + at.step_seconds / 768
        busy = 2 * 1500 * each
        variation = 1 + (5.0 - 1) / replicas
        mean_wait = (1500 * each + at.step_seconds) * (variation + 1) / 2 / (1 - busy)
        first = (busy**0.75 * mean_wait + 1500 * each) * math.log(1 / 0.05) + 1.5 * at.step_seconds
        load = replace(CHAT.times(replicas), variation=5.0, imbalance=1.0)
        for share, fits in ((1.001, True), (0.999, False)):
            limit = replace(LIMITS, first_token_seconds=first * share)
            assert keeps(SERVICE, load, limit, replicas=replicas) is fits

    def test_bursts_need_more(self) -> None:
        tight = replace(LIMITS, first_token_seconds=0.6)
        assert needed(SERVICE, replace(CHAT.times(10), variation=8.0), tight) > needed(SERVICE, CHAT.times(10), tight)

    def test_more_sureness_needs_no_fewer(self) -> None:
        tight = replace(LIMITS, first_token_seconds=0.8)
        sure = replace(tight, attainment=0.999)
        assert needed(SERVICE, CHAT.times(10), sure) > needed(SERVICE, CHAT.times(10), tight)

    def test_the_search_for_a_number_ends(self) -> None:
        assert needed(SERVICE, CHAT.times(1e12), LIMITS) == MOST


class TestWhatCannotBeReached:
    """An objective near to what one request alone takes, or beyond it: each further replica gains less and less."""

    LOAD = replace(CHAT.times(15), imbalance=1.0)
    TIGHT = replace(LIMITS, first_token_seconds=0.5)

    def counts(self, load: Load, limit: Limits) -> list[int]:
        """Return the numbers for replicas that are as fast as planned, and slower and slower."""
        return [needed(SERVICE.slowed(1 + step / 20), load, limit) for step in range(37)]

    @pytest.mark.parametrize("imbalance", [0.0, 1.0])
    @pytest.mark.parametrize("attainment", [0.95, 0.99])
    def test_the_number_never_explodes_and_never_falls_as_replicas_get_slower(
        self, imbalance: float, attainment: float
    ) -> None:
        """It went from 17 to 353, and at the next step to 14, where no number was left that kept the objective."""
        found = self.counts(replace(self.LOAD, imbalance=imbalance), replace(self.TIGHT, attainment=attainment))
        assert found == sorted(found)
        assert all(later <= earlier * 1.3 + 1 for earlier, later in itertools.pairwise(found))

    def test_nor_as_prompts_get_longer(self) -> None:
        lengths = range(1500, 12_001, 250)
        found = [needed(SERVICE, replace(self.LOAD, input_tokens=float(length)), LIMITS) for length in lengths]
        assert found == sorted(found)
        assert all(later <= earlier * 1.3 + 1 for earlier, later in itertools.pairwise(found))

    def test_what_can_be_reached_with_room_is_staffed_for_as_it_is_asked(self) -> None:
        assert reachable(SERVICE, self.LOAD, LIMITS) == LIMITS

    def test_what_cannot_is_staffed_for_as_near_as_more_replicas_come_to_it(self) -> None:
        within = reachable(SERVICE.slowed(2), self.LOAD, self.TIGHT)
        assert within.first_token_seconds > self.TIGHT.first_token_seconds
        assert keeps(SERVICE.slowed(2), self.LOAD, within, replicas=needed(SERVICE.slowed(2), self.LOAD, self.TIGHT))

    def test_an_impossible_time_per_token_is_treated_alike(self) -> None:
        impossible = replace(LIMITS, token_seconds=0.010)
        within = reachable(SERVICE, CHAT.times(20), impossible)
        assert within.token_seconds == pytest.approx(ROOM * SERVICE.fixed_seconds)
        assert needed(SERVICE, CHAT.times(20), impossible) == needed(SERVICE, CHAT.times(20), within) < 50

    @given(service=services, load=loads, limit=limits)
    def test_some_number_always_comes_as_near_as_is_promised(self, service: Service, load: Load, limit: Limits) -> None:
        count = needed(service, load, limit)
        assert count < MOST
        assert keeps(service, load, reachable(service, load, limit), replicas=count)
        assert point(service, load, replicas=count) is not None


class TestLaws:
    @given(service=services, load=loads, limit=limits)
    def test_the_number_keeps_the_objectives_and_one_fewer_does_not(
        self, service: Service, load: Load, limit: Limits
    ) -> None:
        assume(possible(service, load, limit))
        count = needed(service, load, limit)
        assert keeps(service, load, limit, replicas=count)
        assert count == 1 or not keeps(service, load, limit, replicas=count - 1)

    @given(service=services, load=loads, limit=limits, times=st.floats(1, 20))
    def test_more_traffic_needs_no_fewer(self, service: Service, load: Load, limit: Limits, times: float) -> None:
        assert needed(service, load.times(times), limit) >= needed(service, load, limit)

    @given(service=services, load=loads, limit=limits, times=st.floats(1, 2))
    def test_slower_replicas_are_no_fewer(self, service: Service, load: Load, limit: Limits, times: float) -> None:
        slow = service.slowed(times)
        assume(possible(slow, load, limit))
        assert needed(slow, load, limit) >= needed(service, load, limit)

    @given(service=services, load=loads, limit=limits, more=st.floats(0, 1))
    def test_chance_needs_no_fewer_than_a_router(
        self, service: Service, load: Load, limit: Limits, more: float
    ) -> None:
        uneven = replace(load, imbalance=min(1.0, load.imbalance + more))
        assert needed(service, uneven, limit) >= needed(service, load, limit)

    @given(service=services, load=loads, limit=limits, times=st.integers(2, 20))
    def test_many_share_what_one_alone_keeps_in_reserve(
        self, service: Service, load: Load, limit: Limits, times: int
    ) -> None:
        assume(possible(service, load, limit))
        load = replace(load, imbalance=0.0)
        assert needed(service, load.times(times), limit) <= times * needed(service, load, limit)

    def test_and_run_hotter_the_more_they_are(self) -> None:
        tight = replace(LIMITS, first_token_seconds=0.7)

        def hottest(replicas: int) -> float:
            """Return the requests a second that each of so many takes at most."""
            low, high = 0.0, 10.0
            while high - low > 1e-6:
                middle = (low + high) / 2
                fits = keeps(SERVICE, CHAT.times(middle * replicas / 2), tight, replicas=replicas)
                low, high = (middle, high) if fits else (low, middle)
            return low

        rates = [hottest(replicas) for replicas in (1, 2, 4, 8, 16)]
        assert rates == sorted(rates)
        assert rates[-1] > 1.3 * rates[0]


def planners(service: Service, load: Load) -> tuple[capacity.Server, capacity.Load]:
    server = capacity.Server(
        step_seconds=service.step_seconds,
        prompt_token_seconds=service.prompt_token_seconds,
        max_batch=service.most_sequences,
        max_batched_tokens=service.max_batched_tokens,
    )
    asked = capacity.Load(
        requests_per_second=load.requests_per_second,
        input_tokens=load.input_tokens,
        uncached_input_tokens=load.input_tokens,
        output_tokens=load.output_tokens,
    )
    return server, asked


class TestThePlanner:
    @given(service=services, load=loads, token=st.floats(0.02, 0.2))
    def test_says_the_same_where_only_memory_and_the_time_per_token_count(
        self, service: Service, load: Load, token: float
    ) -> None:
        server, asked = planners(service, load)
        batch = capacity.largest_batch(server, asked, capacity.Deadlines(time_per_output_token_seconds=token))
        # Below one sequence the planner has none of its own step; and it leaves prompts a share of the time.
        assume(batch > 1)
        each = capacity.rate_at(server, asked, batch)
        prompt = load.input_tokens * service.prompt_token_seconds
        steps = load.input_tokens / service.max_batched_tokens * service.step_seconds(batch)
        assume(each * (prompt + steps) < capacity.BUSY_SHARE * 0.999)
        share = load.requests_per_second / each
        assume(abs(share - round(share)) > 1e-4)
        limit = replace(NO_WAIT_LIMIT, token_seconds=token * capacity.DEADLINE_SHARE)
        load = replace(load, variation=0.0, imbalance=0.0)
        assume(possible(service, load, limit))
        planned = capacity.replicas_needed(server, asked, capacity.Deadlines(time_per_output_token_seconds=token))
        assert needed(service, load, limit) == planned

    @given(service=services, load=loads, limit=limits)
    def test_never_says_more_for_the_first_token_because_long_prompts_are_new_to_it(
        self, service: Service, load: Load, limit: Limits
    ) -> None:
        steady = replace(load, variation=1.0)
        assume(possible(service, steady, limit))
        count = needed(service, steady, limit)
        server, asked = planners(service, steady)
        found = capacity.operation(server, asked, replicas=count, attainment=limit.attainment)
        assert found is not None
        assume(found.batch >= 1)
        assert found.time_to_first_token_seconds <= limit.first_token_seconds * (1 + 1e-6)
        assert found.time_per_output_token_seconds <= limit.token_seconds * (1 + 1e-6)

    def test_has_the_same_slack(self) -> None:
        assert CACHE_SHARE == capacity.CACHE_SHARE
