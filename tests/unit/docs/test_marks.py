"""Each block of commands in README.md and the guides is run, or says why not; and no mark or scene has grown old."""

import re

import pytest

from tests.docs.blocks import MARK, PAGES, ROOT, Block, blocks_of
from tests.docs.commands import commands
from tests.docs.scenes import SCENES

BLOCKS = [block for page in PAGES for block in blocks_of(page)]
TYPED = [block for block in BLOCKS if block.has_commands]
RUN = [block for block in TYPED if block.is_run]
PATH = re.compile(r"tests/[\w/.-]*\w")


def having(mark: str) -> list[Block]:
    """Return the blocks with a mark."""
    return [block for block in BLOCKS if mark in block.marks]


def test_most_blocks_are_run():
    """So that a fence written in another way is not taken for a page without commands."""
    assert len(TYPED) > 40
    assert len(RUN) / len(TYPED) > 0.6


def test_every_page_with_a_block_to_run_is_followed_and_no_other():
    assert set(SCENES) == {block.page for block in RUN}


@pytest.mark.parametrize("block", TYPED, ids=str)
def test_a_block_has_commands_that_can_be_typed_one_after_the_other(block: Block):
    typed = commands(block.text)
    assert typed
    background = [command.text for command in typed if command.text.split("#")[0].rstrip().endswith("&")]
    assert background == [] or not block.is_run, "what stays in the background outlives its block: mark it"


@pytest.mark.parametrize("page", PAGES)
def test_every_mark_stands_before_a_fence(page: str):
    written = len(MARK.findall((ROOT / page).read_text(encoding="utf-8")))
    assert written == sum(len(block.marks) for block in blocks_of(page))


@pytest.mark.parametrize("page", PAGES)
def test_no_other_comment_stands_before_commands(page: str):
    """A mark with a slip of the pen is a comment like any other."""
    text = (ROOT / page).read_text(encoding="utf-8").splitlines()
    before = [text[block.line - 2] for block in blocks_of(page) if block.has_commands and block.line > 1]
    assert [line for line in before if line.lstrip().startswith("<!--") and not MARK.match(line)] == []


@pytest.mark.parametrize(
    "reason", [block.marks[why] for why in ("not run here", "not compared") for block in having(why)]
)
def test_a_reason_is_a_part_of_a_sentence(reason: str):
    assert len(reason.split()) >= 3
    assert not reason.endswith(".")
    assert reason[0].islower()


@pytest.mark.parametrize("block", having("not run here") + having("run by"), ids=str)
def test_it_is_typed_here_or_there_and_where_is_true(block: Block):
    assert block.has_commands
    assert not {"not run here", "run by"} <= block.marks.keys()
    for path in PATH.findall(" ".join(block.marks.values())):
        assert "def test_" in (ROOT / path).read_text(), f"{path} must hold tests"


@pytest.mark.parametrize("block", having("run by"), ids=str)
def test_who_runs_a_block_knows_of_the_page(block: Block):
    assert PATH.fullmatch(block.marks["run by"])
    assert block.page in (ROOT / block.marks["run by"]).read_text()


@pytest.mark.parametrize("block", having("ends with") + having("not compared"), ids=str)
def test_how_it_ends_and_what_it_prints_is_said_only_of_what_is_run(block: Block):
    assert block.is_run
    assert block.exit_status in range(256)
    if "not compared" in block.marks:
        assert any(command.shown for command in commands(block.text)), "nothing is shown that could be compared"


@pytest.mark.parametrize("block", having("saved as"), ids=str)
def test_a_file_that_is_saved_is_used(block: Block):
    assert not block.has_commands
    later = [other.text for other in RUN if other.page == block.page and other.line > block.line]
    assert any(block.marks["saved as"] in text for text in later)


@pytest.mark.parametrize("page", SCENES)
def test_a_scene_brings_nothing_that_is_not_needed(page: str):
    scene, run = SCENES[page], [block for block in RUN if block.page == page]
    assert set(scene.before) <= {block.heading for block in run}
    words = "\n".join([block.text for block in run] + [one for before in scene.before.values() for one in before])
    assert [name for name in (*scene.files, *scene.programs) if name not in words] == []
    assert scene.namespace in words
