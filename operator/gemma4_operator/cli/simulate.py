"""`gemma4 simulate`: what a rule for replicas makes of recorded traffic, before a cluster does."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from gemma4_operator.cli.inputs import InvalidInput
from gemma4_operator.cli.output import add_output, columns, counted, emit, tell
from gemma4_operator.cli.simulate_input import ENGINE_KEYS, requests_of, require, setting_of
from gemma4_operator.cli.verb import Exit, Verb
from gemma4_operator.sim.need import start_of
from gemma4_operator.sim.policy import Policy
from gemma4_operator.sim.report.shown import REFERENCE
from gemma4_operator.sim.request import Request
from gemma4_operator.sim.result import Result, result_of
from gemma4_operator.sim.routing import Routing
from gemma4_operator.sim.rules import make
from gemma4_operator.sim.run import Circumstances
from gemma4_operator.sim.setting import Setting
from gemma4_operator.sim.world import play

_FIXED = "static"


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--trace", metavar="FILE", required=True, help="recorded traffic, perhaps .gz; - is standard input")
    add("--policy", metavar="NAME[:KEY=VALUE,...]", action="append", required=True, help="a rule; may be repeated")
    add("--slo-ttft-ms", type=float, metavar="N", default=2000.0, help="limit for the first token (default: 2000)")
    add("--slo-tpot-ms", type=float, metavar="N", default=60.0, help="limit for the mean of further ones (default: 60)")
    add("--attainment-percent", type=float, metavar="N", default=99.0, help="how many are to keep both (default: 99)")
    routing = [routing.value for routing in Routing]
    add(
        "--routing",
        choices=routing,
        default=Routing.TWO_CHOICES.value,
        help="how a replica is chosen (default: two-choices)",
    )
    add("--gateway", action="store_true", help="a queue in front, which passes on only what is begun soon")
    add("--boot-seconds", type=float, metavar="N", default=100.0, help="until a replica serves (default: 100)")
    add("--boot-variation", type=float, metavar="F", default=0.1, help="standard deviation over mean (default: 0.1)")
    add("--scrape-delay-seconds", type=float, metavar="N", default=0.0, help="how old engines' counts are (default: 0)")
    add("--mean-life-seconds", type=float, metavar="N", help="a replica's mean life (default: for ever)")
    add("--min-replicas", type=int, metavar="N", default=1, help="the fewest (default: 1)")
    add("--max-replicas", type=int, metavar="N", default=40, help="the most (default: 40)")
    add("--start", type=int, metavar="N", help="replicas at first (default: what the first five minutes need)")
    add("--engine", metavar="KEY=VALUE,...", help=f"an engine's times: {', '.join(ENGINE_KEYS)}")
    add("--lengths", metavar="SPEC", help="for rates, of requests: FILE:TRACE or input=MEDIAN/MEAN,output=MEDIAN/MEAN")
    add("--burstiness", type=float, metavar="F", help="for rates, of gaps: deviation over mean (default: 1)")
    add("--scale", type=float, metavar="F", default=1.0, help="times as many requests as the trace has (default: 1)")
    add("--from-hours", type=float, metavar="N", default=0.0, help="skip the first N hours (default: 0)")
    add("--hours", type=float, metavar="N", default=24.0, help="play N hours (default: 24)")
    add("--report", metavar="FILE", help="also write a page with drawings, for a browser: report.html")
    add("--seed", type=int, metavar="N", default=1, help="the same seed gives the same result (default: 1)")
    add_output(parser)


def _run(args: argparse.Namespace) -> Exit:
    if args.report is not None:
        # Most runs need no page.
        from gemma4_operator.cli.simulate_report import require_writable, write_report

        require_writable(args.report)
    if args.mean_life_seconds is not None:
        require("--mean-life-seconds", args.mean_life_seconds, least=1)
    trace = requests_of(args)
    setting = setting_of(args, trace)
    if args.start is not None:
        require("--start", args.start, most=setting.maximum)
    circumstances = Circumstances(
        setting=setting,
        start=start_of(trace, setting) if args.start is None else args.start,
        routing=Routing(args.routing),
        has_gateway=args.gateway,
        mean_life_seconds=args.mean_life_seconds,
        seed=args.seed,
    )
    rules = [(text, _rule(text, trace, setting)) for text in args.policy]
    all_rules = [(REFERENCE, _rule(REFERENCE, trace, setting)), *rules]
    (_, reference), *results = _played(all_rules, trace, circumstances)
    found = {
        "trace": _about(trace, circumstances),
        "policies": [_row(text, result, reference) for text, result in results],
    }
    emit(found, args.output, table=lambda: _table(found))
    if args.report is not None:
        write_report(args, trace, circumstances, results, reference=reference)
    return Exit.OK


def _rule(text: str, trace: Sequence[Request], setting: Setting) -> Policy:
    try:
        rule = make(text, setting=setting, trace=trace)
    except ValueError as error:
        raise InvalidInput(f"`--policy`: {error}") from error
    name, _, knobs = text.partition(":")
    if name == _FIXED:
        # The only rule that says a count itself; others are bounded as a deployment bounds them.
        count = int(dict(knob.partition("=")[::2] for knob in knobs.split(","))["replicas"])
        played = min(setting.maximum, max(setting.minimum, count))
        if played != count:
            option = "--max-replicas" if played < count else "--min-replicas"
            replicas = counted(played, "replica")
            print(f"gemma4: `--policy` {text} plays {replicas}, which is `{option}`", file=sys.stderr)
    return rule


def _played(
    rules: Sequence[tuple[str, Policy]], trace: Sequence[Request], circumstances: Circumstances
) -> list[tuple[str, Result]]:
    """Return each rule's result; the first one is the reference. A day of traffic takes some of them a minute."""
    found = []
    for number, (text, rule) in enumerate(rules, start=1):
        why = "" if number > 1 else ", by which costs are measured"
        tell(f"{number} of {len(rules)}: playing {text}{why}")
        played = play(trace, rule, circumstances=circumstances)
        found.append((text, result_of(played, circumstances.setting.objectives)))
    return found


def _about(trace: Sequence[Request], circumstances: Circumstances) -> dict[str, Any]:
    seconds = trace[-1].arrival_seconds
    return {
        "requests": len(trace),
        "durationSeconds": round(seconds, 1),
        "requestsPerSecond": round(len(trace) / seconds, 3) if seconds else None,
        "inputTokens": round(circumstances.setting.input_tokens),
        "outputTokens": round(circumstances.setting.output_tokens),
        "startReplicas": circumstances.start,
    }


def _row(text: str, result: Result, reference: Result) -> dict[str, Any]:
    cost = reference.average_replicas
    return {
        "policy": text,
        "attainmentPercent": round(result.attainment_percent, 3),
        "averageReplicas": round(result.average_replicas, 3),
        "peakReplicas": result.peak_replicas,
        "costRatioToClairvoyant": round(result.average_replicas / cost, 3) if cost else None,
        "scaleEventsPerHour": round(result.scale_events_per_hour, 2),
        "worstFiveMinutePercent": round(result.worst_five_minute_percent, 2),
        "missedFirstToken": result.missed_first_token,
        "missedToken": result.missed_token,
        "lost": result.lost,
        "preemptions": result.preemptions,
    }


def _table(found: dict[str, Any]) -> str:
    about = found["trace"]
    head = ("POLICY", "ATTAINMENT", "REPLICAS", "PEAK", "TO CLAIRVOYANT", "CHANGES/H", "WORST 5 MIN")
    rows = [
        (
            row["policy"],
            f"{row['attainmentPercent']:.2f} %",
            f"{row['averageReplicas']:.2f}",
            str(row["peakReplicas"]),
            "-" if row["costRatioToClairvoyant"] is None else f"{row['costRatioToClairvoyant']:.2f}",
            f"{row['scaleEventsPerHour']:.1f}",
            f"{row['worstFiveMinutePercent']:.1f} %",
        )
        for row in found["policies"]
    ]
    traffic = (
        f"{counted(about['requests'], 'request')} in {about['durationSeconds'] / 3600:.2f} hours, of "
        f"{about['inputTokens']} + {about['outputTokens']} tokens on average; "
        f"{counted(about['startReplicas'], 'replica')} at first"
    )
    return f"{traffic}\n\n{columns([head, *rows])}"


VERB = Verb(
    name="simulate",
    summary="play recorded traffic against a rule for replicas: what it keeps, and what it costs",
    details=(
        "Play a trace against replicas that batch as vLLM does, with boots, scrapes, routing and drains, and say for\n"
        "each rule how many requests kept their objectives and how many replicas it took.\n\n"
        "gemma4 is the operator's own rule, the code that runs in a cluster; clairvoyant knows what will come, and\n"
        "the others are what people scale with today: hpa, keda, knative, kubeai, wva, llmd, dynamo, static. Each\n"
        "takes knobs, such as hpa:target=30; a name that is no knob is answered with those there are.\n\n"
        "examples:\n"
        "  gemma4 simulate --trace chats.csv --scale 8 --policy gemma4 --policy hpa:target=30\n"
        "  gemma4 simulate --trace rates.csv --lengths input=654/973,output=67/160 --from-hours 216 --scale 0.15 \\\n"
        "    --burstiness 2 --policy static:replicas=6 --routing random --gateway -o json\n"
        "  gemma4 simulate --trace chats.csv --policy gemma4 --policy knative --report report.html"
    ),
    add_arguments=_add_arguments,
    run=_run,
)
