"""Completion as shells do it: the script is loaded by the real shell, which is asked what it would offer."""

import argparse
import shutil
import subprocess
from pathlib import Path

import pytest

from gemma4_operator.cli import completion, main
from gemma4_operator.cli.shells import SHELLS
from gemma4_operator.cli.tree import tree_of
from gemma4_operator.sim.rules import names

ASK_BASH = """
source {script}
COMP_WORDS=({words})
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_gemma4
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def only_if(shell: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(shell) is None, reason=f"{shell} is not installed")


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the script of each shell."""
    folder = tmp_path_factory.mktemp("completion")
    values = completion._with_values(tree_of(main.parser(main.VERBS)), completion._values())
    for shell, make in SHELLS.items():
        (folder / f"gemma4.{shell}").write_text(make(values))
    return folder


def offered(scripts: Path, words: str, *, folder: Path | None = None) -> set[str]:
    """Return what bash offers after some words; the last one, perhaps '', is the one that is being typed."""
    script = ASK_BASH.format(script=scripts / "gemma4.bash", words=words)
    done = subprocess.run(
        ["bash", "--norc", "-c", script], capture_output=True, text=True, check=True, cwd=folder or scripts
    )
    assert done.stderr == ""
    return set(done.stdout.split())


class TestBash:
    def test_verbs(self, scripts: Path):
        assert {verb.name for verb in main.VERBS} <= offered(scripts, "gemma4 ''")

    def test_a_verb_that_is_begun(self, scripts: Path):
        assert offered(scripts, "gemma4 pl") == {"plan"}

    def test_as_a_plugin_of_kubectl(self, scripts: Path):
        assert offered(scripts, "kubectl-gemma4 exp") == {"explain"}

    def test_a_verbs_own_options_and_no_others(self, scripts: Path):
        options = offered(scripts, "gemma4 kv --")
        assert {"--variant", "--csv", "--help"} <= options
        assert "--inventory" not in options

    def test_an_option_of_the_command_before_the_verb(self, scripts: Path):
        assert offered(scripts, "gemma4 --debug cr") == {"crds"}

    def test_closed_sets(self, scripts: Path):
        assert offered(scripts, "gemma4 plan -o ''") == {"table", "json", "yaml"}
        assert offered(scripts, "gemma4 plan --output = js") == {"json"}
        assert offered(scripts, "gemma4 plan --output =") == {"table", "json", "yaml"}

    def test_values_that_verbs_read_in_any_spelling(self, scripts: Path):
        assert offered(scripts, "gemma4 fit --variant E") == {"E4B", "E2B"}
        assert offered(scripts, "gemma4 fit --gpu NVIDIA-L4") == {"NVIDIA-L4", "NVIDIA-L40", "NVIDIA-L40S"}

    def test_rules_that_simulate_plays(self, scripts: Path):
        assert offered(scripts, "gemma4 simulate --policy ''") == set(names())
        assert offered(scripts, "gemma4 simulate --policy h") == {"hpa"}
        assert offered(scripts, "gemma4 simulate --policy hpa --policy k") == {"keda", "knative", "kubeai"}

    def test_shells_of_completion_itself(self, scripts: Path):
        assert offered(scripts, "gemma4 completion ''") >= {"bash", "zsh", "fish"}

    def test_files_where_a_file_is_read(self, scripts: Path, tmp_path: Path):
        (tmp_path / "chat.yaml").touch()
        (tmp_path / "nodes.json").touch()
        assert offered(scripts, "gemma4 plan -f ch", folder=tmp_path) == {"chat.yaml"}
        assert offered(scripts, "gemma4 plan --inventory ''", folder=tmp_path) == {"chat.yaml", "nodes.json"}

    def test_nothing_where_only_a_person_knows(self, scripts: Path):
        assert offered(scripts, "gemma4 kv --context ''") == set()


@only_if("fish")
def test_fish(scripts: Path):
    def ask(line: str) -> set[str]:
        script = f"source {scripts / 'gemma4.fish'}; complete -C '{line}'"
        done = subprocess.run(["fish", "--no-config", "-c", script], capture_output=True, text=True, check=True)
        return {answer.split("\t")[0] for answer in done.stdout.splitlines()}

    assert {verb.name for verb in main.VERBS} <= ask("gemma4 ")
    assert ask("gemma4 plan -o ") == {"table", "json", "yaml"}
    assert "--csv" in ask("gemma4 kv --c")
    assert "--csv" not in ask("gemma4 plan --c")
    assert ask("gemma4 simulate --policy h") == {"hpa"}


def test_zsh_offers_an_option_again_that_may_be_given_again(scripts: Path):
    script = (scripts / "gemma4.zsh").read_text()
    assert "'*--policy[" in script
    assert "'*-f[" in script
    assert "'(--inventory)--inventory[" in script


@only_if("zsh")
def test_zsh_reads_its_script(scripts: Path):
    script = f"autoload -U compinit; compinit -u -D; source {scripts / 'gemma4.zsh'}; print $_comps[gemma4]"
    done = subprocess.run(["zsh", "-f", "-c", script], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("_gemma4\n", "")


def test_zsh_and_fish_know_rules_by_name(scripts: Path):
    """In zsh a colon ends the name of a value, and those in `NAME[:KEY=VALUE,...]` would hide the rules behind it."""
    rules = " ".join(names())
    assert f"]:NAME:({rules})'" in (scripts / "gemma4.zsh").read_text()
    assert f"-l policy -x -a '{rules}'" in (scripts / "gemma4.fish").read_text()


@pytest.mark.parametrize("shell", SHELLS)
def test_the_verb_prints_the_script(shell: str, scripts: Path, capsys: pytest.CaptureFixture[str]):
    assert main.main(["completion", shell]) == 0
    assert capsys.readouterr().out == (scripts / f"gemma4.{shell}").read_text()


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_holds_every_option_of_every_verb(shell: str, scripts: Path):
    text = (scripts / f"gemma4.{shell}").read_text()
    for branch in tree_of(main.parser(main.VERBS)).branches:
        for option in branch.options:
            name = option.flags[-1]
            assert name in text or f"-l {name[2:]}" in text


def test_values_are_those_of_options_that_exist():
    flags = {option.flags[-1] for branch in tree_of(main.parser(main.VERBS)).branches for option in branch.options}
    assert completion._values().keys() <= flags


def test_another_shell_is_refused(capsys: pytest.CaptureFixture[str]):
    assert main.main(["completion", "tcsh"]) == 2
    assert "invalid choice: 'tcsh'" in capsys.readouterr().err


class TestTree:
    PARSER = argparse.ArgumentParser(prog="tool")
    PARSER.add_argument("--loud", action="store_true", help="it's loud")
    VERB = PARSER.add_subparsers().add_parser("do", help="does it: [all]")
    VERB.add_argument("-f", "--file", metavar="FILE", help="read it")
    VERB.add_argument("--hidden", help=argparse.SUPPRESS)
    VERB.add_argument("how", choices=("well", "badly"))

    def test_what_is_hidden_stays_so(self):
        (verb,) = tree_of(self.PARSER).branches
        assert [option.flags for option in verb.options] == [("-h", "--help"), ("-f", "--file")]
        assert (verb.name, verb.choices) == ("do", ("well", "badly"))

    @pytest.mark.parametrize("shell", SHELLS)
    def test_no_quote_or_bracket_of_a_help_ends_a_script_early(self, shell: str, tmp_path: Path):
        program = shutil.which(shell)
        if program is None:
            pytest.skip(f"{shell} is not installed")
        (tmp_path / "script").write_text(SHELLS[shell](tree_of(self.PARSER)))
        done = subprocess.run([program, "-n", str(tmp_path / "script")], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
