"""The one question to Prometheus and its answer: joined by pod, whole or not at all, and no shape of it does harm."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.engines import dialects
from gemma4_operator.engines.base import Dialect
from gemma4_operator.runtime import promql
from gemma4_operator.runtime.promql import NoAnswer, Said
from gemma4_operator.scaling.sample import Counts, Histogram

TOY = Dialect(
    path="/toy",
    running="toy_running",
    waiting="toy_waiting",
    prompt_tokens="toy_prompt",
    generation_tokens="toy_generation",
    first_token_seconds=("toy_first",),
)
ASKED_AT = 1000.0


def row(name: str, value: Any, pod: str = "chat-1", **labels: str) -> dict[str, Any]:
    return {"metric": {"__name__": name, "pod": pod, **labels}, "value": [ASKED_AT, str(value)]}


def moment(stamp: float, pod: str = "chat-1", of: str = "toy_running", **labels: str) -> dict[str, Any]:
    return {"metric": {"gemma4_moment_of": of, "pod": pod, **labels}, "value": [ASKED_AT, str(stamp)]}


def work(running: float, stamp: float = 990.0, pod: str = "chat-1", **labels: str) -> list[dict[str, Any]]:
    return [
        row("toy_running", running, pod, **labels),
        row("toy_waiting", 0, pod, **labels),
        moment(stamp, pod, **labels),
    ]


def answered(*rows: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": rows}, **more}).encode()


def said(*rows: dict[str, Any], spoken: tuple[Dialect, ...] = (TOY,)) -> dict[str, Said]:
    return promql.answer(answered(*rows), {"chat-1": spoken, "chat-2": spoken}, pod_label="pod")


def running(found: dict[str, Said]) -> dict[str, float]:
    return {name: one.counts.running for name, one in found.items()}


class TestQuestion:
    def test_it_is_for_the_values_and_for_their_moment(self) -> None:
        asked = promql.query(
            [dialects.LLAMA_CPP], namespace="team", pods=["chat-1", "chat-2"], namespace_label="ns", pod_label="of"
        )
        values, moments = asked.split(" or ")
        these = r'ns="team",of=~"chat\\-1|chat\\-2"}'
        assert values.endswith(these)
        assert '{__name__=~"llamacpp:requests_processing|llamacpp:requests_deferred|' in values
        assert moments == (
            f"label_replace(timestamp(llamacpp:requests_processing{{{these}), "
            '"gemma4_moment_of", "llamacpp:requests_processing", "", "")'
        )

    def test_no_name_is_asked_for_twice(self) -> None:
        asked = promql.query(
            [dialects.VLLM, dialects.NIM_2], namespace="team", pods=["a"], namespace_label="n", pod_label="p"
        )
        assert asked.count("timestamp(") == 1
        assert asked.count("|vllm:num_requests_waiting|") == 1

    def test_no_name_ends_the_question_early(self) -> None:
        asked = promql.query([TOY], namespace='"} or x{"', pods=['a"', ".*", "b\\"], namespace_label="n", pod_label="p")
        assert r'n="\"} or x{\""' in asked
        assert r'p=~"a\"|\\.\\*|b\\\\"' in asked


class TestAnswer:
    def test_each_pod_says_what_it_does_and_when(self) -> None:
        found = said(*work(3, 990.5), *work(5, 980.0, "chat-2"), row("toy_prompt", 7))
        assert found == {
            "chat-1": Said(counts=Counts(running=3, waiting=0, prompt_tokens=7), stamp=990.5, age_seconds=9.5),
            "chat-2": Said(counts=Counts(running=5, waiting=0), stamp=980.0, age_seconds=20.0),
        }

    def test_parts_are_added_up(self) -> None:
        parts = [one for engine in "012" for one in work(2, engine=engine)]
        assert running(said(*parts)) == {"chat-1": 6}

    def test_a_histogram_is_one(self) -> None:
        buckets = [row("toy_first_bucket", count, le=le) for le, count in (("0.5", 1), ("+Inf", 2))]
        (found,) = said(*work(1), *buckets, row("toy_first_sum", 3.0)).values()
        assert found.counts.first_token == Histogram(sum_seconds=3.0, buckets=((0.5, 1), (float("inf"), 2)))

    @pytest.mark.parametrize("le", ["", "NaN", "-1", "soon", None])
    def test_one_with_a_bound_that_cannot_be_is_none(self, le: str | None) -> None:
        bound = {} if le is None else {"le": le}
        buckets = [row("toy_first_bucket", 1, **bound), row("toy_first_bucket", 2, le="+Inf")]
        (found,) = said(*work(1), *buckets, row("toy_first_sum", 3.0)).values()
        assert found.counts.first_token is None

    def test_nothing_is_known_of_nobody(self) -> None:
        assert said() == {}

    def test_strangers_are_left_out(self) -> None:
        assert said(*work(3, pod="stranger"), *work(4, pod="")) == {}

    @pytest.mark.parametrize("gap", [0, 1, 2])
    def test_without_the_work_or_its_moment_there_is_none(self, gap: int) -> None:
        rows = work(3)
        del rows[gap]
        assert said(*rows) == {}

    @pytest.mark.parametrize("value", ["NaN", "+Inf", "-1", "many", ""])
    def test_nor_where_the_work_is_no_number(self, value: str) -> None:
        assert said(row("toy_running", value), row("toy_waiting", 0), moment(990)) == {}

    @pytest.mark.parametrize("engines", ["01", "10"])
    def test_nor_where_a_part_of_it_is_none(self, engines: str) -> None:
        parts = {"0": work(1, engine="0"), "1": work(float("nan"), engine="1")}
        assert said(*(one for engine in engines for one in parts[engine])) == {}

    @pytest.mark.parametrize("stamp", ["NaN", "+Inf", "yesterday"])
    def test_nor_where_the_moment_is_none(self, stamp: Any) -> None:
        assert said(row("toy_running", 1), row("toy_waiting", 0), moment(stamp)) == {}

    def test_a_moment_after_the_question_is_that_of_the_question(self) -> None:
        (found,) = said(*work(1, ASKED_AT + 5)).values()
        assert found.age_seconds == 0

    @pytest.mark.parametrize("stamps", [(990, 985), (985, 990)])
    def test_the_oldest_of_the_parts_says_how_old_it_is(self, stamps: tuple[float, float]) -> None:
        parts = [one for engine, stamp in enumerate(stamps) for one in work(1, stamp, engine=str(engine))]
        (found,) = said(*parts).values()
        assert found.age_seconds == 15

    def test_before_that_the_one_that_keeps_the_tokens_counts(self) -> None:
        """A job for another scaler's recipe keeps two series, which tell nothing of what comes."""
        tokens = [row("toy_prompt", 500, job="all"), row("toy_generation", 50, job="all")]
        found = said(*work(3, 980, job="all"), *tokens, *work(4, 990, job="two"))
        assert (found["chat-1"].counts.prompt_tokens, found["chat-1"].stamp) == (500, 980)
        assert running(said(*work(3, 980, job="all"), tokens[0], *work(4, 990, job="two"))) == {"chat-1": 4}

    @pytest.mark.parametrize("label", ["job", "instance", "prometheus", "prometheus_replica"])
    def test_of_two_that_scrape_the_newest_counts(self, label: str) -> None:
        old, new = work(3, 980, **{label: "a"}), work(4, 990, **{label: "b"})
        assert running(said(*old, *new)) == running(said(*new, *old)) == {"chat-1": 4}

    def test_unless_it_says_nothing_that_counts(self) -> None:
        assert running(said(*work(3, 980, job="a"), *work(-1, 990, job="b"))) == {"chat-1": 3}

    def test_the_first_dialect_that_gives_counts_is_its(self) -> None:
        nim = [row("num_requests_running", 5), row("num_requests_waiting", 0), moment(990, of="num_requests_running")]
        assert running(said(*nim, spoken=(dialects.NIM_2, dialects.NIM_1))) == {"chat-1": 5}


class TestNoAnswer:
    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"<html>",
            b"null",
            b"[]",
            b"{}",
            b'{"status": "success"}',
            b'{"status": "success", "data": null}',
            b'{"status": "success", "data": {"result": [1]}}',
            b'{"status": "success", "data": {"result": [{}]}}',
            b'{"status": "success", "data": {"result": [{"metric": 5, "value": [1, "2"]}]}}',
            b'{"status": "success", "data": {"result": [{"metric": {}, "values": [[1, "2"]]}]}}',
            b'{"status": "success", "data": {"result": [{"metric": {}, "value": []}]}}',
            b"[" * 100_000,
            b'{"status":' * 100_000,
            b"\xff\xfe",
        ],
    )
    def test_what_is_no_answer_is_told(self, data: bytes) -> None:
        with pytest.raises(NoAnswer, match=r"its answer is not one to an instant query \(\w+\)"):
            promql.answer(data, {"chat-1": (TOY,)}, pod_label="pod")

    def test_what_it_complains_of_is_told(self) -> None:
        data = b'{"status": "error", "errorType": "bad_data", "error": "parse error"}'
        with pytest.raises(NoAnswer, match="it says 'parse error'"):
            promql.answer(data, {"chat-1": (TOY,)}, pod_label="pod")

    def test_an_answer_with_a_warning_may_be_a_part(self) -> None:
        """Half of a pod's engines would look like half of its work."""
        with pytest.raises(NoAnswer, match="it warns 'a store is away', so its answer may lack some pods"):
            promql.answer(answered(*work(1), warnings=["a store is away"]), {"chat-1": (TOY,)}, pod_label="pod")

    @given(
        st.recursive(
            st.one_of(st.none(), st.booleans(), st.floats(), st.text(max_size=3), st.sampled_from(["NaN", "success"])),
            lambda inner: st.one_of(
                st.lists(inner, max_size=3),
                st.dictionaries(st.sampled_from(["metric", "value", "pod", "__name__", "le"]), inner, max_size=3),
            ),
        )
    )
    def test_no_form_of_it_does_harm(self, rows: Any) -> None:
        data = json.dumps({"status": "success", "data": {"result": rows}}).encode()
        try:
            found = promql.answer(data, {"chat-1": (TOY,)}, pod_label="pod")
        except NoAnswer:
            return
        assert found == {}
