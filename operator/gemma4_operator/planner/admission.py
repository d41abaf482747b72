"""Whether pods may come to a node: what keeps all pods away, node selectors, and taints against tolerations."""

from collections.abc import Mapping, Sequence

from gemma4_operator.api.placement import Toleration, TolerationOperator
from gemma4_operator.planner.node_labels import GPU
from gemma4_operator.planner.node_view import NodeView, Taint

_GPU_TAINT_EFFECT = "NoSchedule"
"""Every pod of ours tolerates the taint nvidia.com/gpu with this effect, as the usual taint of GPU nodes is."""


def refusal(view: NodeView, node_selector: Mapping[str, str], tolerations: Sequence[Toleration]) -> str:
    """Return why pods may not come, as the rest of a sentence about the node; empty: they may."""
    if view.obstacle:
        return f"has GPUs and {view.obstacle}: it is left out"
    for key, value in node_selector.items():
        if view.labels.get(key) != value:
            return f"has GPUs and not the label {key}={value}, which `placement.nodeSelector` asks for: it is left out"
    for taint in view.taints:
        if told := _keeps_away(taint, tolerations):
            return told
    return ""


def _keeps_away(taint: Taint, tolerations: Sequence[Toleration]) -> str:
    """Return that a taint does, in the same words; a pod that is thrown out after some seconds may as well not come."""
    tolerating = [one for one in tolerations if _tolerates(one, taint)]
    is_usual = taint.key == GPU and taint.effect == _GPU_TAINT_EFFECT
    if is_usual or any(one.toleration_seconds is None for one in tolerating):
        return ""
    how = "nothing in `placement.tolerations` tolerates"
    if tolerating:
        how = "`placement.tolerations` tolerates for some seconds alone, by `tolerationSeconds`"
    shown = f"{taint.key}={taint.value}" if taint.value else taint.key
    return f"has GPUs and the taint {shown}:{taint.effect}, which {how}: it is left out"


def _tolerates(toleration: Toleration, taint: Taint) -> bool:
    """Whether a pod may come, if only for a time."""
    if toleration.effect is not None and toleration.effect.value != taint.effect:
        return False
    if toleration.key is not None and toleration.key != taint.key:
        return False
    return toleration.operator is TolerationOperator.EXISTS or (toleration.value or "") == taint.value
