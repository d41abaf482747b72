"""The command line as people and scripts use it: what it prints where, and how it ends."""

import argparse
import json

import pytest
import yaml

from gemma4_operator.api.crd import deployment_crd
from gemma4_operator.api.read import InvalidResource, Problem
from gemma4_operator.cli import main as entry
from gemma4_operator.cli.main import main
from gemma4_operator.cli.verb import Exit, Verb


def test_crds_are_yaml_documents(capsys: pytest.CaptureFixture[str]):
    assert main(["crds"]) == 0
    printed = capsys.readouterr()
    assert list(yaml.safe_load_all(printed.out)) == [deployment_crd()]
    assert printed.err == ""


def test_crds_as_json_are_one_list(capsys: pytest.CaptureFixture[str]):
    assert main(["crds", "-o", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["kind"], document["items"]) == ("List", [deployment_crd()])


def test_version(capsys: pytest.CaptureFixture[str]):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("gemma4 0.")


@pytest.mark.parametrize(("arguments", "word"), [(["--help"], "exit codes"), (["crds", "--help"], "kubectl apply")])
def test_help_goes_to_standard_output(arguments: list[str], word: str, capsys: pytest.CaptureFixture[str]):
    assert main(arguments) == 0
    assert word in capsys.readouterr().out


@pytest.mark.parametrize("verb", entry.VERBS, ids=lambda verb: verb.name)
def test_every_verb_has_an_example(verb: Verb):
    assert f"gemma4 {verb.name}" in verb.details
    assert verb.summary[0].islower()


@pytest.mark.parametrize("arguments", [[], ["unknown"], ["crds", "-o", "table"], ["crds", "extra"]], ids=str)
def test_bad_usage_is_exit_code_2_and_told_on_standard_error(arguments: list[str], capsys: pytest.CaptureFixture[str]):
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "error: " in printed.err


def failing(error: Exception) -> Verb:
    def run(_: argparse.Namespace) -> Exit:
        raise error

    return Verb(name="fail", summary="fail", details="gemma4 fail", add_arguments=lambda _: None, run=run)


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (RuntimeError("The disk is full."), 1, "gemma4: The disk is full.\n"),
        (KeyError(), 1, "gemma4: KeyError\n"),
        (
            InvalidResource((Problem("spec.replicas", "must be an integer"),)),
            2,
            "gemma4: spec.replicas: must be an integer\n",
        ),
    ],
    ids=str,
)
def test_an_error_is_one_sentence_on_standard_error(
    error: Exception,
    code: int,
    sentence: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(entry, "VERBS", (failing(error),))
    assert main(["fail"]) == code
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", sentence)


@pytest.mark.parametrize("arguments", [["--debug", "fail"], ["fail", "--debug"]], ids=str)
def test_debug_shows_the_traceback(arguments: list[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(entry, "VERBS", (failing(RuntimeError("The disk is full.")),))
    with pytest.raises(RuntimeError, match="The disk is full"):
        main(arguments)


def test_ctrl_c_ends_without_a_word(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    def run(_: argparse.Namespace) -> Exit:
        raise KeyboardInterrupt

    verb = Verb(name="wait", summary="wait", details="gemma4 wait", add_arguments=lambda _: None, run=run)
    monkeypatch.setattr(entry, "VERBS", (verb,))
    assert main(["wait"]) == 130
    assert capsys.readouterr() == ("", "")
