"""How long requests are on average, as engines' totals tell for a while, or as was expected until they do."""

from dataclasses import dataclass

from gemma4_operator.sim.peers.history import History
from gemma4_operator.sim.setting import Setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """Tokens of a mean request."""

    input_tokens: float
    output_tokens: float


def lengths(history: History, setting: Setting) -> Lengths:
    """Return the tokens read and written for each request answered meanwhile."""
    finished = history.growth(lambda counts: counts.finished)
    prompts = history.growth(lambda counts: counts.prompt_tokens)
    answers = history.growth(lambda counts: counts.generation_tokens)
    if not (finished and prompts and answers):
        return Lengths(input_tokens=setting.input_tokens, output_tokens=setting.output_tokens)
    return Lengths(input_tokens=prompts / finished, output_tokens=answers / finished)
