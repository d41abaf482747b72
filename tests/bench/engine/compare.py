"""The same requests on the real engine and on the simulated one: what each says of their times."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import fmean

from gemma4_operator.sim.engine import Engine
from gemma4_operator.sim.ledger import Ledger
from gemma4_operator.sim.request import Request
from gemma4_operator.sim.setting import EngineModel
from gemma4_operator.sim.traces import Log
from tests.bench.engine.client import Times
from tests.bench.engine.fit import Fitted

SHARES = (0.25, 0.5, 0.75, 0.9)
"""Of the most that the model says the engine can answer."""
SECONDS = 75.0
LENGTHS = 0.2
"""Of the recorded lengths: a context of 2,048 tokens holds nearly all of them then."""
MOST_TOKENS = 1900
FIGURES = ("mean", "median", "90 %")


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One level of load: how much of what the engine can, and each figure of both, in seconds.

    Attributes:
        step_seconds: One step without anything, as the trials before and after have it.
    """

    share: float
    requests: int
    requests_per_second: float
    step_seconds: float
    first_token_real: tuple[float, ...]
    first_token_simulated: tuple[float, ...]
    token_real: tuple[float, ...]
    token_simulated: tuple[float, ...]


def shortened(log: Log) -> Log:
    """Return a log whose requests are so short that the tiny model takes them."""
    requests = []
    for one in log.requests:
        output = max(2, round(one.output_tokens * LENGTHS))
        wanted = max(1, round(one.input_tokens * LENGTHS))
        requests.append(
            Request(
                arrival_seconds=one.arrival_seconds,
                input_tokens=min(wanted, MOST_TOKENS - output),
                output_tokens=output,
            )
        )
    return Log(requests=tuple(requests))


def most_per_second(model: EngineModel, log: Log) -> float:
    """Return how many requests a second an engine answers that is always full."""
    prompt = fmean(one.input_tokens for one in log.requests)
    answer = fmean(one.output_tokens for one in log.requests)
    context = prompt + answer / 2
    most = model.max_sequences
    step = model.fixed_seconds + most * (model.sequence_seconds + model.context_token_seconds * context)
    return 1 / (prompt * model.prompt_token_seconds + answer * step / most)


def traffic(log: Log, *, requests_per_second: float) -> tuple[Request, ...]:
    """Return about `SECONDS` of a log at another rate: its requests in their order, their gaps stretched or shrunk."""
    wanted = ceil(requests_per_second * SECONDS)
    part = log.requests[:wanted]
    begin, end = part[0].arrival_seconds, part[-1].arrival_seconds
    times = (len(part) / requests_per_second) / (end - begin)
    return tuple(
        Request(
            arrival_seconds=(one.arrival_seconds - begin) * times,
            input_tokens=one.input_tokens,
            output_tokens=one.output_tokens,
        )
        for one in part
    )


def simulated(trace: Sequence[Request], fitted: Fitted) -> list[Times]:
    """Return the times that the simulator has for a trace on one replica, with the way there and back."""
    ledger = Ledger(trace)
    engine = Engine(fitted.model, ledger, clock_seconds=0.0)
    for index, request in enumerate(trace):
        engine.advance(request.arrival_seconds)
        engine.submit(index, request, at_seconds=request.arrival_seconds)
    engine.advance(float("inf"))
    return [
        Times(
            first_token_seconds=ledger.first_seconds[index] - request.arrival_seconds + fitted.way_seconds,
            token_seconds=ledger.token_seconds(index),
        )
        for index, request in enumerate(trace)
    ]


def compared(share: float, trace: Sequence[Request], real: Sequence[Times], fitted: Fitted) -> Load:
    """Return the figures of one level, simulated by the model that the engine had then."""
    played = simulated(trace, fitted)
    return Load(
        share=share,
        requests=len(trace),
        requests_per_second=len(trace) / trace[-1].arrival_seconds,
        step_seconds=fitted.model.fixed_seconds,
        first_token_real=_figures(real, lambda times: times.first_token_seconds),
        first_token_simulated=_figures(played, lambda times: times.first_token_seconds),
        token_real=_figures(real, lambda times: times.token_seconds),
        token_simulated=_figures(played, lambda times: times.token_seconds),
    )


def _figures(all_times: Sequence[Times], of: Callable[[Times], float]) -> tuple[float, ...]:
    ordered = sorted(map(of, all_times))
    return (fmean(ordered), ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, int(0.9 * len(ordered)))])
