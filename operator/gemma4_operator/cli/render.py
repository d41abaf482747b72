"""`gemma4 render`: the objects that the operator would apply."""

import argparse
import sys

import yaml

from gemma4_operator.api.deployment import Gemma4Deployment
from gemma4_operator.cli.situation import Situation, add_arguments, deployments, situation
from gemma4_operator.cli.verb import Exit, Verb
from gemma4_operator.planner.plan import Plan
from gemma4_operator.planner.serving import serving
from gemma4_operator.render.context import Owner
from gemma4_operator.render.render import render

_UID = "00000000-0000-0000-0000-000000000000"
"""Of a resource that no API server has stored yet."""


def _run(args: argparse.Namespace) -> Exit:
    given = deployments(args)
    where = situation(args)
    documents: list[str] = []
    for deployment, raw in given:
        metadata = raw["metadata"]
        owner = Owner(
            name=deployment.metadata.name,
            namespace=metadata.get("namespace", "default"),
            uid=metadata.get("uid", _UID),
        )
        plan = where.consider(deployment.spec, where.inventory(deployment, owner.namespace)).plan
        if not isinstance(plan, Plan):
            print(f"gemma4: {owner.namespace}/{owner.name}: {plan.message}", file=sys.stderr)
            return Exit.INFEASIBLE
        documents += [_document(obj) for obj in _objects(where, deployment, owner, plan)]
    sys.stdout.write("---\n".join(documents))
    return Exit.OK


def _objects(where: Situation, deployment: Gemma4Deployment, owner: Owner, plan: Plan) -> tuple[dict[str, object], ...]:
    pod = where.engines[plan.engine].pod(serving(plan, deployment.spec))
    return render(owner=owner, spec=deployment.spec, plan=plan, pod=pod)


def _document(obj: dict[str, object]) -> str:
    return yaml.safe_dump(obj, sort_keys=False, allow_unicode=True, width=120)


VERB = Verb(
    name="render",
    summary="print the objects that the operator would apply",
    details=(
        "Print the Deployment, Service and PodDisruptionBudget of Gemma4Deployments, as the operator applies them.\n\n"
        "example:\n  gemma4 render -f chat.yaml --inventory nodes.json | kubectl diff -f -"
    ),
    add_arguments=add_arguments,
    run=_run,
)
