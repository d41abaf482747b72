"""Four words for quality, and where each member of the family stands."""

import pytest

from gemma4_operator.api.common import Quantization, Variant
from gemma4_operator.planner.quality import Quality, quality_of, score, words_above
from tests.rendering import CATALOG

ROWS = [row for row in CATALOG.checkpoints if row.preferred]


@pytest.mark.parametrize(
    ("variant", "word"),
    [
        (Variant.V31B, Quality.HIGHEST),
        (Variant.V26B_A4B, Quality.HIGH),
        (Variant.V12B, Quality.STANDARD),
        (Variant.E4B, Quality.BASIC),
        (Variant.E2B, Quality.BASIC),
    ],
)
def test_each_size_in_bf16_has_a_word_of_its_own(variant: Variant, word: Quality) -> None:
    row = CATALOG.preferred(variant, Quantization.BF16)
    assert row is not None
    assert quality_of(score(CATALOG.models[variant], row)) is word


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.variant}-{row.quantization}")
def test_a_quantization_never_gains_points(row) -> None:
    assert score(CATALOG.models[row.variant], row) <= CATALOG.models[row.variant].score


@pytest.mark.parametrize("word", Quality)
def test_a_floor_is_reached_exactly_at_its_points(word: Quality) -> None:
    assert quality_of(word.floor) is word
    if word.floor > 0:
        assert quality_of(word.floor - 0.1) is not word


def test_words_are_lost_one_by_one_on_the_way_down() -> None:
    assert [words_above(points) for points in (100.0, 83.5, 83.4, 80.0, 79.9, 72.0, 71.9, 0.0)] == [
        *(0, 0, 1, 1, 2, 2, 3, 3)
    ]


def test_points_are_told_with_one_decimal() -> None:
    for row in ROWS:
        points = score(CATALOG.models[row.variant], row)
        assert points == round(points, 1)
