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

_HOST_FIELDS = ("hostNetwork", "hostPID", "hostIPC")
_IDENTITY_FIELDS = ("serviceAccountName", "serviceAccount", "automountServiceAccountToken")


def patched(template: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return the pod template with the patch merged in.

    Raises:
        PatchError: If the patch is not of the form of a pod template, or touches what is protected.
    """
    result: dict[str, Any] = merged(template, patch, path=PATH)
    _check_metadata(template["metadata"], result["metadata"])
    _check_fences(patch.get("spec", {}))
    _check_engine(template["spec"], result["spec"])
    return result


def _check_metadata(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    for section in ("labels", "annotations"):
        path = f"{PATH}.metadata.{section}"
        own, now = before[section], after.get(section, {})
        if not isinstance(now, dict):
            raise PatchError(path, "must be a map.")
        for key in sorted(own.keys() | now.keys()):
            is_protected = key.startswith(OWN_PREFIX) or (section == "labels" and key in own)
            if is_protected and now.get(key) != own.get(key):
                raise PatchError(path, f"must not change '{key}', by which the operator knows its pods: leave it out.")


def _check_fences(spec: Mapping[str, Any]) -> None:
    path = f"{PATH}.spec"
    for field in _HOST_FIELDS:
        if spec.get(field):
            raise PatchError(f"{path}.{field}", "must not be true: no engine needs the host's own.")
    for field in _IDENTITY_FIELDS:
        if spec.get(field):
            raise PatchError(f"{path}.{field}", "must be absent: no engine needs rights in the cluster.")
    for volume in spec.get("volumes") or ():
        if "hostPath" in volume:
            raise PatchError(f"{path}.volumes[{volume['name']}]", "must not be a `hostPath`: take a claim instead.")
    for where, container in _containers(spec):
        security = container.get("securityContext")
        if isinstance(security, dict) and security.get("privileged"):
            raise PatchError(f"{path}.{where}.securityContext.privileged", "must not be true: no engine needs it.")


def _check_engine(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    (engine,) = before["containers"]
    now = {container["name"]: container for container in after.get("containers", ())}.get(engine["name"], {})
    count = len(engine["ports"])
    if now.get("ports", [])[:count] != engine["ports"]:
        raise PatchError(
            f"{PATH}.spec.containers", f"must leave '{engine['name']}' its port '{PORT_NAME}', where requests arrive."
        )
    for where, container in _containers(after):
        others = container.get("ports", [])[count if container is now else 0 :]
        if any(port.get("name") == PORT_NAME for port in others):
            raise PatchError(f"{PATH}.spec.{where}.ports", f"must not have another port named '{PORT_NAME}'.")


def _containers(spec: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for field in ("initContainers", "containers"):
        for container in spec.get(field) or ():
            yield f"{field}[{container['name']}]", container
