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
    return {**obj, "metadata": {**metadata, "annotations": {**annotations, HASH_ANNOTATION: digest(bare)}}}


def digest(value: Any) -> str:
    """Return sixteen hexadecimal digits that hang on a value of JSON and not on the order of its keys."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:16]


def canonical(value: Any) -> str:
    """Return the one text of a value of JSON."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
