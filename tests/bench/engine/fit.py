"""From a few timed requests to a model of an engine's times.

Each trial sends like requests at once. A step with b sequences that hold t tokens together takes
fixed + sequence b + context t, so that three kinds of trials tell its parts: one sequence, many, some that are long. A
prompt's tokens take the time that a long one waits longer for its first token than a short one, less its steps.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import fmean, median

from gemma4_operator.sim.request import Request
from gemma4_operator.sim.setting import EngineModel
from tests.bench.engine.client import Times
from tests.bench.engine.server import BATCHED_TOKENS, SEQUENCES

SHORT_PROMPT, LONG_PROMPT = 16, 1536
ANSWER = 200
_DEEP = 4
"""Long sequences at once: so few that all decode together for nearly all of their answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """So many like requests at once."""

    name: str
    requests: int
    input_tokens: int
    output_tokens: int

    @property
    def trace(self) -> tuple[Request, ...]:
        """The requests, all at the beginning."""
        return tuple(
            Request(arrival_seconds=0.0, input_tokens=self.input_tokens, output_tokens=self.output_tokens)
            for _ in range(self.requests)
        )

    @property
    def context_tokens(self) -> float:
        """What all hold together, on average while they decode."""
        return self.requests * (self.input_tokens + self.output_tokens / 2)


ONE = Trial(name="one", requests=1, input_tokens=SHORT_PROMPT, output_tokens=ANSWER)
MANY = Trial(name="many", requests=SEQUENCES, input_tokens=SHORT_PROMPT, output_tokens=ANSWER)
DEEP = Trial(name="deep", requests=_DEEP, input_tokens=LONG_PROMPT, output_tokens=ANSWER)
PROMPT = Trial(name="prompt", requests=1, input_tokens=LONG_PROMPT, output_tokens=2)
TRIALS = (ONE, MANY, DEEP, PROMPT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A model, and what a request takes on its way to the engine and back, which is no part of it."""

    model: EngineModel
    way_seconds: float


Round = Mapping[str, Sequence[Times]]
"""For each trial by name, the times of its requests."""


def fitted(rounds: Sequence[Round], *, cache_tokens: int) -> Fitted:
    """Return the model that explains the trials.

    Args:
        rounds: In each of which each trial was made once.
        cache_tokens: What the engine says that its cache holds.
    """
    timed = {trial.name: [once[trial.name] for once in rounds] for trial in TRIALS}
    one, many, deep = (_step_seconds(timed[trial.name]) for trial in (ONE, MANY, DEEP))
    # Three equations: fixed + n sequence + context t.
    sides = ((ONE, one), (MANY, many), (DEEP, deep))
    fixed, sequence, context = _solved([(1.0, trial.requests, trial.context_tokens, step) for trial, step in sides])
    context = max(0.0, context)
    steps = ceil(LONG_PROMPT / BATCHED_TOKENS)
    first_long, first_short = _first_seconds(timed[PROMPT.name]), _first_seconds(timed[ONE.name])
    prompt = max(0.0, (first_long - first_short - (steps - 1) * fixed) / (LONG_PROMPT - SHORT_PROMPT))
    return Fitted(
        model=EngineModel(
            fixed_seconds=max(1e-6, fixed),
            sequence_seconds=max(0.0, sequence),
            context_token_seconds=context,
            prompt_token_seconds=prompt,
            cache_tokens=cache_tokens,
            max_sequences=SEQUENCES,
            max_batched_tokens=BATCHED_TOKENS,
        ),
        way_seconds=max(0.0, first_short - fixed - SHORT_PROMPT * prompt),
    )


def _step_seconds(made: Sequence[Sequence[Times]]) -> float:
    """Return how long a step took: whoever begins last waits for nobody's prompt."""
    return median(min(times.token_seconds for times in once) for once in made)


def _first_seconds(made: Sequence[Sequence[Times]]) -> float:
    return median(fmean(times.first_token_seconds for times in once) for once in made)


def _solved(rows: Sequence[tuple[float, float, float, float]]) -> tuple[float, float, float]:
    """Return the solution of three equations with three unknowns, by Cramer's rule."""
    whole = _determinant([row[:3] for row in rows])
    found = []
    for column in range(3):
        replaced = [(*row[:column], row[3], *row[column + 1 : 3]) for row in rows]
        found.append(_determinant(replaced) / whole)
    first, second, third = found
    return first, second, third


def _determinant(rows: Sequence[Sequence[float]]) -> float:
    (a, b, c), (d, e, f), (g, h, i) = rows
    return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
