"""Is the live object still what was applied? The table holds what the API server is known to rewrite."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.kube.drift import differences

SAME: dict[str, tuple[Any, Any]] = {
    "equal": ({"a": 1}, {"a": 1}),
    "fields that others added": ({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}, "status": {}}),
    "false is what absent means": ({"hostNetwork": False}, {}),
    "an empty list is what absent means": ({"args": []}, {}),
    "an empty text is what absent means": ({"env": [{"name": "A", "value": ""}]}, {"env": [{"name": "A"}]}),
    "an empty map is what absent means": ({"emptyDir": {}}, {}),
    "0 is what absent means": ({"minReadySeconds": 0}, {}),
    "quantities in another spelling": (
        {"resources": {"limits": {"memory": "1024Mi", "cpu": "1000m"}}},
        {"resources": {"limits": {"memory": "1Gi", "cpu": "1"}}},
    ),
    "a quantity written as a number": (
        {"resources": {"limits": {"nvidia.com/gpu": 1}}},
        {"resources": {"limits": {"nvidia.com/gpu": "1"}}},
    ),
    "the size of a volume": ({"emptyDir": {"sizeLimit": "2048Mi"}}, {"emptyDir": {"sizeLimit": "2Gi"}}),
    "named items in another order": (
        {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]},
        {"env": [{"name": "B", "value": "2"}, {"name": "A", "value": "1"}]},
    ),
    "an item somebody else added to a list of named ones": (
        {"containers": [{"name": "engine"}]},
        {"containers": [{"name": "sidecar"}, {"name": "engine", "image": "x"}]},
    ),
    "items that share a name are told apart by their place": (
        {"licences": [{"of": "weights", "name": "MIT"}, {"of": "image", "name": "MIT"}]},
        {"licences": [{"of": "weights", "name": "MIT"}, {"of": "image", "name": "MIT"}]},
    ),
    "defaults inside a list without names": (
        {"ownerReferences": [{"uid": "1"}]},
        {"ownerReferences": [{"uid": "0"}, {"uid": "1", "kind": "X"}]},
    ),
}

DIFFERENT: dict[str, tuple[Any, Any, str]] = {
    "a key more in a selector": (
        {"spec": {"selector": {"a": "b"}}},
        {"spec": {"selector": {"a": "b", "c": "d"}}},
        "spec.selector",
    ),
    "an expression more beside labels": (
        {"selector": {"matchLabels": {"a": "b"}}},
        {"selector": {"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "c", "operator": "Exists"}]}},
        "selector",
    ),
    "a node label more than was asked for": (
        {"nodeSelector": {"a": "b"}},
        {"nodeSelector": {"a": "b", "c": "d"}},
        "nodeSelector",
    ),
    "a value": ({"a": {"b": 1}}, {"a": {"b": 2}}, "a.b"),
    "a value that is gone": ({"a": {"b": 1}}, {"a": {}}, "a.b"),
    "a parent that is gone": ({"a": {"b": 1}}, {}, "a.b"),
    "true is not what absent means": ({"readOnly": True}, {}, "readOnly"),
    "true is not 1": ({"a": True}, {"a": 1}, "a"),
    "false where somebody set true": ({"privileged": False}, {"privileged": True}, "privileged"),
    "a number is no text outside of quantities": ({"port": 1}, {"port": "1"}, "port"),
    "two quantities": ({"limits": {"cpu": "1"}}, {"limits": {"cpu": "2"}}, "limits.cpu"),
    "no quantity at all": ({"limits": {"cpu": "one"}}, {"limits": {"cpu": "1"}}, "limits.cpu"),
    "quantities are compared only where they are quantities": (
        {"env": [{"name": "A", "value": "1000m"}]},
        {"env": [{"name": "A", "value": "1"}]},
        "env[A].value",
    ),
    "an item that is gone": ({"env": [{"name": "A", "value": "1"}]}, {"env": []}, "env[A]"),
    "the order of arguments": ({"args": ["a", "b"]}, {"args": ["b", "a"]}, "args[0]"),
    "an argument too many": ({"args": ["a"]}, {"args": ["a", "b"]}, "args"),
    "items that share a name in another order": (
        {"licences": [{"of": "weights", "name": "MIT"}, {"of": "image", "name": "MIT"}]},
        {"licences": [{"of": "image", "name": "MIT"}, {"of": "weights", "name": "MIT"}]},
        "licences[0].of",
    ),
    "a toleration too many": (
        {"tolerations": [{"key": "a"}]},
        {"tolerations": [{"key": "a"}, {"key": "b"}]},
        "tolerations",
    ),
    "a map where a text is": ({"a": {"b": 1}}, {"a": "b"}, "a"),
    "a text where a list should be": ({"a": ["b"]}, {"a": "b"}, "a"),
}


@pytest.mark.parametrize("case", SAME.values(), ids=SAME.keys())
def test_same(case: tuple[Any, Any]) -> None:
    applied, live = case
    assert list(differences(applied, live)) == []


@pytest.mark.parametrize("case", DIFFERENT.values(), ids=DIFFERENT.keys())
def test_different(case: tuple[Any, Any, str]) -> None:
    applied, live, path = case
    assert next(differences(applied, live)) == path


scalars = st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab1m", max_size=3)
objects = st.recursive(
    scalars,
    lambda inner: st.dictionaries(st.sampled_from("abcd"), inner, max_size=3) | st.lists(inner, max_size=3),
    max_leaves=12,
)
maps = st.dictionaries(st.sampled_from("abcd"), objects, max_size=4)


@given(maps)
def test_nothing_differs_from_itself(obj: dict[str, Any]) -> None:
    assert list(differences(obj, obj)) == []


@given(maps, st.dictionaries(st.sampled_from("xyz"), objects, max_size=3))
def test_what_others_add_at_the_top_never_counts(obj: dict[str, Any], foreign: dict[str, Any]) -> None:
    assert list(differences(obj, obj | foreign)) == []


@given(maps, st.sampled_from("abcd"))
def test_a_changed_value_is_always_seen(obj: dict[str, Any], name: str) -> None:
    applied = obj | {name: "is"}
    assert name in list(differences(applied, applied | {name: "was"}))


@pytest.mark.parametrize("name", [{}, [], {"a": "b"}, None, 7, True])
def test_an_item_whose_name_is_none_is_compared_as_well(name: Any):
    applied = {"hostAliases": [{"name": name, "ip": "1"}]}
    assert not list(differences(applied, applied))
    assert list(differences(applied, {"hostAliases": [{"name": "a"}, "text", {"name": {}}]}))
