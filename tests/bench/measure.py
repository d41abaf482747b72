"""The run itself, one figure after the other; each is measured on what the one before has left."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from gemma4_operator.kube.kinds import DEPLOYMENT, SERVICE, Kind
from gemma4_operator.runtime.world import CHILD_KINDS, GEMMA4_DEPLOYMENT
from tests.bench import machine, repairs
from tests.bench.admin import BenchError, Object
from tests.bench.counts import (
    answered_seconds,
    count_requests,
    percentile,
    received_between,
    received_seconds,
    writes,
    writes_to,
)
from tests.bench.figures import Converged, Figures, Idle, NoChange, Run, Start, Wave
from tests.bench.stage import USER, Stage, children, node_count, passes, resources
from tests.integration.home import is_ready, names
from tests.integration.operating import OperatorProcess

IDLE_SECONDS = 20.0
RESYNC_SECONDS = 5
_SETTLE_SECONDS = 2.0
_PLURALS = tuple(kind.plural for kind in CHILD_KINDS)


def measure(stage: Stage, *, command: str, say: Callable[[str], None]) -> Figures:
    """Measure everything."""
    count = stage.deployments
    say("start of an operator: one resource waits for it (this also warms the cluster up)")
    start_empty = _first_start(stage)
    say(f"floor: the children of {count} created directly by an admin")
    floor = _floor(stage)
    say(f"{count} custom resources: from create to Ready")
    namespace = stage.namespace()
    operator = stage.operator().wait_leading()
    time.sleep(_SETTLE_SECONDS)
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
    restart, resync = _no_change(stage)
    say(f"start of an operator: {count} children are missing")
    start_full = _full_start(stage, namespace)
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


def _first_start(stage: Stage) -> Start:
    namespace = stage.namespace()
    stage.admin.create(resources(1, namespace=namespace))
    start, operator = _start(stage, missing=len(CHILD_KINDS))
    stage.await_quiet()
    operator.stop()
    stage.clear(namespace)
    return start


def _full_start(stage: Stage, namespace: str) -> Start:
    stage.admin.delete(SERVICE, namespace, *names(stage.deployments))
    start, operator = _start(stage, missing=stage.deployments)
    stage.await_quiet()
    operator.stop()
    return start


def _start(stage: Stage, *, missing: int) -> tuple[Start, OperatorProcess]:
    offset, started = stage.cluster.audit_offset(), time.time()
    operator = stage.operator()

    def written() -> list[Object]:
        found = writes_to(stage.audit(offset), user=USER, resources=_PLURALS)
        return found if len(found) >= missing else []

    found = [answered_seconds(event) - started for event in stage.poll(written, "an operator's first writes")]
    asked = [received_seconds(event) for event in stage.audit(offset) if event["user"]["username"] == USER]
    start = Start(
        first_request_seconds=min(asked) - started,
        first_write_seconds=min(found),
        last_write_seconds=max(found),
        missing=missing,
    )
    return start, operator


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


def _no_change(stage: Stage) -> tuple[NoChange, NoChange]:
    """Return what a new process does, and what it does when it lists everything anew; nothing differs in either."""
    offset = stage.cluster.audit_offset()
    operator = stage.operator(resync_seconds=RESYNC_SECONDS).wait_leading()
    restart = _no_change_pass(stage, operator, offset, passes_before=0)
    # What kopf's own first listing asks for is still part of the restart.
    time.sleep(_SETTLE_SECONDS)
    offset, passes_before = stage.cluster.audit_offset(), passes(operator)
    resync = _no_change_pass(stage, operator, offset, passes_before=passes_before)
    operator.stop()
    return restart, resync


def _no_change_pass(stage: Stage, operator: OperatorProcess, offset: int, *, passes_before: int) -> NoChange:
    stage.poll(
        lambda: passes(operator) - passes_before >= stage.deployments, f"a pass over each of {stage.deployments}"
    )
    time.sleep(_SETTLE_SECONDS)
    done = NoChange(passes=passes(operator) - passes_before, writes=writes(stage.audit(offset), user=USER))
    if done.passes < stage.deployments:
        raise BenchError("a new process counts fewer passes than before")
    return done


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
