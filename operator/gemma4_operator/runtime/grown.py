"""Claims that are larger than the spec says: somebody enlarged them, such as a controller that sees volumes fill up.

No volume becomes smaller. To ask for it would be refused, and with it whatever else is to be changed; or it would take
back an enlargement that is still under way.
"""

from collections.abc import Mapping
from typing import Any

from gemma4_operator.kube.api import Object
from gemma4_operator.kube.drift import quantity
from gemma4_operator.kube.kinds import PERSISTENT_VOLUME_CLAIM


def as_grown(obj: Object, live: Object) -> Object:
    """Return an object as it is to be; a claim with the size that the live one asks for, where that is more."""
    if obj["kind"] != PERSISTENT_VOLUME_CLAIM.kind:
        return obj
    size, wanted = _requests(live).get("storage"), _requests(obj).get("storage")
    has, asks = quantity(size), quantity(wanted)
    if has is None or asks is None or has <= asks:
        return obj
    resources = {**obj["spec"]["resources"], "requests": {**_requests(obj), "storage": size}}
    return {**obj, "spec": {**obj["spec"], "resources": resources}}


def _requests(claim: Object) -> Mapping[str, Any]:
    return (claim["spec"].get("resources") or {}).get("requests") or {}
