"""The catalogue's vLLM publishes its figures under the names that are looked for: its own sources say so.

The server that runs here is one version behind; `test_vllm_server.py` asks that one.
"""

import re
from dataclasses import asdict

import pytest

from gemma4_operator.api.common import EngineType
from gemma4_operator.catalog.loader import builtin_catalog
from gemma4_operator.engines import dialects
from tests.cluster import vllm

pytestmark = pytest.mark.engine

NEWEST = {
    field: names if isinstance(names, str) else names[0]
    for field, names in asdict(dialects.VLLM).items()
    if field not in ("path", "prompt_includes_cached")
}


@pytest.fixture(scope="module")
def published() -> set[str]:
    """All names in the module that makes the series; a client library adds `_total` to those of counters."""
    version = builtin_catalog().engines[EngineType.VLLM].version.removeprefix("v")
    module = vllm.sources(version) / "vllm" / "v1" / "metrics" / "loggers.py"
    return set(re.findall(r'"(vllm:\w+)"', module.read_text()))


@pytest.mark.parametrize("field", NEWEST)
def test_it_publishes_each_figure_under_its_newest_name(field: str, published: set[str]) -> None:
    assert NEWEST[field].removesuffix("_total") in published


def test_it_publishes_nothing_under_the_older_ones_of_what_it_has_renamed(published: set[str]) -> None:
    older = {*dialects.VLLM.cache_usage[1:], *dialects.VLLM.output_token_seconds[1:]}
    assert older
    assert older & published == set()
