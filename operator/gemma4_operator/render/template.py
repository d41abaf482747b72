"""The record of a pod template: what it was made from and what it is, so that a later operator can leave it alone.

Another version of the operator may render the same wish in another way, and a template that differs in one letter
replaces every pod. So a Deployment bears the template as it was rendered, and the hash of all that it was rendered
from; while the latter is the same, the former may stay.
"""

import json
from collections.abc import Mapping
from typing import Any

from gemma4_operator.api.common import GROUP, TEMPLATE_LABEL
from gemma4_operator.api.deployment import Gemma4DeploymentSpec
from gemma4_operator.planner.plan import Plan
from gemma4_operator.planner.record import record
from gemma4_operator.planner.serving import answer_seconds
from gemma4_operator.render.hash import canonical, digest

INPUTS_ANNOTATION = f"{GROUP}/template-inputs"
"""The hash of what the template was rendered from."""
TEMPLATE_ANNOTATION = f"{GROUP}/template"
"""The template as it was rendered, in JSON."""

_WISH: Mapping[str, Any] = {
    "model": {"checkpoint", "adapters", "drafter"},
    "capabilities": True,
    "workload": {"output_tokens"},
    "engine": {"extra_args", "env"},
    "placement": {"runtime_class_name", "node_selector", "tolerations"},
    "secrets": True,
    "endpoint": {"served_model_name"},
    "pod_template_patch": True,
}
"""What of a spec pods are rendered from, beside what the plan has made of it."""
_CHOICE: Mapping[str, Any] = {
    "variant": True,
    "quantization": True,
    "checkpoint": True,
    "weights_bytes": True,
    "engine": True,
    "engine_version": True,
    "image": True,
    "gpus_per_replica": True,
    "gpu_resource": True,
    "node_labels": True,
    "max_batched_tokens": True,
    "max_concurrent_requests": True,
    "kv_cache_dtype": True,
    "host_cache_mib": True,
    "host_memory_mib": True,
    "memory_utilization_percent": True,
    "memory": {"kv_cache_mib"},
}
"""What of a plan they are rendered from."""


def recorded(deployment: Mapping[str, Any], *, spec: Gemma4DeploymentSpec, plan: Plan) -> dict[str, Any]:
    """Return the Deployment with the hash of its template on the template, and the record of both on itself."""
    template = labelled(deployment["spec"]["template"])
    return with_template(deployment, template, inputs=_inputs(spec, plan))


def labelled(template: Mapping[str, Any]) -> dict[str, Any]:
    """Return a template that bears the hash of all the rest of it, as its pods will."""
    metadata = template["metadata"]
    labels = {key: value for key, value in metadata["labels"].items() if key != TEMPLATE_LABEL}
    bare = {**template, "metadata": {**metadata, "labels": labels}}
    return {**bare, "metadata": {**metadata, "labels": {**labels, TEMPLATE_LABEL: digest(bare)}}}


def with_template(deployment: Mapping[str, Any], template: Mapping[str, Any], *, inputs: str) -> dict[str, Any]:
    """Return the Deployment with this template and its record."""
    metadata = deployment["metadata"]
    annotations = {
        **metadata.get("annotations", {}),
        INPUTS_ANNOTATION: inputs,
        TEMPLATE_ANNOTATION: canonical(template),
    }
    return {
        **deployment,
        "metadata": {**metadata, "annotations": annotations},
        "spec": {**deployment["spec"], "template": dict(template)},
    }


def without_record(obj: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object without the template that it records, for people to read: it says it all once more."""
    annotations = {key: value for key, value in obj["metadata"]["annotations"].items() if key != TEMPLATE_ANNOTATION}
    return {**obj, "metadata": {**obj["metadata"], "annotations": annotations}}


def template_of(deployment: Mapping[str, Any]) -> str:
    """Return the hash that the pods of a rendered Deployment bear."""
    return str(deployment["spec"]["template"]["metadata"]["labels"][TEMPLATE_LABEL])


def inputs_of(deployment: Mapping[str, Any]) -> str:
    """Return the hash of what a Deployment's template was rendered from; empty for one that bears none."""
    return str((deployment["metadata"].get("annotations") or {}).get(INPUTS_ANNOTATION, ""))


def read_back(deployment: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the template that a live Deployment's record holds; None for a record that is none, or was edited."""
    written = (deployment["metadata"].get("annotations") or {}).get(TEMPLATE_ANNOTATION, "")
    try:
        template = json.loads(written)
        whole = labelled(template)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return whole if canonical(whole) == canonical(template) else None


def _inputs(spec: Gemma4DeploymentSpec, plan: Plan) -> str:
    """Return the hash of wish and choice; defaults are left out, so that a new field changes nothing by itself."""
    wish = spec.model_dump(mode="json", by_alias=True, exclude_defaults=True, include=dict(_WISH))
    choice = record(plan).model_dump(mode="json", by_alias=True, exclude_none=True, include=dict(_CHOICE))
    said = {field: value for field, value in wish.items() if value != {}}
    # How long an answer takes decides how long an engine may take to end.
    more = {"cached": spec.cache is not None, "answerSeconds": answer_seconds(plan, spec)}
    return digest({"spec": said, "plan": choice, **more})
