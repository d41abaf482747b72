"""Names: one spelling in Python, one in YAML, and the second follows from the first."""

from collections.abc import Iterator

import pytest

from gemma4_operator.api.common import ApiModel, camel_case
from gemma4_operator.api.crd import crds


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("replicas", "replicas"),
        ("context_tokens", "contextTokens"),
        ("time_to_first_token_milliseconds", "timeToFirstTokenMilliseconds"),
        ("kv_cache_dtype", "kvCacheDtype"),
        ("maximum_gpus", "maximumGPUs"),
        ("allow_shared_gpus", "allowSharedGPUs"),
        ("weights_mib", "weightsMiB"),
        ("gpus_per_replica", "gpusPerReplica"),
        ("gpu_products", "gpuProducts"),
        ("gpu", "gpu"),
    ],
)
def test_a_field_is_written_in_camel_case_and_units_as_people_write_them(name: str, written: str):
    assert camel_case(name) == written


def subclasses(kind: type[ApiModel]) -> Iterator[type[ApiModel]]:
    for child in kind.__subclasses__():
        yield child
        yield from subclasses(child)


MODELS = {
    kind.__name__: kind
    for kind in subclasses(ApiModel)
    if kind.__module__.startswith("gemma4_operator.api.") and kind.model_fields
}


def test_the_models_are_found():
    assert crds(), "which brings every model with it"
    assert {"Gemma4Deployment", "Objectives", "Placement", "PlanStatus", "MemoryStatus"} <= MODELS.keys()


@pytest.mark.parametrize("name", MODELS)
def test_every_field_of_every_model_follows_that_one_rule(name: str):
    fields = MODELS[name].model_fields
    assert {field: told.alias for field, told in fields.items()} == {field: camel_case(field) for field in fields}
