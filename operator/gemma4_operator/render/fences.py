"""What no pod may be, whatever its patch says: looked for in the merged pod, so that no way of writing it helps.

It is the Pod Security Standard "restricted", and what that leaves open: a token of the cluster, a node that the
scheduler did not choose, precedence over what nodes need to run. Fields of a pod and kinds of volumes that are not
named here are refused, so what a later Kubernetes adds is closed until somebody has looked at it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from gemma4_operator.render import security
from gemma4_operator.render.fence import ANYTHING, Fence, check_fields, exactly, map_at, maps_at, off
from gemma4_operator.render.merge import PatchError

_NO_RIGHTS = "no engine needs rights in the cluster."
_NO_HOST = "no engine needs the host's own."
_FREE = (
    "affinity", "containers", "dnsConfig", "dnsPolicy", "enableServiceLinks", "hostAliases", "hostname",
    "hostnameOverride", "imagePullSecrets", "initContainers", "nodeSelector", "preemptionPolicy", "readinessGates",
    "resourceClaims", "resources", "restartPolicy", "runtimeClassName", "schedulerName", "schedulingGates",
    "securityContext", "setHostnameAsFQDN", "shareProcessNamespace", "subdomain", "tolerations",
    "topologySpreadConstraints", "volumes",
)  # fmt: skip
"""Fields that reach no further than the pod itself, or are looked at one by one."""

MOST_GRACE_SECONDS = 86_400
"""A pod that may take longer to end holds its GPUs, and its namespace, for as long as its image likes."""

POD_FIELDS: Mapping[str, Fence] = {
    **dict.fromkeys(_FREE, ANYTHING),
    "automountServiceAccountToken": exactly(False, f"must be false, as it is without the patch: {_NO_RIGHTS}"),
    "hostIPC": off(f"must not be true: {_NO_HOST}"),
    "hostNetwork": off(f"must not be true: {_NO_HOST}"),
    "hostPID": off(f"must not be true: {_NO_HOST}"),
    "hostUsers": off("must be false or absent: false is further away from the host, and true says nothing."),
    "nodeName": off("must be absent: only the scheduler knows which GPUs are free."),
    "priorityClassName": Fence(
        lambda value: value is None or (isinstance(value, str) and not value.startswith("system-")),
        "must not begin with 'system-': a model must not push out what nodes need to run.",
    ),
    "serviceAccount": off(f"must be absent: {_NO_RIGHTS}"),
    "serviceAccountName": off(f"must be absent: {_NO_RIGHTS}"),
    "terminationGracePeriodSeconds": Fence(
        lambda value: value is None or (isinstance(value, int | float) and value <= MOST_GRACE_SECONDS),
        f"must be at most {MOST_GRACE_SECONDS}: for so long a pod that ends keeps its GPUs.",
    ),
}
"""All fields of a pod that a patch may set, and within which bounds."""

VOLUME_KINDS = (
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret",
)  # fmt: skip
"""Volumes that stay inside the namespace."""

PROJECTED_KINDS = ("clusterTrustBundle", "configMap", "downwardAPI", "secret")
"""What may be projected into a volume: neither a token nor a certificate that says who the pod is."""

_APPARMOR = "container.apparmor.security.beta.kubernetes.io/"
_PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
_MOMENTS = ("postStart", "preStop")
_CALLS = ("httpGet", "tcpSocket")


def check(template: Mapping[str, Any], *, path: str) -> None:
    """Return if the pod of a template is inside all fences.

    Raises:
        PatchError: If it is not, or has another form than a pod.
    """
    _check_annotations(template["metadata"].get("annotations"), path=f"{path}.metadata.annotations")
    spec, here = template["spec"], f"{path}.spec"
    check_fields(spec, POD_FIELDS, path=here)
    _check_affinity(map_at(spec.get("affinity"), f"{here}.affinity"), path=f"{here}.affinity")
    for volume, place in _named(spec, "volumes", path=here):
        _check_volume(volume, path=place)
    security.check_pod(spec.get("securityContext"), path=f"{here}.securityContext")
    for container, place in containers(spec, path=here):
        _check_container(container, path=place)


def containers(spec: Mapping[str, Any], *, path: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Yield each container of a pod, those that run first before the others, with its place."""
    for field in ("initContainers", "containers"):
        yield from _named(spec, field, path=path)


def _named(spec: Mapping[str, Any], field: str, *, path: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Yield what has been merged by its name, with a place that says it."""
    for item in maps_at(spec.get(field), f"{path}.{field}"):
        yield item, f"{path}.{field}[{item['name']}]"


def _check_annotations(annotations: Any, *, path: str) -> None:
    for key, value in map_at(annotations, path).items():
        if key.startswith(_APPARMOR) and not str(value).startswith(("runtime/default", "localhost/")):
            raise PatchError(path, f"must not switch AppArmor off with '{key}': leave it out.")


def _check_affinity(affinity: Mapping[str, Any], *, path: str) -> None:
    """Look for pods of other namespaces: what keeps away from them keeps them away from its own nodes and zones."""
    for kind in ("podAffinity", "podAntiAffinity"):
        for when, given in map_at(affinity.get(kind), f"{path}.{kind}").items():
            place = f"{path}.{kind}.{when}"
            for term in maps_at(given, place):
                inner = map_at(term.get("podAffinityTerm"), f"{place}.podAffinityTerm")
                # An empty selector stands for all namespaces.
                if any(one.get("namespaceSelector") is not None or one.get("namespaces") for one in (term, inner)):
                    raise PatchError(place, "must not look at other namespaces: leave out what names them.")


def _check_volume(volume: Mapping[str, Any], *, path: str) -> None:
    for kind in sorted(volume.keys() - {"name", *VOLUME_KINDS}):
        raise PatchError(path, f"must not be a `{kind}`: take a claim instead.")
    template = map_at(map_at(volume.get("ephemeral"), path).get("volumeClaimTemplate"), path)
    if map_at(map_at(template.get("spec"), path).get("dataSourceRef"), path).get("namespace"):
        raise PatchError(path, "must not take its data from another namespace: copy it into a claim of this one.")
    place = f"{path}.projected.sources"
    for source in maps_at(map_at(volume.get("projected"), f"{path}.projected").get("sources"), place):
        for kind in sorted(source.keys() - set(PROJECTED_KINDS)):
            raise PatchError(place, f"must not have a `{kind}`: {_NO_RIGHTS}")


def _check_container(container: Mapping[str, Any], *, path: str) -> None:
    security.check_container(container.get("securityContext"), path=f"{path}.securityContext")
    for port in maps_at(container.get("ports"), f"{path}.ports"):
        for field in ("hostPort", "hostIP"):
            if port.get(field):
                raise PatchError(f"{path}.ports", f"must not have a `{field}`: requests come through the Service.")
    for handler, place in _handlers(container, path=path):
        for call in _CALLS:
            if map_at(handler.get(call), f"{place}.{call}").get("host"):
                raise PatchError(f"{place}.{call}.host", "must be absent: a pod is asked for its own health.")


def _handlers(container: Mapping[str, Any], *, path: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Yield all by which the kubelet calls a container."""
    lifecycle = map_at(container.get("lifecycle"), f"{path}.lifecycle")
    for holder, fields, place in ((container, _PROBES, path), (lifecycle, _MOMENTS, f"{path}.lifecycle")):
        for field in fields:
            yield map_at(holder.get(field), f"{place}.{field}"), f"{place}.{field}"
