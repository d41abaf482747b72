"""From typed values to the plain data that templates lay out: every decision about an object is made here."""

from dataclasses import dataclass
from typing import Any

from gemma4_operator.api.common import GROUP, VERSION
from gemma4_operator.api.deployment import KIND, CacheClaim, Gemma4DeploymentSpec, Toleration
from gemma4_operator.engines.base import EnginePod, User
from gemma4_operator.planner.plan import Plan
from gemma4_operator.render import containers
from gemma4_operator.render.labels import labels, match_labels

USER = User(user=65532, group=65532)
"""The user of distroless images; any but root would do, a fixed one keeps what is written to claims readable."""
IMAGE_PULL_SECONDS = 900
"""What a rollout may take beside the engine's own start: images of engines are up to 10 GB."""
UNDISTURBED_ANNOTATION = "karpenter.sh/do-not-disrupt"
"""Keeps Karpenter from moving a pod for so long after its start (a duration, https://karpenter.sh/docs): loading."""

_GPU_TAINT = {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The Gemma4Deployment that objects belong to."""

    name: str
    namespace: str
    uid: str


def metadata(owner: Owner) -> dict[str, Any]:
    """Return what all objects have in common."""
    return {
        "name": owner.name,
        "namespace": owner.namespace,
        "labels": labels(owner.name),
        "ownerReferences": [
            {
                "apiVersion": f"{GROUP}/{VERSION}",
                "kind": KIND,
                "name": owner.name,
                "uid": owner.uid,
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ],
    }


def deployment(
    *, owner: Owner, spec: Gemma4DeploymentSpec, plan: Plan, pod: EnginePod, replicas: int
) -> dict[str, Any]:
    """Return what deployment.yaml.j2 lays out."""
    max_unavailable = spec.disruption.max_unavailable(replicas)
    return {
        "metadata": metadata(owner),
        "replicas": replicas,
        "match_labels": match_labels(owner.name),
        # Kubernetes wants one of the two above 0.
        "max_surge": 0 if max_unavailable else 1,
        "max_unavailable": max_unavailable,
        "progress_deadline_seconds": pod.start_seconds + IMAGE_PULL_SECONDS,
        "pod_labels": labels(owner.name),
        "pod_annotations": {
            "kubectl.kubernetes.io/default-container": pod.container.name,
            UNDISTURBED_ANNOTATION: f"{pod.start_seconds}s",
            **_scraping(pod),
        },
        "pod": _pod(owner=owner, spec=spec, plan=plan, pod=pod),
    }


def service(*, owner: Owner, spec: Gemma4DeploymentSpec) -> dict[str, Any]:
    """Return what service.yaml.j2 lays out."""
    return {
        "metadata": metadata(owner),
        "type": spec.endpoint.service_type.value,
        "match_labels": match_labels(owner.name),
        "port": spec.endpoint.port,
        "target_port": containers.PORT_NAME,
    }


def budget(*, owner: Owner, spec: Gemma4DeploymentSpec, replicas: int) -> dict[str, Any]:
    """Return what poddisruptionbudget.yaml.j2 lays out."""
    return {
        "metadata": metadata(owner),
        "match_labels": match_labels(owner.name),
        "max_unavailable": spec.disruption.max_unavailable(replicas),
    }


def claim(*, owner: Owner, cache: CacheClaim) -> dict[str, Any]:
    """Return what persistentvolumeclaim.yaml.j2 lays out."""
    return {
        "metadata": metadata(owner),
        "access_modes": [mode.value for mode in cache.access_modes],
        "storage_class": cache.storage_class_name,
        "size": cache.size,
    }


def _pod(*, owner: Owner, spec: Gemma4DeploymentSpec, plan: Plan, pod: EnginePod) -> dict[str, Any]:
    cache = owner.name if spec.cache is not None else None
    resources = containers.requests(host_memory_mib=plan.host_memory_mib, volumes=pod.volumes, cache_claim=cache)
    gpu = plan.gpu_resource
    return {
        "runtime_class": spec.placement.runtime_class_name,
        "pull_secrets": [{"name": secret.name} for secret in spec.secrets.image_pull_secrets],
        "grace_seconds": pod.grace_seconds,
        "user": pod.user or USER,
        "node_selector": spec.placement.node_selector,
        "affinity": _affinity(plan.node_labels),
        "tolerations": _tolerations(spec.placement.tolerations),
        "init_containers": [containers.plain(container, resources, gpu=gpu) for container in pod.init_containers],
        "containers": [containers.plain(pod.container, resources, gpu=gpu)],
        "volumes": [containers.plain_volume(volume, cache_claim=cache) for volume in pod.volumes],
    }


def _scraping(pod: EnginePod) -> dict[str, str]:
    """Return the annotations by which a usual set-up of Prometheus finds the engine's figures."""
    if not pod.dialects or pod.container.port is None:
        return {}
    return {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": str(pod.container.port),
        "prometheus.io/path": pod.dialects[0].path,
    }


def _affinity(node_labels: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    if not node_labels:
        return {}
    expressions = [{"key": key, "operator": "In", "values": [value]} for key, value in node_labels]
    term = {"matchExpressions": expressions}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}


def _tolerations(given: tuple[Toleration, ...]) -> list[dict[str, Any]]:
    """Return the toleration that GPU nodes usually need, and the user's that are not the same."""
    user = [toleration.to_json() for toleration in given]
    return [_GPU_TAINT, *(toleration for toleration in user if toleration != _GPU_TAINT)]
