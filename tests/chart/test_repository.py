"""The repository as a product: commands, versions and links that agree with each other."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml

from hack.manifests import CHART, ROOT

MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^\.PHONY: (\S+)$", MAKEFILE, re.MULTILINE))
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
SVG = "{http://www.w3.org/2000/svg}"
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


@pytest.mark.parametrize("page", ["README.md", "docs/guides/install.md", "docs/reference/cli.md"])
def test_who_is_to_type_gemma4_is_told_where_it_comes_from(page: str):
    text = (ROOT / page).read_text()
    told = [text.find(way) for way in ("`uv tool install .`", "`pip install .`", "`.venv/bin/gemma4`")]
    typed = re.search(r"^(?:\$ )?(?:.*\| )?gemma4 ", text, re.MULTILINE)
    assert min(told) >= 0
    assert typed is None or max(told) < typed.start()


def test_the_command_is_where_make_setup_puts_it():
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert {"gemma4", "kubectl-gemma4"} == scripts.keys()
    assert [name for name in scripts if not (Path(sys.executable).parent / name).exists()] == []


def test_the_picture_of_the_readme_shows_a_sample_as_it_is():
    picture = ET.parse(ROOT / "docs" / "images" / "overview.svg")
    (code,) = (group for group in picture.iter(f"{SVG}g") if "monospace" in group.get("font-family", ""))
    shown = [text.text for text in code.iter(f"{SVG}text")]
    sample = iter([line.strip() for line in (ROOT / "manifests" / "samples" / "auto.yaml").read_text().splitlines()])
    assert len(shown) >= 10
    assert all(line in sample for line in shown), "each line after the one before"
    assert "docs/images/overview.svg" in (ROOT / "README.md").read_text()


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
    assert f"ARG UV_IMAGE=ghcr.io/astral-sh/uv:{setup}\n" in (ROOT / "Dockerfile").read_text()


def test_every_image_that_the_build_starts_from_is_an_argument_that_the_guide_names():
    dockerfile = (ROOT / "Dockerfile").read_text()
    head, first, rest = dockerfile.partition("\nFROM ")
    arguments = dict(re.findall(r"^ARG (\w+)=(\S+)$", head, re.MULTILINE))
    stages = re.findall(r"^FROM (\S+)(?: AS (\S+))?$", first + rest, re.MULTILINE)
    assert [base for base, _ in stages] == [f"${{{name}}}" for name in arguments]
    # A stage is the only other place from which files come.
    assert set(re.findall(r"\bfrom=([^\s,]+)", rest)) <= {name for _, name in stages}
    guide = (ROOT / "docs" / "guides" / "install.md").read_text()
    assert [name for name in arguments if f"`{name}`" not in guide] == []


def _image(*variables: str, tree: Path = ROOT) -> list[str]:
    """Return the words of the command by which `make image` would build."""
    command = ["make", "--dry-run", "--file", str(ROOT / "Makefile"), "image", "CONTAINER_TOOL=docker", *variables]
    environment = {name: value for name, value in _clean().items() if name != "REVISION"}
    return subprocess.run(command, cwd=tree, check=True, capture_output=True, text=True, env=environment).stdout.split()


def test_make_hands_arguments_to_the_build():
    pinned = "--build-arg FINAL_BASE=registry.example/base@sha256:0"
    said = _image(f"IMAGE_ARGS={pinned}", "REVISION=abc")
    told = f"--build-arg REVISION=abc {pinned}"
    assert said == f"docker build -t gemma4-operator:{_version()} {told} -f Dockerfile .".split()
    assert "ARG REVISION=" in (ROOT / "Dockerfile").read_text()


def test_the_image_is_told_its_commit_where_there_is_one(tmp_path: Path):
    assert "REVISION" not in " ".join(_image(tree=tmp_path)), "an archive of the sources has none"
    git = ("git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@example.com")
    subprocess.run([*git, "init", "--quiet"], check=True)
    assert "REVISION" not in " ".join(_image(tree=tmp_path)), "nothing is committed"
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "--message", "x"], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    assert f"REVISION={head}" in _image(tree=tmp_path)


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
