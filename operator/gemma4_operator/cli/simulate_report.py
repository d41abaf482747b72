"""`gemma4 simulate --report`: what was played in words, and the page as a file."""

import argparse
import os
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from gemma4_operator.api.shown import shown as printable
from gemma4_operator.cli.inputs import STDIN, InvalidInput
from gemma4_operator.cli.simulate_input import burstiness_of
from gemma4_operator.sim.report.page import page
from gemma4_operator.sim.report.shown import About, Shown
from gemma4_operator.sim.request import Request
from gemma4_operator.sim.result import Result
from gemma4_operator.sim.run import Circumstances

_MOST_SHOWN = 200


def require_writable(path: str) -> None:
    """Raise InvalidInput where a report cannot be written: better before hours are played than after."""
    target = Path(path)
    if target.is_dir():
        raise InvalidInput(f"`--report` must be a file, and '{path}' is a directory: add a name, such as report.html")
    if not target.absolute().parent.is_dir():
        raise _unwritable(path, "there is no such directory")
    if not os.access(target if target.exists() else target.absolute().parent, os.W_OK):
        raise _unwritable(path, "permission denied")


def write_report(
    args: argparse.Namespace,
    trace: Sequence[Request],
    circumstances: Circumstances,
    results: Sequence[tuple[str, Result]],
    *,
    reference: Result,
) -> None:
    """Write the page to the file that was asked for. Raises InvalidInput."""
    about = About(
        title="Traffic of standard input" if args.trace == STDIN else printable(Path(args.trace).name, _MOST_SHOWN),
        facts=facts_of(args, trace, circumstances),
        duration_seconds=trace[-1].arrival_seconds,
        objective_percent=args.attainment_percent,
        version=version("gemma4-operator"),
    )
    text = page(about, [Shown(policy=policy, result=result) for policy, result in results], reference=reference)
    try:
        Path(args.report).write_text(text, encoding="utf-8")
    except OSError as error:
        raise _unwritable(args.report, error.strerror) from error


def _unwritable(path: str, why: str | None) -> InvalidInput:
    return InvalidInput(f"`--report` must be a file that can be written, and '{path}' cannot: {why}")


def facts_of(
    args: argparse.Namespace, trace: Sequence[Request], circumstances: Circumstances
) -> tuple[tuple[str, str], ...]:
    """Return what was played, in words, with all that somebody needs to play it again."""
    setting = circumstances.setting
    seconds = trace[-1].arrival_seconds
    requests = "1 request" if len(trace) == 1 else f"{len(trace):,} requests"
    hours = "1 hour" if args.hours == 1 else f"{args.hours:g} hours"
    rate = f", {len(trace) / seconds:.3g} a second" if seconds else ""
    lengths = "" if args.lengths is None else f", by {printable(args.lengths, _MOST_SHOWN)}"
    bursts = "" if args.lengths is None else f"; gaps vary by {burstiness_of(args):g} times their mean"
    deaths = "none dies" if args.mean_life_seconds is None else f"dies after {args.mean_life_seconds:g} s on average"
    return (
        ("Traffic", f"{requests} in {seconds / 3600:.2f} hours{rate}{bursts}"),
        (
            "Part of it",
            f"from hour {args.from_hours:g}, {hours} at most; scale {args.scale:g}",
        ),
        ("Tokens", f"{setting.input_tokens:,.0f} in, {setting.output_tokens:,.0f} out on average{lengths}"),
        (
            "Objectives",
            f"first token within {args.slo_ttft_ms:g} ms, each further one {args.slo_tpot_ms:g} ms on average",
        ),
        ("Attainment", f"{args.attainment_percent:g} % of requests are to keep both"),
        ("Routing", f"{circumstances.routing.value}, {'with' if args.gateway else 'without'} a queue in front"),
        ("Boot", f"{args.boot_seconds:g} s on average, deviation {args.boot_variation * 100:g} %"),
        ("Scrape delay", f"{args.scrape_delay_seconds:g} s"),
        ("A replica", deaths),
        ("Replicas", f"{args.min_replicas} to {args.max_replicas}, {circumstances.start} at first"),
        ("Engine", "as by default" if args.engine is None else printable(args.engine, _MOST_SHOWN)),
        ("Seed", str(args.seed)),
    )
