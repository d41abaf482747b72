"""Whose image it is, by the name that its makers gave it: an image of another engine starts, and never serves."""

from collections.abc import Mapping

from gemma4_operator.api.common import EngineType
from gemma4_operator.engines.base import Registry, Serving


def clash(serving: Serving, engine: EngineType, engines: Registry) -> str | None:
    """Return why an image cannot be this engine's; one that says nothing of its engine is the user's own matter."""
    repository = serving.image.partition("@")[0]
    owner = _owner(repository, {other: one.image_marks for other, one in engines.items()})
    if owner is None or owner is engine:
        return None
    return (
        f"`spec.engine.image` must be an image of {engine}, and '{serving.image}' is one of {owner}: "
        f"set `spec.engine.type` to '{owner}', or take another image."
    )


def _owner(repository: str, marks: Mapping[EngineType, tuple[str, ...]]) -> EngineType | None:
    """Return the engine with the longest mark in a name, since one product's name may be part of another's."""
    found = [(len(mark), engine) for engine, own in marks.items() for mark in own if mark in repository]
    return max(found)[1] if found else None
