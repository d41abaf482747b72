"""The matrix says what it plays, leaves no cause out, and its page says the same."""

from collections import Counter
from pathlib import Path

import pytest

from tests.faults.fault import Fault, Kind
from tests.faults.matrix import FAULTS, NOT_PLAYED, causes, played
from tests.faults.page import PAGE, page, read_seen, shown
from tests.faults.pods import TOLD

ROOT = Path(__file__).parents[3]


def test_there_are_at_least_forty() -> None:
    assert len(FAULTS) >= 40


def test_no_two_have_a_name_in_common() -> None:
    assert [name for name, count in Counter(fault.name for fault in FAULTS).items() if count > 1] == []
    assert [slug for slug, count in Counter(fault.slug for fault in TOLD).items() if count > 1] == []


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_each_is_played_in_one_way_and_says_what_is_seen_and_proved(fault: Fault) -> None:
    assert [bool(fault.told), bool(fault.play), bool(fault.tests)].count(True) == 1
    assert fault.proof
    assert fault.sees or fault.reason is not None
    assert (fault.reason is not None) == (fault.told is not None)


@pytest.mark.parametrize("test", sorted({test for fault in FAULTS for test in fault.tests}))
def test_each_test_that_proves_a_row_exists(test: str) -> None:
    path, *names = test.split("::")
    text = (ROOT / path).read_text(encoding="utf-8")
    for name in names:
        assert f"class {name}" in text or f"def {name}(" in text


@pytest.mark.parametrize("kind", Kind)
def test_each_heading_has_rows(kind: Kind) -> None:
    assert [fault for fault in FAULTS if fault.kind is kind]


def test_every_cause_of_a_pods_failure_is_played_or_says_why_not() -> None:
    assert causes() - played() == set(NOT_PLAYED)


def test_the_page_is_that_of_the_rows() -> None:
    text = PAGE.read_text(encoding="utf-8")
    seen = read_seen(text)
    assert page(seen) == text, "run `make faults`"
    assert [fault.name for fault in FAULTS if not fault.tests and not seen.get(fault.name)] == []


def test_what_is_seen_fits_a_cell() -> None:
    text = f"Pod 'chat-7757787cf6-l4ntd' in fault-0a1b2c3d: a | b\nand {'more ' * 100}"
    cell = shown(text)
    assert cell.startswith("Pod 'chat-…' in fault-…: a \\| b and more")
    assert len(cell) == 240
    assert read_seen(page({FAULTS[0].name: cell}))[FAULTS[0].name] == cell
