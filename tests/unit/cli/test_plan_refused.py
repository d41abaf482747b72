"""What `gemma4 plan`, `explain` and `render` refuse and in which words, and what several files come to."""

from pathlib import Path
from typing import Any

import pytest

from gemma4_operator.cli.main import main
from tests.unit.cli.calls import MIXED, SPARK, deployment, told, written

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown variant": (
        {"model": {"variant": "7B"}},
        "spec.model.variant: must be one of 'Auto', '31B', '26B-A4B', '12B', 'E4B' or 'E2B'",
    ),
    "an unknown field": ({"modell": {}}, "spec.modell: must be absent: there is no such field"),
    "more context than any model sees": (
        {"capabilities": {"contextTokens": 300000}},
        "spec.capabilities.contextTokens: must be at most 262144",
    ),
    "no requests at all": (
        {"workload": {"requestsPerMinute": 0}},
        "spec.workload.requestsPerMinute: must be at least 1",
    ),
    "weights without a name for them": (
        {"model": {"checkpoint": {"huggingFace": {"repository": "a/b"}}}},
        "spec.model.variant: must be named with `checkpoint`, such as '31B': nobody can tell it from the weights",
    ),
}


@pytest.mark.parametrize("verb", ["plan", "explain", "render"])
@pytest.mark.parametrize("what", WRONG)
def test_a_spec_that_cannot_be(what: str, verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    spec, sentence = WRONG[what]
    assert main([verb, "-f", written(tmp_path, deployment(spec=spec)), "--inventory", SPARK]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"gemma4: {sentence}")
    assert printed.err.count("\n") == 1


PATCHES: dict[str, tuple[dict[str, Any], str]] = {
    "the host's network": ({"spec": {"hostNetwork": True}}, "spec.hostNetwork` must not be true"),
    "a folder of the host": (
        {"spec": {"volumes": [{"name": "host", "hostPath": {"path": "/"}}]}},
        "spec.volumes[host]` must not be a `hostPath`",
    ),
    "another account": ({"spec": {"serviceAccountName": "admin"}}, "spec.serviceAccountName` must be absent"),
    "a misspelt key": ({"spec": {"tolerationz": []}}, "spec.tolerationz` must be absent"),
    "a label of the operator's": (
        {"metadata": {"labels": {"gemma4.dev/deployment": "other"}}},
        "metadata.labels` must not change 'gemma4.dev/deployment'",
    ),
}
"""What the API server takes, and the operator refuses when it renders."""


@pytest.mark.parametrize("verb", ["plan", "explain", "render"])
@pytest.mark.parametrize("what", PATCHES)
def test_a_patch_that_the_operator_refuses_is_not_valid(
    what: str, verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    patch, words = PATCHES[what]
    file = written(tmp_path, deployment(spec={"podTemplatePatch": patch}))
    assert main([verb, "-f", file, "--inventory", SPARK]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"gemma4: team-a/chat: `spec.podTemplatePatch.{words}")
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize("verb", ["plan", "explain"])
def test_a_patch_that_it_takes_changes_no_plan(verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    patch = {"metadata": {"annotations": {"team": "a"}}}
    bare, patched = (
        told([verb, "-f", written(tmp_path, deployment(spec=spec)), "--inventory", SPARK], capsys)
        for spec in ({}, {"podTemplatePatch": patch})
    )
    if verb == "plan":
        bare["plan"].pop("hash")
        patched["plan"].pop("hash")
    assert patched == bare


def test_of_several_the_wrong_one_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = written(tmp_path, deployment("good"), deployment("bad", {"replicas": -1}))
    assert main(["plan", "-f", file, "--inventory", SPARK]) == 2
    assert capsys.readouterr().err == "gemma4: Gemma4Deployment 'bad': spec.replicas: must be at least 0\n"


USAGE: dict[str, tuple[list[str], str]] = {
    "two things from one standard input": (
        ["plan", "-f", "-", "--inventory", "-"],
        "`--file` and `--inventory` must not both be standard input: write one of them to a file",
    ),
    "one thing from standard input twice": (
        ["plan", "-f", "-", "-f", "-", "--inventory", SPARK],
        "`--file` must not be standard input twice: it can be read only once",
    ),
    "nothing to plan": (
        ["plan", "--inventory", SPARK],
        "`-f` must be given, or the NAME of a Gemma4Deployment in the cluster, and not both",
    ),
    "a file and a name": (
        ["explain", "chat", "-f", "chat.yaml"],
        "`-f` must be given, or the NAME of a Gemma4Deployment in the cluster, and not both",
    ),
}


@pytest.mark.parametrize("what", USAGE)
def test_usage_that_contradicts_itself(what: str, capsys: pytest.CaptureFixture[str]):
    arguments, sentence = USAGE[what]
    assert main(arguments) == 2
    assert capsys.readouterr().err == f"gemma4: {sentence}\n"


@pytest.mark.parametrize("verb", ["plan", "explain", "render"])
def test_the_deployments_of_several_files(verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    files = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        files += ["-f", written(tmp_path / name, deployment(name))]
    found = told([verb, *files, "--inventory", SPARK], capsys)
    names = [one["metadata"]["name"] for one in found["items"]] if verb == "render" else [one["name"] for one in found]
    assert list(dict.fromkeys(names)) == ["one", "two"]


@pytest.mark.parametrize("verb", ["plan", "explain", "render", "compare"])
def test_one_that_two_files_bring_is_refused_with_both_places(
    verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "folder").mkdir()
    one, two = written(tmp_path, deployment()), written(tmp_path / "folder", deployment("first"), deployment())
    compared = ["plan", "--compare", one] if verb == "compare" else [verb]
    assert main([*compared, "-f", one, "-f", str(tmp_path / "folder"), "--inventory", SPARK]) == 2
    assert capsys.readouterr().err == (
        f"gemma4: Gemma4Deployment team-a/chat must be given once, and is in {one} and in object 2 of {two}\n"
    )


def test_so_is_one_that_is_given_twice_by_the_same_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = written(tmp_path, deployment())
    assert main(["plan", "-f", file, "-f", file, "--inventory", SPARK]) == 2
    assert (
        capsys.readouterr().err == f"gemma4: Gemma4Deployment team-a/chat must be given once, and is in {file} twice\n"
    )


def test_the_namespace_that_is_filled_in_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = written(tmp_path, deployment(), deployment(namespace=None))
    assert [one["namespace"] for one in told(["plan", "-f", file, "--inventory", SPARK], capsys)] == [
        "team-a",
        "default",
    ]
    assert main(["plan", "-f", file, "-n", "team-a", "--inventory", SPARK]) == 2
    assert "team-a/chat must be given once, and is in object 1 of " in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["plan", "-f", "chat.yaml", "--inventory", MIXED, "--inventory", SPARK],
        ["fit", "--variant", "31B", "--quantization", "FP8", "--gpu", "NVIDIA-L4", "--gpu", SPARK],
        ["diagnose", "--pod", "pod.json", "--log", "a.log", "--log", SPARK],
        ["simulate", "--trace", "a.csv", "--trace", SPARK],
    ],
)
def test_what_would_be_forgotten_of_two_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]):
    assert main(arguments) == 2
    assert f"{arguments[-2]}: must be given once, and '{SPARK}' is the second" in capsys.readouterr().err
