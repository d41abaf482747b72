"""Laws of reading what engines say: it agrees with a whole parser, and garbage is never a number."""

import math
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from gemma4_operator.engines import dialects
from gemma4_operator.scaling.figures import MOST
from gemma4_operator.scaling.read import counts
from gemma4_operator.scaling.sample import Counts

VLLM = dialects.VLLM
KNOWN = [
    "vllm:num_requests_running",
    "vllm:num_requests_waiting",
    "vllm:prompt_tokens_total",
    "vllm:time_to_first_token_seconds_bucket",
    "vllm:time_to_first_token_seconds_sum",
]
WORK = b"vllm:num_requests_running 1\nvllm:num_requests_waiting 2\n"
PIECES = st.one_of(
    st.sampled_from(
        [*KNOWN, "{", "}", '"', "\\", ",", "=", "le=", '"+Inf"', " ", "\t", "\n", "#", "NaN", "-1", "1", "1e400"]
    ),
    st.floats().map(repr),
    st.text(max_size=5),
)


@st.composite
def engines(draw: st.DrawFn) -> CollectorRegistry:
    """What the real client library publishes for some engines of one server, under any name of the model."""
    registry = CollectorRegistry()
    model = draw(st.text(max_size=12))
    parts = [str(number) for number in range(draw(st.integers(1, 4)))]
    amounts = st.floats(0, 1e9)
    gauges: list[Callable[..., object]] = []
    for name, values in (
        ("vllm:num_requests_running", amounts),
        ("vllm:num_requests_waiting", amounts),
        ("vllm:kv_cache_usage_perc", st.floats(0, 1)),
    ):
        gauge = Gauge(name, "of one engine", ["model_name", "engine"], registry=registry)
        gauges.append(gauge.labels)
        for part in parts:
            gauge.labels(model, part).set(draw(values))
    for name in ("vllm:prompt_tokens", "vllm:generation_tokens", "vllm:prefix_cache_hits"):
        counter = Counter(name, "of one engine", ["model_name", "engine"], registry=registry)
        for part in parts:
            counter.labels(model, part).inc(draw(amounts))
    times = Histogram("vllm:time_to_first_token_seconds", "of one engine", ["model_name", "engine"], registry=registry)
    for part in parts:
        for seconds in draw(st.lists(st.floats(0, 100), max_size=5)):
            times.labels(model, part).observe(seconds, {"trace_id": "x"} if draw(st.booleans()) else None)
        times.labels(model, part)
    return registry


@given(engines())
def test_it_agrees_with_a_parser_of_all(registry: CollectorRegistry) -> None:
    text = generate_latest(registry)
    samples = [sample for family in text_string_to_metric_families(text.decode()) for sample in family.samples]

    def total(name: str, **labels: str) -> float:
        return math.fsum(one.value for one in samples if one.name == name and labels.items() <= one.labels.items())

    found = counts(text, VLLM)
    assert found is not None
    assert found.running == total("vllm:num_requests_running")
    assert found.waiting == total("vllm:num_requests_waiting")
    assert found.prompt_tokens == total("vllm:prompt_tokens_total")
    assert found.cached_tokens == total("vllm:prefix_cache_hits_total")
    assert found.generation_tokens == total("vllm:generation_tokens_total")
    assert found.first_token is not None
    assert found.first_token.sum_seconds == total("vllm:time_to_first_token_seconds_sum")
    assert found.first_token.count == total("vllm:time_to_first_token_seconds_count")
    bounds = {one.labels["le"] for one in samples if one.name.endswith("_bucket")}
    assert dict(found.first_token.buckets) == {
        float(bound): total("vllm:time_to_first_token_seconds_bucket", le=bound) for bound in bounds
    }
    assert (found.finished, found.output_token) == (None, None)


@given(engines())
def test_the_newer_format_says_the_same(registry: CollectorRegistry) -> None:
    """With its exemplars, its mark of the end and its times of creation."""
    assert counts(openmetrics.generate_latest(registry, "allow-utf-8"), VLLM) == counts(generate_latest(registry), VLLM)


@given(engines(), st.floats(0, 1))
def test_whatever_was_cut_off_says_nothing(registry: CollectorRegistry, share: float) -> None:
    text = generate_latest(registry)
    kept = text[: int(share * len(text))]
    # Between two lines only what carried it can tell, by the length that it announced.
    if not kept.endswith(b"\n"):
        assert counts(kept, VLLM) is None


@given(st.lists(PIECES, max_size=40).map("".join), st.booleans())
def test_garbage_is_no_number_and_no_exception(garbage: str, with_work: bool) -> None:
    text = garbage.encode("utf-8", "surrogatepass") + b"\n" + (WORK if with_work else b"")
    found = counts(text, VLLM)
    if found is not None:
        assert_sane(found)


@given(st.binary(max_size=200))
def test_so_it_is_with_any_bytes_beside_the_work(garbage: bytes) -> None:
    found = counts(garbage + b"\n" + WORK, VLLM)
    if found is not None:
        assert_sane(found)


def assert_sane(found: Counts) -> None:
    plain = (
        found.running,
        found.waiting,
        found.finished,
        found.prompt_tokens,
        found.cached_tokens,
        found.generation_tokens,
        found.cache_usage,
    )
    assert all(value is None or (math.isfinite(value) and 0 <= value <= 8 * MOST) for value in plain)
    assert found.cache_usage is None or found.cache_usage <= 1
    for histogram in (found.first_token, found.output_token):
        if histogram is not None:
            bounds, totals = zip(*histogram.buckets, strict=True)
            assert list(bounds) == sorted(set(bounds))
            assert bounds[-1] == math.inf
            assert list(totals) == sorted(totals)
            assert math.isfinite(histogram.sum_seconds)
            assert histogram.sum_seconds >= 0
