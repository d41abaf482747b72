"""The sizes of weights: what was told is met, and what would miss it is seen."""

import pytest

from tests.accuracy.weights import Size, parts, reported, section, sizes


def test_every_size_that_was_told_is_met():
    assert [size for size in (*sizes(), *reported()) if not size.is_right] == []
    assert section().passed


def test_every_checkpoint_is_the_sum_of_its_parts():
    assert [(name, off) for name, off in parts() if abs(off) > 0.01] == []


def test_reports_of_builds_that_the_catalogue_lacks_are_left_out():
    assert {size.source for size in reported()} == {"case c086", "case c094", "case c098", "case c104"}


@pytest.mark.parametrize(
    ("what", "told", "computed", "is_right"),
    [
        ("file", 100.0, 100.9, True),
        ("file", 100.0, 101.5, False),
        ("loaded", 100.0, 102.0, True),
        ("loaded", 100.0, 97.0, False),
    ],
)
def test_files_are_known_more_exactly_than_what_is_loaded(what: str, told: float, computed: float, is_right: bool):
    size = Size(name="a", what=what, told_bytes=told, computed_bytes=computed, source="somebody")
    assert size.is_right is is_right
