"""The guide to GitOps says what there is: files, exit codes, and which word means what."""

import re
from pathlib import Path

import pytest
import yaml

from gemma4_operator.cli.verb import Exit
from hack.health_cases import HEALTH_CASES
from tests.gitops.test_health import AGREEMENT

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "guides" / "gitops.md").read_text()
COMMANDS = [
    line
    for block in re.findall(r"^```console\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
    for line in block.splitlines()
]
FILES = sorted({word for command in COMMANDS for word in command.split() if word.startswith("manifests/")})
ROWS = re.findall(r"^\| (\w+) \| .* \| (.*) \|$", TEXT.split("| Argo CD says |")[1].split("\n\n")[0], re.MULTILINE)


@pytest.mark.parametrize("path", FILES)
def test_every_file_of_a_command_exists(path: str):
    assert (ROOT / path).exists()


def test_the_words_of_argo_cd_and_kstatus_are_those_that_tests_hold_together():
    told = {(word, other) for word, others in ROWS for other in AGREEMENT if other in others}
    assert told == {(word, other) for other, words in AGREEMENT.items() for word in words}
    assert {word for word, _ in told} == {case.health for case in HEALTH_CASES}


def test_the_exit_codes_are_those_of_the_command():
    codes = set(re.findall(r"^\| (\d) \|", TEXT, re.MULTILINE))
    assert codes == {str(int(code)) for code in Exit if code is not Exit.UNEXPECTED}


def test_the_workflow_gives_the_action_inputs_that_it_has():
    action = yaml.safe_load((ROOT / "manifests" / "gitops" / "pull-request" / "action.yml").read_text())
    blocks = re.findall(r"^```yaml\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
    (workflow,) = (document for document in map(yaml.safe_load, blocks) if "jobs" in document)
    given = workflow["jobs"]["plan"]["steps"][-1]["with"]
    assert given.keys() <= action["inputs"].keys()
    assert {name for name, one in action["inputs"].items() if one.get("required")} <= given.keys()
