"""What stands in a message of a user's own words."""

import pytest

from gemma4_operator.api.bounded import MOST_VALUES, Unbounded, require_bounded
from gemma4_operator.api.shown import shown
from gemma4_operator.render.merge import PatchError


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("plain words", "plain words"),
        ("a\nb\tc\x1b[31m\u202e", "a\ufffdb\ufffdc\ufffd[31m\ufffd"),
        ("x" * 101, "x" * 100 + "..."),
        ("", ""),
    ],
    ids=["as it is", "what a terminal acts on", "without end", "nothing"],
)
def test_a_text_is_shown_in_one_line_and_not_without_end(text: str, words: str):
    assert shown(text) == words


def test_a_patchs_path_and_message_are_shown_like_that():
    error = PatchError("spec.\x07" + "x" * 500, "must not change '" + "y" * 500 + "'")
    assert str(error).isprintable()
    assert len(str(error)) < 620


def test_a_document_without_aliases_may_be_of_any_size():
    require_bounded([0] * (MOST_VALUES + 1))


def test_one_whose_aliases_unfold_to_millions_may_not():
    value: list[object] = ["x"] * 10
    for _ in range(6):
        value = [value] * 10
    with pytest.raises(Unbounded, match="aliases"):
        require_bounded(value)


def test_one_that_holds_itself_has_no_end():
    value: dict[str, object] = {}
    value["a"] = [value]
    with pytest.raises(RecursionError):
        require_bounded(value)
