"""`gemma4 plan`: what the operator would choose, and what it would cost, before anything is applied."""

import argparse
from typing import Any

from gemma4_operator.api.deployment import Gemma4Deployment
from gemma4_operator.cli.output import add_output, columns, emit, strong
from gemma4_operator.cli.situation import Situation, add_arguments, deployments, situation
from gemma4_operator.cli.verb import Exit, Verb
from gemma4_operator.planner.plan import Plan, Rejection
from gemma4_operator.planner.record import record, record_rejection
from gemma4_operator.planner.workable import workable

Result = dict[str, Any]


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_arguments(parser)
    add_output(parser)


def _run(args: argparse.Namespace) -> Exit:
    given = deployments(args)
    where = situation(args)
    results = [_result(where, deployment, raw) for deployment, raw in given]
    emit(results[0] if len(results) == 1 else results, args.output, table=lambda: "\n\n".join(map(_table, results)))
    return Exit.OK if all(result["feasible"] for result in results) else Exit.INFEASIBLE


def _result(where: Situation, deployment: Gemma4Deployment, raw: dict[str, Any]) -> Result:
    namespace = raw["metadata"].get("namespace", "default")
    found = where.inventory(deployment, namespace)
    plan = where.consider(deployment.spec, found).plan
    if isinstance(plan, Rejection):
        plan = workable(plan, deployment.spec, catalog=where.catalog, engines=where.engines, classes=found.classes)
    name = {"namespace": namespace, "name": deployment.metadata.name}
    return {**name, **(_feasible(plan) if isinstance(plan, Plan) else _infeasible(plan)), "nodes": list(found.notes)}


def _feasible(plan: Plan) -> Result:
    written = record(plan).to_json()
    alternatives = written.pop("alternatives", [])
    return {
        "feasible": True,
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
        "reason": rejection.reason,
        "message": rejection.message,
        "plan": None,
        "replicas": 0,
        "alternatives": told.get("alternatives", []),
        "relaxations": told.get("relaxations", []),
    }


def _table(result: Result) -> str:
    title = strong(f"{result['namespace']}/{result['name']}")
    body = _plan_lines(result["plan"], result["replicas"]) if result["feasible"] else [result["message"]]
    lines = [title, *body]
    if result["alternatives"]:
        rows = [("lost", "gpus", "cost", "because"), *map(_alternative, result["alternatives"])]
        lines += ["", columns(rows, indent="  ")]
    lines += [f"  {note}" for note in result["nodes"]]
    return "\n".join(lines)


def _plan_lines(plan: dict[str, Any], replicas: int) -> list[str]:
    memory, predicted = plan["memory"], plan["predicted"]
    rows = [
        ("model", f"{plan['variant']} in {plan['quantization']}, quality {plan['quality']} ({plan['checkpoint']})"),
        ("engine", f"{plan['engine']} {plan['engineVersion']} ({plan['image']})"),
        ("gpus", f"{replicas} x {plan['gpu']}"),
        ("cost", f"{plan['hourlyCost']} {plan['currency']} an hour, {plan['hourlyCostPerReplica']} for each replica"),
        (
            "memory",
            f"{memory['weightsMiB']} MiB weights + {memory['kvCacheMiB']} cache + {memory['activationsMiB']} step "
            f"+ {memory['otherMiB']} other = {memory['totalMiB']} of {memory['capacityMiB']}",
        ),
        (
            "levers",
            f"{plan['maxBatchedTokens']} tokens a step, {plan['maxConcurrentRequests']} requests at once, "
            f"cache in {plan['kvCacheDtype']}",
        ),
        (
            "speed",
            f"{predicted['timePerOutputTokenMicroseconds'] / 1000:.1f} ms per token, "
            f"{predicted['timeToFirstTokenMilliseconds']} ms to the first, "
            f"{predicted['requestsPerMinutePerReplica']} requests a minute for each replica",
        ),
        ("licences", ", ".join(sorted({licence["name"] for licence in plan["licences"]}))),
        ("why", plan["why"]),
        *(("note", note) for note in plan.get("notes", [])),
    ]
    return [columns(rows, indent="  ")]


def _alternative(one: dict[str, Any]) -> tuple[str, str, str, str]:
    gpus = f"{one.get('gpusPerReplica', '')}x {one['gpuProduct']}" if "gpuProduct" in one else "any"
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
        "  gemma4 plan -f chat.yaml --inventory nodes.json -o json | jq .plan.hourlyCost"
    ),
    add_arguments=_add_arguments,
    run=_run,
)
