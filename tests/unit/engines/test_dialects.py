"""Rule 6 of a scaler: an engine that calls a figure by the name of another version is understood as well.

What a real vLLM has published is told again in each other name, which is written here as that version writes it: a name
that a dialect loses is missed here, whatever the dialect says of itself.
"""

import re
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path

import pytest

from gemma4_operator.engines import dialects
from gemma4_operator.engines.base import Dialect
from gemma4_operator.scaling.figures import names
from gemma4_operator.scaling.read import counts
from gemma4_operator.scaling.sample import Counts

VLLM = (Path(__file__).parents[2] / "data" / "expositions" / "vllm-0.32.0.txt").read_text()
OLDER = {
    "vllm:kv_cache_usage_perc": "vllm:gpu_cache_usage_perc",
    "vllm:prompt_tokens_cached_total": "vllm:prefix_cache_hits_total",
    "vllm:inter_token_latency_seconds": "vllm:time_per_output_token_seconds",
}
"""Names of the recorded version, and those of versions before it."""
NIM_1 = {
    "vllm:num_requests_running": "num_requests_running",
    "vllm:num_requests_waiting": "num_requests_waiting",
    "vllm:kv_cache_usage_perc": "gpu_cache_usage_perc",
    "vllm:prompt_tokens_total": "prompt_tokens_total",
    "vllm:generation_tokens_total": "generation_tokens_total",
    "vllm:request_success_total": "request_finish_total",
    "vllm:time_to_first_token_seconds": "time_to_first_token_seconds",
    "vllm:inter_token_latency_seconds": "time_per_output_token_seconds",
}
"""The same of NIM 1.x, which tells of no cache hits."""
HISTOGRAMS = ("time_to_first_token_seconds", "time_per_output_token_seconds", "inter_token_latency_seconds")


def lines_of(name: str) -> re.Pattern[str]:
    """Match the start of each line of one metric, up to its name's end."""
    return re.compile(rf"^(# (?:HELP|TYPE) )?{re.escape(name)}(?=(?:_bucket|_sum|_count)?[{{ ])", re.MULTILINE)


def renamed(text: str, others: Mapping[str, str]) -> str:
    """Return what an engine says that has these other names, and has none of both."""
    for name, other in others.items():
        kept = "".join(line for line in text.splitlines(keepends=True) if not lines_of(other).match(line))
        text, found = lines_of(name).subn(lambda line, other=other: (line[1] or "") + other, kept)
        # A comment or two, and one series at least for each of three engines.
        assert found >= 5, name
    return text


def understood(text: str, dialect: Dialect) -> Counts:
    found = counts(text.encode(), dialect)
    assert found is not None
    return found


def series(name: str) -> set[str]:
    """Return what must be fetched for a metric, by whoever fetches by name."""
    return {f"{name}_bucket", f"{name}_sum"} if name.endswith(HISTOGRAMS) else {name}


RECORDED = understood(VLLM, dialects.VLLM)


def test_the_recording_tells_all_that_an_engine_can_tell() -> None:
    """Or what is missed under another name would be missed under this one too."""
    untold = {field.name for field in fields(Counts) if getattr(RECORDED, field.name) is None}
    assert untold == {"request_token"}


@pytest.mark.parametrize("dialect", [dialects.VLLM, dialects.NIM_2], ids=["vLLM", "NIM 2"])
class TestOlderNamesOfVLLM:
    @pytest.mark.parametrize(("name", "older"), OLDER.items(), ids=OLDER.values())
    def test_say_the_same_one_by_one(self, dialect: Dialect, name: str, older: str) -> None:
        assert understood(renamed(VLLM, {name: older}), dialect) == RECORDED
        assert series(older) <= set(names(dialect))

    def test_say_the_same_all_together(self, dialect: Dialect) -> None:
        assert understood(renamed(VLLM, OLDER), dialect) == RECORDED

    @pytest.mark.parametrize("name", OLDER)
    def test_count_for_nothing_where_the_newer_is_there(self, dialect: Dialect, name: str) -> None:
        """Versions between the two publish both, and what is counted twice would be twice as much."""
        line = f'{OLDER[name]}{{engine="9"}} 1\n'
        assert understood(VLLM + line, dialect) == RECORDED


class TestNamesOfNIM1:
    @pytest.mark.parametrize("finished", ["request_finish_total", "request_success_total"])
    def test_say_the_same_but_for_the_hits_of_its_cache(self, finished: str) -> None:
        text = renamed(VLLM, NIM_1 | {"vllm:request_success_total": finished})
        assert understood(text, dialects.NIM_1) == replace(RECORDED, cached_tokens=None)
        assert series(finished) <= set(names(dialects.NIM_1))

    def test_that_tell_of_success_alone_count_for_nothing_where_all_that_ended_is_told(self) -> None:
        text = renamed(VLLM, NIM_1) + 'request_success_total{engine="0"} 1\n'
        assert understood(text, dialects.NIM_1).finished == RECORDED.finished

    @pytest.mark.parametrize("name", NIM_1.values())
    def test_are_all_fetched_by_whoever_fetches_by_name(self, name: str) -> None:
        assert series(name) <= set(names(dialects.NIM_1))
