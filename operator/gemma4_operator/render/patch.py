"""The user's pod template patch: merged last, and refused where it would break what the operator relies on.

What is protected are the labels and annotations of the operator, the engine's container with its name and port, and
what would take a pod out of its namespace's fences: the host's namespaces and paths, privileged mode, and the identity
of another workload. Everything else is the user's to change, for better or worse.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from gemma4_operator.render.containers import PORT_NAME
from gemma4_operator.render.labels import OWN_PREFIX
from gemma4_operator.render.merge import PatchError, merged

__all__ = ["PATH", "PatchError", "patched"]

PATH = "spec.podTemplatePatch"

_FORBIDDEN_TRUE = ("hostNetwork", "hostPID", "hostIPC", "automountServiceAccountToken")
_FORBIDDEN = ("serviceAccountName", "serviceAccount")


def patched(template: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return the pod template with the patch merged in.

    Raises:
        PatchError: If the patch is not of the form of a pod template, or touches what is protected.
    """
    result: dict[str, Any] = merged(template, patch, path=PATH)
    _check_metadata(template, patch, result)
    _check_pod(patch.get("spec", {}))
    _check_engine(template, result)
    return result


def _check_metadata(template: Mapping[str, Any], patch: Mapping[str, Any], result: Mapping[str, Any]) -> None:
    for section in ("labels", "annotations"):
        path = f"{PATH}.metadata.{section}"
        before, after = template["metadata"].get(section, {}), result["metadata"].get(section, {})
        if not isinstance(after, dict):
            raise PatchError(path, "must be a map.")
        for key in before.keys() | after.keys():
            reserved = (section == "labels" and key in before) or key.startswith(OWN_PREFIX)
            if reserved and after.get(key) != before.get(key):
                raise PatchError(path, f"must not change '{key}', which the operator finds its pods by: leave it out.")


def _check_pod(spec: Mapping[str, Any]) -> None:
    path = f"{PATH}.spec"
    for field in _FORBIDDEN_TRUE:
        if spec.get(field):
            raise PatchError(
                f"{path}.{field}", "must not be true, which would open the pod to more than its own: leave it out."
            )
    for field in _FORBIDDEN:
        if spec.get(field):
            raise PatchError(f"{path}.{field}", "must be absent: engines need no rights in the cluster.")
    for index, volume in enumerate(spec.get("volumes") or ()):
        if "hostPath" in volume:
            raise PatchError(f"{path}.volumes[{index}]", "must not be a `hostPath`: use a PersistentVolumeClaim.")
    for where, container in _containers(spec):
        security = container.get("securityContext")
        if isinstance(security, dict) and security.get("privileged"):
            raise PatchError(f"{path}.{where}.securityContext.privileged", "must not be true: add single capabilities.")


def _check_engine(template: Mapping[str, Any], result: Mapping[str, Any]) -> None:
    (engine,) = template["spec"]["containers"]
    path = f"{PATH}.spec.containers"
    kept = [item for item in result["spec"].get("containers", ()) if item["name"] == engine["name"]]
    if not kept or kept[0].get("ports", [])[: len(engine["ports"])] != engine["ports"]:
        raise PatchError(path, f"must keep the container '{engine['name']}' and its port, which the Service leads to.")
    for where, container in _containers(result["spec"]):
        ports = [port for port in container.get("ports", ()) if port.get("name") == PORT_NAME]
        if len(ports) > (container is kept[0]):
            raise PatchError(
                f"{PATH}.spec.{where}.ports", f"must not have another port named '{PORT_NAME}': give it another name."
            )


def _containers(spec: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for field in ("initContainers", "containers"):
        for container in spec.get(field) or ():
            yield f"{field}[{container['name']}]", container
