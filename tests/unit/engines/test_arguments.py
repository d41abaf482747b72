"""Extra arguments may say anything but what the plan or another field of the spec says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.engines.arguments import clash
from gemma4_operator.engines.base import Managed
from tests.rendering import a_serving

OWNED = {
    "--port": "spec.endpoint.port",
    "--max-model-len": "spec.capabilities.contextTokens",
    "-c": "spec.x",
    "--enable-lora": "spec.y",
}
BARRED = {"--kv-offload": "since answers are gibberish then"}


def of(*arguments: str) -> str | None:
    return clash(a_serving(extra_args=arguments), Managed(flags=OWNED, barred=BARRED, variables={}))


@pytest.mark.parametrize(
    "argument",
    [
        "--port",
        "--port=9000",
        "--max_model_len",
        "--max_model_len=1",
        "--max-mod",
        "--max_model=1",
        "--no-max-model-len",
        "--max-model-len.key=1",
        "-c",
        "-c=1",
        "-c.key=1",
        "--disable-lora",
        "--disable_lo",
    ],
)
def test_an_owned_flag_is_refused_in_any_spelling(argument: str) -> None:
    assert of("--seed", "7", argument) is not None


@pytest.mark.parametrize("argument", ["--kv-offload", "--no-kv-offload", "--no_kv_offload", "--kv-off"])
def test_what_gemma_must_not_run_with_is_refused_whatever_its_value(argument: str) -> None:
    assert of(argument) == (
        f"`spec.engine.extraArgs` must not contain '{argument.replace('_', '-')}', since answers are gibberish then: "
        "leave it out."
    )


@pytest.mark.parametrize(
    "argument",
    [
        "--ports",
        "port",
        "--max-model-length",
        "-cc",
        "--seed=--port",
        "=--port",
        "8000",
        "--",
        "--no-such",
        "-",
        "--m",
        "--disable-loras",
    ],
)
def test_what_only_looks_like_it_is_not(argument: str) -> None:
    assert of(argument) is None


def test_the_sentence_names_the_field_to_use() -> None:
    assert of("--max_model_len=1") == (
        "`spec.engine.extraArgs` must not contain '--max-model-len': set `spec.capabilities.contextTokens` instead."
    )


def test_the_first_of_several_is_named() -> None:
    assert "'-c'" in str(of("-c", "1", "--port", "2"))


@pytest.mark.parametrize(
    "argument",
    ["--port 9000", "--max_model_len 4096", "--max-mod\t1", "-c 1", "--max-model-len  4096 --seed=7", "--port\n9000"],
)
def test_an_owned_flag_in_one_item_with_its_value_is_refused_like_any(argument: str) -> None:
    assert "instead." in str(of(argument))


@pytest.mark.parametrize("argument", ["--kv-offload no", "--no-kv-offload x=1"])
def test_so_is_a_barred_one(argument: str) -> None:
    assert "since answers are gibberish then" in str(of(argument))


@pytest.mark.parametrize(
    ("argument", "flag"),
    [("--seed 7", "--seed"), ("-s 7", "-s"), ("--seed ", "--seed"), ("--otlp sk-secret=1", "--otlp")],
)
def test_any_other_is_told_to_be_two_and_no_value_is_told(argument: str, flag: str) -> None:
    assert of("--ok", argument) == (
        f"`spec.engine.extraArgs` must not contain '{flag}' and its value as one item with white space between: "
        "write two items."
    )


@pytest.mark.parametrize("argument", [" ", "\t", "  \n"])
def test_a_blank_item_is_refused(argument: str) -> None:
    assert of("--seed", argument) == "`spec.engine.extraArgs` must not contain an item that is blank: leave it out."


@pytest.mark.parametrize("argument", ["--template=a b", "be polite", "- be polite", '{"a": "-b c"}', "--a.b=c d", "-1"])
def test_white_space_in_a_value_is_the_values_own(argument: str) -> None:
    assert of("--seed", argument) is None


@given(flag=st.sampled_from(sorted(OWNED)), space=st.text(" \t\n\r\f\v", min_size=1), value=st.text())
def test_no_white_space_hides_an_owned_flag(flag: str, space: str, value: str) -> None:
    assert of(f"{flag}{space}{value}") == of(flag)
