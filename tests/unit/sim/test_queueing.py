"""The simulator against what queueing theory says of cases that it can solve."""

from itertools import pairwise
from random import Random
from statistics import fmean

import pytest

from gemma4_operator.sim.engine import Engine
from gemma4_operator.sim.ledger import Ledger
from gemma4_operator.sim.request import Request
from tests.unit.sim.settings import model, request, served


def poisson(rate: float, count: int, input_tokens: int, output_tokens: int, seed: int = 1) -> tuple[Request, ...]:
    chance, now, found = Random(seed), 0.0, []
    for _ in range(count):
        now += chance.expovariate(rate)
        found.append(request(now, input_tokens, output_tokens))
    return tuple(found)


@pytest.mark.parametrize("load", [0.3, 0.6, 0.8])
def test_one_at_a_time_waits_as_long_as_in_m_d_1(load: float):
    """Poisson arrivals, one server, equal service: the mean wait is load / (2 (1 - load)) services."""
    one_by_one = model(max_sequences=1)
    service = one_by_one.fixed_seconds + 100 * one_by_one.prompt_token_seconds
    requests = poisson(load / service, 60_000, 100, 1)
    _, ledger = served(requests, one_by_one)
    waits = fmean(
        first - one.arrival_seconds - service for one, first in zip(requests, ledger.first_seconds, strict=True)
    )
    assert waits == pytest.approx(load / (2 * (1 - load)) * service, rel=0.06)


@pytest.mark.parametrize("batch", [1, 4, 16, 48])
def test_a_full_batch_answers_its_size_in_the_time_that_an_answer_takes(batch: int):
    """Of b at once, each with o tokens in steps of T(b), b / (o T(b)) are answered a second."""
    engine_model = model(max_sequences=batch, max_batched_tokens=4096)
    output_tokens, rounds = 400, 6
    _, ledger = served([request(0.0, 1, output_tokens)] * (batch * rounds), engine_model)
    step = (
        engine_model.fixed_seconds
        + batch * engine_model.sequence_seconds
        + batch * engine_model.context_token_seconds * (1 + output_tokens / 2)
    )
    assert batch * rounds / max(ledger.finish_seconds) == pytest.approx(batch / (output_tokens * step), rel=0.01)


def test_prompts_alone_are_read_as_fast_as_batches_go():
    engine_model = model(max_batched_tokens=512)
    _, ledger = served([request(0.0, 700, 1)] * 200, engine_model)
    a_second = 512 / (engine_model.fixed_seconds + 512 * engine_model.prompt_token_seconds)
    assert 200 * 700 / max(ledger.finish_seconds) == pytest.approx(a_second, rel=0.01)


@pytest.mark.parametrize("rate", [1.0, 4.0, 8.0])
def test_as_many_are_there_as_come_while_one_is_there(rate: float):
    """Little's law: the mean number present is the rate times the mean stay."""
    requests = poisson(rate, int(600 * rate), 300, 80)
    ledger = Ledger(requests)
    engine = Engine(model(max_sequences=16), ledger, clock_seconds=0.0)
    present, now = [], 0.0
    for index, one in enumerate(requests):
        while now + 0.05 <= one.arrival_seconds:
            now += 0.05
            engine.advance(now)
            present.append(engine.outstanding(now))
        engine.advance(one.arrival_seconds)
        engine.submit(index, one, at_seconds=one.arrival_seconds)
    while engine.outstanding(now):
        now += 0.05
        engine.advance(now)
        present.append(engine.outstanding(now))
    stays = sum(finish - one.arrival_seconds for one, finish in zip(requests, ledger.finish_seconds, strict=True))
    assert sum(present) * 0.05 == pytest.approx(stays, rel=0.02)


def test_first_come_is_first_read_under_any_load():
    chance = Random(3)
    requests, now = [], 0.0
    for _ in range(2000):
        now += chance.expovariate(12.0)
        requests.append(request(now, chance.randrange(1, 600), chance.randrange(1, 60)))
    engine, ledger = served(requests)
    assert engine.meter.preemptions == 0
    assert all(sooner <= later for sooner, later in pairwise(ledger.first_seconds))
