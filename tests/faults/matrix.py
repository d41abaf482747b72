"""All faults, in the order of the page."""

from gemma4_operator.status.meanings import FixableBy
from gemma4_operator.status.reasons import Reason
from tests.faults import api_server, capacity, installation, own_death, pods, writers
from tests.faults.fault import Fault, Kind

PLANNING = "tests/integration/test_planning.py"
TRUTH = "tests/integration/test_truth.py::TestFailingPods"

PODS = (
    Fault(
        name="Scheduling gates hold a pod back",
        kind=Kind.SCHEDULING,
        sees="`SchedulingGated` with their names.",
        proof="It serves once they are out of `spec.podTemplatePatch`.",
        tests=(f"{TRUTH}::test_a_pod_with_scheduling_gates_waits_for_whoever_removes_them",),
    ),
    Fault(
        name="An engine that served stops answering",
        kind=Kind.KILLED,
        sees="`NotAnswering` with since when, until it answers or the liveness probe has it killed.",
        proof="Once it answers it is Ready again; `status.lastFailure` and an event stay.",
        tests=(f"{TRUTH}::test_an_engine_that_served_and_no_longer_answers_does_not_load",),
    ),
)

SELF_CORRECTION = (
    Fault(
        name="An engine runs out of the GPU's memory again and again",
        kind=Kind.ENGINES,
        sees="`GPUOutOfMemory`, then an event `Planned` with a leaner plan.",
        proof="At most three other plans are tried, and no engine restarts for ever with the same mistake.",
        tests=(f"{PLANNING}::test_a_plan_that_runs_out_of_memory_is_remade_leaner",),
    ),
)

FAULTS: tuple[Fault, ...] = tuple(
    fault
    for kind in Kind
    for fault in (
        *pods.TOLD,
        *PODS,
        *SELF_CORRECTION,
        *capacity.FAULTS,
        *api_server.FAULTS,
        *own_death.FAULTS,
        *writers.FAULTS,
        *installation.FAULTS,
    )
    if fault.kind is kind
)

NOT_PLAYED = {
    Reason.STILL_STARTING: "it is no failure",
    Reason.READINESS_GATE_UNMET: "others are given five minutes to meet a readiness gate",
    Reason.DOWNLOAD_STALLED: "it is read from the log of a container that runs, and a simulated node has no logs",
    Reason.DOWNLOAD_JOB_FAILED: "the operator makes no Jobs",
}
"""Causes without a row, and why; `gemma4 diagnose` finds them, and tests of the diagnosis have them."""


def causes() -> frozenset[Reason]:
    """Return every reason that is the cause of a pod's failure."""
    return frozenset(reason for reason in Reason if isinstance(reason.fixable_by, FixableBy))


def played() -> frozenset[Reason]:
    """Return the causes that a row is about."""
    named = {reason for reason in Reason for fault in FAULTS if f"`{reason.value}`" in fault.sees}
    return frozenset(named | {fault.reason for fault in FAULTS if fault.reason is not None})
