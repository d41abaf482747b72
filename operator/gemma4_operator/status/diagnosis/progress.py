"""A pod that has not failed: how far it is, and whether it still moves."""

from typing import Final

from gemma4_operator.engines.budget import WARM_UP_SECONDS
from gemma4_operator.status.diagnosis import engine
from gemma4_operator.status.diagnosis.rules import Diagnosis, Found, quote, text_like
from gemma4_operator.status.evidence import Evidence
from gemma4_operator.status.pods import ContainerView, PodView
from gemma4_operator.status.reasons import Reason
from gemma4_operator.status.redact import shorten

STALLED_SECONDS: Final = 300
"""Downloads print every few seconds: huggingface_hub's bars, NIM's tokio.rs, Ollama's `pulling`; others are mute."""
UNKNOWN_SECONDS: Final = 3600
"""Of a download that prints nothing, where no probe bounds the start: in an hour 180 GB come at the rate of budgets."""

_PROGRESS: Final = text_like(
    r"\d%|\d ?[KMGT]i?B (?:of|/) ?\d|\d[KMGT]?/\d[\d.]*[KMGT]|fetching \d+ files|\bpulling\b|download(?:ing|ed)\b"
    r"|loading (?:weights|model|safetensors|checkpoint|pt)|load_tensors: loading|capturing cuda graph|torch\.compile"
    r"|starting to load model|compiling|warm(?:ing)? ?up"
)
_DOWNLOAD: Final = text_like(
    r"download|fetching|\bpulling\b|[KMGT]i?B/s|\d ?[KMGT]i?B (?:of|/) ?\d|\bxet\b|hf_transfer|starting to load model"
    r"|\.(?:safetensors|gguf|bin)\b.{0,40}\d%|part \d+ stalled"
)
_MUTE: Final = text_like(r"starting to load model|trying to download|downloading from \S+ to ")
"""After which nothing is printed until a download has ended: vLLM hands huggingface_hub a bar that is switched off
(DisabledTqdm in model_loader/weight_utils.py), and llama.cpp draws its own on terminals alone (common/download.cpp).
"""
_FAR: Final = text_like(r"\d%|\d ?[KMGT]i?B (?:of|/) ?\d|\d/\d")
_STALLED: Final = text_like(r"part \d+ stalled|download (?:has )?stalled|no progress|below minimum speed|too slow")
_ANSWERED: Final = text_like(r"HTTP/1\.[01]\" 2\d\d\b|^\[GIN\].{0,60}\| 2\d\d \|")
"""What uvicorn (vLLM, NIM) and Ollama print of a request that went well."""
_STEPS: Final = ("Pulling", "SuccessfulAttachVolume", "Scheduled", "Pulled", "Started", "Created")


def is_progress(line: str) -> bool:
    """Whether a line tells of a download, a load or a compilation that goes on."""
    return _PROGRESS.search(line) is not None


def going_on(evidence: Evidence) -> Diagnosis | None:
    """Return how far a pod is that has not failed, or that it no longer moves."""
    pod = evidence.pod
    if pod is None or pod.ended:
        return None
    container = _current(pod.containers)
    who = f"container '{container.name}'" if container is not None else f"pod '{pod.name}'"
    lines = evidence.log
    if container is not None and container.running and lines:
        cause = cause_while_running(lines)
        if cause is not None:
            return Diagnosis(reason=cause.reason, message=f"{who} runs and cannot serve: {cause.quote.rstrip('.')}.")
        return _moving(evidence, pod, who)
    if container is not None and container.running:
        probes = [f" {shorten(event.message, 200)}" for event in evidence.told("Unhealthy")[:1]]
        return Diagnosis(reason=Reason.STILL_STARTING, message=f"{who} runs and is not ready yet.{''.join(probes)}")
    for step in _STEPS:
        for event in evidence.told(step, kind="Pod"):
            return Diagnosis(
                reason=Reason.STILL_STARTING, message=f"{who} is being made: {shorten(event.message, 300)}"
            )
    return Diagnosis(reason=Reason.STILL_STARTING, message=f"{who} is being made.") if pod.phase == "Pending" else None


def _current(containers: tuple[ContainerView, ...]) -> ContainerView | None:
    """Return the container whose turn it is: one before the engine first, one that runs before one that waits."""
    return min(containers, key=lambda item: (not item.running, not item.init, item.name), default=None)


def cause_while_running(lines: tuple[str, ...]) -> Found | None:
    """Return a cause in the log of a container that runs; one after which it went on is overcome."""
    cause = engine.cause(lines)
    if cause is None or any(is_progress(line) or _ANSWERED.search(line) for line in lines[cause.index + 1 :]):
        return None
    return cause


def _moving(evidence: Evidence, pod: PodView, who: str) -> Diagnosis:
    """Return how far a container is that prints what it does, or that it has stopped to."""
    lines, last = evidence.log, _last(evidence.log)
    if _is_stalled(evidence, last, _patience_seconds(pod, last)):
        seconds = _in_steps(evidence.silent_seconds)
        silent = f", and for {seconds} s nothing more" if seconds else ""
        message = f"{who} stands still: {_how_far(lines, last)}{silent}."
        return Diagnosis(reason=Reason.DOWNLOAD_STALLED, message=message)
    is_mute = _MUTE.search(last) is not None and evidence.silent_seconds >= STALLED_SECONDS
    why = "it prints nothing while it downloads. " if is_mute else ""
    return Diagnosis(reason=Reason.STILL_STARTING, message=f"{who} is starting: {why}{_how_far(lines, last)}")


def _last(lines: tuple[str, ...]) -> str:
    """Return the last line that tells of a progress or the lack of it, or the last of all."""
    return next((line for line in reversed(lines) if is_progress(line) or _STALLED.search(line)), lines[-1])


def _how_far(lines: tuple[str, ...], last: str) -> str:
    """Return the line that says best how far it is: figures, unless what is mute began after them."""
    if _MUTE.search(last):
        return quote(last, limit=300)
    far = [line for line in lines if _FAR.search(line)] or [line for line in lines if is_progress(line)]
    return quote((far or list(lines))[-1], limit=300)


def _patience_seconds(pod: PodView, last: str) -> int:
    """Return how long a download may be silent.

    One that prints nothing may take as long as budgets give weights of its size to come and to load. What they give
    besides, to warm up, is left out: with it the kubelet has ended the container.
    """
    if not _MUTE.search(last):
        return STALLED_SECONDS
    return max(STALLED_SECONDS, pod.start_seconds - WARM_UP_SECONDS) if pod.start_seconds else UNKNOWN_SECONDS


def _is_stalled(evidence: Evidence, last: str, patience_seconds: int) -> bool:
    if _STALLED.search(last):
        return True
    return evidence.silent_seconds >= patience_seconds and _DOWNLOAD.search(last) is not None


def _in_steps(seconds: float) -> int:
    """Return a time in steps that double, so that a silence that goes on is no news in each pass."""
    step = STALLED_SECONDS
    while 2 * step <= seconds:
        step *= 2
    return step if seconds >= step else 0
