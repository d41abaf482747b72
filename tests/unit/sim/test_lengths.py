"""Distributions of token counts."""

from random import Random
from statistics import fmean, median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.sim.invalid import InvalidTrace
from gemma4_operator.sim.lengths import LogNormal, Points, mix_of_points

TABLE = """trace,field,quantile,tokens
chat,input,0.5,100
chat,input,0.9,1000
chat,output,0.5,33
code,input,0.5,9
"""


def drawn(lengths: Points | LogNormal, count: int = 20_000) -> list[int]:
    chance = Random(11)
    return [lengths.draw(chance) for _ in range(count)]


class TestPoints:
    POINTS = Points(quantiles=(0.5, 0.9), tokens=(101.0, 1001.0))

    @pytest.mark.parametrize(("share", "tokens"), [(0.25, 51), (0.5, 101), (0.7, 551), (0.9, 1001), (0.95, 1001)])
    def test_it_is_straight_between_points_and_flat_after_the_last(self, share: float, tokens: int):
        found = sorted(drawn(self.POINTS))
        assert found[int(share * len(found))] == pytest.approx(tokens, rel=0.05)

    @given(seed=st.integers())
    def test_there_is_always_one_token_and_never_more_than_the_last_point(self, seed: int):
        assert 1 <= self.POINTS.draw(Random(seed)) <= 1001


def test_a_lognormal_has_its_median_and_its_mean():
    found = drawn(LogNormal(median=67, mean=160), 100_000)
    assert median(found) == pytest.approx(67, rel=0.03)
    assert fmean(found) == pytest.approx(160, rel=0.03)


def test_one_whose_mean_is_its_median_does_not_vary():
    assert set(drawn(LogNormal(median=5, mean=5), 100)) == {5}


def test_a_mix_is_one_trace_of_a_table():
    mix = mix_of_points(TABLE, trace="chat", where="table")
    assert mix.input == Points(quantiles=(0.5, 0.9), tokens=(100.0, 1000.0))
    assert mix.output == Points(quantiles=(0.5,), tokens=(33.0,))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TABLE.replace("chat", "talk"), "table: must have rows with `trace` chat and `field` input, and has none"),
        (TABLE.replace("chat,output", "talk,output"), "table: must have rows with `trace` chat and `field` output"),
        (TABLE.replace("1000", "many"), "table:3: `tokens` must be a number from 0"),
        (TABLE.replace(",1000", ""), "table:3: `tokens` must be a number from 0"),
        (TABLE.replace("0.9", "1.0"), "table: `quantile` must be above 0 and below 1, and each at most once"),
        (TABLE.replace("0.9", "0.5"), "table: `quantile` must be above 0 and below 1, and each at most once"),
        (TABLE.replace("0.9", "nan"), "table:3: `quantile` must be a number from 0 to 1, and is 'nan'"),
        (TABLE.replace("1000", "50"), "table: `tokens` must be at least 1, and not fall where `quantile` rises"),
        (TABLE.replace("1000", "nan"), "table:3: `tokens` must be a number from 0"),
        (TABLE.replace("33", "0"), "table: `tokens` must be at least 1, and not fall"),
    ],
)
def test_a_table_that_cannot_be_used(text: str, message: str):
    with pytest.raises(InvalidTrace) as caught:
        mix_of_points(text, trace="chat", where="table")
    assert str(caught.value).startswith(message)
