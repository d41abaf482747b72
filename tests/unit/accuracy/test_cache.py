"""The cache beside vLLM's answers: all rows are equal, and one that is not would be seen."""

from dataclasses import replace

import pytest

from tests.accuracy.cache import Point, points, section


def test_all_rows_are_equal():
    found = points()
    assert len(found) == 288
    assert [point for point in found if not point.is_equal] == []
    assert section().passed


@pytest.mark.parametrize(
    ("changes", "off", "is_equal"),
    [
        ({}, 0.0, True),
        ({"blocks": 101}, 0.01, False),
        ({"concurrency": 2.1}, 0.05, False),
        ({"concurrency": 2.00004}, 0.00002, True),
        ({"blocks": 0, "concurrency": 0.0}, 1.0, False),
        ({"told_blocks": 0, "told_concurrency": 0.0}, 1.0, False),
    ],
    ids=str,
)
def test_a_point_is_off_by_the_larger_of_its_errors(changes: dict[str, float], off: float, is_equal: bool):
    same = Point(variant=points()[0].variant, told_blocks=100, told_concurrency=2.0, blocks=100, concurrency=2.0)
    point = replace(same, **changes)
    assert point.off == pytest.approx(off)
    assert point.is_equal is is_equal


def test_the_table_has_a_row_for_each_variant():
    assert [row[0] for row in section().rows] == ["31B", "26B-A4B", "12B", "E4B", "E2B"]
