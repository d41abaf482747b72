"""Whose an object is: its controller, the one owner reference that Kubernetes itself goes by."""

from collections.abc import Mapping
from typing import Any


def controller(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the owner reference of an object's controller; an empty one if it has none."""
    references = obj["metadata"].get("ownerReferences") or ()
    return next((reference for reference in references if reference.get("controller")), {})
