"""vLLM's cache for layers of two kinds: blocks, groups, what a request is admitted with, and the answers of vLLM."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from gemma4_operator.api.common import Variant
from gemma4_operator.planner.kv_vllm import Layout, in_flight_tokens, layout
from gemma4_operator.planner.shape import KvDtype
from tests.unit.planner.shapes import GIB, catalog

ORACLE = Path(__file__).parents[2] / "data" / "vllm-0.32-kv.csv"


def of(variant: str, kv_dtype: str = "bf16", gpus: int = 1) -> Layout:
    return layout(catalog().models[Variant(variant)], KvDtype(kv_dtype), gpus)


def oracle() -> Iterator[dict[str, str]]:
    with ORACLE.open(encoding="utf-8") as file:
        yield from csv.DictReader(file)


class TestLayout:
    """The kind with the smaller entry gets blocks of more tokens, until pages are equal."""

    @pytest.mark.parametrize(
        ("variant", "sliding_tokens", "full_tokens", "page_bytes", "sliding_groups", "layers"),
        [
            ("31B", 16, 32, 262144, 5, 10),
            ("26B-A4B", 16, 32, 131072, 5, 5),
            ("12B", 16, 64, 131072, 5, 8),
            ("E4B", 32, 16, 65536, 5, 4),
            ("E2B", 32, 16, 32768, 4, 3),
        ],
    )
    def test_is_that_of_the_variant(
        self, variant: str, sliding_tokens: int, full_tokens: int, page_bytes: int, sliding_groups: int, layers: int
    ):
        found = of(variant)
        assert (found.sliding_tokens, found.full_tokens) == (sliding_tokens, full_tokens)
        assert found.block_bytes == page_bytes * layers
        assert found.sliding_groups == sliding_groups

    @pytest.mark.parametrize("variant", list(Variant))
    def test_a_cache_in_fp8_has_blocks_of_as_many_tokens_in_half_the_bytes(self, variant: str):
        exact, half = of(variant), of(variant, "fp8")
        assert (half.sliding_tokens, half.full_tokens) == (exact.sliding_tokens, exact.full_tokens)
        assert 2 * half.block_bytes == exact.block_bytes

    @pytest.mark.parametrize(
        ("variant", "gpus", "shares"),
        [
            ("31B", 4, 4),
            ("26B-A4B", 2, 2),
            ("E4B", 2, 2),
            # Below one head for each GPU all of them keep the same one.
            ("E2B", 2, 1),
            ("E2B", 8, 1),
            ("E4B", 8, 2),
        ],
    )
    def test_gpus_share_heads_until_there_is_one_for_each(self, variant: str, gpus: int, shares: int):
        assert of(variant).block_bytes == shares * of(variant, gpus=gpus).block_bytes

    def test_a_replicated_kind_makes_the_other_ones_blocks_larger(self):
        # 12B on 8 GPUs: one sliding head of 256 on each, and the one full head of 512 on all.
        found = of("12B", gpus=8)
        assert (found.sliding_tokens, found.full_tokens) == (32, 16)


class TestRequest:
    """Full layers hold everything, sliding ones a window, what is in flight, and a block more."""

    def test_is_admitted_with_the_window_and_two_batches(self):
        # ceil(32768 / 32) + 5 x (ceil((1023 + 2 x 2048) / 16) + 1)
        assert of("31B").request_blocks(32768, in_flight_tokens=4096) == 1024 + 5 * 321

    def test_a_short_one_needs_its_own_length_alone(self):
        assert of("31B").request_blocks(100, in_flight_tokens=16384) == 4 + 5 * (7 + 1)

    @pytest.mark.parametrize(
        ("variant", "context", "batched_tokens", "kv_dtype", "gib"),
        [
            ("31B", 8192, 2048, "bf16", 4.54),
            ("31B", 32768, 8192, "bf16", 15.79),
            ("31B", 262144, 16384, "bf16", 45.79),
            ("31B", 131072, 2048, "fp8", 6.96),
            ("26B-A4B", 131072, 8192, "bf16", 5.82),
            ("12B", 262144, 2048, "bf16", 5.57),
            ("E4B", 131072, 8192, "bf16", 2.65),
            ("E2B", 32768, 2048, "fp8", 0.12),
        ],
    )
    def test_takes_what_was_worked_out_for_the_family(
        self, variant: str, context: int, batched_tokens: int, kv_dtype: str, gib: float
    ):
        found = of(variant, kv_dtype)
        blocks = found.request_blocks(context, in_flight_tokens=in_flight_tokens((0, 33), batched_tokens))
        assert blocks * found.block_bytes / GIB == pytest.approx(gib, abs=0.01)

    @pytest.mark.parametrize(
        ("variant", "context", "two", "four"),
        [
            ("31B", 32768, 4.77, 2.39),
            ("31B", 262144, 13.52, 6.76),
            ("26B-A4B", 32768, 1.19, 0.75),
            ("26B-A4B", 262144, 3.38, 2.94),
            ("12B", 131072, 3.41, 2.70),
        ],
    )
    def test_takes_on_each_of_several_gpus_what_was_worked_out(
        self, variant: str, context: int, two: float, four: float
    ):
        flight = in_flight_tokens((0, 33), 4096)
        for gpus, gib in ((2, two), (4, four)):
            found = of(variant, gpus=gpus)
            blocks = found.request_blocks(context, in_flight_tokens=flight)
            assert blocks * found.block_bytes / GIB == pytest.approx(gib, abs=0.01)

    @pytest.mark.parametrize(
        ("version", "batches"),
        [((0, 19), 1), ((0, 25, 1), 1), ((0, 26), 2), ((0, 26, 0), 2), ((0, 33, 0), 2), ((), 2)],
        ids=str,
    )
    def test_one_batch_is_in_flight_up_to_025_and_two_after(self, version: tuple[int, ...], batches: int):
        assert in_flight_tokens(version, 4096) == batches * 4096

    def test_a_start_that_026_refused_is_refused_with_the_length_that_it_named(self):
        # vllm#49878: 49 GiB, 70.79 needed for 262,144 tokens, an estimated maximum of 58,368.
        found, flight = of("31B"), in_flight_tokens((0, 26, 0), 32768)
        held = found.num_blocks(49 * GIB)
        assert found.request_blocks(262144, in_flight_tokens=flight) * found.block_bytes / GIB == pytest.approx(
            70.79, abs=0.005
        )
        assert found.longest_request_tokens(held, in_flight_tokens=flight) == 58368

    def test_the_same_start_was_taken_by_025(self):
        found, flight = of("31B"), in_flight_tokens((0, 25, 1), 32768)
        assert found.request_blocks(262144, in_flight_tokens=flight) <= found.num_blocks(50 * GIB)


class TestLongest:
    @pytest.mark.parametrize("variant", list(Variant))
    @pytest.mark.parametrize("blocks", [0, 1, 50, 5000])
    def test_one_block_more_of_context_does_not_fit(self, variant: str, blocks: int):
        found = of(variant)
        longest = found.longest_request_tokens(blocks, in_flight_tokens=4096)
        assert longest == 0 or found.request_blocks(longest, in_flight_tokens=4096) <= blocks
        assert found.request_blocks(longest + found.full_tokens, in_flight_tokens=4096) > blocks


def test_a_pool_that_is_overdrawn_has_no_blocks():
    assert of("31B").num_blocks(-5 * GIB) == 0


class TestVLLM:
    """vLLM 0.32's own answers, to the block and to the last digit."""

    def test_are_equal_in_every_row(self):
        differing = []
        for row in oracle():
            found = of(row["variant"], row["kv_dtype"], int(row["tp"]))
            held = found.num_blocks(float(row["pool_gib"]) * GIB)
            flight = in_flight_tokens((0, 32), int(row["mnbt"]))
            needed = found.request_blocks(int(row["ctx"]), in_flight_tokens=flight)
            mine = (held, f"{held / needed:.4f}") if held >= needed else (0, "0")
            told = (int(row["num_blocks"]), row["max_concurrency"])
            if (mine[0], float(mine[1])) != (told[0], float(told[1])):
                differing.append((row, mine))
        assert differing == []

    def test_there_are_as_many_rows_as_were_given(self):
        assert sum(1 for _ in oracle()) == 288
