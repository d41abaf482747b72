"""What many errors come to."""

import pytest

from tests.accuracy.errors import Pair, bias, holds, line, middle, ninth_tenth, table


def pairs(*offs: float, group: str = "31B BF16") -> list[Pair]:
    return [
        Pair(source="here", group=group, label=str(off), measured_seconds=2.0, predicted_seconds=2.0 * (1 + off))
        for off in offs
    ]


TEN = pairs(0.01, -0.02, 0.03, -0.04, 0.05, -0.06, 0.07, -0.08, 0.09, -0.50)


def test_errors_are_shares_of_what_was_measured():
    assert [pair.off for pair in pairs(0.1, -0.1)] == pytest.approx([0.1, -0.1])


def test_median_and_ninth_tenth_pass_over_the_sign_and_bias_does_not():
    assert middle(TEN) == pytest.approx(0.055)
    assert ninth_tenth(TEN) == pytest.approx(0.09)
    assert bias(TEN) == pytest.approx(-0.005)


@pytest.mark.parametrize(("count", "rank"), [(1, 1), (2, 2), (9, 9), (10, 9), (11, 10), (20, 18)])
def test_ninth_tenth_is_a_row_that_exists(count: int, rank: int):
    assert ninth_tenth(pairs(*(number / 100 for number in range(1, count + 1)))) == pytest.approx(rank / 100)


def test_both_bounds_must_be_kept():
    assert holds(TEN)
    assert not holds(TEN, middle_at_most=0.05)
    assert not holds(TEN, ninth_tenth_at_most=0.08)


def test_a_verdict_says_how_many():
    assert line("All", TEN) == "All: median 5.5%, nine tenths within 9.0% (10 rows)"


def test_a_table_has_a_row_for_each_group():
    rows = table([*pairs(0.1, 0.2), *pairs(-0.3, group="E4B BF16")], lambda pair: (pair.group,))
    assert rows == (
        ("31B BF16", "2", "15.0%", "20.0%", "20.0%", "+15.0%"),
        ("E4B BF16", "1", "30.0%", "30.0%", "30.0%", "-30.0%"),
    )
