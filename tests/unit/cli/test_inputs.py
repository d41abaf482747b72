"""What people give the command line: everything that kubectl prints is read, everything else gets one sentence."""

import io
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from gemma4_operator.cli import inputs
from gemma4_operator.cli.inputs import InvalidInput, find_deployments, objects_in, read_text

CHAT: dict[str, Any] = {
    "apiVersion": "gemma4.dev/v1alpha1",
    "kind": "Gemma4Deployment",
    "metadata": {"name": "chat"},
    "spec": {},
}
NODE: dict[str, Any] = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "one"}}


def untyped(obj: dict[str, Any]) -> dict[str, Any]:
    """As the API server leaves items of a typed list."""
    return {key: value for key, value in obj.items() if key not in ("apiVersion", "kind")}


FORMS: dict[str, str] = {
    "one YAML document": yaml.safe_dump(CHAT),
    "one JSON object": json.dumps(CHAT),
    "documents, some of them empty": f"---\n---\n{yaml.safe_dump(CHAT)}---\n# nothing\n",
    "a List, as kubectl prints several": json.dumps({"kind": "List", "apiVersion": "v1", "items": [CHAT]}),
    "a typed list, as the API server answers": json.dumps({"kind": "Gemma4DeploymentList", "items": [untyped(CHAT)]}),
    "lists in a list": json.dumps({"kind": "List", "items": [{"kind": "List", "items": [CHAT]}]}),
    "a YAML list": yaml.safe_dump([CHAT]),
    "YAML in its flow style": "{apiVersion: gemma4.dev/v1, kind: Gemma4Deployment, metadata: {name: chat}}",
    "JSON after blank lines": f"\n\n  {json.dumps(CHAT)}\n",
    "JSON with tabs": json.dumps(CHAT, indent="\t"),
}


@pytest.mark.parametrize("form", FORMS)
def test_an_object_is_read_in_every_form(form: str):
    (found,) = objects_in(FORMS[form], where="chat.yaml")
    assert found["kind"] == "Gemma4Deployment"
    assert found["metadata"] == {"name": "chat"}


def test_two_outputs_of_kubectl_one_after_the_other_are_two():
    nodes = json.dumps({"kind": "List", "items": [NODE]}, indent=4)
    pods = json.dumps({"kind": "List", "items": [{"kind": "Pod", "metadata": {"name": "p"}}]}, indent=4)
    assert [one["kind"] for one in objects_in(f"{nodes}\n{pods}\n", where="-")] == ["Node", "Pod"]


def test_the_kind_that_an_item_names_itself_counts():
    text = json.dumps({"kind": "NodeList", "items": [{**NODE, "kind": "Pod"}]})
    assert [one["kind"] for one in objects_in(text, where="-")] == ["Pod"]


BROKEN: dict[str, tuple[str, str]] = {
    "YAML": ("kind: Node\nmetadata: {name: [\n", "a: must be YAML or JSON, and is not in line 2: "),
    "YAML's indentation": ("kind: Node\n  name: x\n", "a: must be YAML or JSON, and is not in line 2: "),
    "a tab in YAML": ("kind: Node\nmetadata:\n\tname: x\n", "a: must be YAML or JSON, and is not in line 3: "),
    "JSON": (
        '{\n "kind": "Node",\n "metadata": {"name": "x"}\n "spec": {}\n}',
        "a: must be YAML or JSON, and is not in line 4: ",
    ),
    "JSON that ends too early": ('{"kind": "List", "items": [', "a: must be YAML or JSON, and is not in line 1: "),
    "control characters": ("kind: \x00\x01", "a: must be YAML or JSON, and is not: unacceptable character"),
    "a date that no calendar has": ("at: 2026-13-45", "a: must be YAML or JSON, and is not: month must be in 1..12"),
    "a Python object": ("!!python/object:os.system x", "a: must be YAML or JSON, and is not in line 1: "),
    "a word": ("hello", "a: must hold Kubernetes objects, and holds 'hello'"),
    "a number in a list": ("[1]", "a: must hold Kubernetes objects, and holds '1'"),
    "an item that is none": ('{"items": ["x"]}', "a: must hold Kubernetes objects, and holds 'x'"),
    "a long text": ("word " * 20, f"a: must hold Kubernetes objects, and holds '{('word ' * 20)[:40]}...'"),
    "no end of lists": ("[" * 100_000, "a: must hold Kubernetes objects, and is nested deeper than any of them"),
    "a list that holds itself": ("&a [*a]", "a: must hold Kubernetes objects, and is nested deeper than any of them"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_is_told_in_one_line(what: str):
    text, beginning = BROKEN[what]
    with pytest.raises(InvalidInput) as caught:
        objects_in(text, where="a")
    message = str(caught.value)
    assert message.startswith(beginning)
    assert "\n" not in message
    assert not message.endswith((": ", "None"))


TWICE: dict[str, tuple[str, str]] = {
    "a section": (
        "kind: Node\nspec: {a: 1}\nmetadata: {name: x}\nspec: {a: 2}\n",
        "must have each key once, and `spec` is in line 2 and again in line 4",
    ),
    "a field of an item": (
        "kind: List\nitems:\n- kind: Node\n  spec:\n    a: 1\n    a: 2\n",
        "must have each key once, and `items[0].spec.a` is in line 5 and again in line 6",
    ),
    "on one line and in quotes": (
        'kind: Node\nspec: {a: 1, "a": 1}\n',
        "must have each key once, and `spec.a` is in line 2 and again in line 2",
    ),
    "in the second document": (
        "kind: Node\n---\nkind: Node\nkind: Pod\n",
        "must have each key once, and `kind` is in line 3 and again in line 4",
    ),
    "in JSON": (
        '{"kind": "Node",\n "spec": {"a": 1,\n  "a": 2}}',
        "must have each key once, and `spec.a` is in line 2 and again in line 3",
    ),
    "in JSON that is no YAML": (
        r'{"kind": "Node", "kind": "\ud83d\ude00"}',
        "must have each key once, and has `kind` twice in one object",
    ),
}


@pytest.mark.parametrize("what", TWICE)
def test_a_key_that_is_there_twice_is_told_with_its_lines(what: str):
    text, sentence = TWICE[what]
    with pytest.raises(InvalidInput) as caught:
        objects_in(text, where="a")
    assert str(caught.value) == f"a: {sentence}"
    assert objects_in(text, where="a", may_repeat=True)


def test_what_is_merged_in_and_said_anew_is_not_there_twice():
    text = "a: &a {kind: Node, x: 1}\nb: &b {<<: *a, x: 2}\nc: {<<: *b, <<: *a, x: 3}\n"
    (found,) = objects_in(text, where="a")
    assert found["c"] == {"kind": "Node", "x": 3}


@given(st.text(max_size=40))
@example("{")
@example("? [")
@example("a: !!binary x")
@example("<<: 1")
@example("2001-99-99T00:00:00Z")
def test_no_text_at_all_breaks_the_reader(text: str):
    with suppress(InvalidInput):
        assert all(isinstance(one, dict) for one in objects_in(text, where="a"))


def read_deployments(*paths: str) -> tuple[dict[str, Any], ...]:
    return tuple(one.raw for one in find_deployments(*paths))


class TestFiles:
    def test_a_file(self, tmp_path: Path):
        (tmp_path / "chat.yaml").write_text(yaml.safe_dump(CHAT))
        assert read_deployments(str(tmp_path / "chat.yaml")) == (CHAT,)

    def test_several_files_of_which_one_may_have_none(self, tmp_path: Path):
        (tmp_path / "chat.yaml").write_text(yaml.safe_dump(CHAT))
        (tmp_path / "other.yaml").write_text(yaml.safe_dump({"kind": "Service"}))
        both = [str(tmp_path / name) for name in ("chat.yaml", "other.yaml")]
        assert read_deployments(*both) == (CHAT,)
        assert read_deployments(both[0], both[0]) == (CHAT, CHAT)

    def test_each_knows_its_place(self, tmp_path: Path):
        (tmp_path / "chat.yaml").write_text(yaml.safe_dump(CHAT))
        (tmp_path / "other.yaml").write_text(yaml.safe_dump_all([{"kind": "Service"}, CHAT]))
        assert [one.where for one in find_deployments(str(tmp_path))] == [
            f"{tmp_path / 'chat.yaml'}",
            f"object 2 of {tmp_path / 'other.yaml'}",
        ]

    def test_standard_input(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(inputs.sys, "stdin", io.StringIO(yaml.safe_dump(CHAT)))
        assert read_deployments("-") == (CHAT,)

    def test_the_mark_with_which_some_editors_begin_a_file_is_passed_over(self, tmp_path: Path):
        for text in (yaml.safe_dump(CHAT), json.dumps(CHAT)):
            (tmp_path / "chat.yaml").write_text(text, encoding="utf-8-sig")
            assert read_deployments(str(tmp_path / "chat.yaml")) == (CHAT,)

    def test_standard_input_is_read_in_the_same_way(self, monkeypatch: pytest.MonkeyPatch):
        whole = io.TextIOWrapper(io.BytesIO(b"\xef\xbb\xbfkind: caf\xc3\xa9"), encoding="ascii")
        monkeypatch.setattr(inputs.sys, "stdin", whole)
        assert read_text("-") == "kind: café"

    def test_a_log_may_begin_and_end_within_a_character(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        cut = "é: out of memory ü".encode()[1:-1]
        (tmp_path / "vllm.log").write_bytes(cut)
        monkeypatch.setattr(inputs.sys, "stdin", io.TextIOWrapper(io.BytesIO(cut), encoding="utf-8"))
        for path in (str(tmp_path / "vllm.log"), "-"):
            assert ": out of memory " in read_text(path, may_be_cut=True)

    def test_others_beside_them_are_passed_over(self, tmp_path: Path):
        (tmp_path / "app.yaml").write_text(yaml.safe_dump_all([{"kind": "ConfigMap"}, CHAT, {"kind": "Service"}]))
        assert read_deployments(str(tmp_path / "app.yaml")) == (CHAT,)

    def test_a_folder_stands_for_its_files_in_the_order_of_their_names(self, tmp_path: Path):
        for name in ("c.json", "b.yml", "a.yaml", "README.md", "d.yaml.bak"):
            named = {**CHAT, "metadata": {"name": name.replace(".", "-").lower()}}
            (tmp_path / name).write_text(json.dumps(named))
        (tmp_path / "other.yaml").write_text("kind: Service\n")
        (tmp_path / "within.yaml").mkdir()
        (tmp_path / "within.yaml" / "e.yaml").write_text(json.dumps(CHAT))
        found = read_deployments(str(tmp_path))
        assert [one["metadata"]["name"] for one in found] == ["a-yaml", "b-yml", "c-json"]

    def test_of_a_folder_the_file_that_is_wrong_is_named(self, tmp_path: Path):
        (tmp_path / "a.yaml").write_text(json.dumps(CHAT))
        (tmp_path / "b.yaml").write_text("kind: [")
        with pytest.raises(InvalidInput, match=r"b\.yaml: must be YAML or JSON"):
            read_deployments(str(tmp_path))

    def test_a_folder_that_has_none_of_them_is_named_itself(self, tmp_path: Path):
        (tmp_path / "b.yaml").write_text("kind: Service")
        with pytest.raises(InvalidInput) as caught:
            read_deployments(str(tmp_path))
        assert str(caught.value) == f"{tmp_path}: must hold a Gemma4Deployment, and has Service"

    def test_a_folder_for_what_is_one_file(self, tmp_path: Path):
        with pytest.raises(InvalidInput, match="must be a file that can be read: Is a directory"):
            read_text(str(tmp_path))

    WRONG: ClassVar[dict[str, tuple[Callable[[Path], object], str]]] = {
        "missing": (lambda path: None, "must be a file that can be read: No such file or directory"),
        "a directory": (
            lambda path: path.mkdir(),
            "must be a folder with files that end in .yaml, .yml, .json, and has none",
        ),
        "binary": (
            lambda path: path.write_bytes(b"\x7fELF\xff\xfe"),
            "must be YAML or JSON, and is not even UTF-8 text",
        ),
        "empty": (lambda path: path.write_text(""), "must hold a Gemma4Deployment, and is empty"),
        "nothing but remarks": (
            lambda path: path.write_text("# later\n"),
            "must hold a Gemma4Deployment, and is empty",
        ),
        "an empty list": (
            lambda path: path.write_text('{"kind": "List", "items": []}'),
            "must hold a Gemma4Deployment, and is empty",
        ),
        "other kinds": (
            lambda path: path.write_text("kind: Service\n---\nkind: ConfigMap\n---\nkind: Service\n"),
            "must hold a Gemma4Deployment, and has ConfigMap, Service",
        ),
        "values of a chart": (
            lambda path: path.write_text("replicas: 1\n"),
            "must hold a Gemma4Deployment, and has an object without `kind`",
        ),
    }

    @pytest.mark.parametrize("what", WRONG)
    def test_a_wrong_one(self, what: str, tmp_path: Path):
        make, problem = self.WRONG[what]
        path = tmp_path / "chat.yaml"
        make(path)
        with pytest.raises(InvalidInput) as caught:
            read_deployments(str(path))
        assert str(caught.value) == f"{path}: {problem}"

    def test_standard_input_that_is_no_text(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(inputs.sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff\xfe"), encoding="utf-8"))
        with pytest.raises(InvalidInput, match=r"^standard input: must be YAML or JSON"):
            read_text("-")
