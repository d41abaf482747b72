"""Containers that ran and ended: for memory, by a probe, by a hook, or for what their log says."""

import signal
from typing import Final

from gemma4_operator.status.diagnosis import engine
from gemma4_operator.status.diagnosis.progress import is_progress
from gemma4_operator.status.diagnosis.rules import Diagnosis, quote, text_like
from gemma4_operator.status.evidence import Evidence, log_lines
from gemma4_operator.status.pods import ContainerView, Ended
from gemma4_operator.status.reasons import Reason
from gemma4_operator.status.redact import shorten

_PROBE: Final = text_like(r"failed (?:liveness|startup) probe|(?:liveness|startup) probe failed.{0,80}killed")
_STOPPED: Final = frozenset({0, 2, 130, 137, 143})
"""Codes of a process that was asked to end or was killed; with any other it ended by itself."""
_OOM_EVENTS: Final = ("OOMKilling", "SystemOOM")
_GPU_FAULT_EVENTS: Final = text_like(r"\bXid\b|fallen off the bus|GPU is lost|uncorrectable ECC")


def ended(evidence: Evidence) -> Diagnosis | None:
    """Return why a container ended."""
    container = _who(evidence)
    if container is None or container.ended is None:
        return None
    end = container.ended
    if end.reason == "OOMKilled":
        times = container.restarts + 1
        return Diagnosis(
            reason=Reason.HOST_OUT_OF_MEMORY,
            message=f"container '{container.name}' was killed for memory {times} times (OOMKilled, {_code(end)}).",
        )
    probe = _killed_by_probe(evidence, container)
    if probe is not None and end.exit_code in _STOPPED:
        return probe
    # The last words in the status are the end of the same log (FallbackToLogsOnError).
    lines = evidence.log or log_lines(end.message.splitlines())
    cause = engine.cause(lines)
    if cause is not None:
        image = f" of image '{container.image}'" if cause.reason is Reason.IMAGE_PLATFORM_MISMATCH else ""
        said = cause.quote.rstrip(".")
        return Diagnosis(
            reason=cause.reason, message=f"container '{container.name}'{image}, {_how(container)}: {said}."
        )
    return probe or _without_cause(evidence, container, lines)


def _who(evidence: Evidence) -> ContainerView | None:
    """Return the container that matters: killed for memory before others, before the engine before it, by name."""
    candidates = [item for item in (evidence.pod.containers if evidence.pod else ()) if item.ended is not None]
    return min(candidates, key=_urgency, default=None)


def _urgency(container: ContainerView) -> tuple[bool, bool, bool, str]:
    end = container.ended
    assert end is not None
    return end.reason != "OOMKilled", not container.init, end.exit_code == 0, container.name


def _killed_by_probe(evidence: Evidence, container: ContainerView) -> Diagnosis | None:
    for event in evidence.told("Killing"):
        if not _PROBE.search(event.message) or not _is_about(event.message, container, evidence):
            continue
        why = [told.message for told in evidence.told("Unhealthy") if not told.message.startswith("Readiness")]
        detail = f": {shorten(why[0], 200)}" if why else ""
        said = shorten(event.message, 200).rstrip(".")
        return Diagnosis(
            reason=Reason.PROBE_KILLED_DURING_START,
            message=f"{said}{detail}; container '{container.name}' was started {container.restarts + 1} times.",
        )
    return None


def _is_about(said: str, container: ContainerView, evidence: Evidence) -> bool:
    """Whether an event that may name a container names this one."""
    others = (item.name for item in (evidence.pod.containers if evidence.pod else ()) if item.name != container.name)
    words = said.split()
    return container.name in words or not any(name in words for name in others)


def _without_cause(evidence: Evidence, container: ContainerView, lines: tuple[str, ...]) -> Diagnosis | None:
    end = container.ended
    assert end is not None
    faults = [event.message for event in evidence.events if _GPU_FAULT_EVENTS.search(event.message)]
    if faults:
        return Diagnosis(
            reason=Reason.GPU_HARDWARE_FAULT, message=f"container '{container.name}': {shorten(faults[0], 300)}"
        )
    for event in evidence.told(*_OOM_EVENTS) if end.exit_code == 137 else ():
        return Diagnosis(
            reason=Reason.HOST_OUT_OF_MEMORY,
            message=f"container '{container.name}', {_how(container)}: {event.reason}: {shorten(event.message, 300)}",
        )
    hooks = evidence.told("FailedPostStartHook")
    if hooks or container.waiting == "PostStartHookError":
        said = shorten(hooks[0].message if hooks else container.message, 300)
        return Diagnosis(
            reason=Reason.LIFECYCLE_HOOK_FAILED,
            message=f"FailedPostStartHook of container '{container.name}', {_how(container)}: {said}",
        )
    if end.reason in {"ContainerStatusUnknown", "Unknown"}:
        return Diagnosis(
            reason=Reason.NODE_NOT_READY, message=f"container '{container.name}', {_how(container)}: its node lost it."
        )
    unhealthy = [event.message for event in evidence.told("Unhealthy") if not event.message.startswith("Readiness")]
    if unhealthy and end.exit_code in _STOPPED - {0}:
        # The event of the killing itself may be gone; a code of a signal beside failures of a deadly probe is enough.
        said = shorten(unhealthy[0], 300)
        return Diagnosis(
            reason=Reason.PROBE_KILLED_DURING_START, message=f"container '{container.name}', {_how(container)}: {said}"
        )
    by_code = _BY_CODE.get(end.exit_code)
    if by_code is not None:
        return Diagnosis(reason=by_code, message=f"container '{container.name}', {_how(container)}.")
    if container.running and lines and is_progress(lines[-1]):
        return None
    return _crashed(evidence, container, lines)


_BY_CODE: Final = {
    # 128 and the number of the signal: SIGILL is a build for another processor, SIGBUS a map of memory without room.
    132: Reason.HARDWARE_UNSUPPORTED,
    135: Reason.SHARED_MEMORY_TOO_SMALL,
    # What a shell answers for a command that it may not run, or cannot find.
    126: Reason.INVALID_ENGINE_CONFIG,
    127: Reason.INVALID_ENGINE_CONFIG,
}


def _crashed(evidence: Evidence, container: ContainerView, lines: tuple[str, ...]) -> Diagnosis | None:
    if evidence.told("BackoffLimitExceeded", "DeadlineExceeded", kind="Job"):
        return None
    last = f", its last line: {quote(lines[-1], limit=300).rstrip('.')}." if lines else "."
    return Diagnosis(reason=Reason.ENGINE_CRASHED, message=f"container '{container.name}' {_how(container)}{last}")


def _how(container: ContainerView) -> str:
    assert container.ended is not None
    return f"ended with {_code(container.ended)}, restarted {container.restarts} times"


def _code(end: Ended) -> str:
    """Return the code, and for one of a shell's codes of signals the signal."""
    try:
        name = f" ({signal.Signals(end.exit_code - 128).name})" if 128 < end.exit_code < 160 else ""
    except ValueError:
        name = ""
    return f"exit code {end.exit_code}{name}"
