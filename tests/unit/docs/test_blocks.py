"""What a page holds is read as a reader of the page sees it."""

import pytest

from tests.docs.blocks import Block, blocks
from tests.docs.commands import Command, commands

PAGE = """# Title

Words with `code`, and:

```console
$ one
```

## Part

<!-- ends with: 3 -->
<!-- not compared: it is made up -->
```console
two
```

<!-- run by: tests/other.py -->

```sh
three
```

* An item:

  <!-- saved as: a.yaml -->
  ```yaml
  # No heading
  a:
    b: 1
  ```

~~~~bash
```
~~~~
"""
FOUND = blocks(PAGE, page="page.md")


def named(language: str, text: str = "x\n", **marks: str) -> Block:
    return Block(page="p", line=1, heading="", language=language, text=text, marks=marks)


def test_blocks_come_in_their_order_with_place_and_heading():
    told = [(str(block), block.heading, block.language) for block in FOUND]
    assert told == [
        ("page.md:5", "Title", "console"),
        ("page.md:13", "Part", "console"),
        ("page.md:19", "Part", "sh"),
        ("page.md:26", "Part", "yaml"),
        ("page.md:32", "Part", "bash"),
    ]


def test_marks_are_those_of_the_lines_right_before():
    assert [dict(block.marks) for block in FOUND] == [
        {},
        {"ends with": "3", "not compared": "it is made up"},
        {},
        {"saved as": "a.yaml"},
        {},
    ]


def test_text_is_as_it_would_be_copied():
    assert [block.text for block in FOUND] == ["$ one\n", "two\n", "three\n", "# No heading\na:\n  b: 1\n", "```\n"]


@pytest.mark.parametrize("language", ["console", "sh", "bash", "shell"])
def test_a_block_of_a_command_language_is_typed(language: str):
    assert named(language).is_run


def test_so_is_whatever_begins_with_a_prompt():
    assert named("", "$ x\n").is_run
    assert not named("text", "[1/2]\n$ x\n").has_commands


@pytest.mark.parametrize("mark", ["not run here", "run by"])
def test_one_that_is_marked_is_not_run(mark: str):
    block = named("console", **{mark: "whatever"})
    assert (block.has_commands, block.is_run) == (True, False)


def test_commands_end_with_0_unless_they_are_said_to_end_otherwise():
    assert [named("console").exit_status, named("console", **{"ends with": "3"}).exit_status] == [0, 3]


class TestCommands:
    def test_without_a_prompt_each_line_is_one(self):
        assert commands("one\n\n# only words\ntwo  # and why\n") == (Command("one"), Command("two  # and why"))

    def test_with_prompts_the_other_lines_are_shown(self):
        assert commands("$ one\n1\n\n1.5\n$ two\n") == (Command("one", "1\n\n1.5\n"), Command("two"))

    @pytest.mark.parametrize("text", ["one \\\n  more", "one 'a\n\nb'", 'one -d "{\n}" \\\n  more', "one '\n# x\n'"])
    def test_one_may_go_on_over_lines(self, text: str):
        assert commands(f"$ {text}\n1\n") == (Command(text, "1\n"),)
        assert commands(f"{text}\n") == (Command(text),)

    def test_an_apostrophe_in_a_comment_opens_nothing(self):
        assert len(commands("one  # what it's for\ntwo\n")) == 2

    def test_one_that_does_not_end_is_an_error_and_not_a_hang(self):
        with pytest.raises(AssertionError, match="must end in its block"):
            commands("$ one 'a\n")

    def test_something_is_shown_only_below_a_command(self):
        with pytest.raises(AssertionError, match="must stand below a command"):
            commands("1\n$ one\n")


class TestComparison:
    @pytest.mark.parametrize("printed", ["a\n  b\n", "a  \n  b", "\na\n  b\n\n"])
    def test_what_nobody_sees_is_no_difference(self, printed: str):
        assert not Command("x", "a\n  b\n").differs(printed)

    @pytest.mark.parametrize("printed", ["", "a\n", "a\nb\n", "a\n  b\nc\n", "0\na\n  b\n", "a\n\n  b\n"])
    def test_everything_else_is_one(self, printed: str):
        assert Command("x", "a\n  b\n").differs(printed)

    def test_a_line_of_dots_stands_for_any_lines(self):
        cut = Command("x", "a\n  ...\nz\n")
        assert not cut.differs("a\nb\nc\nz\n")
        assert cut.differs("a\nb\nc\n")
        assert not Command("x", "a\n...\n").differs("a\nb\n")

    def test_dots_within_a_line_are_themselves(self):
        assert Command("x", "wait...\n").differs("wait for it\n")
        assert not Command("x", "1.5 (a|b)\n").differs("1.5 (a|b)\n")
