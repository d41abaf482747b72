"""The user's pod template patch: merged last, and refused where it would break what the operator relies on.

What is protected are the labels and annotations of the operator, the engine's container with its name and port, the
fences that keep a pod inside its namespace (`fences`), and the GPUs of the plan (`promised`). Everything else is the
user's to change, for better or worse.
"""

from collections.abc import Mapping
from typing import Any

from gemma4_operator.render import fences, promised
from gemma4_operator.render.containers import PORT_NAME
from gemma4_operator.render.labels import OWN_PREFIX
from gemma4_operator.render.merge import PatchError, merged

__all__ = ["PATH", "PatchError", "patched"]

PATH = "spec.podTemplatePatch"

_NEW_CONTAINER = {"securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}}
"""How a container of the patch's own starts, so that a helper from elsewhere need not be told what all must keep."""


def patched(template: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return the pod template with the patch merged in.

    Raises:
        PatchError: If the patch is not of the form of a pod template, or touches what is protected.
    """
    result: dict[str, Any] = merged(_with_room(template, patch), patch, path=PATH)
    _check_metadata(template["metadata"], result["metadata"])
    fences.check(result, path=PATH)
    _check_engine(template["spec"], result["spec"])
    promised.check(template["spec"], result["spec"], path=f"{PATH}.spec")
    return result


def _with_room(template: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return the template with the containers that are the patch's own, before it says anything of them."""
    spec = dict(template["spec"])
    for field in ("initContainers", "containers"):
        given = patch.get("spec", {}).get(field)
        known = {container["name"] for container in spec.get(field, ())}
        names = [item.get("name") for item in given if isinstance(item, dict)] if isinstance(given, list) else []
        new = dict.fromkeys(name for name in names if isinstance(name, str) and name not in known)
        if new:
            spec[field] = [*spec.get(field, ()), *({"name": name, **_NEW_CONTAINER} for name in new)]
    return {**template, "spec": spec}


def _check_metadata(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    for field in sorted(after.keys() - {"labels", "annotations"}):
        raise PatchError(f"{PATH}.metadata.{field}", "must be absent: only labels and annotations can be added.")
    for section in ("labels", "annotations"):
        path = f"{PATH}.metadata.{section}"
        own, now = before[section], after.get(section, {})
        if not isinstance(now, dict):
            raise PatchError(path, "must be a map.")
        for key in sorted(own.keys() | now.keys()):
            is_protected = key.startswith(OWN_PREFIX) or (section == "labels" and key in own)
            if is_protected and now.get(key) != own.get(key):
                raise PatchError(path, f"must not change '{key}', by which the operator knows its pods: leave it out.")


def _check_engine(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    (engine,) = before["containers"]
    now = {container["name"]: container for container in after.get("containers", ())}.get(engine["name"], {})
    count = len(engine["ports"])
    if now.get("ports", [])[:count] != engine["ports"]:
        raise PatchError(
            f"{PATH}.spec.containers", f"must leave '{engine['name']}' its port '{PORT_NAME}', where requests arrive."
        )
    for container, place in fences.containers(after, path=f"{PATH}.spec"):
        others = container.get("ports", [])[count if container is now else 0 :]
        if any(port.get("name") == PORT_NAME for port in others):
            raise PatchError(f"{place}.ports", f"must not have another port named '{PORT_NAME}'.")
