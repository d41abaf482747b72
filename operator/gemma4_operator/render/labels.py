"""The labels by which the operator and people find what belongs to a Gemma4Deployment."""

MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
MANAGED_BY = "gemma4-operator"
OWNER_LABEL = "gemma4.dev/deployment"
"""Bears the Gemma4Deployment's name; the only label that selectors use, so it never changes."""

OWN_PREFIX = "gemma4.dev/"
"""Labels and annotations that begin so are the operator's alone."""


def labels(name: str) -> dict[str, str]:
    """Return the labels of every object and pod of the Gemma4Deployment of that name."""
    return {
        "app.kubernetes.io/name": "gemma4",
        "app.kubernetes.io/instance": name,
        "app.kubernetes.io/component": "inference",
        MANAGED_BY_LABEL: MANAGED_BY,
        OWNER_LABEL: name,
    }


def match_labels(name: str) -> dict[str, str]:
    """Return the labels that tell this Gemma4Deployment's pods from all others of the namespace."""
    return {OWNER_LABEL: name}


def selector(name: str) -> str:
    """Return the same as a text, as in `kubectl get pods --selector`."""
    return ",".join(f"{key}={value}" for key, value in match_labels(name).items())
