"""What a plan has promised of a pod, which no patch changes: how many GPUs it takes at most, and of which kind.

Budgets are kept by the plan and told from it (`placement.maximumGPUs`, `objectives.maximumHourlyCost`), so a pod that
takes other GPUs would break them where nobody looks. A pod that the API server or the scheduler can only refuse is
refused here as well, where the message can say what was meant.
"""

from collections.abc import Mapping
from typing import Any

from gemma4_operator.planner.amounts import amount
from gemma4_operator.planner.node_labels import GPU, MIG
from gemma4_operator.render import fences
from gemma4_operator.render.fence import map_at
from gemma4_operator.render.merge import PatchError

_COUNT = "spec.placement.gpusPerReplica"
_OTHERS = "/gpu"
"""How the resources of other makers' GPUs end."""


def check(before: Mapping[str, Any], after: Mapping[str, Any], *, path: str) -> None:
    """Return if the pod that a patch leads to keeps what the plan promised of the pod before.

    Args:
        before: The operator's own pod, whose only container is the engine's.
        after: The same with the patch merged in.
        path: Of the patch's pod.

    Raises:
        PatchError: If it does not.
    """
    (engine,) = before["containers"]
    promised = {name: amount(value) for name, value in engine["resources"]["limits"].items() if _is_gpu(name)}
    for container, place in fences.containers(after, path=path):
        _check_image(container, engine["name"], path=place)
        if place == f"{path}.containers[{engine['name']}]":
            _check_engine(container, promised, path=place)
        else:
            _check_helper(container, promised, path=place, ends=_ends(container, place, path))
    _check_nodes(before, after, path=path)


def _check_image(container: Mapping[str, Any], engine: str, *, path: str) -> None:
    image = container.get("image")
    if isinstance(image, str) and image:
        return
    if container["name"] == engine:
        raise PatchError(f"{path}.image", "must stay: set `spec.engine.image` to run another.")
    raise PatchError(
        path,
        f"must have an `image`: the engine's container is called '{engine}'; name that one to change it, and set "
        "`spec.engine.type` if the patch is for another engine.",
    )


def _check_engine(container: Mapping[str, Any], promised: Mapping[str, int], *, path: str) -> None:
    limits, requests = _asked(container, "limits", path=path), _asked(container, "requests", path=path)
    for name, count in promised.items():
        # None at all breaks no budget: an engine may be tried where there is no GPU.
        if not limits.get(name) and not requests.get(name):
            continue
        # A request that is absent is the limit.
        for field, given in (("limits", limits.get(name)), ("requests", requests.get(name, count))):
            if given != count:
                raise PatchError(
                    f"{path}.resources.{field}",
                    f"must have {count} of {name}, as the plan has: leave it out, and set `{_COUNT}` for another "
                    "count, which budgets know of.",
                )
    for name in sorted((limits | requests).keys() - promised.keys()):
        raise PatchError(f"{path}.resources", _uncounted(name))


def _check_helper(container: Mapping[str, Any], promised: Mapping[str, int], *, path: str, ends: bool) -> None:
    """Look at another container; one that ends before the engine starts may use the engine's GPUs meanwhile."""
    for field in ("limits", "requests"):
        for name, count in sorted(_asked(container, field, path=path).items()):
            if count > (promised.get(name, 0) if ends else 0):
                raise PatchError(f"{path}.resources.{field}", _uncounted(name))


def _uncounted(name: str) -> str:
    return (
        f"must not ask for {name} beside what the plan has, since no budget counts it: leave it out, set `{_COUNT}` if "
        "the engine shall have more, or run it in a Deployment of its own."
    )


def _asked(container: Mapping[str, Any], field: str, *, path: str) -> dict[str, int]:
    """Return the GPUs in a container's limits or requests, by the name of the resource."""
    resources = map_at(container.get("resources"), f"{path}.resources")
    given = map_at(resources.get(field), f"{path}.resources.{field}")
    return {name: amount(value) for name, value in given.items() if _is_gpu(name)}


def _is_gpu(name: str) -> bool:
    return name.startswith((GPU, MIG)) or name.endswith(_OTHERS)


def _ends(container: Mapping[str, Any], place: str, path: str) -> bool:
    return place.startswith(f"{path}.initContainers") and container.get("restartPolicy") != "Always"


def _check_nodes(before: Mapping[str, Any], after: Mapping[str, Any], *, path: str) -> None:
    """Look for a selector that the patch sets to another value than the plan's GPUs have."""
    own = map_at(before.get("nodeSelector"), f"{path}.nodeSelector")
    for key, value in map_at(after.get("nodeSelector"), f"{path}.nodeSelector").items():
        needed = _pins(before).get(key, value)
        if value != needed and own.get(key) != value:
            raise PatchError(
                f"{path}.nodeSelector",
                f"must not have '{key}' as '{value}', since the plan's GPUs are on nodes where it is '{needed}': leave "
                "it out, and set `spec.placement.gpuProducts` or `spec.placement.nodeSelector` to choose others.",
            )


def _pins(pod: Mapping[str, Any]) -> dict[str, str]:
    """Return the labels by which the operator's own pod finds the plan's GPUs."""
    required = pod.get("affinity", {}).get("nodeAffinity", {}).get("requiredDuringSchedulingIgnoredDuringExecution", {})
    terms = required.get("nodeSelectorTerms", ())
    return {one["key"]: one["values"][0] for term in terms for one in term["matchExpressions"]}
