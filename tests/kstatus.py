"""What kstatus concludes of a Gemma4Deployment, in a few lines; tests/gitops holds it against kstatus itself."""

from collections.abc import Mapping
from typing import Any

from tests.integration.objects import Object


def kstatus(resource: Object) -> str:
    """Return what kstatus concludes, by its published algorithm for kinds it does not know.

    https://github.com/kubernetes-sigs/cli-utils/tree/master/pkg/kstatus: Argo CD, Flux and `kpt live` wait by it.
    """
    if "deletionTimestamp" in resource["metadata"]:
        return "Terminating"
    status: Mapping[str, Any] = resource.get("status", {})
    if status.get("observedGeneration", resource["metadata"]["generation"]) != resource["metadata"]["generation"]:
        return "InProgress"
    found = {item["type"]: item["status"] for item in status.get("conditions", ())}
    if found.get("Reconciling") == "True":
        return "InProgress"
    if found.get("Stalled") == "True":
        return "Failed"
    if found.get("Ready") in {"False", "Unknown"}:
        return "InProgress"
    return "Current"
