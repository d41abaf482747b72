"""Policies of a cluster's administrator that stand in the way of a namespace's pods."""

import contextlib
from collections.abc import Iterator
from typing import Any

from gemma4_operator.kube.kinds import POD
from tests.cluster import wait_for
from tests.integration.home import Home
from tests.integration.objects import Object, Refused

API = "admissionregistration.k8s.io/v1"


@contextlib.contextmanager
def pods_are_refused(home: Home, *, why: str) -> Iterator[None]:
    """Let no pod be made in a namespace, as long as the block runs."""
    name = f"no-pods-in-{home.namespace}"
    pods = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    here = {"matchLabels": {"kubernetes.io/metadata.name": home.namespace}}
    policy = _named("ValidatingAdmissionPolicy", name) | {
        "spec": {
            "matchConstraints": {"resourceRules": [pods]},
            "validations": [{"expression": "false", "message": why}],
        }
    }
    binding = _named("ValidatingAdmissionPolicyBinding", name) | {
        "spec": {
            "policyName": name,
            "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": here},
        }
    }
    home.cluster.apply([policy, binding])
    try:
        wait_for(lambda: _is_refused(home, why), 20, "the policy to be in force")
        yield
    finally:
        for kind in ("validatingadmissionpolicybinding", "validatingadmissionpolicy"):
            home.cluster.kubectl("delete", kind, name, "--ignore-not-found")


def _named(kind: str, name: str) -> Object:
    return {"apiVersion": API, "kind": kind, "metadata": {"name": name}}


def _is_refused(home: Home, why: str) -> bool:
    try:
        home.objects.request("POST", f"{POD.path(namespace=home.namespace)}?dryRun=All", body=restricted_pod("trial"))
    except Refused as refusal:
        return why in str(refusal)
    return False


def restricted_pod(name: str, **spec: Any) -> Object:
    """Return a pod that the restricted standard admits."""
    security = {
        "runAsNonRoot": True,
        "runAsUser": 1000,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    container = {"name": "a", "image": "registry.test/a:1", "securityContext": security}
    return {
        "apiVersion": POD.api_version,
        "kind": POD.kind,
        "metadata": {"name": name},
        "spec": {"containers": [container], **spec},
    }
