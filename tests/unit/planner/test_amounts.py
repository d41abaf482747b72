"""Quantities as the API server writes them, and as people do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.planner.amounts import amount


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("8", 8),
        ("0", 0),
        ("528208880Ki", 528208880 * 1024),
        ("512Mi", 512 * 2**20),
        ("1.5Ti", 3 * 2**39),
        ("2k", 2000),
        ("128.5G", 128_500_000_000),
        ("64e9", 64_000_000_000),
        ("64E9", 64_000_000_000),
        ("1E", 10**18),
        ("1Ei", 2**60),
        (".5Gi", 2**29),
        ("8000m", 8),
        ("7999m", 7),
    ],
)
def test_every_form_of_a_quantity_is_read(text: str, number: int) -> None:
    assert amount(text) == number


@pytest.mark.parametrize("value", ["", "[N/A]", "eight", "-8", "-8Ki", "Ki", "8 Gi", "1_000", "8KiB", "0x8", "e9"])
def test_what_is_no_quantity_is_nothing(value: str) -> None:
    assert amount(value) == 0


@pytest.mark.parametrize(("value", "number"), [(8, 8), (None, 0), (True, 0), (8.0, 8), ([], 0), ({"a": 1}, 0), (-1, 0)])
def test_a_hand_written_file_may_hold_anything(value: object, number: int) -> None:
    assert amount(value) == number


@given(st.integers(min_value=0, max_value=2**62))
def test_whole_numbers_are_exact_beyond_what_a_float_holds(number: int) -> None:
    assert amount(str(number)) == number
    assert amount(f"{number}Ki") == number * 1024
    assert amount(f"{number}Mi") == number * 2**20


@given(st.text(max_size=12))
def test_no_text_breaks_it(text: str) -> None:
    assert amount(text) >= 0
