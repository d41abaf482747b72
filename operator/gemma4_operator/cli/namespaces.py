"""Which namespace a deployment of a file is in, and that each is given once."""

from collections.abc import Callable, Sequence

from gemma4_operator.cli.inputs import Found, InvalidInput, Object

DEFAULT = "default"
Usual = Callable[[], str]
"""Tells the namespace of what has none, where `-n` is not given; it is asked only where it is needed."""


def in_namespaces(found: Sequence[Found], named: str | None, usual: Usual) -> tuple[Object, ...]:
    """Return deployments with their namespaces filled in; one that contradicts `-n` is refused, as kubectl does.

    Raises:
        InvalidInput: Also for one that is given twice.
    """
    for one in found:
        own = _text(one.raw, "namespace")
        if named and own and own != named:
            raise InvalidInput(
                f"`-n` must be '{own}', the namespace that Gemma4Deployment '{_text(one.raw, 'name')}' has in "
                f"{one.where}, and is '{named}': leave `-n` out"
            )
    return filled(found, named, usual)


def filled(found: Sequence[Found], named: str | None, usual: Usual) -> tuple[Object, ...]:
    """Return the same where `-n` may be another than a file's: what was before may have been elsewhere."""
    placed = [one._replace(raw=_in(one.raw, named, usual)) for one in found]
    places: dict[str, str] = {}
    for one in placed:
        name = f"{_text(one.raw, 'namespace')}/{_text(one.raw, 'name')}"
        if _text(one.raw, "name") and name in places:
            both = f"{places[name]} and in {one.where}" if places[name] != one.where else f"{one.where} twice"
            raise InvalidInput(f"Gemma4Deployment {name} must be given once, and is in {both}")
        places[name] = one.where
    return tuple(one.raw for one in placed)


def _in(raw: Object, named: str | None, usual: Usual) -> Object:
    metadata = raw.get("metadata")
    if not isinstance(metadata, dict) or metadata.get("namespace"):
        return raw
    return {**raw, "metadata": {**metadata, "namespace": named or usual()}}


def _text(raw: Object, key: str) -> str:
    metadata = raw.get("metadata")
    return str(metadata.get(key) or "") if isinstance(metadata, dict) else ""
