"""A catalogue file that is broken in any way leaves the built-in catalogue, and an operator that runs."""

from pathlib import Path

import pytest

from gemma4_operator.catalog.overrides import override
from gemma4_operator.runtime.facts import known
from tests.fuzz.documents import bomb, documents
from tests.rendering import CATALOG

DOCUMENTS = documents()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("prices: {a: 2026-13-45}", "override: must be YAML: month must be in 1..12"),
        ("prices: {a: " + "9" * 5000 + "}", "override: must be YAML: Exceeds the limit"),
        ("[" * 100_000, "override: must be YAML: while increasing flow level exceeded maximum nesting depth"),
        ("&a [*a]", "override: must be YAML, and is nested deeper than any"),
        (bomb(9), "override: must be what somebody wrote, and has aliases that unfold to millions of values"),
    ],
    ids=["a date of no calendar", "a number without end", "no end of lists", "a list that holds itself", "a bomb"],
)
def test_a_broken_text_is_one_sentence_and_changes_nothing(text: str, words: str):
    catalog, (fault,) = override(CATALOG, text)
    assert catalog is CATALOG
    assert fault.startswith(words)


def test_of_a_key_that_is_there_twice_the_last_counts_and_it_is_told():
    text = 'prices:\n  NVIDIA-L4: "1.00"\n  NVIDIA-L4: "2.00"\n'
    catalog, faults = override(CATALOG, text)
    told = "override: must have each key once, and `prices.NVIDIA-L4` is in line 2 and again in line 3; the last counts"
    assert faults == (told,)
    row = catalog.gpu("NVIDIA-L4")
    assert row is not None
    assert str(row.hourly_price) == "2.00"


def test_no_file_keeps_an_operator_from_starting(tmp_path: Path):
    path = tmp_path / "catalog.yaml"
    for number, content in enumerate(DOCUMENTS.values()):
        if number % 16 == 0:
            path.write_bytes(content)
            catalog, _ = known(str(path))
            assert catalog == CATALOG
