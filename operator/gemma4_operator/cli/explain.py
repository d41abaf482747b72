"""`gemma4 explain`: a plan as a colleague would explain it."""

import argparse

from gemma4_operator.cli.output import emit, strong
from gemma4_operator.cli.situation import add_arguments, deployments, situation
from gemma4_operator.cli.verb import Exit, Verb
from gemma4_operator.planner.choose import Outcome
from gemma4_operator.planner.explain import explain
from gemma4_operator.planner.plan import Rejection
from gemma4_operator.planner.workable import workable


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_arguments(parser)
    parser.add_argument(
        "--chart", metavar="FILE", help="draw the memory of the plan and its rivals to a file, .svg or .html"
    )


def _run(args: argparse.Namespace) -> Exit:
    from gemma4_operator.cli.chart import write_chart

    given = deployments(args)
    where = situation(args)
    texts, feasible = [], True
    for deployment, raw in given:
        found = where.inventory(deployment, raw["metadata"].get("namespace", "default"))
        outcome = where.consider(deployment.spec, found)
        if isinstance(outcome.plan, Rejection):
            feasible = False
            helped = workable(
                outcome.plan, deployment.spec, catalog=where.catalog, engines=where.engines, classes=found.classes
            )
            outcome = Outcome(ask=outcome.ask, plan=helped, result=outcome.result, lost=outcome.lost)
        account = explain(outcome, deployment.spec.to_json(), where.attempt(found))
        texts.append("\n".join([strong(deployment.metadata.name), account, *found.notes]))
        if args.chart is not None:
            write_chart(args.chart, deployment.metadata.name, outcome, where, found)
    emit(texts, "table", table=lambda: "\n\n".join(texts))
    return Exit.OK if feasible else Exit.INFEASIBLE


VERB = Verb(
    name="explain",
    summary="explain a plan: the memory line by line, each choice, what would change it",
    details=(
        "Explain what the operator would choose for Gemma4Deployments, and why.\n\n"
        "examples:\n"
        "  gemma4 explain -f chat.yaml\n"
        "  gemma4 explain -f chat.yaml --inventory nodes.json --chart memory.html"
    ),
    add_arguments=_add_arguments,
    run=_run,
)
