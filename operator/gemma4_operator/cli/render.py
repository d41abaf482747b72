"""`gemma4 render`: the objects that the operator would apply."""

import argparse
import json
import sys

import yaml

from gemma4_operator.cli.given import Given, given
from gemma4_operator.cli.inputs import InvalidInput, Object
from gemma4_operator.cli.output import JSON, WIDTH, YAML
from gemma4_operator.cli.situation import Situation, add_arguments, situation, within_limits
from gemma4_operator.cli.verb import Exit, Verb
from gemma4_operator.planner.plan import Plan
from gemma4_operator.planner.replicas import NOTHING_RUNS, count
from gemma4_operator.planner.serving import serving
from gemma4_operator.render.context import Owner
from gemma4_operator.render.merge import PatchError

_UID = "00000000-0000-0000-0000-000000000000"
"""Of a resource that no API server has stored yet."""


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_arguments(parser)
    parser.add_argument(
        "-o",
        "--output",
        choices=(YAML, JSON),
        default=YAML,
        help="yaml: one document for each object; json: one List (default: yaml)",
    )


def _run(args: argparse.Namespace) -> Exit:
    wanted = given(args)
    where = situation(args)
    objects: list[Object] = []
    code = Exit.OK
    for one in wanted:
        spec = one.deployment.spec
        plan = within_limits(where.standing(one) or where.consider(spec, where.inventory(one)).plan, spec)
        if isinstance(plan, Plan):
            objects += objects_of(where, one, plan)
        else:
            print(f"gemma4: {one.namespace}/{one.name}: {plan.message}", file=sys.stderr)
            code = Exit.INFEASIBLE
    if args.output == JSON:
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}, indent=2) + "\n"
    else:
        text = "---\n".join(map(_document, objects))
    sys.stdout.write(text)
    return code


def objects_of(where: Situation, one: Given, plan: Plan) -> tuple[Object, ...]:
    """Return the children of a deployment by a plan. Raises InvalidInput, if its patch cannot be merged."""
    # Jinja takes a tenth of a second to import, and no other verb needs it.
    from gemma4_operator.render.render import render
    from gemma4_operator.render.template import without_record

    owner = Owner(name=one.name, namespace=one.namespace, uid=one.raw["metadata"].get("uid") or _UID)
    spec = one.deployment.spec
    pod = where.engines[plan.engine].pod(serving(plan, spec, where.catalog.models[plan.variant]))
    try:
        replicas = count(spec, plan, NOTHING_RUNS).replicas
        objects = render(owner=owner, spec=spec, plan=plan, pod=pod, replicas=replicas)
    except PatchError as error:
        raise InvalidInput(f"{one.namespace}/{one.name}: {error}") from error
    return tuple(without_record(obj) for obj in objects)


def require_renderable(where: Situation, one: Given, plan: Plan) -> None:
    """Raise InvalidInput for what the operator refuses only when it renders, and calls `InvalidSpec` as all else."""
    # Nothing but a patch can be refused, and whoever has none need not wait for the templates.
    if one.deployment.spec.pod_template_patch:
        objects_of(where, one, plan)


def _document(obj: Object) -> str:
    return yaml.safe_dump(obj, sort_keys=False, allow_unicode=True, width=WIDTH)


VERB = Verb(
    name="render",
    summary="print the objects that the operator would apply",
    details=(
        "Print the objects of Gemma4Deployments, as the operator applies them: a Deployment, a Service, a\n"
        "PodDisruptionBudget, and a PersistentVolumeClaim where the spec asks for a cache. Left out is the annotation\n"
        "gemma4.dev/template, in which the Deployment bears its pod template once more. With autoscaling the count is\n"
        "the one that the operator starts with.\n\n"
        "example:\n  gemma4 render -f chat.yaml --inventory nodes.json | kubectl diff -f -"
    ),
    add_arguments=_add_arguments,
    run=_run,
)
