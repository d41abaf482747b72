"""Reads the API server's audit log: what a user has really asked for, which is how writes are counted in tests."""

import json
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})


@dataclass(frozen=True)
class Request:
    """What is counted: a verb on a kind of object."""

    verb: str
    resource: str
    """With its subresource, as in RBAC rules: ``pods/status``; the path for what is no resource."""


def offset(log: Path) -> int:
    """Returns where the log ends now."""
    return log.stat().st_size if log.exists() else 0


def events(log: Path, *, since: int = 0) -> list[dict[str, Any]]:
    """Returns the events written after an offset. A line that is still being written is left for the next time."""
    with log.open("rb") as file:
        file.seek(since)
        text = file.read()
    return [json.loads(line) for line in text[: text.rfind(b"\n") + 1].splitlines()]


def count(
    found: list[dict[str, Any]],
    *,
    user: str | None = None,
    verbs: Collection[str] | None = None,
    namespace: str | None = None,
    include_leases: bool = True,
    include_refused: bool = True,
) -> Counter[Request]:
    """Counts requests, by verb and resource, of those that match all that is given."""
    counted: Counter[Request] = Counter()
    for event in found:
        request = _request(event)
        reference = event.get("objectRef", {})
        if (
            (user is None or event["user"]["username"] == user)
            and (verbs is None or request.verb in verbs)
            and (namespace is None or reference.get("namespace") == namespace)
            and (include_leases or request.resource != "leases")
            and (include_refused or event.get("responseStatus", {}).get("code", 0) < 400)
        ):
            counted[request] += 1
    return counted


def _request(event: dict[str, Any]) -> Request:
    reference = event.get("objectRef")
    if not reference or "resource" not in reference:
        return Request(verb=event["verb"], resource=event["requestURI"].partition("?")[0])
    parts = (reference["resource"], reference.get("subresource"))
    return Request(verb=event["verb"], resource="/".join(filter(None, parts)))
