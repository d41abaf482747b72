"""Which of a namespace's or a cluster's events bear upon one pod: its own, and those of what it hangs on.

What happens to another's pod, node, claim or owner is no cause of this one. Where a pod's file leaves out the part that
would tell, such as with its status alone, an event is not left out for it.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from gemma4_operator.status.pods import claims, mapping, mappings

_Object = Mapping[str, Any]
_MAKERS: Final = {"ReplicaSet": ("Deployment", "Gemma4Deployment"), "Job": ("CronJob",)}
"""Who makes an owner, and names it after itself and a mark of its own."""


def may_concern(event: _Object, pod: _Object) -> bool:
    """Whether an event may say why a pod does not serve."""
    about = mapping(event.get("involvedObject")) or mapping(event.get("regarding"))
    kind, name = about.get("kind"), about.get("name")
    metadata, spec = mapping(pod.get("metadata")), pod.get("spec")
    if not kind or not metadata.get("name"):
        return True
    if kind == "Node":
        # Those lie in the namespace `default`.
        return bool(not isinstance(spec, Mapping) or name == spec.get("nodeName"))
    if None not in (places := (about.get("namespace"), metadata.get("namespace"))) and places[0] != places[1]:
        return False
    if kind == "Pod":
        return bool(name == metadata["name"])
    if not isinstance(spec, Mapping):
        return True
    return name in claims(metadata, spec) if kind == "PersistentVolumeClaim" else (kind, name) in _owners(metadata)


def _owners(metadata: _Object) -> Iterator[tuple[Any, Any]]:
    for owner in mappings(metadata.get("ownerReferences")):
        kind, name = owner.get("kind"), owner.get("name")
        yield kind, name
        for maker in _MAKERS.get(str(kind), ()):
            yield maker, str(name).rpartition("-")[0]
