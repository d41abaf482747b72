"""Layout: templates decide where a value goes, and nothing that a value says can change that."""

from importlib.resources import files
from pathlib import PurePath
from typing import Any

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.render.layout import encoded, lay_out

TEMPLATES = {
    PurePath(str(item)).name: item.read_text()
    for item in files("gemma4_operator.render").joinpath("templates").iterdir()
}
SERVICE = {
    "metadata": {"name": "chat"},
    "type": "ClusterIP",
    "match_labels": {"a": "b"},
    "port": 1,
    "target_port": "http",
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
HOSTILE = [
    "", " ", "null", "~", "true", "no", "0x10", "1e3", "-", "- a", "a: b", "{a: b}", "[a]", "&a", "*a", "!tag",
    "!json 1", "# comment", "'", '"', '\\"', "\\", "\n", "a\nb: c", "\n---\nkind: Secret", "\r\n", "\t", "\x00", "\x7f",
    "\x85", "\u2028", "\ufeff", "\ud7ff", "\U0001f600", "\\ud83d\\ude00", "{{ 7 * 7 }}", "{% raw %}", "{# x #}",
    "<<", "=", "%YAML",
]  # fmt: skip


def service_with(value: Any) -> dict[str, Any]:
    return lay_out("service.yaml.j2", SERVICE | {"type": value})


class TestValues:
    @pytest.mark.parametrize("text", HOSTILE, ids=repr)
    def test_a_hostile_text_arrives_as_it_is(self, text: str) -> None:
        assert service_with(text)["spec"]["type"] == text

    @pytest.mark.parametrize("text", HOSTILE, ids=repr)
    def test_a_hostile_key_arrives_as_it_is(self, text: str) -> None:
        assert service_with({text: "x"})["spec"]["type"] == {text: "x"}

    @given(value=st.text())
    def test_any_text_arrives_as_it_is_and_nothing_else_changes(self, value: str) -> None:
        expected = service_with("x")
        expected["spec"]["type"] = value
        assert service_with(value) == expected

    @given(value=JSON.filter(lambda value: value not in (None, {}, [])))
    def test_any_value_stays_in_its_place(self, value: Any) -> None:
        laid_out = service_with(value)
        assert laid_out.keys() == {"apiVersion", "kind", "metadata", "spec"}
        assert laid_out["kind"] == "Service"
        assert laid_out["spec"].keys() - {"type"} == {"selector", "ports"}

    def test_what_is_no_json_is_an_error(self) -> None:
        with pytest.raises(TypeError):
            encoded(object())
        with pytest.raises(ValueError, match="Out of range"):
            encoded(float("nan"))


class TestPruning:
    @pytest.mark.parametrize("nothing", [None, {}, [], {"a": None}, {"a": {"b": []}}])
    def test_what_is_nothing_is_left_out(self, nothing: Any) -> None:
        assert "type" not in service_with(nothing)["spec"]

    @pytest.mark.parametrize("something", ["", 0, False])
    def test_what_is_empty_but_says_something_stays(self, something: Any) -> None:
        assert service_with(something)["spec"]["type"] == something

    def test_an_empty_emptydir_is_a_volume(self) -> None:
        assert service_with({"emptyDir": {}})["spec"]["type"] == {"emptyDir": {}}


class TestTemplates:
    def test_a_value_that_is_not_there_is_an_error(self) -> None:
        with pytest.raises((TypeError, jinja2.UndefinedError)):
            lay_out("service.yaml.j2", {"metadata": {}})

    @pytest.mark.parametrize("name", TEMPLATES)
    def test_templates_decide_nothing(self, name: str) -> None:
        for word in ("{% if", "{% set", "{% macro", "| ", "|default"):
            assert word not in TEMPLATES[name]
