"""What planning verbs share: custom resources, the GPUs they may take, and the catalogue, from files or a cluster."""

import argparse
import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gemma4_operator.api.deployment import Gemma4Deployment, Gemma4DeploymentSpec
from gemma4_operator.api.read import read_deployment
from gemma4_operator.catalog.loader import Catalog, builtin_catalog
from gemma4_operator.cli.inputs import InvalidInput, read_deployments, read_inventory
from gemma4_operator.engines.base import Registry
from gemma4_operator.engines.registry import engines
from gemma4_operator.planner.choose import Outcome, consider
from gemma4_operator.planner.inventory import Inventory, Use, inventory, uses_of
from gemma4_operator.planner.node_view import NodeView, node_view
from gemma4_operator.planner.relax import Try
from gemma4_operator.planner.workable import attempts

_OWNER_LABEL = "gemma4.dev/deployment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """The GPUs and what is known of the world."""

    catalog: Catalog
    engines: Registry
    views: tuple[NodeView, ...]
    pods: tuple[Mapping[str, Any], ...]

    def inventory(self, deployment: Gemma4Deployment, namespace: str) -> Inventory:
        """Return the GPUs that pods of a deployment may take; its own pods take nothing, since they would make room."""
        others = (pod for pod in self.pods if not _belongs(pod, deployment.metadata.name, namespace))
        placement = deployment.spec.placement
        uses: tuple[Use, ...] = tuple(uses_of(others))
        return inventory(
            self.views,
            uses,
            catalog=self.catalog,
            node_selector=placement.node_selector,
            tolerations=placement.tolerations,
            products=placement.gpu_products,
        )

    def consider(self, spec: Gemma4DeploymentSpec, found: Inventory) -> Outcome:
        """Choose for a spec."""
        return consider(spec, catalog=self.catalog, engines=self.engines, classes=found.classes)

    def attempt(self, found: Inventory) -> Try:
        """Return a choice for changed specs on the same GPUs."""
        return attempts(catalog=self.catalog, engines=self.engines, classes=found.classes)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what says which resources are planned, and where."""
    parser.add_argument(
        "-f", "--file", required=True, metavar="FILE", help="Gemma4Deployments as YAML or JSON; - for standard input"
    )
    parser.add_argument(
        "--inventory",
        metavar="FILE",
        help="what `kubectl get nodes -o json` prints, pods beside them if you like; - for standard input; "
        "without it, the current kubeconfig's cluster",
    )
    parser.add_argument("--pods", metavar="FILE", help="what `kubectl get pods -A -o json` prints, for what is free")


def situation(args: argparse.Namespace) -> Situation:
    """Return the GPUs of the file, or of the cluster. Raises InvalidInput."""
    if args.inventory is None:
        nodes, pods = asyncio.run(_of_cluster())
    else:
        nodes, pods = read_inventory(args.inventory)
    if args.pods is not None:
        pods = (*pods, *read_inventory(args.pods)[1])
    return Situation(catalog=builtin_catalog(), engines=engines(), views=tuple(map(node_view, nodes)), pods=tuple(pods))


def deployments(args: argparse.Namespace) -> tuple[tuple[Gemma4Deployment, dict[str, Any]], ...]:
    """Return the deployments of the file, with their raw objects. Raises InvalidInput, InvalidResource."""
    if args.file == "-" and args.inventory == "-":
        raise InvalidInput("--file and --inventory: must not both be standard input: write one of them to a file")
    return tuple((read_deployment(raw), raw) for raw in read_deployments(args.file))


async def _of_cluster() -> tuple[Sequence[dict[str, Any]], Sequence[dict[str, Any]]]:
    # The client takes most of a second to import, and files need none.
    from gemma4_operator.kube.api import Api
    from gemma4_operator.kube.connect import NoCredentials, connect
    from gemma4_operator.kube.errors import ApiError
    from gemma4_operator.kube.kinds import NODE, POD

    try:
        client = await connect(user_agent="gemma4")
    except NoCredentials as error:
        raise InvalidInput(f"--inventory: must be given where there is no cluster: {error}") from error
    try:
        api = Api(client, jitter=random.random)
        nodes, pods = await api.list(NODE), await api.list(POD)
    except ApiError as error:
        raise InvalidInput(f"--inventory: must be given where the cluster cannot be asked: {error}") from error
    finally:
        await client.close()
    return nodes.items, pods.items


def _belongs(pod: Mapping[str, Any], name: str, namespace: str) -> bool:
    metadata = pod.get("metadata", {})
    labels = metadata.get("labels") or {}
    return labels.get(_OWNER_LABEL) == name and metadata.get("namespace", "default") == namespace
