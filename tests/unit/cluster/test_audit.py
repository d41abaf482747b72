"""Counting requests from an audit log."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from tests.cluster import audit
from tests.cluster.audit import Request


def event(
    verb: str, resource: str | None = "pods", *, user: str = "u", code: int = 200, **reference: str
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "verb": verb,
        "user": {"username": user},
        "responseStatus": {"code": code},
        "requestURI": "/apis?timeout=32s",
    }
    if resource:
        found["objectRef"] = {"resource": resource, "namespace": "n", **reference}
    return found


def test_events_are_those_after_the_offset(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert audit.offset(log) == 0
    log.write_text(json.dumps(event("get")) + "\n")
    since = audit.offset(log)
    with log.open("a") as file:
        file.write(json.dumps(event("patch")) + "\n" + '{"half": ')
    assert [found["verb"] for found in audit.events(log, since=since)] == ["patch"]


def test_requests_are_counted_by_verb_and_resource() -> None:
    found = [event("get"), event("get"), event("patch", subresource="status"), event("get", None)]
    assert audit.count(found) == Counter(
        {Request("get", "pods"): 2, Request("patch", "pods/status"): 1, Request("get", "/apis"): 1}
    )


def test_every_condition_must_hold() -> None:
    found = [
        event("patch"),
        event("patch", user="other"),
        event("get"),
        event("patch", namespace="elsewhere"),
        event("update", "leases"),
        event("patch", code=409),
    ]
    counted = audit.count(
        found, user="u", verbs=audit.WRITES, namespace="n", include_leases=False, include_refused=False
    )
    assert counted == Counter({Request("patch", "pods"): 1})
