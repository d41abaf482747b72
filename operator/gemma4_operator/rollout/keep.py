"""Pods that stay as an earlier operator rendered them: an upgrade alone moves nothing."""

from collections.abc import Mapping
from typing import Any

from gemma4_operator.api.update import OnOperatorUpgrade
from gemma4_operator.render import fences
from gemma4_operator.render.merge import PatchError
from gemma4_operator.render.template import inputs_of, read_back, template_of, with_template


def kept(
    deployment: dict[str, Any], live: Mapping[str, Any] | None, policy: OnOperatorUpgrade
) -> tuple[dict[str, Any], bool]:
    """Return the Deployment to apply, and whether its pods stay as they were rendered before.

    They stay when the live Deployment's template was rendered from the same wish and the same plan. A record that
    somebody edited is none, and then the template is what this operator makes of it. Nor is one whose pod is outside
    the fences: it would be made with the operator's rights, whoever wrote it.

    Args:
        deployment: As this operator renders it.
        live: As it is in the cluster; None: it is not.
        policy: What the resource says of upgrades.
    """
    if live is None or policy is OnOperatorUpgrade.ROLL or inputs_of(live) != inputs_of(deployment):
        return deployment, False
    template = read_back(live)
    if template is None or not _is_fenced(template, deployment["spec"]["selector"]["matchLabels"]):
        return deployment, False
    before = with_template(deployment, template, inputs=inputs_of(live))
    return before, template_of(before) != template_of(deployment)


def _is_fenced(template: Mapping[str, Any], own_labels: Mapping[str, str]) -> bool:
    try:
        fences.check(template, path="template")
    except PatchError:
        return False
    return bool(own_labels.items() <= template["metadata"]["labels"].items())
