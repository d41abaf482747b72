"""A resource that is nested as deep as the API server lets it be keeps nobody from reading the others."""

import json
import sys
from collections.abc import Iterator

import pytest

from gemma4_operator.runtime.depth import LEVELS, deepen

CAN = sys.version_info[:2] not in ((3, 12), (3, 13))


@pytest.fixture(autouse=True)
def as_python_comes() -> Iterator[None]:
    limit = sys.getrecursionlimit()
    yield
    sys.setrecursionlimit(limit)


def test_it_says_whether_this_python_can() -> None:
    assert deepen() is CAN


@pytest.mark.skipif(not CAN, reason="this CPython has a limit of its own in C")
def test_a_listing_with_such_a_resource_is_read() -> None:
    deep = '{"a":' * (LEVELS - 100) + "1" + "}" * (LEVELS - 100)
    listing = '{"items":[{"spec":' + deep + '},{"spec":{}}]}'
    with pytest.raises(RecursionError):
        json.loads(listing)
    deepen()
    assert len(json.loads(listing)["items"]) == 2
