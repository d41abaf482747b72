"""A new process: how long until it writes the first child, and that it writes nothing where nothing differs."""

import time

from gemma4_operator.kube.kinds import SERVICE
from gemma4_operator.runtime.world import USUAL_KINDS
from tests.bench.admin import BenchError
from tests.bench.counts import AuditEvent, answered_seconds, received_seconds, writes, writes_to
from tests.bench.figures import NoChange, Start
from tests.bench.stage import USER, Stage, passes, resources
from tests.integration.home import names
from tests.integration.operating import OperatorProcess

SETTLE_SECONDS = 2.0
_RESYNC_SECONDS = 5
_PLURALS = tuple(kind.plural for kind in USUAL_KINDS)


def on_one(stage: Stage) -> Start:
    """Measure a start that finds one new custom resource and nothing else."""
    namespace = stage.namespace()
    stage.admin.create(resources(1, namespace=namespace))
    start, operator = _start(stage, missing=len(USUAL_KINDS))
    stage.await_quiet()
    operator.stop()
    stage.clear(namespace)
    return start


def on_many(stage: Stage, namespace: str) -> Start:
    """Measure a start that finds all custom resources of a run, the Service of each deleted."""
    stage.admin.delete(SERVICE, namespace, *names(stage.deployments))
    start, operator = _start(stage, missing=stage.deployments)
    stage.await_quiet()
    operator.stop()
    return start


def without_change(stage: Stage) -> tuple[NoChange, NoChange]:
    """Return what a new process does, and what it does when it lists everything anew; nothing differs in either."""
    offset = stage.cluster.audit_offset()
    operator = stage.operator(resync_seconds=_RESYNC_SECONDS).wait_leading()
    restart = _pass(stage, operator, offset, passes_before=0)
    offset, passes_before = stage.cluster.audit_offset(), passes(operator)
    resync = _pass(stage, operator, offset, passes_before=passes_before)
    operator.stop()
    return restart, resync


def _start(stage: Stage, *, missing: int) -> tuple[Start, OperatorProcess]:
    offset, started = stage.cluster.audit_offset(), time.time()
    operator = stage.operator()

    def written() -> list[AuditEvent]:
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


def _pass(stage: Stage, operator: OperatorProcess, offset: int, *, passes_before: int) -> NoChange:
    stage.poll(
        lambda: passes(operator) - passes_before >= stage.deployments, f"a pass over each of {stage.deployments}"
    )
    # At a start kopf's own listing rings once more for all.
    time.sleep(SETTLE_SECONDS)
    done = NoChange(passes=passes(operator) - passes_before, writes=writes(stage.audit(offset), user=USER))
    if done.passes < stage.deployments:
        raise BenchError("the operator no longer answers /metrics")
    return done
