"""The pages whose commands need no cluster do what they say; and whoever follows a page notices where it does not."""

import os
from pathlib import Path

import pytest

from tests.docs.blocks import blocks, blocks_of
from tests.docs.desk import Desk
from tests.docs.follow import follow
from tests.docs.scenes import SCENES, Needs, Scene, needing

BARE = Scene(needs=Needs.DESK)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def follow_parts(desk: Desk, *parts: str, scene: Scene = BARE) -> None:
    follow(blocks("\n".join(parts), page="page.md"), scene, desk)


def console(text: str, *marks: str) -> str:
    comments = "".join(f"<!-- {mark} -->\n" for mark in marks)
    return f"{comments}```console\n{text}\n```\n"


@pytest.mark.parametrize("page", needing(Needs.DESK))
def test_a_page_does_what_it_says(page: str, desk: Desk):
    follow(blocks_of(page), SCENES[page], desk)


class TestWhoeverFollows:
    def test_goes_from_block_to_block(self, desk: Desk):
        follow_parts(desk, console("echo one > file"), "and", console("$ cat file\none"))

    def test_fails_at_a_command_that_fails_and_names_its_place(self, desk: Desk):
        with pytest.raises(AssertionError, match=r"(?s)^page\.md:3: ls nothing-here\n.*ended with 2, not 0"):
            follow_parts(desk, "A page.\n", console("ls nothing-here"))

    def test_fails_where_the_first_part_of_a_pipe_does(self, desk: Desk):
        with pytest.raises(AssertionError, match="ended with 1, not 0"):
            follow_parts(desk, console("false | cat"))

    def test_knows_how_a_command_is_meant_to_end(self, desk: Desk):
        follow_parts(desk, console("exit 3", "ends with: 3"))
        with pytest.raises(AssertionError, match="ended with 0, not 3"):
            follow_parts(desk, console("true", "ends with: 3"))

    def test_fails_where_something_else_is_printed_than_is_shown(self, desk: Desk):
        with pytest.raises(AssertionError, match=r"(?s)two\n.*is printed, and the page shows\none"):
            follow_parts(desk, console("$ echo two\none"))

    def test_lets_be_what_is_not_to_be_compared(self, desk: Desk):
        follow_parts(desk, console("$ echo two\none", "not compared: the number is made up"))

    def test_does_not_take_silence_for_an_answer_about_a_path(self, desk: Desk):
        with pytest.raises(AssertionError, match="printed nothing"):
            follow_parts(desk, console("true -o jsonpath='{.status.misspelt}'"))

    @pytest.mark.parametrize("mark", ["not run here: it takes a GPU", "run by: tests/e2e/test_demo.py"])
    def test_leaves_out_what_others_run_or_nobody_can(self, desk: Desk, mark: str):
        follow_parts(desk, console("exit 3", mark))

    def test_saves_what_is_to_be_saved(self, desk: Desk):
        saved = "<!-- saved as: chat.yaml -->\n```yaml\na: 1\n```\n"
        follow_parts(desk, saved, console("$ cat chat.yaml\na: 1"))

    def test_has_before_what_the_scene_says(self, desk: Desk):
        scene = Scene(needs=Needs.DESK, files={"a/b": "one\n"}, before={"Second": ("mv a/b c",)})
        follow_parts(desk, "# First", console("cat a/b"), "## Second", console("$ cat c\none"), scene=scene)

    def test_says_which_program_this_machine_has_not(self, desk: Desk):
        with pytest.raises(pytest.skip.Exception, match="no-such-program is not installed"):
            follow_parts(desk, console("false"), scene=Scene(needs=Needs.DESK, programs=("no-such-program",)))

    def test_fails_where_that_cannot_be(self, desk: Desk):
        scene = Scene(needs=Needs.DESK, before={"First": ("false",)})
        with pytest.raises(AssertionError, match="what was to be there before is not: false"):
            follow_parts(desk, "# First", console("true"), scene=scene)


class TestDesk:
    def test_has_the_checkouts_files(self, desk: Desk):
        assert desk.run("cat manifests/samples/auto.yaml examples/support.yaml").returncode == 0

    def test_knows_no_cluster_and_no_setting_of_a_persons_own(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("KUBECONFIG", "/somebody/kubeconfig")
        monkeypatch.setenv("GEMMA4_CATALOG_FILE", "/somebody/catalog.yaml")
        said = Desk(tmp_path).run("env").stdout
        assert "/somebody/" not in said
        assert f"HOME={tmp_path}/home\n" in said

    def test_has_the_programs_that_it_is_given(self, tmp_path: Path):
        program = tmp_path / "answer"
        program.write_text("#!/bin/sh\necho 42\n")
        program.chmod(0o755)
        assert Desk(tmp_path, programs=[program]).run("answer").stdout == "42\n"

    def test_ends_what_does_not_end(self, desk: Desk, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr("tests.docs.desk._SECONDS", 0.2)
        done = desk.run("echo $$; sleep 60")
        assert done.returncode == 124
        with pytest.raises(ProcessLookupError):
            os.kill(int(done.stdout), 0)
