"""The check of a pull request in a real repository: the shell script, and the step of GitHub Actions around it.

GitHub does not run here: the steps' own scripts do, with the variables that a runner sets, and a stand-in of `gh`.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.cli.calls import MIXED, UNPAYABLE, deployment

FOLDER = Path(__file__).parents[2] / "manifests" / "gitops" / "pull-request"
SCRIPT = FOLDER / "plan.sh"
ACTION: dict[str, Any] = yaml.safe_load((FOLDER / "action.yml").read_text())
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
SMALL = {"model": {"variant": "E2B", "quantization": "BF16"}}
LARGE = {"model": {"variant": "31B", "quantization": "FP8"}}


class Repository:
    """A repository with manifests, whose branch `main` has what was before."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._git("init", "--quiet", "--initial-branch=main")
        self._git("config", "user.name", "a")
        self._git("config", "user.email", "a@example.com")

    def _git(self, *arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=self.folder, check=True, capture_output=True)

    def write(self, path: str, *objects: dict[str, Any]) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        # Without an end of line: two such files must not become one document.
        file.write_text(yaml.safe_dump_all(objects).rstrip())

    def remove(self, path: str) -> None:
        (self.folder / path).unlink()

    def commit(self) -> None:
        self._git("add", "--all")
        self._git("commit", "--quiet", "--message", "x", "--allow-empty")

    def branch(self, name: str) -> None:
        self._git("switch", "--quiet", "--create", name)

    def back(self, name: str) -> None:
        self._git("switch", "--quiet", name)

    def run(self, *command: str, place: str = ".", **variables: str) -> subprocess.CompletedProcess[str]:
        environ = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", **variables}
        folder = self.folder / place
        return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)

    def plan(self, *arguments: str, place: str = ".") -> subprocess.CompletedProcess[str]:
        return self.run(str(SCRIPT), *arguments, "--inventory", MIXED, place=place)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """One deployment and other files on main, and a branch of a change."""
    folder = tmp_path / "repository"
    folder.mkdir()
    made = Repository(folder)
    made.write("models/chat.yaml", deployment("chat", SMALL))
    made.write("models/deeper/other one.yml", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team-a"}})
    (folder / "models" / "README.md").write_text("{{ no YAML }}\n")
    made.commit()
    made.branch("change")
    return made


def test_what_is_committed_is_compared_with_what_was_there(repository: Repository):
    repository.write("models/chat.yaml", deployment("chat", LARGE))
    repository.write("models/deeper/new.yaml", deployment("new", SMALL))
    repository.commit()
    done = repository.plan("main", "models")
    assert (done.returncode, done.stderr) == (0, "")
    assert "| `team-a/chat` | changed, pods are replaced | `E2B BF16, VLLM` → `31B FP8, VLLM` |" in done.stdout
    assert "| `team-a/new` | added |" in done.stdout


def test_so_is_what_is_not_committed_yet(repository: Repository):
    repository.remove("models/chat.yaml")
    repository.write("models/untracked.yaml", deployment("new", SMALL))
    done = repository.plan("main", "models")
    assert "| `team-a/chat` | removed |" in done.stdout
    assert "| `team-a/new` | added |" in done.stdout


def test_what_others_have_merged_since_is_no_part_of_the_change(repository: Repository):
    repository.back("main")
    repository.write("models/theirs.yaml", deployment("theirs", LARGE))
    repository.commit()
    repository.back("change")
    done = repository.plan("main", "models")
    assert "No Gemma4Deployment changes." in done.stdout


def test_a_folder_that_is_deleted_has_nothing_any_more(repository: Repository):
    shutil.rmtree(repository.folder / "models")
    repository.commit()
    done = repository.plan("main", "models")
    assert (done.returncode, done.stderr) == (0, "")
    assert "| `team-a/chat` | removed |" in done.stdout


def test_a_folder_that_is_new_had_nothing_before(repository: Repository):
    repository.write("more/deeper/new.yaml", deployment("new", SMALL))
    repository.commit()
    done = repository.plan("main", "more")
    assert (done.returncode, done.stderr) == (0, "")
    assert "| `team-a/new` | added |" in done.stdout


@pytest.mark.parametrize("name", ["models/chat.json", "models/deeper/chat.yml"])
def test_a_manifest_that_is_called_otherwise_is_the_same(repository: Repository, name: str):
    repository.remove("models/chat.yaml")
    repository.write(name, deployment("chat", SMALL))
    repository.commit()
    assert "No Gemma4Deployment changes." in repository.plan("main", "models").stdout


def test_from_any_place_of_the_repository_the_folder_is_found(repository: Repository):
    repository.write("models/chat.yaml", deployment("chat", LARGE))
    repository.commit()
    expected = repository.plan("main", "models").stdout
    assert "team-a/chat" in expected
    (repository.folder / "tools").mkdir()
    absolute = str(repository.folder / "models")
    for place, folder in (("models", "."), ("tools", "../models"), ("tools", absolute), (".", "models/")):
        assert repository.plan("main", folder, place=place).stdout == expected


class TestMessages:
    """They name the author's file, and none that the script has made."""

    def test_of_a_file_that_is_broken(self, repository: Repository):
        (repository.folder / "models" / "deeper" / "other one.yml").write_text("a: [\n")
        done = repository.plan("main", "models")
        assert done.returncode == 2
        assert done.stderr.startswith("gemma4: models/deeper/other one.yml: must be YAML or JSON, and is not in line 1")

    @pytest.mark.parametrize("name", ["b.yaml", "b & c.yaml", "b\\c#.json"])
    def test_of_one_that_was_broken_before(self, repository: Repository, name: str):
        (repository.folder / "models" / name).write_text("a: [\n")
        repository.commit()
        repository.branch("next")
        repository.remove(f"models/{name}")
        repository.commit()
        done = repository.plan("change", "models")
        assert done.returncode == 2
        assert done.stderr.startswith(f"gemma4: models/{name} (before the change): must be YAML or JSON, and is not")

    def test_of_a_deployment_that_was_there_twice(self, repository: Repository):
        repository.write("models/again.yaml", deployment("chat", SMALL))
        repository.commit()
        repository.branch("next")
        repository.remove("models/again.yaml")
        repository.commit()
        done = repository.plan("change", "models")
        assert done.stderr == (
            "gemma4: Gemma4Deployment team-a/chat must be given once, and is in models/again.yaml (before the change) "
            "and in models/chat.yaml (before the change)\n"
        )

    def test_of_a_deployment_that_is_there_twice(self, repository: Repository):
        repository.write("models/again.yaml", deployment("chat", SMALL))
        assert repository.plan("main", "models").stderr == (
            "gemma4: Gemma4Deployment team-a/chat must be given once, and is in models/again.yaml and in "
            "models/chat.yaml\n"
        )


def test_files_outside_of_the_folder_are_no_matter(repository: Repository):
    repository.write("elsewhere/chat.yaml", deployment("elsewhere", LARGE))
    repository.commit()
    assert "elsewhere" not in repository.plan("main", "models").stdout


@pytest.mark.parametrize(
    ("spec", "code"), [(SMALL, 0), ({"replicas": -1}, 2), (UNPAYABLE, 3)], ids=["served", "invalid", "not served"]
)
def test_the_exit_code_decides(repository: Repository, spec: dict[str, Any], code: int):
    repository.write("models/chat.yaml", deployment("chat", spec))
    assert repository.plan("main", "models").returncode == code


def test_further_options_reach_the_command(repository: Repository):
    assert repository.plan("main", "models", "-o", "json").stdout.startswith("{")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("main",), "plan.sh: must be called as plan.sh BASE FOLDER"),
        (("nowhere", "models"), "plan.sh: nowhere must be a commit of this repository"),
        (("main", "model"), "plan.sh: model must be a folder of this repository, and is neither here nor where"),
    ],
)
def test_a_call_that_cannot_be(repository: Repository, arguments: tuple[str, ...], sentence: str):
    done = repository.run(str(SCRIPT), *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(sentence)


def test_nothing_is_left_behind(repository: Repository, tmp_path: Path):
    place = tmp_path / "temporary"
    place.mkdir()
    repository.run(str(SCRIPT), "main", "models", "--inventory", MIXED, TMPDIR=str(place))
    assert list(place.iterdir()) == []


class TestAction:
    """The step's script as a runner runs it."""

    def run(self, repository: Repository, folder: Path, **inputs: str) -> tuple[int, str, str]:
        """Return the exit code that the step hands on, the comment, and the log."""
        for name in ("output", "summary"):
            (folder / name).write_text("")
        script = folder / "step.sh"
        script.write_text(STEPS[0]["run"])
        variables = {
            "BASE": "main",
            "FOLDER": "models",
            "INVENTORY": MIXED,
            "CATALOG": "",
            "GITHUB_ACTION_PATH": str(FOLDER),
            "GITHUB_OUTPUT": str(folder / "output"),
            "GITHUB_STEP_SUMMARY": str(folder / "summary"),
            "RUNNER_TEMP": str(folder),
            **inputs,
        }
        assert STEPS[0]["env"].keys() <= variables.keys()
        bash = shutil.which("bash")
        assert bash is not None
        done = repository.run(bash, "--noprofile", "--norc", "-eo", "pipefail", str(script), **variables)
        assert done.returncode == 0, done.stderr
        comment = (folder / "gemma4-plan.md").read_text()
        assert (folder / "summary").read_text() == comment
        code = re.fullmatch(r"exit-code=(\d)\n", (folder / "output").read_text())
        assert code is not None
        return int(code[1]), comment, done.stderr

    def test_the_comment_is_the_plan(self, repository: Repository, tmp_path: Path):
        repository.write("models/chat.yaml", deployment("chat", LARGE))
        code, comment, _ = self.run(repository, tmp_path)
        assert code == 0
        assert comment == repository.plan("main", "models").stdout

    def test_prices_of_ones_own_reach_the_plan(self, repository: Repository, tmp_path: Path):
        repository.write("models/chat.yaml", deployment("chat", LARGE))
        (tmp_path / "own prices.yaml").write_text('prices: {NVIDIA-L40S: "0.33"}\n')
        _, comment, _ = self.run(repository, tmp_path, CATALOG=str(tmp_path / "own prices.yaml"))
        assert "`0.33`" in comment

    def test_what_would_not_be_served_is_told_and_fails_later(self, repository: Repository, tmp_path: Path):
        repository.write("models/chat.yaml", deployment("chat", UNPAYABLE))
        code, comment, _ = self.run(repository, tmp_path)
        assert code == 3
        assert "would not be served" in comment
        assert STEPS[-1]["run"] == 'exit "$CODE"'
        assert "steps.plan.outputs.exit-code" in STEPS[-1]["env"]["CODE"]

    def test_what_is_not_valid_is_the_comment(self, repository: Repository, tmp_path: Path):
        repository.write("models/chat.yaml", deployment("chat", {"replicas": -1}))
        code, comment, log = self.run(repository, tmp_path)
        assert code == 2
        assert comment == "    gemma4: spec.replicas: must be at least 0\n"
        assert log.strip() in comment

    def test_the_plan_is_told_before_the_comment_and_decides_after_it(self):
        comments = next(number for number, step in enumerate(STEPS) if "comment.sh" in step["run"])
        assert 0 < comments < len(STEPS) - 1
        assert {"FOLDER", "INVENTORY", "CATALOG"} <= STEPS[comments]["env"].keys()

    def test_no_expression_stands_in_a_script(self):
        """There it would be pasted before the shell reads it, whatever a pull request has put into it."""
        assert [step["run"] for step in STEPS if "${{" in step["run"]] == []

    def test_every_input_is_used_and_no_other(self):
        used = set(re.findall(r"inputs\.([a-z]+)", (FOLDER / "action.yml").read_text()))
        assert used == ACTION["inputs"].keys()


GH = """\
import json, pathlib, sys

store = pathlib.Path(__file__).with_name("comments.json")
comments = json.loads(store.read_text())
words = sys.argv[1:]
fields = dict(word.split("=", 1) for word in words if "=" in word and not word.startswith("-"))


def body(path):
    return pathlib.Path(path).read_text()


def may_write():
    if store.with_name("read-only").exists():
        sys.exit("GraphQL: Resource not accessible by integration")


if words[:2] == ["api", "graphql"] and fields["query"].startswith("query"):
    assert "--paginate" in words and "$endCursor" in fields["query"]
    assert (fields["owner"], fields["name"], fields["number"]) == ("team", "models", "7")
    for number, comment in enumerate(comments):
        if comment["viewerDidAuthor"]:
            print(f"IC_{number}", comment["body"].splitlines()[0])
elif words[:2] == ["api", "graphql"]:
    may_write()
    comments[int(fields["id"].removeprefix("IC_"))]["body"] = body(fields["body"].removeprefix("@"))
elif words[:5] == ["pr", "comment", "7", "--repo", "team/models"]:
    may_write()
    comments.append({"viewerDidAuthor": True, "body": body(words[words.index("--body-file") + 1])})
else:
    sys.exit(f"unknown: {words}")
store.write_text(json.dumps(comments))
"""
"""What a pull request of GitHub's has, as far as the action asks for it by `gh`."""


class TestComment:
    """The step that comments, with a stand-in of `gh` that keeps the comments in a file."""

    @pytest.fixture(autouse=True)
    def github(self, tmp_path: Path) -> None:
        self._folder = tmp_path
        (tmp_path / "gh.py").write_text(GH)
        (tmp_path / "gh").write_text(f'#!/bin/sh\nexec {sys.executable} {tmp_path}/gh.py "$@"\n')
        (tmp_path / "gh").chmod(0o755)
        self._say()

    def _say(self, *bodies: str, ours: bool = False) -> None:
        told = [{"viewerDidAuthor": ours, "body": body} for body in bodies]
        (self._folder / "comments.json").write_text(json.dumps(told))

    def _bodies(self) -> list[str]:
        return [comment["body"] for comment in json.loads((self._folder / "comments.json").read_text())]

    def _run(self, plan: str, *, folder: str = "apps/ai") -> subprocess.CompletedProcess[str]:
        (self._folder / "gemma4-plan.md").write_text(plan)
        (step,) = (step for step in STEPS if "comment.sh" in step["run"])
        (self._folder / "comment-step.sh").write_text(step["run"])
        variables = {
            "GH_TOKEN": "x",
            "NUMBER": "7",
            "FOLDER": folder,
            "INVENTORY": "nodes.json",
            "CATALOG": "",
            "GITHUB_ACTION_PATH": str(FOLDER),
            "GITHUB_REPOSITORY": "team/models",
            "RUNNER_TEMP": str(self._folder),
            "PATH": f"{self._folder}:{os.environ['PATH']}",
        }
        assert step["env"].keys() <= variables.keys()
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(self._folder / "comment-step.sh")]
        done = subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done

    def test_a_second_run_writes_over_what_the_first_has_written(self):
        self._say("looks good")
        self._run("first\n")
        self._run("second\n")
        stranger, ours = self._bodies()
        assert stranger == "looks good"
        assert re.fullmatch(r"<!-- gemma4-plan [0-9]+-[0-9]+ -->\nsecond\n", ours), "the mark is not seen"

    def test_two_folders_have_a_comment_each(self):
        for folder in ("apps/ai", "apps/chat", "apps/ai"):
            self._run(f"of {folder}\n", folder=folder)
        assert [body.splitlines()[1] for body in self._bodies()] == ["of apps/ai", "of apps/chat"]

    def test_other_comments_of_the_same_account_stay(self):
        self._say("what another job says", ours=True)
        self._run("plan\n")
        assert self._bodies()[0] == "what another job says"
        assert len(self._bodies()) == 2

    def test_who_copies_the_mark_is_not_written_over(self):
        self._run("plan\n")
        (copied,) = self._bodies()
        self._say(copied)
        self._run("another plan\n")
        assert self._bodies()[0] == copied

    def test_a_folder_cannot_end_the_mark(self):
        self._run("plan\n", folder="--> # hello <!--")
        assert "hello" not in self._bodies()[0]

    @pytest.mark.parametrize("before", [False, True], ids=["none", "one to be changed"])
    def test_without_the_right_to_comment_the_log_says_so_and_the_job_goes_on(self, before: bool):
        if before:
            self._run("before\n")
        (self._folder / "read-only").touch()
        done = self._run("plan\n")
        assert (
            done.stdout == "::warning::The plan could not be written as a comment; it is in the summary of the job.\n"
        )
        assert "Resource not accessible" in done.stderr

    def test_a_call_that_cannot_be(self):
        done = subprocess.run([str(FOLDER / "comment.sh"), "a/b"], capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert done.stderr.startswith("comment.sh: must be called as comment.sh OWNER/REPOSITORY NUMBER FILE")
