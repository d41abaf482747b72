"""The stage of a run: a cluster of its own, the operator's account, an admin, and operators as processes."""

import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from gemma4_operator.catalog.loader import builtin_catalog
from gemma4_operator.engines.registry import engines
from gemma4_operator.kube.kinds import Kind
from gemma4_operator.planner.node_view import node_view
from gemma4_operator.runtime.desire import desire
from gemma4_operator.runtime.world import GEMMA4_DEPLOYMENT, USUAL_KINDS
from tests.bench.admin import Admin, BenchError, Object
from tests.bench.counts import AuditEvent, writes
from tests.cluster import Cluster
from tests.cluster.fakenodes import fake_gpu_node
from tests.integration.home import names, sample
from tests.integration.operating import OperatorProcess, Operators, account, install

GPUS_PER_NODE = 8
FEWEST_NODES = 130
USER = account()
_KINDS = {kind.kind: kind for kind in USUAL_KINDS}
_NODE = Kind(group="", version="v1", kind="Node", plural="nodes")
_PASSES = re.compile(r"^gemma4_operator_reconcile_seconds_count\{.*?\} (\S+)$", re.MULTILINE)


class Stage:
    """What all figures of a run are measured on."""

    def __init__(self, cluster: Cluster, admin: Admin, operators: Operators, *, deployments: int) -> None:
        self.cluster = cluster
        self.admin = admin
        self._operators = operators
        self.deployments = deployments
        self.patience_seconds = 60.0 + deployments

    def operator(self, **settings: Any) -> OperatorProcess:
        """Return an operator that has been started."""
        return self._operators.new(lease="bench", **settings)

    def namespace(self) -> str:
        """Make a namespace under the restricted Pod Security Standard."""
        return self.cluster.namespace(prefix="bench")

    def clear(self, namespace: str) -> None:
        """Remove what this run has made in a namespace, and return when it is gone with all its pods."""
        # Not by deleting the namespace: its controller would wait for half of the pods' grace period.
        self.admin.clear(namespace, GEMMA4_DEPLOYMENT, *USUAL_KINDS, timeout_seconds=self.patience_seconds)

    def audit(self, offset: int = 0) -> list[AuditEvent]:
        """Return what was asked of the API server after an offset."""
        return self.cluster.audit_events(offset)

    def await_quiet(self, *, quiet_seconds: float = 2.0) -> float:
        """Return once the operator has written nothing for a while, with the moment from which on that was so."""
        deadline = time.monotonic() + self.patience_seconds
        while time.monotonic() < deadline:
            offset, since = self.cluster.audit_offset(), time.time()
            time.sleep(quiet_seconds)
            if not writes(self.audit(offset), user=USER):
                return since
        raise BenchError(f"the operator still writes after {self.patience_seconds:g} s")

    def poll(self, question: Callable[[], Any], what: str) -> Any:
        """Return the first answer that is not empty; asked every 20 ms."""
        deadline = time.monotonic() + self.patience_seconds
        while time.monotonic() < deadline:
            if answer := question():
                return answer
            time.sleep(0.02)
        raise BenchError(f"waited {self.patience_seconds:g} s for {what}")


@contextlib.contextmanager
def stage(*, deployments: int, folder: Path, say: Callable[[str], None]) -> Iterator[Stage]:
    """Set the stage, and leave nothing behind."""
    say("starting a control plane")
    with contextlib.ExitStack() as stack:
        stack.enter_context(_compiled(folder / "bytecode"))
        cluster = stack.enter_context(Cluster.start(name="bench", root=folder))
        say(f"adding {node_count(deployments)} fake nodes of {GPUS_PER_NODE} GPUs")
        admin = stack.enter_context(Admin(cluster.kubeconfig))
        _add_nodes(cluster, admin, node_count(deployments))
        install(cluster)
        operators = Operators(cluster, folder / "operators")
        stack.callback(operators.end)
        yield Stage(cluster, admin, operators, deployments=deployments)


@contextlib.contextmanager
def _compiled(folder: Path) -> Iterator[None]:
    """Have operators find their modules compiled, as in the image, whatever this shell says of bytecode."""
    kept = {name: os.environ.pop(name, None) for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX")}
    os.environ["PYTHONPYCACHEPREFIX"] = str(folder)
    try:
        subprocess.run([sys.executable, "-c", "import gemma4_operator.__main__"], check=True)
        yield
    finally:
        del os.environ["PYTHONPYCACHEPREFIX"]
        os.environ.update({name: value for name, value in kept.items() if value is not None})


def _add_nodes(cluster: Cluster, admin: Admin, count: int) -> None:
    # The first one starts what plays them; kubectl would need half a minute for all of them.
    cluster.add_fake_nodes(1, prefix="first", count=GPUS_PER_NODE)
    nodes = [(_NODE, fake_gpu_node(f"gpu-{number}", count=GPUS_PER_NODE)) for number in range(1, count)]
    admin.create_and_await(nodes, kind=_NODE, namespace=None, is_there=_is_node_ready, timeout_seconds=60.0)


def _is_node_ready(node: Object) -> bool:
    conditions = node["status"].get("conditions", ())
    return any(found["type"] == "Ready" and found["status"] == "True" for found in conditions)


def node_count(deployments: int) -> int:
    """Return how many nodes are there: room for all at once, and for one more each that is being replaced."""
    return max(FEWEST_NODES, -(-deployments // GPUS_PER_NODE) + 5)


def resources(count: int, *, namespace: str) -> list[tuple[Kind, Object]]:
    """Return custom resources to create."""
    return [(GEMMA4_DEPLOYMENT, _placed(name, namespace)) for name in names(count)]


def children(count: int, *, namespace: str) -> list[tuple[Kind, Object]]:
    """Return what the operator would make of these custom resources, but owned by nobody."""
    catalog, registry, nodes = builtin_catalog(), engines(), (node_view(fake_gpu_node("one")),)
    made: list[tuple[Kind, Object]] = []
    for name in names(count):
        resource = _placed(name, namespace)
        resource["metadata"]["uid"] = "00000000-0000-0000-0000-000000000000"
        rendered = desire(resource, catalog=catalog, engines=registry, nodes=nodes).objects
        if len(rendered) != len(USUAL_KINDS):
            raise BenchError(f"{len(rendered)} children are rendered where {len(USUAL_KINDS)} should be")
        # The garbage collector deletes at once what belongs to an owner that is not there.
        made += [(_KINDS[obj["kind"]], {**obj, "metadata": _ownerless(obj["metadata"])}) for obj in rendered]
    return made


def passes(operator: OperatorProcess) -> int:
    """Return how many passes an operator has made."""
    return count_passes(operator.metrics())


def count_passes(exposition: str) -> int:
    """Read the text of /metrics."""
    return int(sum(float(value) for value in _PASSES.findall(exposition)))


def _placed(name: str, namespace: str) -> Object:
    resource = sample(name)
    return {**resource, "metadata": {**resource["metadata"], "namespace": namespace}}


def _ownerless(metadata: Object) -> Object:
    return {field: value for field, value in metadata.items() if field != "ownerReferences"}
