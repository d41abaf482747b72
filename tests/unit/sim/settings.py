"""Engines, deployments and requests as the tests of the simulator need them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gemma4_operator.sim.engine import Engine
from gemma4_operator.sim.ledger import Ledger
from gemma4_operator.sim.policy import View
from gemma4_operator.sim.request import Request
from gemma4_operator.sim.run import Circumstances
from gemma4_operator.sim.setting import EngineModel, Objectives, Setting

EXACT = EngineModel(
    fixed_seconds=2.0**-6,
    sequence_seconds=2.0**-12,
    context_token_seconds=2.0**-24,
    prompt_token_seconds=2.0**-14,
    cache_tokens=100_000,
    max_sequences=64,
    max_batched_tokens=256,
)
"""All its times are sums of powers of two, so that it matters not in which order they are added."""

SETTING = Setting(
    engine=EXACT,
    objectives=Objectives(first_token_seconds=2.0, token_seconds=0.06, attainment=0.99),
    boot_seconds=100.0,
    boot_variation=0.0,
    scrape_delay_seconds=0.0,
    minimum=1,
    maximum=20,
    input_tokens=200.0,
    output_tokens=50.0,
)


def model(**changes: Any) -> EngineModel:
    return replace(EXACT, **changes)


def setting(**changes: Any) -> Setting:
    return replace(SETTING, **changes)


def circumstances(**changes: Any) -> Circumstances:
    return replace(Circumstances(setting=SETTING, start=1), **changes)


def request(at: float = 0.0, input_tokens: int = 100, output_tokens: int = 10) -> Request:
    return Request(arrival_seconds=at, input_tokens=input_tokens, output_tokens=output_tokens)


def steady(count: int, every: float, input_tokens: int = 100, output_tokens: int = 10) -> tuple[Request, ...]:
    return tuple(request(number * every, input_tokens, output_tokens) for number in range(count))


def served(requests: Sequence[Request], engine_model: EngineModel = EXACT) -> tuple[Engine, Ledger]:
    """Let one engine answer all."""
    ledger = Ledger(requests)
    engine = Engine(engine_model, ledger, clock_seconds=0.0)
    for index, one in enumerate(requests):
        engine.advance(one.arrival_seconds)
        engine.submit(index, one, at_seconds=one.arrival_seconds)
    engine.advance(1e9)
    return engine, ledger


class Script:
    """A rule that says what it is told to, from a time on, and remembers what it saw."""

    def __init__(self, *answers: tuple[float, int], interval_seconds: float = 5.0) -> None:
        self.interval_seconds = interval_seconds
        self.answers = answers
        self.views: list[View] = []

    def wanted(self, view: View) -> int:
        self.views.append(view)
        return [count for at, count in self.answers if at <= view.now_seconds][-1]

    def view_at(self, seconds: float) -> View:
        return next(view for view in self.views if view.now_seconds == seconds)
