"""The run itself, one figure after the other; each is measured on what the one before has left."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from gemma4_operator.kube.kinds import DEPLOYMENT, Kind
from gemma4_operator.runtime.world import GEMMA4_DEPLOYMENT
from tests.bench import machine, repairs, starts
from tests.bench.admin import Object
from tests.bench.counts import count_requests, percentile, received_between
from tests.bench.figures import Converged, Figures, Idle, Run, Wave
from tests.bench.stage import USER, Stage, children, node_count, passes, resources
from tests.integration.home import is_ready
from tests.integration.operating import OperatorProcess

IDLE_SECONDS = 20.0


def measure(stage: Stage, *, command: str, say: Callable[[str], None]) -> Figures:
    """Measure everything."""
    count = stage.deployments
    say("start of an operator: one resource waits for it (this also warms the cluster up)")
    start_empty = starts.on_one(stage)
    say(f"floor: the children of {count} created directly by an admin")
    floor = _floor(stage)
    say(f"{count} custom resources: from create to Ready")
    namespace = stage.namespace()
    operator = stage.operator().wait_leading()
    time.sleep(starts.SETTLE_SECONDS)
    memory_empty = machine.memory(operator.process)
    converged = _converge(stage, operator, namespace)
    memory_full = machine.memory(operator.process)
    say(f"idle for {IDLE_SECONDS:g} s")
    idle = _idle(stage, operator)
    say("children deleted and changed by hand")
    repaired = repairs.measure(stage, namespace)
    stage.await_quiet()
    operator.stop()
    say("restart, then a listing without a change")
    restart, resync = starts.without_change(stage)
    say(f"start of an operator: {count} children are missing")
    start_full = starts.on_many(stage, namespace)
    say("done; ending the cluster")
    return Figures(
        run=_describe(stage, command),
        floor=floor,
        converged=converged,
        memory_empty=memory_empty,
        memory_full=memory_full,
        idle=idle,
        resync=resync,
        restart=restart,
        start_empty=start_empty,
        start_full=start_full,
        repairs=repaired,
    )


def _floor(stage: Stage) -> Wave:
    namespace = stage.namespace()
    objects = children(stage.deployments, namespace=namespace)
    wave = _wave(stage, objects, DEPLOYMENT, namespace, _is_available)
    stage.clear(namespace)
    return wave


def _wave(
    stage: Stage,
    objects: list[tuple[Kind, Object]],
    kind: Kind,
    namespace: str,
    is_there: Callable[[Object], bool],
) -> Wave:
    before = machine.usage()
    created, seen = stage.admin.create_and_await(
        objects, kind=kind, namespace=namespace, is_there=is_there, timeout_seconds=stage.patience_seconds
    )
    return Wave(
        created_seconds=created,
        half_seconds=percentile(seen, 0.5),
        all_seconds=max(seen),
        foreign_cpu_share=machine.foreign_share(before, machine.usage(), cores=machine.cores()),
    )


def _converge(stage: Stage, operator: OperatorProcess, namespace: str) -> Converged:
    process = operator.process
    offset, started = stage.cluster.audit_offset(), time.time()
    cpu, passes_before = machine.cpu_seconds(process), passes(operator)
    objects = resources(stage.deployments, namespace=namespace)
    wave = _wave(stage, objects, GEMMA4_DEPLOYMENT, namespace, is_ready)
    ready, cpu_ready = time.time(), machine.cpu_seconds(process)
    quiet = stage.await_quiet()
    cpu_quiet = machine.cpu_seconds(process)
    found = stage.audit(offset)
    return Converged(
        wave=wave,
        until_ready=count_requests(received_between(found, started, ready), user=USER),
        until_quiet=count_requests(received_between(found, started, quiet), user=USER),
        passes=passes(operator) - passes_before,
        cpu_until_ready_seconds=cpu_ready - cpu,
        cpu_until_quiet_seconds=cpu_quiet - cpu,
    )


def _idle(stage: Stage, operator: OperatorProcess) -> Idle:
    offset, before, cpu = stage.cluster.audit_offset(), machine.usage(), machine.cpu_seconds(operator.process)
    time.sleep(IDLE_SECONDS)
    return Idle(
        seconds=IDLE_SECONDS,
        cpu_seconds=machine.cpu_seconds(operator.process) - cpu,
        requests=count_requests(stage.audit(offset), user=USER),
        foreign_cpu_share=machine.foreign_share(before, machine.usage(), cores=machine.cores()),
    )


def _describe(stage: Stage, command: str) -> Run:
    answer = stage.cluster.kubectl("get", "--raw", "/version").stdout
    return Run(
        command=command,
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        machine=machine.machine_class(),
        versions=machine.versions(machine.git_version(answer)),
        deployments=stage.deployments,
        nodes=node_count(stage.deployments),
    )


def _is_available(deployment: Object) -> bool:
    conditions = deployment.get("status", {}).get("conditions", ())
    return any(found["type"] == "Available" and found["status"] == "True" for found in conditions)
