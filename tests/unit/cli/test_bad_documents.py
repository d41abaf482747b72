"""Three hundred broken files, given to every verb that reads files: an exit code and one sentence, or an answer."""

import io
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from gemma4_operator.cli import inputs
from gemma4_operator.cli.main import main
from gemma4_operator.cli.verb import Exit
from tests.fuzz.documents import YAML, bomb, documents
from tests.unit.cli.calls import MIXED

DOCUMENTS = documents()
GIVEN = "GIVEN"
"""Stands for the broken file in a call."""
VERBS: dict[str, Sequence[str]] = {
    "plan": ("plan", "--inventory", MIXED, "-f", GIVEN),
    "explain": ("explain", "--inventory", MIXED, "-f", GIVEN),
    "render": ("render", "--inventory", MIXED, "-f", GIVEN),
    "nodes": ("plan", "-f", "GOOD", "--inventory", GIVEN),
    "pods": ("plan", "-f", "GOOD", "--inventory", MIXED, "--pods", GIVEN),
    "catalogue": ("plan", "-f", "GOOD", "--inventory", MIXED, "--catalog", GIVEN),
    "a pod": ("diagnose", "--pod", GIVEN),
    "events": ("diagnose", "--events", GIVEN),
    "a log": ("diagnose", "--pod", "POD", "--log", GIVEN),
    "points": ("kv", "--csv", GIVEN),
}
READS_FEW = 7
"""Each document goes to `render`, which walks the longest way, and one in seven of the others in turn."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("documents")
    (folder / "good.yaml").write_text(YAML)
    (folder / "pod.json").write_text(json.dumps({"kind": "Pod", "metadata": {"name": "a"}, "status": {}}))
    return {
        "GOOD": str(folder / "good.yaml"),
        "POD": str(folder / "pod.json"),
        GIVEN: str(folder / "given"),
    }


def test_there_are_many_and_each_is_another():
    assert len(DOCUMENTS) > 300
    assert len(set(DOCUMENTS.values())) > 290
    assert documents() == DOCUMENTS


@pytest.mark.parametrize("verb", VERBS)
def test_no_file_breaks_a_verb(verb: str, files: dict[str, str], capsys: pytest.CaptureFixture[str]):
    turn = list(VERBS).index(verb)
    codes = set()
    for number, (name, content) in enumerate(DOCUMENTS.items()):
        if verb == "render" or number % READS_FEW == turn % READS_FEW:
            Path(files[GIVEN]).write_bytes(content)
            codes.add(told(name, [files.get(word, word) for word in VERBS[verb]], capsys))
    # A catalogue is used as far as it can be, and a log may be cut anywhere.
    assert Exit.INVALID in codes or verb in ("catalogue", "a log")


def test_nor_does_standard_input(
    files: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    for number, (name, content) in enumerate(DOCUMENTS.items()):
        if number % READS_FEW == 0:
            monkeypatch.setattr(inputs.sys, "stdin", io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"))
            told(name, ["render", "--inventory", MIXED, "-f", "-"], capsys)


def told(name: str, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> int:
    """Run one command and return its exit code; fail unless it ended as commands do."""
    code = main(arguments)
    said = capsys.readouterr().err
    assert code in (Exit.OK, Exit.INVALID, Exit.INFEASIBLE), (name, code, said)
    assert "Traceback" not in said
    assert said.replace("\n", "").isprintable(), (name, said)
    assert all(line.startswith("gemma4: ") and len(line) < 2100 for line in said.splitlines()), (name, said)
    # A catalogue is used as far as it can be; each entry that cannot has a line.
    assert code != Exit.INVALID or (said.count("\n") == 1 and len(said) > len("gemma4: \n")), (name, said)
    return code


WORDS: dict[str, tuple[str | bytes, str]] = {
    "a bomb": (
        "kind: Gemma4Deployment\n" + bomb(9),
        "must be what somebody wrote, and has aliases that unfold to millions of values",
    ),
    "an object that holds itself": (
        "kind: Gemma4Deployment\nspec: &a {b: *a}\n",
        "must hold Kubernetes objects, and is nested deeper than any of them",
    ),
    "a number without end": (
        '{"kind": "Gemma4Deployment", "spec": ' + "9" * 5000 + "}",
        "must be YAML or JSON, and is not: a number has thousands of digits",
    ),
    "a kind without end": ("kind: " + "x" * 100 + "\n", f"must hold a Gemma4Deployment, and has {'x' * 40}..."),
    "a kind that would paint": (
        'kind: "\\e[31mred"\n',
        "must hold a Gemma4Deployment, and has \N{REPLACEMENT CHARACTER}[31mred",
    ),
    "many kinds": (
        "".join(f"---\nkind: k{number}\n" for number in range(9)),
        "must hold a Gemma4Deployment, and has k0, k1, k2, k3, k4 and others",
    ),
}


@pytest.mark.parametrize("what", WORDS)
def test_what_is_wrong_is_told_in_words(what: str, files: dict[str, str], capsys: pytest.CaptureFixture[str]):
    content, words = WORDS[what]
    Path(files[GIVEN]).write_bytes(content if isinstance(content, bytes) else content.encode())
    assert main(["plan", "-f", files[GIVEN]]) == Exit.INVALID
    assert capsys.readouterr().err == f"gemma4: {files[GIVEN]}: {words}\n"


def test_many_mistakes_are_told_up_to_a_point(files: dict[str, str], capsys: pytest.CaptureFixture[str]):
    head = "apiVersion: gemma4.dev/v1alpha1\nkind: Gemma4Deployment\nmetadata: {name: a}\n"
    Path(files[GIVEN]).write_text(head + "spec:\n" + "".join(f"  f{number}: 1\n" for number in range(50)))
    assert main(["plan", "-f", files[GIVEN]]) == Exit.INVALID
    said = capsys.readouterr().err
    assert said.endswith("spec.f9: must be absent: there is no such field; and 40 more\n")
