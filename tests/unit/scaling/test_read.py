"""What an engine says of itself, read out of its exposition: all of it, or None, and never a number that lies."""

import math
import time
from dataclasses import replace

import pytest

from gemma4_operator.engines import dialects
from gemma4_operator.engines.base import Dialect
from gemma4_operator.scaling import figures
from gemma4_operator.scaling.figures import Series
from gemma4_operator.scaling.read import MOST_SERIES, counts
from gemma4_operator.scaling.sample import Counts, Histogram

TOY = Dialect(
    path="/toy",
    running="toy_running",
    waiting="toy_waiting",
    cache_usage=("toy_cache", "toy_old_cache"),
    prompt_tokens="toy_prompt",
    generation_tokens="toy_generation",
    cached_tokens=("toy_cached",),
    finished=("toy_finished",),
    first_token_seconds=("toy_first",),
    output_token_seconds=("toy_output", "toy_old_output"),
)
WORK = "toy_running 3\ntoy_waiting 1\n"
FIRST = (
    'toy_first_bucket{le="0.5"} 2\n'
    'toy_first_bucket{le="1.0"} 5\n'
    'toy_first_bucket{le="+Inf"} 6\n'
    "toy_first_sum 4.5\n"
    "toy_first_count 6\n"
)
NO_COUNTS = (
    *("", "NaN", "+Inf", "-Inf", "-1", "-0.5", "1e999", "9" * 400, "1e17"),
    *("seven", "true", "null", "1_0", "0x10", "7apples", "7 apples", "7 -", "1.2.3", "7,5", "\u0667"),
    *('{a="b" 7', '{a="b} 7', '7 {a="b"}'),
)


def said(text: str, dialect: Dialect = TOY) -> Counts | None:
    return counts(text.encode(), dialect)


def beside(text: str, dialect: Dialect = TOY) -> Counts:
    """What is said by these lines beside those of the work."""
    found = said(WORK + text, dialect)
    assert found is not None
    return found


class TestFigures:
    def test_who_says_only_how_much_is_in_work_says_nothing_else(self) -> None:
        assert said(WORK) == Counts(running=3, waiting=1)

    @pytest.mark.parametrize(
        "text", ["", "\n", "toy_waiting 1\n", "toy_running 3\n", "# toy_running 3\ntoy_waiting 1\n"]
    )
    def test_who_does_not_say_that_says_nothing(self, text: str) -> None:
        """Silence is not rest: a missing gauge is never 0."""
        assert said(text) is None

    @pytest.mark.parametrize(
        ("name", "field"),
        [
            ("toy_prompt", "prompt_tokens"),
            ("toy_generation", "generation_tokens"),
            ("toy_cached", "cached_tokens"),
            ("toy_finished", "finished"),
        ],
    )
    def test_parts_are_added_up(self, name: str, field: str) -> None:
        text = f'{name}{{engine="0"}} 12\n{name}{{engine="1"}} 30.5\n'
        assert beside(text) == replace(Counts(running=3, waiting=1), **{field: 42.5})

    def test_so_are_those_of_what_is_in_work(self) -> None:
        running = 'toy_running{engine="0"} 1\ntoy_running{engine="1"} 2\n'
        waiting = 'toy_waiting{engine="0"} 0\ntoy_waiting{engine="1"} 7\n'
        assert said(running + waiting) == Counts(running=3, waiting=7)

    def test_the_cache_is_as_full_as_its_parts_are_together(self) -> None:
        assert beside('toy_cache{engine="0"} 0.2\ntoy_cache{engine="1"} 0.8\n').cache_usage == 0.5

    def test_a_cache_that_is_more_than_full_is_none(self) -> None:
        assert beside('toy_cache{engine="0"} 0.2\ntoy_cache{engine="1"} 1.01\n').cache_usage is None

    def test_0_is_said_and_not_missing(self) -> None:
        found = beside("toy_prompt 0\ntoy_cache 0.0\n")
        assert (found.prompt_tokens, found.cache_usage, found.cached_tokens) == (0, 0, None)

    def test_older_names_count_where_the_newer_are_missing(self) -> None:
        assert beside("toy_old_cache 0.7\n").cache_usage == 0.7
        assert beside("toy_old_cache 0.7\ntoy_cache 0.1\n").cache_usage == 0.1

    @pytest.mark.parametrize("nonsense", ["toy_cache NaN\n", "toy_cache 1e17\n", "toy_cache 0.1\ntoy_cache 0.1\n"])
    def test_but_not_where_the_newer_say_nonsense(self, nonsense: str) -> None:
        assert beside(f"toy_old_cache 0.7\n{nonsense}").cache_usage is None

    def test_prompts_that_are_counted_without_the_cached_get_them_back(self) -> None:
        apart = replace(TOY, prompt_includes_cached=False)
        both = "toy_prompt 21\ntoy_cached 11\n"
        assert beside(both).prompt_tokens == 21
        assert (beside(both, apart).prompt_tokens, beside(both, apart).cached_tokens) == (32, 11)
        assert beside("toy_prompt 21\n", apart).prompt_tokens is None


class TestHistograms:
    def test_buckets_and_their_sum(self) -> None:
        assert beside(FIRST).first_token == Histogram(sum_seconds=4.5, buckets=((0.5, 2), (1.0, 5), (math.inf, 6)))

    def test_those_of_several_engines_are_one(self) -> None:
        text = "".join(
            f'toy_output_bucket{{engine="{engine}",le="{bound}"}} {count}\n'
            for engine, counts in enumerate(((1, 2, 4), (10, 10, 10)))
            for bound, count in zip(("0.01", "0.1", "+Inf"), counts, strict=True)
        )
        text += 'toy_output_sum{engine="0"} 0.5\ntoy_output_sum{engine="1"} 0.25\n'
        assert beside(text).output_token == Histogram(sum_seconds=0.75, buckets=((0.01, 11), (0.1, 12), (math.inf, 14)))

    def test_those_of_one_engine_twice_are_not_those_of_two(self) -> None:
        twice = FIRST.replace("toy_first_sum 4.5\n", 'toy_first_sum{engine="0"} 4.5\n') + FIRST
        assert beside(twice).first_token is None

    def test_an_older_name_is_one_too(self) -> None:
        text = FIRST.replace("toy_first", "toy_old_output")
        assert beside(text).output_token == beside(FIRST).first_token

    @pytest.mark.parametrize(
        ("line", "instead"),
        [
            ('toy_first_bucket{le="+Inf"} 6\n', ""),
            ("toy_first_sum 4.5\n", ""),
            ("toy_first_sum 4.5\n", "toy_first_sum -4.5\n"),
            ('{le="1.0"} 5', '{le="1.0"} 1'),
            ('{le="1.0"} 5', '{le="1.0"} NaN'),
            ('{le="1.0"}', '{le="one"}'),
            ('{le="1.0"}', '{le="0.5"}'),
            ('{le="1.0"}', '{le="NaN"}'),
            ('{le="1.0"}', '{le="-1.0"}'),
            ('{le="1.0"}', '{more="1.0"}'),
            ('{le="1.0"}', ""),
            ("toy_first_sum 4.5\n", 'toy_first_sum{engine="0"} 4.5\ntoy_first_sum{engine="1"} 1\n'),
            ("toy_first_sum 4.5\n", 'toy_first_sum 4.5\ntoy_first_bucket{engine="1",le="0.5"} 1\n'),
        ],
    )
    def test_one_that_is_not_whole_is_none(self, line: str, instead: str) -> None:
        assert line in FIRST
        assert beside(FIRST.replace(line, instead)) == Counts(running=3, waiting=1)

    def test_a_label_cannot_be_taken_for_a_bound(self) -> None:
        named = FIRST.replace("{le", '{model_name="a,le=",le').replace("_sum", '_sum{model_name="a,le="}')
        assert beside(named).first_token in (None, beside(FIRST).first_token)
        quoted = FIRST.replace("{le", '{model_name="a,le=\\"0.1\\"",le').replace("_sum", '_sum{model_name="a"}')
        assert beside(quoted).first_token == beside(FIRST).first_token


class TestForm:
    @pytest.mark.parametrize(
        "line",
        [
            'toy_prompt{model_name="a"} 7',
            'toy_prompt{model_name="a{b} \\"7\\" \\\\"} 7',
            "toy_prompt{} 7.0",
            "toy_prompt\t7",
            "toy_prompt {} 7e0",
            "toy_prompt 0.7e+1 1700000000000",
            'toy_prompt{a="b"} 7 # {trace_id="x"} 0.5 1700000000.1',
            "toy_prompt 7 # EOF",
        ],
    )
    def test_all_that_the_format_allows(self, line: str) -> None:
        assert beside(f"{line}\n").prompt_tokens == 7

    @pytest.mark.parametrize(
        "line",
        [
            "toy_prompt_created 7",
            "toy_prompt2 7",
            'xtoy_prompt{a="b"} 7',
            "# HELP toy_prompt 7",
            '# TYPE toy_prompt 7\nother{a="toy_prompt 7"} 1',
        ],
    )
    def test_other_names_are_not_read(self, line: str) -> None:
        assert beside(f"{line}\n").prompt_tokens is None

    def test_a_name_that_another_begins_with_is_not_taken_for_it(self) -> None:
        """`toy_running` is all that the names of this dialect share, so nothing is left of that one."""
        longer = Dialect(
            path="/toy",
            running="toy_running",
            waiting="toy_running_not",
            prompt_tokens="toy_running_not_yet",
            generation_tokens="toy_running_dry",
        )
        text = "toy_running_not_yet 7\ntoy_running 3\ntoy_running_not 1\n"
        assert said(text, longer) == Counts(running=3, waiting=1, prompt_tokens=7)

    @pytest.mark.parametrize("value", NO_COUNTS)
    def test_what_is_no_count_is_none(self, value: str) -> None:
        assert beside(f"toy_prompt {value}\n").prompt_tokens is None
        assert said(f"toy_waiting 1\ntoy_running {value}\n") is None

    @pytest.mark.parametrize("value", ["NaN", "-1", "seven"])
    def test_nor_is_a_sum_of_which_one_part_is_none(self, value: str) -> None:
        assert beside(f'toy_prompt{{engine="0"}} 5\ntoy_prompt{{engine="1"}} {value}\n').prompt_tokens is None

    def test_one_series_said_twice_is_none(self) -> None:
        """Added up it would be twice as much as there is."""
        assert said(2 * WORK) is None
        assert beside(2 * FIRST).first_token is None

    @pytest.mark.parametrize("cut", range(1, len(WORK)))
    def test_an_answer_that_was_cut_off_is_none(self, cut: int) -> None:
        """Whatever is missing may be half of a number, or the other half of a sum."""
        whole = f"toy_prompt 5\n{WORK}"
        assert said(whole[:-cut]) is None

    def test_the_mark_of_an_end_is_one(self) -> None:
        assert said(f"{WORK}# EOF") == said(f"{WORK}# EOF\n") == Counts(running=3, waiting=1)

    def test_bytes_that_are_no_text_are_no_figures(self) -> None:
        assert counts(b"\xff\xfe\n" + WORK.encode() + b"toy_prompt \xff\n", TOY) == Counts(running=3, waiting=1)


class TestBounds:
    @pytest.mark.parametrize(
        "text",
        [
            b"toy_running" * 900_000 + b"\n",
            b"toy_running{" * 900_000 + b"\n",
            b"\ntoy_running{" * 800_000 + b"\n",
            b"toy_running{" + b'a="b",' * 1_600_000 + b"} 1\n",
            b'toy_running{a="' + b"\\" * 10_000_000 + b'"} 1\n',
            b'toy_running{a="' + b'"{' * 5_000_000 + b"} 1\n",
            b"toy_running " + b"9" * 10_000_000 + b"\n",
            b"toy_running" + b" " * 10_000_000 + b"\n",
            b"\ntoy_running_more 1" * 500_000 + b"\n",
            b"toy_running 1\n" * 700_000,
            b"\n" * 10_000_000,
            b"x" * 10_000_000,
            bytes(10_000_000) + b"\n",
        ],
        ids=range(13),
    )
    def test_ten_megabytes_of_anything_are_over_soon(self, text: bytes) -> None:
        assert len(text) >= 9_000_000
        begun = time.process_time()
        assert counts(text, TOY) is None
        assert time.process_time() - begun < 10.0

    def test_a_long_list_of_labels_is_read(self) -> None:
        labels = ",".join(f'label_{number}="{"v" * 50}"' for number in range(20_000))
        assert said(f"toy_running{{{labels}}} 3\ntoy_waiting 1\n") == Counts(running=3, waiting=1)

    def test_more_series_than_any_engine_has_are_none(self) -> None:
        def many(number: int) -> str:
            return "".join(f'toy_prompt{{engine="{engine}"}} 1\n' for engine in range(number))

        assert beside(many(MOST_SERIES)).prompt_tokens == MOST_SERIES
        assert beside(many(MOST_SERIES + 1)).prompt_tokens is None


@pytest.mark.parametrize("dialect", [dialects.VLLM, dialects.NIM_1, dialects.NIM_2, dialects.LLAMA_CPP, TOY])
def test_every_name_that_is_looked_for_is_named(dialect: Dialect) -> None:
    """Who fetches them beforehand misses none, and none in vain."""
    names = figures.names(dialect)
    asked: set[str] = set()
    for there in names:

        def look(name: str, there: str = there) -> Series:
            asked.add(name)
            return (
                Series([""], [1.0], [math.inf]) if name in (there, dialect.running, dialect.waiting) else Series([], [])
            )

        figures.counts(look, dialect)
    assert asked == set(names)
    assert len(names) == len(asked)
