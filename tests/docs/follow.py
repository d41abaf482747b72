"""Follows a page from its first command to its last, as its reader would."""

import shutil
from collections.abc import Iterable

import pytest

from tests.docs.blocks import Block
from tests.docs.commands import Command, commands
from tests.docs.desk import Desk
from tests.docs.scenes import Scene


def follow(blocks: Iterable[Block], scene: Scene, desk: Desk) -> None:
    """Type the commands of a page in their order; the first that does not do as the page says fails with its place."""
    if missing := [name for name in scene.programs if shutil.which(name) is None]:
        pytest.skip(f"{missing[0]} is not installed")
    for name, text in scene.files.items():
        desk.write(name, text)
    heading = None
    for block in blocks:
        if "saved as" in block.marks:
            desk.write(block.marks["saved as"], block.text)
        if not block.is_run:
            continue
        if block.heading != heading:
            _prepare(scene.before.get(block.heading, ()), desk)
            heading = block.heading
        for command in commands(block.text):
            _type(command, block, desk)


def _prepare(before: Iterable[str], desk: Desk) -> None:
    for command in before:
        done = desk.run(command)
        assert done.returncode == 0, f"what was to be there before is not: {command}\n{done.stdout}{done.stderr}"


def _type(command: Command, block: Block, desk: Desk) -> None:
    done = desk.run(command.text)
    told = f"{block}: {command.text}\n{done.stdout}{done.stderr}"
    assert done.returncode == block.exit_status, f"{told}\nended with {done.returncode}, not {block.exit_status}"
    # A path that leads nowhere is no error to kubectl.
    assert done.stdout or "jsonpath=" not in command.text, f"{told}printed nothing"
    if command.shown and "not compared" not in block.marks:
        assert not command.differs(done.stdout), f"{told}\nis printed, and the page shows\n{command.shown}"
