"""The traffic on which rules are compared, each by name, from recorded traces scaled to a handful of replicas."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from gemma4_operator.sim.arrivals import from_rates, scaled
from gemma4_operator.sim.files import text_of
from gemma4_operator.sim.lengths import LogNormal, Mix, mix_of_points
from gemma4_operator.sim.request import Request
from gemma4_operator.sim.setting import EngineModel
from gemma4_operator.sim.traces import Log, Rates, read

ENGINE = EngineModel(
    fixed_seconds=0.014,
    sequence_seconds=0.00016,
    context_token_seconds=40e-9,
    prompt_token_seconds=48e-6,
    cache_tokens=102_000,
    max_sequences=256,
    max_batched_tokens=768,
)
"""About Gemma 4 31B in BF16 on two H100s; the cache holds 81 of the chats of 2023, half answered."""

_HOUR, _DAY = 3600.0, 86400.0
_STEP_SECONDS = 1.0
"""How long a step takes, since rates have no jumps."""
_SERVEGEN_LARGE = Mix(input=LogNormal(median=654, mean=973), output=LogNormal(median=67, mean=160))
"""By the summary of its published figures; their 95th percentiles, 2,402 and 605, come out as 2,830 and 587."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Traffic by name.

    Attributes:
        about: What it is, in a line.
        make: Returns its requests, from a folder of traces and with a seed.
    """

    about: str
    make: Callable[[Path, int], tuple[Request, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Logged:
    """Copies of a recorded log."""

    log: str
    scale: float

    def __call__(self, folder: Path, seed: int) -> tuple[Request, ...]:
        path = folder / self.log
        log = read(text_of(path), where=str(path))
        assert isinstance(log, Log)
        return scaled(log, scale=self.scale, seed=seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recorded:
    """A part of recorded rates."""

    rates: str
    start_seconds: float
    end_seconds: float
    scale: float
    variation: float
    lengths: Mix | str

    def __call__(self, folder: Path, seed: int) -> tuple[Request, ...]:
        path = folder / self.rates
        rates = read(text_of(path), where=str(path))
        assert isinstance(rates, Rates)
        mix = self.lengths
        if isinstance(mix, str):
            path = folder / "azure2024_length_cdf_digitised.csv.gz"
            mix = mix_of_points(text_of(path), trace=mix, where=str(path))
        part = rates.between(self.start_seconds, self.end_seconds)
        return from_rates(part, mix, scale=self.scale, variation=self.variation, seed=seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Steps:
    """Two levels that take turns; how long each stays is chance, and nothing tells when it ends."""

    low: float
    high: float
    low_seconds: float
    high_seconds: float
    shortest_seconds: float
    hours: float
    lengths: Mix

    def __call__(self, folder: Path, seed: int) -> tuple[Request, ...]:
        del folder
        rates = Rates(points=tuple(self._points(Random(f"steps {seed}"))))
        return from_rates(rates, self.lengths, scale=1, variation=1, seed=seed)

    def _points(self, chance: Random) -> Iterator[tuple[float, float]]:
        end_seconds, at_seconds = self.hours * _HOUR, 0.0
        level, other = (self.low, self.low_seconds), (self.high, self.high_seconds)
        while at_seconds < end_seconds:
            yield at_seconds, level[0]
            stays_seconds = self.shortest_seconds + chance.expovariate(1 / (level[1] - self.shortest_seconds))
            at_seconds = min(at_seconds + stays_seconds, end_seconds)
            yield at_seconds, level[0]
            at_seconds += _STEP_SECONDS
            level, other = other, level


DESIGN: Mapping[str, Workload] = {
    "conv8": Workload(
        about="an hour of Azure's chats of 2023, eightfold",
        make=_Logged(log="AzureLLMInferenceTrace_conv.csv.gz", scale=8),
    ),
    "ramp": Workload(
        about="eight hours of Azure's chat rates of 2024, from a lull into the busiest hours",
        make=_Recorded(
            rates="azure2024_conv_rate_digitised.csv.gz",
            start_seconds=2 * _DAY + 9 * _HOUR,
            end_seconds=2 * _DAY + 17 * _HOUR,
            scale=0.8,
            variation=1,
            lengths="conv",
        ),
    ),
    "servegen-large": Workload(
        about="the day with the steepest rise of ServeGen's m-large",
        make=_Recorded(
            rates="servegen_language_m-large_rate_10min.csv.gz",
            start_seconds=9 * _DAY,
            end_seconds=10 * _DAY,
            scale=0.15,
            variation=2,
            lengths=_SERVEGEN_LARGE,
        ),
    ),
    "azure-chat-day": Workload(
        about="a day of Azure's chat rates of 2024",
        make=_Recorded(
            rates="azure2024_conv_rate_digitised.csv.gz",
            start_seconds=1 * _DAY,
            end_seconds=2 * _DAY,
            scale=0.6,
            variation=1,
            lengths="conv",
        ),
    ),
    "azure-code-bursts": Workload(
        about="eight hours of Azure's code rates of 2024, from before work into it, in bursts",
        make=_Recorded(
            rates="azure2024_code_rate_digitised.csv.gz",
            start_seconds=3 * _DAY + 11 * _HOUR,
            end_seconds=3 * _DAY + 19 * _HOUR,
            scale=0.5,
            variation=3,
            lengths="code",
        ),
    ),
}
"""Those that rules may be made with; others are held back for judging."""

_TWO_HOURS = _Steps(
    low=12,
    high=45,
    low_seconds=8 * 60,
    high_seconds=3 * 60,
    shortest_seconds=60,
    hours=2,
    lengths=_SERVEGEN_LARGE,
)
STEPS: Mapping[str, Workload] = {
    "steps": Workload(about="two hours of chance steps between 12 and 45 requests a second", make=_TWO_HOURS),
    "steps-long": Workload(about="twelve hours of the same steps", make=replace(_TWO_HOURS, hours=12)),
}
"""What no rule can know beforehand: made, not recorded, to see what that costs."""

HELD_OUT: Mapping[str, Workload] = {
    "servegen-mid": Workload(
        about="a day of the rates of ServeGen's m-mid, with the lengths of m-large",
        make=_Recorded(
            rates="servegen_language_m-mid_rate_10min.csv.gz",
            start_seconds=5 * _DAY,
            end_seconds=6 * _DAY,
            scale=0.018,
            variation=2,
            lengths=_SERVEGEN_LARGE,
        ),
    ),
    "servegen-small": Workload(
        about="a day of the rates of ServeGen's m-small, with the lengths of m-large",
        make=_Recorded(
            rates="servegen_language_m-small_rate_10min.csv.gz",
            start_seconds=3 * _DAY,
            end_seconds=4 * _DAY,
            scale=0.035,
            variation=2,
            lengths=_SERVEGEN_LARGE,
        ),
    ),
    "azure-chat-later-day": Workload(
        about="another day of Azure's chat rates of 2024",
        make=_Recorded(
            rates="azure2024_conv_rate_digitised.csv.gz",
            start_seconds=5 * _DAY,
            end_seconds=6 * _DAY,
            scale=0.6,
            variation=1,
            lengths="conv",
        ),
    ),
    "azure-code-later-day": Workload(
        about="eight hours of Azure's code rates of the next day, in bursts",
        make=_Recorded(
            rates="azure2024_code_rate_digitised.csv.gz",
            start_seconds=4 * _DAY + 11 * _HOUR,
            end_seconds=4 * _DAY + 19 * _HOUR,
            scale=0.45,
            variation=3,
            lengths="code",
        ),
    ),
}
"""Held back: rules are judged on them with the setting that the others chose, and never made with them."""
