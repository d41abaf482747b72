"""A resource that the operator scales, with what a test sees of it."""

import os
from typing import Any

from gemma4_operator.kube.kinds import POD
from tests.cluster import wait_for
from tests.cluster.fakenodes import LOOPBACK_ANNOTATION, READY_ANNOTATION
from tests.integration.home import Home, sample
from tests.integration.scripted import INPUT_TOKENS, OUTPUT_TOKENS

PATIENCE_SECONDS = 120.0
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
NET = f"127.{1 + (os.getppid() + _WORKER) % 250}"
"""Each process of a test run has pods of its own, and so addresses: all have the same parent, and another number."""


def autoscaled(**autoscaling: Any) -> dict[str, Any]:
    annotations = {LOOPBACK_ANNOTATION: NET, READY_ANNOTATION: "2"}
    return sample(
        "chat",
        on="VLLM",
        workload={"requestsPerMinute": 600, "inputTokens": INPUT_TOKENS, "outputTokens": OUTPUT_TOKENS},
        objectives={"timeToFirstTokenMilliseconds": 2000, "timePerOutputTokenMilliseconds": 60},
        autoscaling={"minReplicas": 1, "maxReplicas": 6, "scaleDownStabilizationSeconds": 5, **autoscaling},
        podTemplatePatch={"metadata": {"annotations": annotations}},
    )


def addresses(home: Home) -> set[str]:
    """Return where pods serve."""
    return {
        pod["status"]["podIP"]
        for pod in home.objects.list(POD, home.namespace)
        if "deletionTimestamp" not in pod["metadata"]
        and _is_ready(pod)
        and pod["status"]["podIP"].startswith(f"{NET}.")
    }


def _is_ready(pod: dict[str, Any]) -> bool:
    conditions = pod.get("status", {}).get("conditions", ())
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def told(home: Home) -> dict[str, Any]:
    """Return what the status says of the autoscaler."""
    return dict(home.resource("chat").get("status", {}).get("autoscaling", {}))


def wanted(home: Home) -> int:
    return int(home.deployment("chat")["spec"]["replicas"])


def wait_wanted(home: Home, replicas: int, *, seconds: float = PATIENCE_SECONDS) -> None:
    wait_for(lambda: wanted(home) == replicas, seconds, lambda: f"{replicas} replicas; {wanted(home)} by {told(home)}")
