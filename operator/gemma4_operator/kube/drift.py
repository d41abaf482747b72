"""Whether a live object still is what was applied: field by field, in the API server's own notion of equality.

Only fields that were applied count; what others added stays theirs, except in a selector, which is one value as a
whole: a key more, and a Service finds no pod. Three things differ in writing and not in meaning: a zero value and an
absent field, two spellings of one quantity, and the order of a list whose items have a name.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

_QUANTITY_FIELDS = frozenset({"limits", "requests", "sizeLimit", "hard"})
_SUFFIXES = {
    "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "": Decimal(1),
    "k": Decimal(10**3), "M": Decimal(10**6), "G": Decimal(10**9), "T": Decimal(10**12),
    "P": Decimal(10**15), "E": Decimal(10**18),
    "Ki": Decimal(2**10), "Mi": Decimal(2**20), "Gi": Decimal(2**30), "Ti": Decimal(2**40),
    "Pi": Decimal(2**50), "Ei": Decimal(2**60),
}  # fmt: skip
_IDENTITIES = ("name", "mountPath", "containerPort", "port", "uid", "key", "type")
_ATOMIC = frozenset({"tolerations", "matchExpressions", "nodeSelectorTerms", "matchFields"})
_ATOMIC_MAPS = frozenset({"selector", "matchLabels", "nodeSelector"})
"""Of which the API server takes an apply for the whole (`x-kubernetes-map-type: atomic`)."""


def differences(applied: Any, live: Any, *, path: str = "") -> Iterator[str]:
    """Yield the path of each applied field that the live object does not have, or has differently."""
    match applied:
        case Mapping():
            yield from _in_mapping(applied, live, path)
        case str() | bytes():
            if not _same_scalar(applied, live, path):
                yield path
        case Sequence():
            yield from _in_list(applied, live, path)
        case _:
            if not _same_scalar(applied, live, path):
                yield path


def _in_mapping(applied: Mapping[str, Any], live: Any, path: str) -> Iterator[str]:
    if live is not None and not isinstance(live, Mapping):
        yield path
        return
    if path.rpartition(".")[2] in _ATOMIC_MAPS and not (live or {}).keys() <= applied.keys():
        yield path
        return
    for name, value in applied.items():
        yield from differences(value, (live or {}).get(name), path=f"{path}.{name}" if path else name)


def _in_list(applied: Sequence[Any], live: Any, path: str) -> Iterator[str]:
    have = live if isinstance(live, Sequence) and not isinstance(live, str) else ()
    identity = _identity(applied, path)
    if identity is None:
        if len(applied) != len(have):
            yield path
            return
        for index, item in enumerate(applied):
            yield from differences(item, have[index], path=f"{path}[{index}]")
        return
    # As texts, since a patch may have a list or an object where a name belongs.
    by_identity = {str(item.get(identity)): item for item in have if isinstance(item, Mapping)}
    for item in applied:
        mark = str(item[identity])
        place = f"{path}[{mark}]"
        if mark in by_identity:
            yield from differences(item, by_identity[mark], path=place)
        else:
            yield place


def _identity(applied: Sequence[Any], path: str) -> str | None:
    """Return the field that tells items apart, or None for a list that is one value as a whole.

    A field that two items have alike tells nothing apart, such as the name of a licence.
    """
    if path.rpartition(".")[2] in _ATOMIC or not all(isinstance(item, Mapping) for item in applied):
        return None
    common = (name for name in _IDENTITIES if applied and all(name in item for item in applied))
    return next((name for name in common if len({str(item[name]) for item in applied}) == len(applied)), None)


def _same_scalar(applied: Any, live: Any, path: str) -> bool:
    if applied == live and isinstance(applied, bool) == isinstance(live, bool):
        return True
    if live is None:
        return not applied
    parents = {part.partition("[")[0] for part in path.split(".")}
    if parents & _QUANTITY_FIELDS:
        return quantity(applied) == quantity(live) is not None
    return False


def quantity(value: Any) -> Decimal | None:
    """Return a quantity's number, or None for what is no quantity (k8s.io/apimachinery, resource.Quantity)."""
    text = str(value)
    number = text.rstrip("numkMGTPEi")
    try:
        return Decimal(number) * _SUFFIXES[text[len(number) :]]
    except (InvalidOperation, KeyError):
        return None
