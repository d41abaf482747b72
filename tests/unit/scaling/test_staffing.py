"""How many replicas carry a load: the planner's own laws, pooled, within memory and both times."""

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
    Limits,
    Load,
    carrying,
    keeps,
    needed,
    point,
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
)
limits = st.builds(
    Limits,
    first_token_seconds=st.floats(0.3, 30),
    token_seconds=st.floats(0.02, 0.2),
    attainment=st.sampled_from([0.9, 0.95, 0.99]),
)


def possible(service: Service, load: Load, limit: Limits) -> bool:
    """Whether some number keeps the objectives at all."""
    return keeps(service, load.times(1e-6), limit, replicas=1)


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
        at = point(SERVICE, CHAT, replicas=1)
        assert at is not None
        for most, fits in ((at.sequences / CACHE_SHARE * 1.001, True), (at.sequences / CACHE_SHARE * 0.999, False)):
            assert keeps(replace(SERVICE, most_sequences=most), CHAT, LIMITS, replicas=1) is fits

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

    def test_bursts_swing_more_and_many_replicas_share_the_swing(self) -> None:
        tight = replace(LIMITS, token_seconds=0.03)
        much = CHAT.times(10)
        assert needed(SERVICE, replace(much, variation=8.0), tight) > needed(SERVICE, much, tight)
        apart = 10 * needed(SERVICE, CHAT, tight)
        assert needed(SERVICE, much, tight) < apart

    @pytest.mark.parametrize("replicas", [1, 2, 4])
    def test_the_first_token_waits_for_the_queue_a_long_prompt_and_steps(self, replicas: int) -> None:
        at = point(SERVICE, CHAT, replicas=1)
        assert at is not None
        each = 48e-6 + at.step_seconds / 768
        busy = 2 * 1500 * each
        waits = busy ** (0.75 * (math.sqrt(2 * (replicas + 1)) - 1))
        mean_wait = (1500 * each + at.step_seconds) / ((1 - busy) * replicas**0.75)
        first = mean_wait * math.log(waits / 0.05) + 3 * 1500 * each + 1.5 * at.step_seconds
        for share, fits in ((1.001, True), (0.999, False)):
            limit = replace(LIMITS, first_token_seconds=first * share)
            assert keeps(SERVICE, CHAT.times(replicas), limit, replicas=replicas) is fits

    def test_bursts_need_more(self) -> None:
        tight = replace(LIMITS, first_token_seconds=0.8)
        assert needed(SERVICE, replace(CHAT.times(10), variation=8.0), tight) > needed(SERVICE, CHAT.times(10), tight)

    def test_more_sureness_needs_no_fewer(self) -> None:
        tight = replace(LIMITS, first_token_seconds=0.6)
        sure = replace(tight, attainment=0.999)
        assert needed(SERVICE, CHAT.times(10), sure) > needed(SERVICE, CHAT.times(10), tight)

    def test_a_time_that_one_request_alone_misses_asks_for_what_carries_the_load(self) -> None:
        impossible = replace(LIMITS, token_seconds=0.010)
        assert needed(SERVICE, CHAT.times(20), impossible) == carrying(SERVICE, CHAT.times(20)) > 1

    def test_the_search_for_a_number_ends(self) -> None:
        assert needed(SERVICE, CHAT.times(1e12), LIMITS) == MOST
        assert carrying(SERVICE, CHAT.times(1e12)) == MOST


class TestWhatCarries:
    def test_has_a_tenth_of_its_time_to_spare(self) -> None:
        # A request: 72 ms of prompt, 120 ms beside others, and its share of the 14 ms of full steps of 73.6.
        each = 0.072 + 0.120 + 300 * 0.014 / (0.92 * 80)
        assert carrying(SERVICE, CHAT.times(50)) == math.ceil(100 * each / 0.9)

    def test_is_at_least_one(self) -> None:
        assert carrying(SERVICE, CHAT.times(0)) == 1

    @given(service=services, load=loads)
    def test_can_carry_it(self, service: Service, load: Load) -> None:
        assert point(service, load, replicas=carrying(service, load)) is not None


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

    @given(service=services, load=loads, limit=limits, times=st.integers(2, 20))
    def test_many_share_what_one_alone_keeps_in_reserve(
        self, service: Service, load: Load, limit: Limits, times: int
    ) -> None:
        assume(possible(service, load, limit))
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
        load = replace(load, variation=0.0)
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
