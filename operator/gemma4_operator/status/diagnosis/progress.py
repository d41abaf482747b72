"""A pod that has not failed: how far it is, and whether it still moves."""

from typing import Final

from gemma4_operator.status.diagnosis import engine
from gemma4_operator.status.diagnosis.rules import Diagnosis, Found, quote, text_like
from gemma4_operator.status.evidence import Evidence
from gemma4_operator.status.pods import ContainerView
from gemma4_operator.status.reasons import Reason
from gemma4_operator.status.redact import shorten

STALLED_SECONDS: Final = 300
"""Downloads print every few seconds: huggingface_hub's bars, NIM's tokio.rs, Ollama's `pulling`."""

_PROGRESS: Final = text_like(
    r"\d%|\d ?[KMGT]i?B (?:of|/) ?\d|\d[KMGT]?/\d[\d.]*[KMGT]|fetching \d+ files|\bpulling\b|download(?:ing|ed)\b"
    r"|loading (?:weights|model|safetensors|checkpoint|pt)|load_tensors: loading|capturing cuda graph|torch\.compile"
    r"|starting to load model|compiling|warm(?:ing)? ?up"
)
_DOWNLOAD: Final = text_like(
    r"download|fetching|\bpulling\b|[KMGT]i?B/s|\d ?[KMGT]i?B (?:of|/) ?\d|\bxet\b|hf_transfer|starting to load model"
    r"|\.(?:safetensors|gguf|bin)\b.{0,40}\d%|part \d+ stalled"
)
_FAR: Final = text_like(r"\d%|\d ?[KMGT]i?B (?:of|/) ?\d|\d/\d")
_STALLED: Final = text_like(r"part \d+ stalled|download (?:has )?stalled|no progress|below minimum speed|too slow")
_STEPS: Final = ("Pulling", "SuccessfulAttachVolume", "Scheduled", "Pulled", "Started", "Created")


def is_progress(line: str) -> bool:
    """Whether a line tells of a download, a load or a compilation that goes on."""
    return _PROGRESS.search(line) is not None


def going_on(evidence: Evidence) -> Diagnosis | None:
    """Return how far a pod is that has not failed, or that it no longer moves."""
    pod = evidence.pod
    if pod is None:
        return None
    container = _current(pod.containers)
    who = f"container '{container.name}'" if container is not None else f"pod '{pod.name}'"
    lines = evidence.log
    if container is not None and container.running and lines:
        cause = _cause_while_running(lines)
        if cause is not None:
            return Diagnosis(reason=cause.reason, message=f"{who} runs and cannot serve: {cause.quote.rstrip('.')}.")
        how_far = _how_far(lines)
        stalled = _is_stalled(evidence, lines)
        if stalled:
            silent = f", and for {evidence.silent_seconds:.0f} s nothing more" if evidence.silent_seconds else ""
            return Diagnosis(reason=Reason.DOWNLOAD_STALLED, message=f"{who} stands still: {how_far}{silent}.")
        return Diagnosis(reason=Reason.STILL_STARTING, message=f"{who} is starting: {how_far}")
    if container is not None and container.running:
        probes = [f" {shorten(event.message, 200)}" for event in evidence.told("Unhealthy")[:1]]
        return Diagnosis(reason=Reason.STILL_STARTING, message=f"{who} runs and is not ready yet.{''.join(probes)}")
    for step in _STEPS:
        for event in evidence.told(step, kind="Pod"):
            return Diagnosis(
                reason=Reason.STILL_STARTING, message=f"{who} is being made: {shorten(event.message, 300)}"
            )
    if pod.phase == "Succeeded":
        return None
    return Diagnosis(reason=Reason.STILL_STARTING, message=f"{who} is being made.") if pod.phase == "Pending" else None


def _current(containers: tuple[ContainerView, ...]) -> ContainerView | None:
    """Return the container whose turn it is: one before the engine first, one that runs before one that waits."""
    return min(containers, key=lambda item: (not item.running, not item.init, item.name), default=None)


def _cause_while_running(lines: tuple[str, ...]) -> Found | None:
    """Return a cause in the log of a container that runs; one after which it went on is overcome."""
    cause = engine.cause(lines)
    if cause is None or any(is_progress(line) for line in lines[cause.index + 1 :]):
        return None
    return cause


def _how_far(lines: tuple[str, ...]) -> str:
    far = [line for line in lines if _FAR.search(line)] or [line for line in lines if is_progress(line)]
    return quote((far or list(lines))[-1], limit=300)


def _is_stalled(evidence: Evidence, lines: tuple[str, ...]) -> bool:
    last = [line for line in lines if is_progress(line) or _STALLED.search(line)]
    if not last:
        return evidence.silent_seconds >= STALLED_SECONDS and _DOWNLOAD.search(lines[-1]) is not None
    if _STALLED.search(last[-1]):
        return True
    return evidence.silent_seconds >= STALLED_SECONDS and _DOWNLOAD.search(last[-1]) is not None
