"""What people and programs see of two clusters, word for word: `pytest --snapshot-update` after a change that is meant.

One is a fleet of several kinds of GPUs with a load and limits, the other two DGX Sparks that cannot do what is asked.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from syrupy.assertion import SnapshotAssertion

from gemma4_operator.cli.main import main
from gemma4_operator.cli.output import WIDTH

DATA = Path(__file__).parents[2] / "data" / "inventories"
CASES: dict[str, tuple[dict[str, Any], int]] = {
    "mixed": (
        {
            "capabilities": {"contextTokens": 32768},
            "workload": {"requestsPerMinute": 300},
            "objectives": {"timePerOutputTokenMilliseconds": 50, "minimumQuality": "High"},
        },
        0,
    ),
    "spark": ({"model": {"variant": "31B"}, "objectives": {"timePerOutputTokenMilliseconds": 25}}, 3),
}


def printed(verb: str, case: str, output: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    spec, code = CASES[case]
    metadata = {"name": "chat", "namespace": "team-a"}
    resource = {"apiVersion": "gemma4.dev/v1alpha1", "kind": "Gemma4Deployment", "metadata": metadata, "spec": spec}
    (folder / "chat.yaml").write_text(yaml.safe_dump(resource))
    inventory = str(DATA / f"{case}.json")
    assert main([verb, "-f", str(folder / "chat.yaml"), "--inventory", inventory, "-o", output]) == code
    text = capsys.readouterr()
    assert text.err == ""
    return text.out


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("verb", ["plan", "explain"])
def test_for_people(
    verb: str, case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], snapshot: SnapshotAssertion
):
    text = printed(verb, case, "table", tmp_path, capsys)
    assert max(map(len, text.splitlines())) <= WIDTH
    assert text == snapshot


@pytest.mark.parametrize("case", CASES)
def test_for_programs(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], snapshot: SnapshotAssertion):
    text = printed("plan", case, "json", tmp_path, capsys)
    assert json.loads(text) == snapshot


@pytest.mark.parametrize("case", ["mixed"])
@pytest.mark.parametrize("verb", ["plan", "explain"])
def test_yaml_says_the_same_as_json(verb: str, case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    as_json = json.loads(printed(verb, case, "json", tmp_path, capsys))
    assert yaml.safe_load(printed(verb, case, "yaml", tmp_path, capsys)) == as_json
