"""The CustomResourceDefinitions: names, columns and subresources around the schema that the models give."""

from typing import Any

import yaml

from gemma4_operator.api.common import GROUP, VERSION
from gemma4_operator.api.deployment import KIND, PLURAL, Gemma4Deployment
from gemma4_operator.api.status import Gemma4DeploymentStatus
from gemma4_operator.api.structural import structural_schema

_KEPT = {
    "argocd.argoproj.io/sync-options": "Prune=false",
    "kustomize.toolkit.fluxcd.io/prune": "disabled",
}
"""What keeps Argo CD and Flux from taking the definition away with whatever else they prune.

With it would go every resource of its kind, and the pods that serve.
"""

_READY = '.status.conditions[?(@.type=="Ready")]'

_COLUMNS = (
    ("Model", ".status.plan.variant"),
    ("GPU", ".status.plan.gpu"),
    ("Ready", f"{_READY}.status"),
    ("Replicas", ".status.serving"),
    ("Reason", f"{_READY}.reason"),
    ("Age", ".metadata.creationTimestamp"),
)

_WIDE_COLUMNS = (
    ("Engine", ".status.plan.engine"),
    ("Quantization", ".status.plan.quantization"),
    ("Endpoint", ".status.endpoint.url"),
    ("Message", f"{_READY}.message"),
)


def deployment_crd() -> dict[str, Any]:
    """Return the CustomResourceDefinition of Gemma4Deployment."""
    schema = structural_schema(Gemma4Deployment)
    status = structural_schema(Gemma4DeploymentStatus)
    schema["properties"]["metadata"] = {"type": "object", "properties": {"name": {"type": "string"}}}
    # Else tools that follow kstatus take a resource that the operator has not seen yet for one that is done.
    schema["properties"]["status"] = status | {"default": {"observedGeneration": -1}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{GROUP}", "annotations": dict(_KEPT)},
        "spec": {
            "group": GROUP,
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": KIND.lower(),
                "shortNames": ["g4d"],
                "categories": ["gemma"],
            },
            "scope": "Namespaced",
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema},
                    "subresources": {
                        "status": {},
                        "scale": {
                            "specReplicasPath": ".spec.replicas",
                            "statusReplicasPath": ".status.replicas",
                            "labelSelectorPath": ".status.selector",
                        },
                    },
                    "additionalPrinterColumns": [
                        *(_column(name, path) for name, path in _COLUMNS),
                        *(_column(name, path) | {"priority": 1} for name, path in _WIDE_COLUMNS),
                    ],
                }
            ],
        },
    }


def _column(name: str, path: str) -> dict[str, Any]:
    return {"name": name, "type": "date" if name == "Age" else "string", "jsonPath": path}


def crds() -> tuple[dict[str, Any], ...]:
    """Return every CustomResourceDefinition of the operator."""
    return (deployment_crd(),)


def to_yaml(document: dict[str, Any]) -> str:
    """Write one document: the same bytes for the same content."""
    return yaml.safe_dump(document, sort_keys=True, width=120, allow_unicode=True)
