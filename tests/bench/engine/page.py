"""The page on how near the simulator comes to a real engine."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from tests.bench.engine.compare import FIGURES, LENGTHS, SECONDS, Load
from tests.bench.engine.fit import Fitted
from tests.bench.table import table
from tests.cluster.vllm import VERSION

COMMAND = "make engine-bench"
BAND = 0.35
"""How far the simulator's means and medians may be from the engine's, as a share of them, up to the load `STEADY`."""
STEADY = 0.75


def page(fitted: Fitted, loads: Sequence[Load], *, machine: str, foreign: float) -> str:
    """Return the page."""
    return f"""<!-- Made by `{COMMAND}`; do not edit. -->

# The simulator beside a real engine

`gemma4 simulate` and [the benchmark](autoscaling.md) play an engine that exists as a model alone: a step takes a fixed
time, and more for each sequence, each token of context and each prompt token. Here that model meets the real thing.
vLLM {VERSION} for CPUs serves a tiny Gemma 4, is timed with a few requests alone, and a model is fitted to them; both
get the same recorded chats, at rising load. What is tested is whether the model knows queues, batches and chunks
of prompts; how fast a GPU is, it cannot tell.

{_model(fitted)}

## First token, in milliseconds

{table(_heads(), _rows(loads, is_first=True))}
## Each further token, in milliseconds

{table(_heads(), _rows(loads, is_first=False))}
## What it says

{verdict(loads)}

Load is the share of what an engine can answer that is always full, by the model. Each level lasts about
{SECONDS:.0f} s and has the first chats of Azure's hour of 2023, with prompts and answers {LENGTHS:g} times as long and
gaps stretched, so that bursts stay. On two cores the engine, its HTTP server and the client share what there is, which
a GPU's host does not. A machine that is shared is not as fast at each minute: the engine is timed before and after each
level, and each level has a model of its own. Others used {foreign * 100:.0f} % of the machine meanwhile ({machine}).

```console
{COMMAND}
```
"""


def _model(fitted: Fitted) -> str:
    model = fitted.model
    return "\n".join(
        (
            f"The fitted model, over all rounds: {model.fixed_seconds * 1e3:.1f} ms for a step, and more:",
            f"{model.sequence_seconds * 1e3:.2f} ms for each sequence,",
            f"{model.context_token_seconds * 1e6:.2f} us for each token of context,",
            f"{model.prompt_token_seconds * 1e6:.0f} us for each prompt token.",
            f"{model.max_sequences} sequences and {model.max_batched_tokens} tokens in a step at most. A request takes",
            f"{fitted.way_seconds * 1e3:.0f} ms on its way to the engine and back.",
        )
    )


def verdict(loads: Sequence[Load]) -> str:
    """Return in how far both agree: the trend, and the band."""
    lines = []
    for name, pairs in (
        ("first token", [(load.share, load.first_token_simulated, load.first_token_real) for load in loads]),
        ("further tokens", [(load.share, load.token_simulated, load.token_real) for load in loads]),
    ):
        ratios = [(share, simulated[figure] / real[figure]) for share, simulated, real in pairs for figure in range(2)]
        steady = [ratio for share, ratio in ratios if share <= STEADY]
        above = [ratio for share, ratio in ratios if share > STEADY]
        agrees = all(abs(ratio - 1) <= BAND for ratio in steady)
        lines.append(
            f"* **{name[0].upper()}{name[1:]}**: up to {STEADY:.0%} load means and medians are "
            f"{min(steady):.2f} to {max(steady):.2f} times the engine's"
            + (f", above it {min(above):.2f} to {max(above):.2f}" if above else "")
            + f"; the band of {BAND:.0%} up to there is {'kept' if agrees else '**missed**'}. "
            + f"Both rise from level to level: {'yes' if _rise_together(pairs) else '**no**'}."
        )
    return "\n".join(lines).replace("%", " %")


def _rise_together(pairs: Sequence[tuple[float, tuple[float, ...], tuple[float, ...]]]) -> bool:
    """Whether the means of both rise with load."""
    return all(later[side][0] > sooner[side][0] for sooner, later in pairwise(pairs) for side in (1, 2))


def _heads() -> tuple[str, ...]:
    columns = (f"{figure}, {side}" for figure in FIGURES for side in ("engine", "simulated"))
    return ("load", "requests a second", "a step alone", *columns)


def _rows(loads: Sequence[Load], *, is_first: bool) -> Iterator[tuple[str, ...]]:
    for load in loads:
        real, simulated = (
            (load.first_token_real, load.first_token_simulated) if is_first else (load.token_real, load.token_simulated)
        )
        cells = (f"{seconds * 1e3:.1f}" for pair in zip(real, simulated, strict=True) for seconds in pair)
        step = f"{load.step_seconds * 1e3:.1f}"
        yield f"{load.share * 100:.0f} %", f"{load.requests_per_second:.2f}", step, *cells
