"""The repository as a product: commands, versions and links that agree with each other."""

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from hack.manifests import CHART, ROOT

MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^\.PHONY: (\S+)$", MAKEFILE, re.MULTILINE))
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)")


def _version() -> str:
    version: str = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    return version


def test_help_is_the_default_and_lists_every_target():
    output = subprocess.run(["make"], cwd=ROOT, check=True, capture_output=True, text=True, env=_clean()).stdout
    listed = re.findall(r"^\s*\x1b\[1m(\S+)\s*\x1b\[0m \S", output, re.MULTILINE)
    assert set(listed) == TARGETS
    assert {"setup", "test", "test-fast", "lint", "generate", "bench", "demo", "demo-down", "image", "clean"} <= TARGETS


def _clean() -> dict[str, str]:
    """Return the environment without what a surrounding make passes down."""
    return {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}


def test_every_command_of_the_documents_is_a_target():
    named = {
        (page.name, target)
        for page in PAGES
        for target in re.findall(r"(?:^|`)make ([a-z][a-z-]*)", page.read_text(), re.MULTILINE)
    }
    assert {item for item in named if item[1] not in TARGETS} == set()


def test_the_readme_starts_with_the_two_commands():
    first_block = (ROOT / "README.md").read_text().split("```")[1]
    assert re.findall(r"^make (\S+)", first_block, re.MULTILINE) == ["demo", "test"]


def test_ci_runs_make_test_without_asking():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert script.read_text().splitlines()[-1] == "exec make test </dev/null"


def test_one_version_everywhere():
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert chart["version"] == chart["appVersion"] == _version()
    assert f"ARG VERSION={_version()}\n" in dockerfile
    assert f"IMAGE ?= gemma4-operator:{_version()}\n" in MAKEFILE


def test_one_uv_everywhere():
    (setup,) = re.findall(r"^uv_version=(\S+)$", (ROOT / "hack" / "setup.sh").read_text(), re.MULTILINE)
    assert f"ARG UV_VERSION={setup}\n" in (ROOT / "Dockerfile").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path):
    broken = [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()]
    assert broken == []


def test_the_index_lists_every_decision():
    folder = ROOT / "docs" / "adr"
    pages = sorted(path.name for path in folder.glob("[0-9]*.md"))
    assert sorted(set(LINK.findall((folder / "README.md").read_text()))) == pages


def test_the_rooms_of_the_readme_exist():
    tree = (ROOT / "README.md").read_text().split("## Where things are")[1].split("```")[1]
    rooms = re.findall(r"^(\S+?)/? {2,}", tree, re.MULTILINE)
    assert rooms
    assert [room for room in rooms if not (ROOT / room).exists()] == []
    packages = re.findall(r"^  (\S+?)/ ", tree, re.MULTILINE)
    package = ROOT / "operator" / "gemma4_operator"
    assert sorted(packages) == sorted(path.parent.name for path in package.glob("*/__init__.py"))
