"""`gemma4 plan`: what the operator would choose, and what it would cost, before anything is applied."""

import argparse
from collections.abc import Iterator
from typing import Any

from gemma4_operator.cli.given import Given, given
from gemma4_operator.cli.output import add_output, columns, emit, folded, strong
from gemma4_operator.cli.render import require_renderable
from gemma4_operator.cli.room import lack
from gemma4_operator.cli.situation import Situation, add_arguments, situation, within_limits
from gemma4_operator.cli.verb import Exit, Verb
from gemma4_operator.planner.plan import Plan, Rejection
from gemma4_operator.planner.record import record, record_rejection
from gemma4_operator.planner.workable import HELPS

Result = dict[str, Any]
_INDENT = "  "


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_arguments(parser)
    parser.add_argument(
        "--compare",
        metavar="FILE",
        help="the Gemma4Deployments of -f as they were before: say what the change would do, as Markdown; either file "
        "may be without any",
    )
    add_output(parser)


def _run(args: argparse.Namespace) -> Exit:
    if args.compare is not None:
        # A plain plan needs none of it.
        from gemma4_operator.cli.compare import compare

        return compare(args, result_of)
    wanted = given(args)
    where = situation(args)
    results = [result_of(where, one) for one in wanted]
    emit(
        results[0] if len(results) == 1 else results,
        args.output,
        table=lambda: "\n\n".join("\n".join(_table(result)) for result in results),
    )
    return Exit.OK if all(result["fits"] for result in results) else Exit.INFEASIBLE


def result_of(where: Situation, one: Given) -> Result:
    """Return what the verb tells of one deployment. Raises InvalidInput, if its patch cannot be merged."""
    found, spec = where.inventory(one), one.deployment.spec
    outcome = where.consider(spec, found)
    plan = outcome.plan
    if isinstance(plan, Rejection):
        plan = where.helped(plan, spec, found)
    plan = within_limits(plan, spec)
    if isinstance(plan, Plan):
        require_renderable(where, one, plan)
    told = _feasible(plan, lack(spec, outcome)) if isinstance(plan, Plan) else _infeasible(plan)
    return {"namespace": one.namespace, "name": one.name, **told, "nodes": list(found.notes)}


def _feasible(plan: Plan, lacks: str | None) -> Result:
    written = record(plan).to_json()
    alternatives = written.pop("alternatives", [])
    return {
        "feasible": True,
        "fits": lacks is None,
        **({"message": lacks} if lacks is not None else {}),
        "plan": written,
        "replicas": plan.replicas,
        "alternatives": alternatives,
        "relaxations": [],
    }


def _infeasible(rejection: Rejection) -> Result:
    written = record_rejection(rejection)
    told = written.to_json() if written is not None else {}
    return {
        "feasible": False,
        "fits": False,
        "reason": rejection.reason,
        "message": rejection.message,
        "plan": None,
        "replicas": 0,
        "alternatives": told.get("alternatives", []),
        "relaxations": told.get("relaxations", []),
    }


def _table(result: Result) -> Iterator[str]:
    yield strong(f"{result['namespace']}/{result['name']}")
    if result["feasible"]:
        if not result["fits"]:
            yield from (*folded(result["message"], before=_INDENT), "")
        yield columns([*_rows(result["plan"], result["replicas"])], indent=_INDENT)
    else:
        # The message of a status names the first relaxations too, and here all of them follow.
        yield from folded(result["message"].partition(HELPS)[0], before=_INDENT)
    if result["relaxations"]:
        yield f"\n{_INDENT}would work:"
        yield "\n".join(line for one in result["relaxations"] for line in folded(one["message"], before=f"{_INDENT}- "))
    if result["alternatives"]:
        yield "\n" + columns(
            [("lost", "gpus", "cost", "because"), *map(_alternative, result["alternatives"])], indent=_INDENT
        )
    # What is wrong with all nodes, the message says already.
    notes = [note for note in result["nodes"] if note not in result.get("message", "")]
    if notes:
        yield ""
    for note in notes:
        yield from folded(note, before=_INDENT)


def _rows(plan: Result, replicas: int) -> Iterator[tuple[str, str]]:
    predicted = plan["predicted"]
    yield "model", f"{plan['variant']} in {plan['quantization']}, quality {plan['quality']}: {plan['checkpoint']}"
    yield "engine", f"{plan['engine']} {plan['engineVersion']}: {plan['image']}"
    yield "gpus", f"{plan['gpu']} for " + ("1 replica" if replicas == 1 else f"each of {replicas} replicas")
    each = "" if replicas == 1 else f", {plan['hourlyCostPerReplica']} for each replica"
    yield "cost", f"{plan['hourlyCost']} {plan['currency']} an hour{each}"
    yield "memory", _memory(plan["memory"])
    yield (
        "levers",
        f"{plan['maxBatchedTokens']} tokens in a step, {plan['maxConcurrentRequests']} requests at once, "
        f"cache in {plan['kvCacheDtype']}",
    )
    yield (
        "speed",
        f"{predicted['timePerOutputTokenMicroseconds'] / 1000:.1f} ms per token, "
        f"{predicted['timeToFirstTokenMilliseconds']} ms to the first, "
        f"{predicted['requestsPerMinutePerReplica']} requests a minute for each replica",
    )
    yield "licences", ", ".join(sorted({licence["name"] for licence in plan["licences"]}))
    yield "why", plan["why"]
    yield from (("note", note) for note in plan.get("notes", []))


def _memory(budget: dict[str, int]) -> str:
    parts = {"weights": "weightsMiB", "cache": "kvCacheMiB", "activations": "activationsMiB", "other": "otherMiB"}
    told = " + ".join(f"{_gib(budget[key])} {name}" for name, key in parts.items())
    return f"{told} = {_gib(budget['totalMiB'])} of {_gib(budget['capacityMiB'])} GiB of each GPU"


def _gib(mib: int) -> str:
    return f"{mib / 1024:.1f}"


def _alternative(one: Result) -> tuple[str, str, str, str]:
    gpus = f"{one.get('gpusPerReplica', 1)}x {one['gpuProduct']}" if "gpuProduct" in one else "any"
    model = f"{one['variant']} {one['quantization']} {one['engine']}"
    return (model, gpus, one.get("hourlyCost", "-"), one["lostBecause"])


VERB = Verb(
    name="plan",
    summary="say which variant, format, engine and GPUs a Gemma4Deployment would get",
    details=(
        "Plan Gemma4Deployments on the GPUs of a cluster or of a file, without changing anything.\n\n"
        "examples:\n"
        "  gemma4 plan -f chat.yaml\n"
        "  kubectl get nodes -o json | gemma4 plan -f chat.yaml --inventory -\n"
        "  gemma4 plan -f chat.yaml --inventory nodes.json -o json | jq .plan.hourlyCost\n"
        "  git show main:chat.yaml | gemma4 plan -f chat.yaml --compare - --inventory nodes.json"
    ),
    add_arguments=_add_arguments,
    run=_run,
)
