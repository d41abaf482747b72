"""`gemma4 explain`: a plan as a colleague would explain it."""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from gemma4_operator.cli.given import Given, given
from gemma4_operator.cli.inputs import InvalidInput
from gemma4_operator.cli.output import add_output, emit, folded, paragraph, strong
from gemma4_operator.cli.render import require_renderable
from gemma4_operator.cli.room import lack
from gemma4_operator.cli.situation import Situation, add_arguments, situation
from gemma4_operator.cli.verb import Exit, Verb
from gemma4_operator.planner.choose import Outcome
from gemma4_operator.planner.explain import Section, explain, summary
from gemma4_operator.planner.explain_count import explain_count
from gemma4_operator.planner.inventory import Inventory
from gemma4_operator.planner.limits import beyond_limits
from gemma4_operator.planner.plan import Plan, Rejection

Result = dict[str, Any]
_UNIT = " GiB  "
"""Behind each figure of an account."""


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_arguments(parser)
    parser.add_argument(
        "--chart", metavar="FILE", help="draw the memory of the plan and its rivals to a file, .svg or .html"
    )
    add_output(parser)


def _run(args: argparse.Namespace) -> Exit:
    wanted = given(args)
    if args.chart is not None and len(wanted) > 1:
        raise InvalidInput(f"`--chart` must be given with one Gemma4Deployment, and there are {len(wanted)}")
    where = situation(args)
    results = []
    for one in wanted:
        found = where.inventory(one)
        outcome = _helped(where, one, found)
        if args.chart is not None:
            # Most accounts need no picture.
            from gemma4_operator.cli.chart import write_chart

            write_chart(args.chart, one.name, outcome, where, found)
        results.append(_result(where, one, found, outcome))
    emit(
        results[0] if len(results) == 1 else results,
        args.output,
        table=lambda: "\n\n".join("\n".join(_text(result)) for result in results),
    )
    return Exit.OK if all(result["fits"] for result in results) else Exit.INFEASIBLE


def _helped(where: Situation, one: Given, found: Inventory) -> Outcome:
    """Return the choice; where there is none, with the changes that would help."""
    outcome = where.consider(one.deployment.spec, found)
    if isinstance(outcome.plan, Plan):
        return outcome
    return replace(outcome, plan=where.helped(outcome.plan, one.deployment.spec, found))


def _result(where: Situation, one: Given, found: Inventory, outcome: Outcome) -> Result:
    """Return what the verb tells of one deployment. Raises InvalidInput, if its patch cannot be merged."""
    sections = explain(outcome, one.deployment.spec.to_json(), where.attempt(found))
    plan, spec = outcome.plan, one.deployment.spec
    excess = beyond_limits(plan, spec) if isinstance(plan, Plan) else None
    if isinstance(plan, Plan) and excess is None:
        require_renderable(where, one, plan)
    lacks = lack(spec, outcome)
    counted = tuple(explain_count(spec, plan)) if isinstance(plan, Plan) else ()
    told = counted if lacks is None else (lacks, *counted)
    scaling = Section(title="How many run", lines=told if excess is None else (excess,))
    feasible = isinstance(plan, Plan) and excess is None
    notes = (note for note in found.notes if isinstance(plan, Plan) or note not in plan.message)
    about = Section(title="About nodes and what runs", lines=(*_standing(where, one, plan), *notes))
    return {
        "namespace": one.namespace,
        "name": one.name,
        "feasible": feasible,
        "fits": feasible and lacks is None,
        "summary": summary(outcome),
        "sections": [
            {"title": section.title, "lines": list(section.lines)}
            for section in (*sections, scaling, about)
            if section.lines
        ],
    }


def _standing(where: Situation, one: Given, chosen: Plan | Rejection) -> Iterator[str]:
    """Yield what runs, if it is not what would be chosen now: a plan stays as long as the spec does."""
    standing = where.standing(one)
    if standing is None:
        return
    if not isinstance(chosen, Plan) or _what(standing) != _what(chosen):
        name = f"{standing.variant} in {standing.quantization} on {standing.engine}"
        gpus = f"{standing.gpus_per_replica}x {standing.gpu_product}"
        yield f"What runs was chosen earlier and stays as long as the spec does: {name} with {gpus}."


def _what(plan: Plan) -> tuple[object, ...]:
    return (plan.variant, plan.quantization, plan.engine, plan.gpu_product, plan.gpus_per_replica)


def _text(result: Result) -> Iterator[str]:
    yield strong(f"{result['namespace']}/{result['name']}")
    yield from folded(result["summary"])
    for section in result["sections"]:
        yield f"\n{section['title']}:"
        for line in section["lines"]:
            yield from _line(line)


def _line(line: str) -> Iterator[str]:
    figure, unit, about = line.partition(_UNIT)
    if line.startswith(" ") and unit:
        # Figures stand in a column of their own, and what follows them in another.
        yield from paragraph(about, before=f"  {figure}{unit}")
    else:
        yield from folded(line, before="  - ")


VERB = Verb(
    name="explain",
    summary="explain a plan: the memory line by line, each choice, what would change it",
    details=(
        "Explain what the operator would choose for Gemma4Deployments, and why.\n\n"
        "examples:\n"
        "  gemma4 explain -f chat.yaml\n"
        "  gemma4 explain chat -n team-a\n"
        "  gemma4 explain -f chat.yaml --inventory nodes.json --chart memory.html"
    ),
    add_arguments=_add_arguments,
    run=_run,
)
