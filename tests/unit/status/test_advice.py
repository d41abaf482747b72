"""Advice that can be followed: it names fields of the spec, and only fields that are there."""

import re
from typing import Any

import pytest

from gemma4_operator.api.crd import deployment_crd
from gemma4_operator.api.deployment import Gemma4DeploymentSpec
from gemma4_operator.status.reasons import Reason

FIELD = re.compile(r"`(spec(?:\.[A-Za-z]+)+)`")
SCHEMA = deployment_crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]


def schema_of(path: str) -> dict[str, Any] | None:
    """Return a field's schema; None: there is no such field."""
    found: Any = SCHEMA
    for step in path.split("."):
        found = found.get("properties", {}).get(step)
        if found is None:
            return None
    return dict(found)


@pytest.mark.parametrize("reason", Reason)
def test_every_field_that_advice_names_is_one(reason: Reason) -> None:
    assert [path for path in FIELD.findall(reason.advice) if schema_of(path) is None] == []


@pytest.mark.parametrize(
    ("reason", "fields"),
    [
        (Reason.EVICTED, {"spec.podTemplatePatch", "spec.cache.claim"}),
        (Reason.HOST_OUT_OF_MEMORY, {"spec.podTemplatePatch", "spec.model.quantization"}),
        (Reason.CACHE_DISK_FULL, {"spec.cache.claim.size", "spec.cache", "spec.cache.claim"}),
        (
            Reason.KV_CACHE_TOO_SMALL,
            {"spec.capabilities.contextTokens", "spec.model.quantization", "spec.placement.gpusPerReplica"},
        ),
        (
            Reason.GPU_OUT_OF_MEMORY,
            {"spec.capabilities.contextTokens", "spec.model.quantization", "spec.placement.gpusPerReplica"},
        ),
        (Reason.GPU_MEMORY_IN_USE, {"spec.placement.allowSharedGPUs"}),
        (Reason.GPU_RUNTIME_MISSING, {"spec.placement.runtimeClassName"}),
    ],
)
def test_what_mends_it_is_named(reason: Reason, fields: set[str]) -> None:
    assert set(FIELD.findall(reason.advice)) == fields


def test_the_field_for_the_runtime_class_takes_the_name_that_is_advised() -> None:
    spec = Gemma4DeploymentSpec.model_validate({"placement": {"runtimeClassName": "nvidia"}})
    assert spec.placement.runtime_class_name == "nvidia"
