"""Containers that ran and ended: for memory, by a probe, by a hook, or for what their log says."""

import signal
from typing import Final

from gemma4_operator.engines.budget import MAX_START_SECONDS
from gemma4_operator.status.diagnosis import engine
from gemma4_operator.status.diagnosis.progress import is_progress
from gemma4_operator.status.diagnosis.rules import Diagnosis, quote, text_like
from gemma4_operator.status.evidence import Evidence, log_lines
from gemma4_operator.status.pods import ContainerView, Ended
from gemma4_operator.status.reasons import Reason
from gemma4_operator.status.redact import shorten
from gemma4_operator.status.unready import silent

_PROBE: Final = text_like(r"failed (?:liveness|startup) probe|(?:liveness|startup) probe failed.{0,80}killed")
_LIVENESS: Final = text_like(r"liveness probe")
_UNHOOKED: Final = "PostStartHookError"
_STOPPED: Final = frozenset({0, 2, 130, 137, 143})
"""Codes of a process that was asked to end or was killed; with any other it ended by itself."""
_OOM_EVENTS: Final = ("OOMKilling", "SystemOOM")
_GPU_FAULT_EVENTS: Final = text_like(r"\bXid\b|fallen off the bus|GPU is lost|uncorrectable ECC")


def ended(evidence: Evidence) -> Diagnosis | None:
    """Return why a container ended."""
    container = _who(evidence)
    if container is None or container.ended is None:
        return _unhooked(evidence)
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


def _unhooked(evidence: Evidence) -> Diagnosis | None:
    """Return that a hook failed of a container of whose end nothing is known yet."""
    for container in evidence.pod.containers if evidence.pod else ():
        if container.waiting == _UNHOOKED:
            said = [event.message for event in evidence.told("FailedPostStartHook")] + [container.message]
            why = f": {shorten(said[0], 300).rstrip('.')}." if said[0] else "."
            return Diagnosis(
                reason=Reason.LIFECYCLE_HOOK_FAILED, message=f"FailedPostStartHook of container '{container.name}'{why}"
            )
    return None


def _who(evidence: Evidence) -> ContainerView | None:
    """Return the container that matters: killed for memory before others, before the engine before it, by name.

    The end of one that has started again since, and is silent, is not what keeps it from serving.
    """
    pod = evidence.pod
    over = silent(pod, now=evidence.read_at) if pod is not None else ()
    candidates = [item for item in (pod.containers if pod else ()) if item.ended is not None and item not in over]
    return min(candidates, key=_urgency, default=None)


def _urgency(container: ContainerView) -> tuple[bool, bool, bool, str]:
    end = container.ended
    assert end is not None
    return end.reason != "OOMKilled", not container.init, end.exit_code == 0, container.name


def _killed_by_probe(evidence: Evidence, container: ContainerView) -> Diagnosis | None:
    for event in evidence.told("Killing"):
        if not _PROBE.search(event.message) or not _is_about(event.message, container, evidence):
            continue
        is_liveness = _LIVENESS.search(event.message) is not None
        why = [said for said in _deadly(evidence) if (_LIVENESS.search(said) is not None) == is_liveness]
        detail = f": {shorten(why[0], 200)}" if why else ""
        said = shorten(event.message, 200).rstrip(".")
        return Diagnosis(
            reason=_killing(container, is_liveness=is_liveness),
            message=f"{said}{detail}; container '{container.name}'{_ran(container)} was started "
            f"{container.restarts + 1} times.",
        )
    return None


def _deadly(evidence: Evidence) -> list[str]:
    """Return what is told of failures of the probes that kill."""
    return [event.message for event in evidence.told("Unhealthy") if not event.message.startswith("Readiness")]


def _killing(container: ContainerView, *, is_liveness: bool) -> Reason:
    """Return whether a probe killed a container that had started: the liveness probe waits for the startup probe.

    Where there is none, the liveness probe may have killed one that still loaded.
    """
    has_started = is_liveness and (container.guarded or _is_past_any_start(container))
    return Reason.PROBE_KILLED if has_started else Reason.PROBE_KILLED_DURING_START


def _is_past_any_start(container: ContainerView) -> bool:
    return container.ended is not None and container.ended.ran_seconds > MAX_START_SECONDS


def _ran(container: ContainerView) -> str:
    """Return for how long the container ran, where that is known."""
    seconds = container.ended.ran_seconds if container.ended is not None else 0.0
    return f", which ran for {_length(seconds)}," if seconds else ""


def _length(seconds: float) -> str:
    for unit, size in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


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
    if hooks or container.waiting == _UNHOOKED:
        said = shorten(hooks[0].message if hooks else container.message, 300)
        return Diagnosis(
            reason=Reason.LIFECYCLE_HOOK_FAILED,
            message=f"FailedPostStartHook of container '{container.name}', {_how(container)}: {said}",
        )
    if end.reason in {"ContainerStatusUnknown", "Unknown"}:
        return Diagnosis(
            reason=Reason.NODE_NOT_READY, message=f"container '{container.name}', {_how(container)}: its node lost it."
        )
    probe = _killed_by_forgotten_probe(evidence, container) if end.exit_code in _STOPPED - {0} else None
    if probe is not None:
        return probe
    by_code = _BY_CODE.get(end.exit_code)
    if by_code is not None:
        return Diagnosis(reason=by_code, message=f"container '{container.name}', {_how(container)}.")
    if container.running and lines and is_progress(lines[-1]):
        return None
    return _crashed(evidence, container, lines)


def _killed_by_forgotten_probe(evidence: Evidence, container: ContainerView) -> Diagnosis | None:
    """Return what a code of a signal beside failures of a deadly probe says: the event of the killing may be gone.

    The startup probe fails in each start, so of one that ran for longer than a start may take it is the next run's.
    """
    unhealthy = _deadly(evidence)
    liveness = [said for said in unhealthy if _LIVENESS.search(said)]
    told = liveness or ([] if _is_past_any_start(container) else unhealthy)
    if not told:
        return None
    return Diagnosis(
        reason=_killing(container, is_liveness=bool(liveness)),
        message=f"container '{container.name}'{_ran(container)} {_how(container)}: {shorten(told[0], 300)}",
    )


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
