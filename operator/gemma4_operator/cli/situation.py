"""What planning verbs plan with: the GPUs there are and the catalogue, from files or a cluster."""

import argparse
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from gemma4_operator.api.deployment import Gemma4DeploymentSpec
from gemma4_operator.catalog.loader import Catalog, builtin_catalog
from gemma4_operator.catalog.overrides import override
from gemma4_operator.cli.access import access, add_access
from gemma4_operator.cli.given import Given
from gemma4_operator.cli.inputs import place, read_text
from gemma4_operator.cli.nodes import read_inventory, read_pods
from gemma4_operator.engines.base import Registry
from gemma4_operator.engines.registry import engines
from gemma4_operator.planner.choose import Outcome, consider
from gemma4_operator.planner.inventory import Inventory, inventory
from gemma4_operator.planner.left_out import with_nodes
from gemma4_operator.planner.limits import beyond_limits
from gemma4_operator.planner.node_view import NodeView, node_view
from gemma4_operator.planner.plan import Plan, Rejection
from gemma4_operator.planner.record import restore
from gemma4_operator.planner.relax import Try
from gemma4_operator.planner.uses import uses_of
from gemma4_operator.planner.workable import attempts, workable
from gemma4_operator.render.labels import OWNER_LABEL
from gemma4_operator.status.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """The GPUs and what is known of the world."""

    catalog: Catalog
    engines: Registry
    views: tuple[NodeView, ...]
    pods: tuple[Mapping[str, Any], ...]

    def inventory(self, one: Given) -> Inventory:
        """Return the GPUs that pods of a deployment may take; its own pods take nothing, since they would make room."""
        others = (pod for pod in self.pods if not _belongs(pod, one.name, one.namespace))
        placement = one.deployment.spec.placement
        return inventory(
            self.views,
            uses_of(others),
            catalog=self.catalog,
            node_selector=placement.node_selector,
            tolerations=placement.tolerations,
            products=placement.gpu_products,
        )

    def consider(self, spec: Gemma4DeploymentSpec, found: Inventory) -> Outcome:
        """Choose for a spec; where no GPU is left, with what is wrong with the nodes, as the operator tells it."""
        outcome = consider(spec, catalog=self.catalog, engines=self.engines, classes=found.classes)
        return replace(outcome, plan=with_nodes(outcome.plan, found))

    def helped(self, rejection: Rejection, spec: Gemma4DeploymentSpec, found: Inventory) -> Rejection:
        """Return a rejection with the changes that would help."""
        return workable(
            rejection,
            spec,
            catalog=self.catalog,
            engines=self.engines,
            classes=found.classes,
            unselected=found.unselected,
        )

    def standing(self, one: Given) -> Plan | None:
        """Return the plan that a deployment's status holds and the operator keeps, since the spec is the same."""
        written = one.deployment.status.get("plan")
        return restore(written, one.deployment.spec) if isinstance(written, dict) else None

    def attempt(self, found: Inventory) -> Try:
        """Return a choice for changed specs on the same GPUs."""
        return attempts(catalog=self.catalog, engines=self.engines, classes=found.classes)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what says which resources are planned, and where."""
    add = parser.add_argument
    add("name", nargs="?", metavar="NAME", help="a Gemma4Deployment of the cluster")
    add(
        "-n",
        "--namespace",
        metavar="N",
        help="the namespace of NAME, and of whatever in a file names none (default: the context's, or default)",
    )
    add(
        "-f",
        "--file",
        metavar="FILE",
        action="append",
        help="Gemma4Deployments as YAML or JSON, instead of NAME; may be given several times; a folder stands for its "
        "files; - for standard input",
    )
    add(
        "--inventory",
        metavar="FILE",
        help="plan on these nodes instead of the cluster's: what `kubectl get nodes -o json` prints, or "
        "`kubectl get nodes,pods -A -o json`; - for standard input",
    )
    add(
        "--pods",
        metavar="FILE",
        help="what `kubectl get pods -A -o json` prints: the GPUs that these pods hold are not free",
    )
    add("--catalog", metavar="FILE", help="rows and prices of your own, which go before the built-in catalogue's")
    add_access(parser)


def situation(args: argparse.Namespace) -> Situation:
    """Return the GPUs of the file, or of the cluster. Raises InvalidInput."""
    if args.inventory is None:
        # The client takes most of a second to import, and files need none.
        from gemma4_operator.cli.cluster import nodes_and_pods

        nodes, pods = nodes_and_pods(access(args))
    else:
        nodes, pods = read_inventory(args.inventory)
    if args.pods is not None:
        pods = read_pods(args.pods)
    return Situation(
        catalog=catalog_with(args.catalog), engines=engines(), views=tuple(map(node_view, nodes)), pods=tuple(pods)
    )


def catalog_with(path: str | None) -> Catalog:
    """Return the catalogue with a file's rows over it; what cannot be used of them is told and passed over."""
    if path is None:
        return builtin_catalog()
    catalog, problems = override(builtin_catalog(), read_text(path))
    for problem in problems:
        print(f"gemma4: {place(path)}: {problem}", file=sys.stderr)
    return catalog


def within_limits(plan: Plan | Rejection, spec: Gemma4DeploymentSpec) -> Plan | Rejection:
    """Return the plan, unless `spec.replicas` of it are beyond the limits, of which the operator would run none."""
    excess = beyond_limits(plan, spec) if isinstance(plan, Plan) else None
    return plan if excess is None else Rejection(reason=Reason.OVER_BUDGET.value, message=excess)


def _belongs(pod: Mapping[str, Any], name: str, namespace: str) -> bool:
    metadata = pod.get("metadata", {})
    labels = metadata.get("labels") or {}
    return labels.get(OWNER_LABEL) == name and metadata.get("namespace", "default") == namespace
