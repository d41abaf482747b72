"""Kubeconfigs are read, merged and followed as kubectl does it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from gemma4_operator.kube.kubeconfig import UnusableKubeconfig, context_of, merged, namespace_of, usual_paths


def config(name: str, *, current: bool = True, namespace: str = "", **cluster: str) -> dict[str, Any]:
    context = {"cluster": name, "user": name, **({"namespace": namespace} if namespace else {})}
    return {
        "clusters": [{"name": name, "cluster": {"server": f"https://{name}", **cluster}}],
        "users": [{"name": name, "user": {"client-certificate": "own.crt", "token": name}}],
        "contexts": [{"name": name, "context": context}],
        **({"current-context": name} if current else {}),
    }


def written(path: Path, content: dict[str, Any]) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(content))
    return path


def names(whole: Any, kind: str) -> list[str]:
    return [entry["name"] for entry in whole[kind]]


class TestSeveral:
    def test_all_of_them_count(self, tmp_path: Path):
        whole = merged([written(tmp_path / name, config(name)) for name in ("a", "b")])
        assert [names(whole, kind) for kind in ("clusters", "users", "contexts")] == [["a", "b"]] * 3

    def test_the_first_current_context_is_the_one(self, tmp_path: Path):
        """The client's own reader takes the last."""
        paths = [written(tmp_path / name, config(name, current=name != "a")) for name in ("a", "b", "c")]
        assert context_of(merged(paths), None) == "b"
        assert context_of(merged(paths[::-1]), None) == "c"

    def test_of_what_two_say_the_first_is_right(self, tmp_path: Path):
        first, second = config("a", namespace="one"), config("a", namespace="two")
        whole = merged([written(tmp_path / "first", first), written(tmp_path / "second", second)])
        assert names(whole, "contexts") == ["a"]
        assert namespace_of(whole, "a") == "one"

    def test_files_that_are_empty_or_not_there_say_nothing(self, tmp_path: Path):
        (tmp_path / "empty").write_text("")
        whole = merged([tmp_path / "gone", tmp_path / "empty", written(tmp_path / "a", config("a"))])
        assert context_of(whole, None) == "a"

    def test_certificates_lie_beside_the_file_that_names_them(self, tmp_path: Path):
        authority = {"certificate-authority": "ca.crt"}
        own = {"certificate-authority": str(tmp_path / "elsewhere.crt")}
        whole = merged(
            [written(tmp_path / "one" / "a", config("a", **authority)), written(tmp_path / "b", config("b", **own))]
        )
        assert [one["cluster"]["certificate-authority"] for one in whole["clusters"]] == [
            str(tmp_path / "one" / "ca.crt"),
            str(tmp_path / "elsewhere.crt"),
        ]
        assert whole["users"][0]["user"]["client-certificate"] == str(tmp_path / "one" / "own.crt")


class TestContext:
    def test_a_named_one_goes_before_the_current(self, tmp_path: Path):
        whole = merged([written(tmp_path / name, config(name, namespace=f"of-{name}")) for name in ("a", "b")])
        assert namespace_of(whole, context_of(whole, "b")) == "of-b"

    def test_without_a_namespace(self, tmp_path: Path):
        assert namespace_of(merged([written(tmp_path / "a", config("a"))]), "a") == ""

    @pytest.mark.parametrize(
        ("content", "named", "sentence"),
        [
            (config("a"), "z", "it has no context 'z', only a"),
            (config("a", current=False), None, "it has no current context, only a"),
            ({}, None, "it has no contexts at all"),
        ],
    )
    def test_one_that_is_not_there(self, content: dict[str, Any], named: str | None, sentence: str, tmp_path: Path):
        with pytest.raises(UnusableKubeconfig) as caught:
            context_of(merged([written(tmp_path / "config", content)]), named)
        assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("hello", "' is none"),
        ("a: [", "' is not YAML: "),
        ("clusters: {a: b}", "`clusters` of '"),
        ("contexts: [a]", "has an entry without a name"),
        ("users: [{name: a, user: b}]", "has an entry without a name, or of another form"),
    ],
)
def test_a_file_that_is_none_is_named(text: str, problem: str, tmp_path: Path):
    (tmp_path / "config").write_text(text)
    with pytest.raises(UnusableKubeconfig) as caught:
        merged([tmp_path / "config"])
    assert problem in str(caught.value)
    assert str(tmp_path / "config") in str(caught.value)


def test_where_they_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KUBECONFIG", "a:/b::c")
    assert usual_paths() == (Path("a"), Path("/b"), Path("c"))
    for nothing in ("", ":"):
        monkeypatch.setenv("KUBECONFIG", nothing)
        assert usual_paths() == (tmp_path / ".kube" / "config",)
