"""What `gemma4 simulate` plays: the traffic of a trace, and the deployment that meets it."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from math import inf, isfinite
from pathlib import Path
from statistics import fmean

from gemma4_operator.cli.inputs import STDIN, InvalidInput, place, read_text
from gemma4_operator.sim.arrivals import from_rates, scaled
from gemma4_operator.sim.files import text_of
from gemma4_operator.sim.invalid import InvalidTrace
from gemma4_operator.sim.lacking import told
from gemma4_operator.sim.lengths import LogNormal, Mix, mix_of_points
from gemma4_operator.sim.request import Request
from gemma4_operator.sim.setting import EngineModel, Objectives, Setting
from gemma4_operator.sim.traces import Log, Rates, read
from gemma4_operator.sim.workloads import ENGINE

_HOUR_SECONDS = 3600.0
_MOST_HOURS = 24 * 366.0
_MOST_BOOT_SECONDS = 86_400.0
"""A rule that sees the future looks as far as a boot takes, at every turn."""
_MOST_REPLICAS = 10_000
_POISSON = 1.0
_MOST = 1e9
ENGINE_KEYS = {
    "fixed_ms": ("fixed_seconds", 1e-3),
    "sequence_us": ("sequence_seconds", 1e-6),
    "context_token_ns": ("context_token_seconds", 1e-9),
    "prompt_token_us": ("prompt_token_seconds", 1e-6),
    "cache_tokens": ("cache_tokens", 1),
    "max_sequences": ("max_sequences", 1),
    "max_batched_tokens": ("max_batched_tokens", 1),
}
_TRACE_FORM = "CSV or JSON lines"
_BYTE_ORDER_MARK = "\ufeff"
"""With which spreadsheets begin a file."""
_MIX_FORMS = "input=MEDIAN/MEAN,output=MEDIAN/MEAN or FILE:TRACE"


def require(
    option: str, value: float, *, least: float = 0.0, most: float = inf, above: bool = False, below: bool = False
) -> None:
    """Raise InvalidInput where a number is not within its limits, which are allowed unless `above` or `below`."""
    is_enough = value > least if above else value >= least
    if isfinite(value) and is_enough and (value < most if below else value <= most):
        return
    limits = f"{'above' if above else 'at least'} {least:g}"
    if most < inf:
        limits += f" and {'below' if below else 'at most'} {most:g}"
    raise InvalidInput(f"`{option}` must be {limits}, and is {value:g}")


def requests_of(args: argparse.Namespace) -> tuple[Request, ...]:
    """Return the traffic, its times counted from `--from-hours`. Raises InvalidInput."""
    require("--scale", args.scale, above=True, most=1000)
    if args.burstiness is not None:
        require("--burstiness", args.burstiness, above=True, most=100)
    require("--from-hours", args.from_hours)
    require("--hours", args.hours, above=True, most=_MOST_HOURS)
    start = args.from_hours * _HOUR_SECONDS
    where = place(args.trace)
    try:
        text = read_text(STDIN, form=_TRACE_FORM) if args.trace == STDIN else text_of(Path(args.trace))
        trace = _read(text.removeprefix(_BYTE_ORDER_MARK), where)
        end = min(start + args.hours * _HOUR_SECONDS, trace.end_seconds)
        if start > end:
            raise InvalidInput(f"`--from-hours` must be within {where}, which has {end / _HOUR_SECONDS:.2f} hours")
        part = trace.between(start, end)
        if isinstance(part, Log):
            _require_unsaid(args, where)
            found = scaled(part, scale=args.scale, seed=args.seed)
        else:
            mix = _mix(args.lengths)
            found = from_rates(part, mix, scale=args.scale, variation=burstiness_of(args), seed=args.seed)
    except InvalidTrace as error:
        raise InvalidInput(str(error)) from error
    if not found:
        raise InvalidInput(f"{where}: must hold requests where `--from-hours` and `--hours` look, and holds none")
    return found


def burstiness_of(args: argparse.Namespace) -> float:
    """Return the deviation of gaps over their mean, which is that of chance where nobody says it."""
    return _POISSON if args.burstiness is None else float(args.burstiness)


def _read(text: str, where: str) -> Log | Rates:
    if not text.strip():
        raise InvalidInput(f"{where}: must hold recorded traffic, and is empty")
    try:
        return read(text, where=where)
    except InvalidTrace as error:
        raise told(error, text, where=where) from error


def _require_unsaid(args: argparse.Namespace, where: str) -> None:
    """Raise InvalidInput for options that a log leaves nothing to say to: its requests came as they came."""
    for option, value in (("--lengths", args.lengths), ("--burstiness", args.burstiness)):
        if value is not None:
            raise InvalidInput(
                f"`{option}` must be left out: it is for rates only, and {where} is a log, which has each request"
            )


def setting_of(args: argparse.Namespace, trace: Sequence[Request]) -> Setting:
    """Return the deployment; what a usual request is, the trace says. Raises InvalidInput."""
    for option, value in (("--slo-ttft-ms", args.slo_ttft_ms), ("--slo-tpot-ms", args.slo_tpot_ms)):
        require(option, value, above=True)
    require("--attainment-percent", args.attainment_percent, above=True, most=100, below=True)
    require("--boot-seconds", args.boot_seconds, most=_MOST_BOOT_SECONDS)
    require("--boot-variation", args.boot_variation, most=3)
    require("--scrape-delay-seconds", args.scrape_delay_seconds)
    require("--min-replicas", args.min_replicas)
    require("--max-replicas", args.max_replicas, least=max(1, args.min_replicas), most=_MOST_REPLICAS)
    return Setting(
        engine=_engine(args.engine),
        objectives=Objectives(
            first_token_seconds=args.slo_ttft_ms / 1000,
            token_seconds=args.slo_tpot_ms / 1000,
            attainment=args.attainment_percent / 100,
        ),
        boot_seconds=args.boot_seconds,
        boot_variation=args.boot_variation,
        scrape_delay_seconds=args.scrape_delay_seconds,
        minimum=args.min_replicas,
        maximum=args.max_replicas,
        input_tokens=fmean(request.input_tokens for request in trace),
        output_tokens=fmean(request.output_tokens for request in trace),
    )


def _engine(text: str | None) -> EngineModel:
    changes: dict[str, float] = {}
    for part in text.split(",") if text else ():
        key, _, value = part.partition("=")
        if key not in ENGINE_KEYS:
            raise InvalidInput(f"`--engine` must have keys of {', '.join(ENGINE_KEYS)}, and has '{key}'")
        field, unit = ENGINE_KEYS[key]
        is_count = unit == 1
        number = _number(value, f"`--engine {key}`")
        require(f"--engine {key}", number, least=1 if is_count else 0, above=key == "fixed_ms", most=_MOST)
        changes[field] = int(number) if is_count else number * unit
    return replace(ENGINE, **changes)  # type: ignore[arg-type]  # Counts are whole, as just made.


def _mix(text: str | None) -> Mix:
    """Return how long requests are, of `FILE:TRACE` or `input=MEDIAN/MEAN,output=MEDIAN/MEAN`."""
    if text is None:
        raise InvalidInput(f"`--lengths` must be given where a trace has rates alone: {_MIX_FORMS}")
    if not text.startswith("input="):
        file, _, trace = text.rpartition(":")
        if not file:
            raise InvalidInput(f"`--lengths` must be {_MIX_FORMS}, and is '{text}'")
        points = text_of(Path(file))
        try:
            return mix_of_points(points, trace=trace, where=file)
        except InvalidTrace as error:
            raise told(error, points, where=file) from error
    parts = dict(part.partition("=")[::2] for part in text.split(","))
    if parts.keys() != {"input", "output"}:
        raise InvalidInput(f"`--lengths` must be {_MIX_FORMS}, and is '{text}'")
    return Mix(input=_log_normal(parts["input"], "input"), output=_log_normal(parts["output"], "output"))


def _log_normal(text: str, key: str) -> LogNormal:
    median, mean = (_number(part, f"`--lengths` {key}") for part in text.partition("/")[::2])
    if not 1 <= median <= mean <= _MOST:
        raise InvalidInput(f"`--lengths` {key} must be a median of at least 1 and a mean not below it, and is {text}")
    return LogNormal(median=median, mean=mean)


def _number(text: str, what: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InvalidInput(f"{what} must be a number, and is '{text}'") from None
