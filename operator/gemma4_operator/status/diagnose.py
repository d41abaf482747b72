"""Pods to one cause: what keeps them from serving, in a sentence that says what to do."""

from collections.abc import Sequence
from dataclasses import dataclass

from gemma4_operator.status.pods import ContainerTrouble, PodView
from gemma4_operator.status.reasons import Reason

_IMAGE = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable"})
_CONFIG = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "PreCreateHookError"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One cause, and how many pods share it."""

    reason: Reason
    message: str


def diagnose(pods: Sequence[PodView]) -> Finding | None:
    """Return the cause that most needs a person, or None when no pod is in trouble.

    A pod that fails says more than one that waits for a node, and that one more than one that loads.
    """
    waiting = [pod for pod in pods if not pod.ready and not pod.deleting]
    for find in (_failing, _unschedulable, _loading):
        finding = find(waiting)
        if finding is not None:
            return finding
    return None


def _failing(pods: Sequence[PodView]) -> Finding | None:
    failing = [(pod, pod.trouble) for pod in pods if pod.trouble is not None]
    if not failing:
        return None
    pod, trouble = failing[0]
    reason, what = _cause(trouble)
    others = f" ({len(failing)} pods)" if len(failing) > 1 else ""
    return Finding(reason=reason, message=f"Pod '{pod.name}'{others}: {what} {reason.advice}")


def _cause(trouble: ContainerTrouble) -> tuple[Reason, str]:
    detail = f": {trouble.message.rstrip('.')}." if trouble.message else "."
    where = f"container '{trouble.container}'"
    if trouble.reason in _IMAGE:
        return Reason.IMAGE_PULL_FAILED, f"{where} waits for its image, {trouble.reason}{detail}"
    if trouble.reason in _CONFIG:
        return Reason.CONTAINER_CONFIG_ERROR, f"{where} cannot be made, {trouble.reason}{detail}"
    if trouble.last_reason == "OOMKilled" or trouble.reason == "OOMKilled":
        return Reason.OUT_OF_MEMORY, f"{where} was killed for memory {trouble.restarts + 1} times."
    code = f" with exit code {trouble.last_exit_code}" if trouble.last_exit_code is not None else ""
    return Reason.CRASHING, f"{where} ended{code}, restarted {trouble.restarts} times{detail}"


def _unschedulable(pods: Sequence[PodView]) -> Finding | None:
    stuck = [pod for pod in pods if pod.unschedulable]
    if not stuck:
        return None
    return Finding(
        reason=Reason.UNSCHEDULABLE,
        message=f"{len(stuck)} of {len(pods)} waiting pods fit on no node: {stuck[0].unschedulable.rstrip('.')}. "
        f"{Reason.UNSCHEDULABLE.advice}",
    )


def _loading(pods: Sequence[PodView]) -> Finding | None:
    loading = sum(pod.running for pod in pods)
    if not loading:
        return None
    return Finding(reason=Reason.LOADING, message=f"{loading} of {len(pods)} waiting pods load the weights.")
