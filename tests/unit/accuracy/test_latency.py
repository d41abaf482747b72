"""The planner's times keep what is demanded of them, on all measurements, at every change."""

from collections.abc import Callable

import pytest

from gemma4_operator.api.common import EngineType
from tests.accuracy import gb10, latency, other_tool
from tests.accuracy.errors import middle, ninth_tenth
from tests.accuracy.section import Section


@pytest.mark.parametrize("make", [latency.tokens, latency.under_load, latency.prompts], ids=lambda make: make.__name__)
def test_what_is_demanded_holds(make: Callable[[], Section]):
    section = make()
    assert section.passed, "\n".join(section.verdict)


def test_times_per_token_are_within_10_percent_and_nine_tenths_within_20():
    pairs = list(gb10.token_pairs())
    assert middle(pairs) <= 0.10
    assert ninth_tenth(pairs) <= 0.20


@pytest.mark.parametrize("group", ["31B BF16", "31B NVFP4", "26B-A4B BF16", "26B-A4B NVFP4", "E4B BF16", "E2B BF16"])
def test_no_variant_hides_behind_the_others(group: str):
    pairs = [pair for pair in gb10.token_pairs() if pair.group == group]
    assert middle(pairs) <= 0.10
    assert ninth_tenth(pairs) <= 0.20


def test_rows_on_which_nothing_was_chosen_are_no_worse():
    held = [pair for pair in gb10.token_pairs() if not pair.chose]
    assert len(held) > 70
    assert middle(held) <= 0.10
    assert ninth_tenth(held) <= 0.20


def test_every_comparable_report_is_shown(capsys: pytest.CaptureFixture[str]):
    rows = latency.single_reports().rows
    assert sum(row[1] == "token" for row in rows) >= 20
    assert {row[-1] for row in rows} == {"yes", ""}


def test_llama_cpp_is_shown_and_not_counted():
    shown = [row[0] for row in latency.single_reports().rows]
    assert any("llama.cpp" in name for name in shown)
    assert not any("llama.cpp" in pair.label for pair in latency._report_tokens(EngineType.VLLM))


def test_what_is_left_out_says_why():
    assert all(why for _, why in latency.not_compared().rows)


def test_the_other_tool_is_beside_every_gpu_it_knows():
    gpus = {row[2] for row in other_tool.section().rows}
    assert {"H100-80GB-HBM3", "H200", "A100-SXM4-80GB", "L40S", "B200"} < gpus
