"""The guide to planning shows what the program says today, and every command in it exists."""

import re
import shlex
from pathlib import Path

import pytest

from gemma4_operator.cli.main import VERBS, parser
from hack.record import GUIDES, recorded

(GUIDE,) = GUIDES
TEXT = GUIDE.read_text()
COMMANDS = re.findall(r"(?:^|\| |^\$ )gemma4 ([^|>\n]*)", TEXT, re.MULTILINE)
RECORDS = re.findall(r"^\$ gemma4 (.*)$", TEXT, re.MULTILINE)


def test_what_is_recorded_is_what_is_printed():
    assert recorded(GUIDE) == TEXT, "run `make generate`"


def test_a_record_that_is_old_is_replaced(tmp_path: Path):
    guide = tmp_path / "guide.md"
    guide.write_text("See:\n\n```console\n$ gemma4 completion tcsh\nold\nwords\n```\n\n```console\ngemma4 crds\n```\n")
    fresh = recorded(guide)
    assert "old" not in fresh
    assert fresh.endswith("```console\ngemma4 crds\n```\n"), "what has no prompt is no record"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_exists(command: str):
    arguments = shlex.split(command)
    assert parser(VERBS).parse_args(arguments).verb.name == arguments[0]


def test_the_guide_shows_a_plan_its_account_and_a_wish_that_nothing_serves():
    assert [command.split()[0] for command in RECORDS] == ["plan", "explain", "plan", "plan"]
    for words in (
        "is the cheapest way",
        "Memory of each GPU:",
        "Nothing serves this.",
        "would work:",
        "feasible: true",
    ):
        assert words in TEXT


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", TEXT))
def test_every_link_leads_somewhere(target: str):
    assert (GUIDE.parent / target).exists()
