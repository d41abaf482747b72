"""The mark of what was rendered: it tells a changed rendering from an object that somebody else changed."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

HASH_ANNOTATION = "gemma4.dev/applied-hash"


def stamped(obj: Mapping[str, Any]) -> dict[str, Any]:
    """Return the object with the hash of all the rest of it as an annotation."""
    metadata = dict(obj["metadata"])
    annotations = {key: value for key, value in metadata.get("annotations", {}).items() if key != HASH_ANNOTATION}
    metadata.pop("annotations", None)
    bare = {**obj, "metadata": {**metadata, **({"annotations": annotations} if annotations else {})}}
    return {**obj, "metadata": {**metadata, "annotations": {**annotations, HASH_ANNOTATION: _digest(bare)}}}


def _digest(value: Any) -> str:
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]
