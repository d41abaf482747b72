"""The traffic on which rules are compared, each by name, from recorded traces scaled to a handful of replicas."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

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


def _chat_hour(folder: Path, seed: int) -> tuple[Request, ...]:
    path = folder / "AzureLLMInferenceTrace_conv.csv.gz"
    log = read(text_of(path), where=str(path))
    assert isinstance(log, Log)
    return scaled(log, scale=8, seed=seed)


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


DESIGN: Mapping[str, Workload] = {
    "conv8": Workload(about="an hour of Azure's chats of 2023, eightfold", make=_chat_hour),
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
