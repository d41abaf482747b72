"""Who wrote the fields that differ, by what the API server notes."""

from typing import Any

import pytest

from gemma4_operator.kube.managers import writers

OURS = "gemma4-operator"


def entry(manager: str, fields: dict[str, Any], *, time: str = "2026-11-29T12:00:00Z", **more: Any) -> dict[str, Any]:
    return {
        "manager": manager,
        "operation": "Update",
        "time": time,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    } | more


def live(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"name": "chat", "managedFields": list(entries)}}


REPLICAS = {"f:spec": {"f:replicas": {}}}
IMAGE = {
    "f:spec": {
        "f:template": {
            "f:spec": {"f:containers": {'k:{"name":"llama-server"}': {".": {}, "f:image": {}, "f:name": {}}}}
        }
    }
}
SELECTOR = {"f:spec": {"f:selector": {}}}
LABEL = {"f:metadata": {"f:labels": {"f:gemma4.dev/deployment": {}}}}
PORT = {"f:spec": {"f:ports": {'k:{"port":8000,"protocol":"TCP"}': {"f:targetPort": {}}}}}


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        (REPLICAS, "spec.replicas"),
        (IMAGE, "spec.template.spec.containers[llama-server].image"),
        (IMAGE, "spec.template.spec.containers[llama-server]"),
        (SELECTOR, "spec.selector.gemma4.dev/deployment"),
        (LABEL, "metadata.labels.gemma4.dev/deployment"),
        # The API server tells ports apart by number and protocol, we by name.
        (PORT, "spec.ports[http].targetPort"),
    ],
    ids=["a field", "of an item", "an item", "an atomic map", "a key with dots", "an item by other keys"],
)
def test_who_owns_the_field_is_named(fields: dict[str, Any], path: str) -> None:
    newer = entry("bystander", {"f:metadata": {"f:annotations": {"f:note": {}}}}, time="2026-11-29T13:00:00Z")
    assert writers(live(entry(OURS, fields), entry("rival", fields), newer), [path], apart_from=OURS) == ("rival",)


def test_two_that_own_it_are_both_named() -> None:
    both = live(entry("hpa", REPLICAS, subresource="scale"), entry("argocd", IMAGE))
    paths = ["spec.replicas", "spec.template.spec.containers[llama-server].image"]
    assert writers(both, paths, apart_from=OURS) == ("argocd", "hpa")


def test_who_took_a_field_away_is_whoever_wrote_last() -> None:
    earlier = entry("earlier", IMAGE, time="2026-11-29T11:00:00Z")
    assert writers(live(earlier, entry("rival", IMAGE)), ["spec.replicas"], apart_from=OURS) == ("rival",)


def test_the_status_is_another_matter() -> None:
    both = live(entry("controller", {"f:status": {"f:replicas": {}}}, subresource="status"), entry("rival", REPLICAS))
    assert writers(both, ["spec.replicas"], apart_from=OURS) == ("rival",)
    assert writers(both, ["status.replicas"], apart_from=OURS, of_status=True) == ("controller",)


@pytest.mark.parametrize("found", [live(), live(entry(OURS, REPLICAS)), {"metadata": {"name": "chat"}}])
def test_nobody_else_is_nobody(found: dict[str, Any]) -> None:
    assert writers(found, ["spec.replicas"], apart_from=OURS) == ()
