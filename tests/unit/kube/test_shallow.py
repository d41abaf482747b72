"""What nests deeper than any object that makes sense is read as null, and all else byte by byte as it is."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.kube.shallow import MOST_LEVELS, shallow


def nested(levels: int, inside: str = "1") -> str:
    return '{"a":' * levels + inside + "}" * levels


@pytest.mark.parametrize("levels", [0, 1, 50, MOST_LEVELS])
def test_what_is_not_too_deep_stays_as_it_is(levels: int):
    data = nested(levels).encode()
    assert shallow(data) is data


@pytest.mark.parametrize("levels", [MOST_LEVELS + 1, 1000, 10_000])
def test_what_is_too_deep_ends_in_null(levels: int):
    assert shallow(nested(levels).encode()).decode() == nested(MOST_LEVELS, "null")


def test_what_stands_beside_it_stays():
    deep = nested(5000)
    text = f'{{"before": [1, {deep}, "]}}"], "deep": {deep}, "after": {{"b": [2]}}}}'
    cut = json.loads(shallow(text.encode()))
    assert (cut["before"][0], cut["before"][2], cut["after"]) == (1, "]}", {"b": [2]})


def test_lists_count_as_well():
    assert shallow(b"[" * 300 + b"]" * 300) == b"[" * MOST_LEVELS + b"null" + b"]" * MOST_LEVELS


def test_brackets_in_texts_do_not():
    text = json.dumps({"log": '{[\\"' * 5000, "more": ['"', "\\", "[[["]})
    assert shallow(text.encode()) == text.encode()


def test_so_does_not_a_long_list():
    text = json.dumps([{"a": [{"b": {}}]}] * 5000)
    assert shallow(text.encode()) == text.encode()


KEYS = st.text(alphabet='{["\\', max_size=3)
JSON = st.recursive(
    st.none() | st.integers() | st.text(alphabet='{}[]"\\a', max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=40,
)


@given(value=JSON, levels=st.integers(0, 2 * MOST_LEVELS))
def test_the_same_is_read_except_for_what_is_too_deep(value: Any, levels: int):
    text = nested(levels, json.dumps(value))
    cut = shallow(text.encode())
    read = json.loads(cut)
    for _ in range(min(levels, MOST_LEVELS)):
        read = read["a"]
    assert depth(read) <= MOST_LEVELS
    if levels + depth(value) <= MOST_LEVELS:
        assert read == value
        assert cut == text.encode()


def depth(value: Any) -> int:
    if not isinstance(value, dict | list):
        return 0
    return 1 + max(map(depth, value.values() if isinstance(value, dict) else value), default=0)
