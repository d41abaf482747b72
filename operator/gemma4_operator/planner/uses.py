"""What pods take of their nodes' GPUs, by the scheduler's own rule."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from gemma4_operator.planner.amounts import amount
from gemma4_operator.planner.node_labels import PREFIX

_ENDED = ("Succeeded", "Failed")


class Use(NamedTuple):
    """What pods take of one resource on one node."""

    node: str
    resource: str
    gpus: int


def uses_of(pods: Iterable[Mapping[str, Any]]) -> Iterator[Use]:
    """Yield what raw pods take; those that have ended, or have no node yet, take nothing."""
    for pod in pods:
        spec = pod.get("spec") or {}
        node = spec.get("nodeName")
        if not node or (pod.get("status") or {}).get("phase") in _ENDED:
            continue
        running = [_asked(one) for one in spec.get("containers") or ()]
        starting = [(_asked(one), _is_sidecar(one)) for one in spec.get("initContainers") or ()]
        for resource in sorted({name for one in (*running, *(one for one, _ in starting)) for name in one}):
            steady = sum(one.get(resource, 0) for one in running)
            yield Use(node, resource, _most(steady, [(one.get(resource, 0), stays) for one, stays in starting]))


def _most(steady: int, starting: Iterable[tuple[int, bool]]) -> int:
    """Return the most that is taken at once.

    Init containers run one after the other, sidecars among them stay beside all that come later
    (k8s.io/component-helpers, resource.PodRequests).
    """
    beside = most = 0
    for count, stays in starting:
        most = max(most, beside + count)
        beside += count if stays else 0
    return max(most, beside + steady)


def _is_sidecar(container: Mapping[str, Any]) -> bool:
    return bool(container.get("restartPolicy") == "Always")


def _asked(container: Mapping[str, Any]) -> dict[str, int]:
    """Return a container's GPUs by resource; the limit is the request."""
    resources = _mapping(container.get("resources"))
    both = {**_mapping(resources.get("requests")), **_mapping(resources.get("limits"))}
    return {name: amount(value) for name, value in both.items() if name.startswith(PREFIX)}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
