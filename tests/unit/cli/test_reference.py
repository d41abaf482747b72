"""The reference of the command line against the command line: every verb, option, key and exit code is in it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gemma4_operator.api.common import EngineType
from gemma4_operator.cli import doctor_sources
from gemma4_operator.cli.main import VERBS, main, parser
from gemma4_operator.cli.tree import tree_of
from gemma4_operator.cli.verb import Exit
from gemma4_operator.planner.shape import KvDtype
from gemma4_operator.sim.rules import names
from tests.unit.cli.test_examination import WELL

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "reference" / "cli.md").read_text()
SECTIONS: dict[str, str] = dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE))
BRANCHES = {branch.name: branch for branch in tree_of(parser(VERBS)).branches}
INVENTORIES = ROOT / "tests" / "data" / "inventories"
BIG, SMALL = "--gpu NVIDIA-H200", "--gpu NVIDIA-GeForce-RTX-5090"
SHAPE = "--variant 31B --quantization NVFP4"
RESOURCE = {"apiVersion": "gemma4.dev/v1alpha1", "kind": "Gemma4Deployment", "metadata": {"name": "chat"}}

PRINTED: dict[str, tuple[str, str]] = {
    "plan": ("plan", "plan -f chat.yaml --inventory mixed.json"),
    "plan where GPUs are taken": ("plan", "plan -f chat.yaml --inventory spark.json --pods busy.json"),
    "plan where nothing works": ("plan", "plan -f poor.yaml --inventory spark.json"),
    "plan without GPUs": ("plan", "plan -f poor.yaml --inventory cpu.json"),
    "plan of a change": ("plan", "plan -f poor.yaml --compare chat.yaml --inventory mixed.json"),
    "explain": ("explain", "explain -f chat.yaml --inventory mixed.json"),
    "explain where nothing works": ("explain", "explain -f poor.yaml --inventory spark.json"),
    "fit": ("fit", f"fit {SHAPE} {BIG}"),
    "fit where it does not": ("fit", f"fit {SHAPE} {SMALL}"),
    "kv": ("kv", "kv --variant 31B --context 8192 --max-batched-tokens 2048 --pool-gib 14"),
    "kv of a file": ("kv", "kv --csv points.csv"),
    "predict": ("predict", f"predict {SHAPE} {BIG} --batch 8 --context 4096"),
    "simulate": ("simulate", "simulate --trace trace.jsonl --policy static:replicas=1"),
    "diagnose": ("diagnose", "diagnose --pod pod.json"),
    "diagnose what serves": ("diagnose", "diagnose --pod fine.json"),
    "doctor": ("doctor", "doctor"),
    "predict where it does not fit": ("predict", f"predict {SHAPE} {SMALL} --batch 8 --context 4096"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with all files that the commands name."""
    place = tmp_path_factory.mktemp("reference")
    for name in ("mixed.json", "spark.json"):
        (place / name).write_text((INVENTORIES / name).read_text())
    spec = {"workload": {"requestsPerMinute": 60}}
    (place / "chat.yaml").write_text(yaml.safe_dump({**RESOURCE, "spec": spec}))
    model = {"variant": "E2B", "quantization": "BF16"}
    poor = {**spec, "model": model, "objectives": {"maximumHourlyCost": "0.01", "timePerOutputTokenMilliseconds": 1}}
    (place / "poor.yaml").write_text(yaml.safe_dump({**RESOURCE, "spec": poor}))
    limits = {"limits": {"nvidia.com/gpu": "1"}}
    pods = [
        {
            "kind": "Pod",
            "metadata": {"name": f"busy-{number}"},
            "spec": {"nodeName": f"spark-{number}", "containers": [{"resources": limits}]},
        }
        for number in (1, 2)
    ]
    (place / "busy.json").write_text(json.dumps({"items": pods}))
    (place / "cpu.json").write_text(json.dumps({"kind": "Node", "metadata": {"name": "cpu-1"}}))
    (place / "pod.json").write_text(json.dumps({"status": {"phase": "Failed", "reason": "Evicted"}}))
    (place / "fine.json").write_text(json.dumps({"status": {"conditions": [{"type": "Ready", "status": "True"}]}}))
    (place / "points.csv").write_text("variant,kv_dtype,tp,ctx,mnbt,pool_gib\n31B,fp8,1,8192,2048,14\n")
    (place / "trace.jsonl").write_text('{"timestamp": 0, "input_length": 100, "output_length": 10}\n')
    return place


def keys_of(value: Any) -> Iterator[str]:
    match value:
        case dict():
            for key, inner in value.items():
                yield key
                yield from keys_of(inner)
        case list():
            for inner in value:
                yield from keys_of(inner)


@pytest.mark.parametrize("case", PRINTED)
def test_every_key_that_is_printed_is_in_the_verbs_section(
    case: str, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    verb, command = PRINTED[case]
    monkeypatch.chdir(folder)
    monkeypatch.setattr(doctor_sources, "seen", lambda _: WELL)
    main([*command.split(), "-o", "json"])
    keys = set(keys_of(json.loads(capsys.readouterr().out)))
    assert len(keys) > 3
    assert {key for key in keys if f"`{key}`" not in SECTIONS[verb]} == set()


def test_the_cases_above_are_of_every_verb_with_keys_of_its_own():
    manifests_or_scripts = {"render", "crds", "completion"}
    assert {verb for verb, _ in PRINTED.values()} == BRANCHES.keys() - manifests_or_scripts


def test_every_verb_has_a_section_and_a_row_and_there_are_no_others():
    assert SECTIONS.keys() == BRANCHES.keys()
    for name in BRANCHES:
        assert f"| [`{name}`](#{name}) |" in PAGE


@pytest.mark.parametrize("verb", BRANCHES)
def test_every_option_of_a_verb_is_in_its_section(verb: str):
    flags = {flag for option in BRANCHES[verb].options for flag in option.flags} - {"-h", "--help"}
    assert {flag for flag in flags if f"`{flag}`" not in SECTIONS[verb]} == set()


@pytest.mark.parametrize("verb", BRANCHES)
def test_every_option_in_a_section_exists(verb: str):
    known = {flag for branch in BRANCHES.values() for option in branch.options for flag in option.flags}
    of_vllm = {"--max-model-len", "--max-num-batched-tokens"}
    named = set(re.findall(r"`(--[a-z-]+)`", SECTIONS[verb]))
    assert named <= known | of_vllm


@pytest.mark.parametrize("code", Exit, ids=lambda code: code.name)
def test_every_exit_code_is_told(code: Exit):
    assert f"| {int(code)} |" in PAGE


def commands_in(text: str) -> Iterator[list[str]]:
    """Yield the arguments of each call of the program in the page's examples."""
    for block in re.findall(r"^```console\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        for line in block.splitlines():
            found = re.search(r"(?:^|\| |\()gemma4 ([^|)>]*)", line)
            assert found is not None, line
            yield found[1].split()


@pytest.mark.parametrize("arguments", list(commands_in(PAGE)), ids=" ".join)
def test_every_example_is_a_command_that_there_is(arguments: list[str]):
    assert parser(VERBS).parse_args(arguments).verb.name == arguments[0]


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_so_is_every_example_of_a_verbs_own_help(verb: Any):
    text = verb.details.partition("example")[2].replace("\\\n", " ")
    calls = re.findall(r"gemma4 ([^|)>\n]*)", text)
    assert calls
    for call in calls:
        if not call.endswith((".fish", '_gemma4"')):
            assert parser(VERBS).parse_args(call.split()).verb.name == verb.name


@pytest.mark.parametrize("word", [*EngineType, *KvDtype])
def test_each_engine_and_format_of_a_cache_is_named(word: str):
    assert f"`{word}`" in SECTIONS["fit"]


@pytest.mark.parametrize("rule", names())
def test_each_rule_for_replicas_is_named(rule: str):
    assert re.search(rf"`{rule}[`:]", SECTIONS["simulate"])
