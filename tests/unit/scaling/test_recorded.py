"""The few series read out of what real engines publish are those that a whole parser finds there."""

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gemma4_operator.engines import dialects
from gemma4_operator.engines.base import Dialect
from gemma4_operator.scaling.read import counts
from gemma4_operator.scaling.sample import Counts, Histogram

FOLDER = Path(__file__).parents[2] / "data" / "expositions"
VLLM = (FOLDER / "vllm-0.32.0.txt").read_bytes()
LLAMA_SERVER = (FOLDER / "llama-server-11434.txt").read_bytes()


def parsed(text: bytes, name: str) -> list[tuple[dict[str, str], float]]:
    families = text_string_to_metric_families(text.decode())
    return [(one.labels, one.value) for family in families for one in family.samples if one.name == name]


def total(text: bytes, name: str) -> float:
    values = [value for _, value in parsed(text, name)]
    assert values, name
    return math.fsum(values)


def histogram(text: bytes, name: str) -> Histogram:
    buckets: dict[float, float] = {}
    for labels, value in parsed(text, f"{name}_bucket"):
        bound = float(labels["le"])
        buckets[bound] = buckets.get(bound, 0.0) + value
    return Histogram(sum_seconds=total(text, f"{name}_sum"), buckets=tuple(sorted(buckets.items())))


def replaced(dialect: Dialect, keep: Callable[[tuple[str, ...]], tuple[str, ...]]) -> Dialect:
    """The dialect with only some of the names of what has several."""
    several = {name: keep(value) for name, value in asdict(dialect).items() if isinstance(value, tuple)}
    return replace(dialect, **several)


def whole(text: bytes, dialect: Dialect) -> Counts:
    found = counts(text, dialect)
    assert found is not None
    return found


def test_all_that_vllm_says_of_three_engines() -> None:
    found = whole(VLLM, dialects.VLLM)
    assert found == Counts(
        running=total(VLLM, "vllm:num_requests_running"),
        waiting=total(VLLM, "vllm:num_requests_waiting"),
        finished=total(VLLM, "vllm:request_success_total"),
        prompt_tokens=total(VLLM, "vllm:prompt_tokens_total"),
        cached_tokens=total(VLLM, "vllm:prompt_tokens_cached_total"),
        generation_tokens=total(VLLM, "vllm:generation_tokens_total"),
        cache_usage=total(VLLM, "vllm:kv_cache_usage_perc") / 3,
        first_token=histogram(VLLM, "vllm:time_to_first_token_seconds"),
        output_token=histogram(VLLM, "vllm:inter_token_latency_seconds"),
    )
    assert len(VLLM.splitlines()) > 1000
    assert {labels["engine"] for labels, _ in parsed(VLLM, "vllm:num_requests_running")} == {"0", "1", "2"}


def test_all_that_llama_server_says() -> None:
    found = whole(LLAMA_SERVER, dialects.LLAMA_CPP)
    cached = total(LLAMA_SERVER, "llamacpp:prompt_tokens_cached_total")
    assert found == Counts(
        running=total(LLAMA_SERVER, "llamacpp:requests_processing"),
        waiting=total(LLAMA_SERVER, "llamacpp:requests_deferred"),
        prompt_tokens=total(LLAMA_SERVER, "llamacpp:prompt_tokens_total") + cached,
        cached_tokens=cached,
        generation_tokens=total(LLAMA_SERVER, "llamacpp:tokens_predicted_total"),
    )


def test_they_were_at_work() -> None:
    """A file of zeros would show nothing."""
    for found in (whole(VLLM, dialects.VLLM), whole(LLAMA_SERVER, dialects.LLAMA_CPP)):
        assert min(found.running, found.waiting) > 0
        assert all((found.prompt_tokens, found.cached_tokens, found.generation_tokens))
    assert whole(VLLM, dialects.VLLM).output_token != whole(VLLM, dialects.VLLM).first_token


def test_the_newest_names_are_those_of_the_recorded_version() -> None:
    """And the older ones are not there, so that none is counted for another."""
    newest = replaced(dialects.VLLM, lambda names: names[:1])
    older = replaced(dialects.VLLM, lambda names: names[1:])
    assert counts(VLLM, newest) == counts(VLLM, dialects.VLLM)
    found = whole(VLLM, older)
    assert (found.cache_usage, found.output_token) == (None, None)
    assert found.cached_tokens == total(VLLM, "vllm:prefix_cache_hits_total")


@pytest.mark.parametrize(("text", "dialect"), [(VLLM, dialects.LLAMA_CPP), (LLAMA_SERVER, dialects.VLLM)])
@pytest.mark.parametrize("other", [dialects.NIM_1, None])
def test_no_engine_is_understood_in_the_tongue_of_another(text: bytes, dialect: Dialect, other: Dialect | None) -> None:
    assert counts(text, other or dialect) is None


def cuts(text: bytes) -> Iterator[bytes]:
    for at in range(1, len(text), 997):
        yield text[:at]


@pytest.mark.parametrize("text", [VLLM, LLAMA_SERVER])
def test_a_recording_that_is_cut_within_a_line_says_nothing(text: bytes) -> None:
    for cut in cuts(text):
        if not cut.endswith(b"\n"):
            assert counts(cut, dialects.VLLM) is counts(cut, dialects.LLAMA_CPP) is None


def test_blocks_of_the_cache_are_found_beside_all_else() -> None:
    engine, _ = parsed(VLLM, "vllm:cache_config_info")[0]
    assert dialects.cache_blocks(VLLM, dialects.VLLM) == int(engine["num_gpu_blocks"])
    assert dialects.cache_blocks(LLAMA_SERVER, dialects.LLAMA_CPP) is None
