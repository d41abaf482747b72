"""How far knobs may be turned: at both ends every rule still plays a run to its end, and beyond them it is refused."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, get_type_hints

import pytest

from gemma4_operator.sim.limits import LIMITS, Limits
from gemma4_operator.sim.peers.knobs import BadPolicy
from gemma4_operator.sim.request import Request
from gemma4_operator.sim.rules import _RULES, make, names
from gemma4_operator.sim.world import play
from tests.unit.sim.settings import SETTING, circumstances, setting

TRACE = [Request(arrival_seconds=number / 10, input_tokens=200, output_tokens=50) for number in range(1000)]
SHORT = setting(boot_seconds=20.0, minimum=0, maximum=5)
WITHIN: Mapping[str, str] = {"llmd:up": "down=0.01", "llmd:down": "up=100", "wva:up": "down=0.01", "wva:down": "up=1"}
"""What else must be said: the lower threshold is to stay below the upper one."""
FAR = {"llmd:up": "down=0.001", "llmd:down": "up=1000", "wva:up": "down=0.001", "wva:down": "up=1000"}
NEVER = {("llmd", "up", 0.01), ("llmd", "down", 100), ("wva", "up", 0.01), ("wva", "down", 1)}
"""Ends at which no other threshold is left."""


def every_knob() -> Iterator[tuple[str, str, Limits]]:
    for name, knobs in LIMITS.items():
        for key, limits in knobs.items():
            yield name, key, limits


def number(limits: Limits, value: float) -> str:
    return str(round(value)) if limits.is_whole else repr(value)


def asked(name: str, key: str, text: str, *, beside: Mapping[str, str] = WITHIN) -> str:
    other = beside.get(f"{name}:{key}")
    return f"{name}:{key}={text}" + (f",{other}" if other else "")


def played(policy: str) -> None:
    rule = make(policy, setting=SHORT, trace=TRACE)
    run = play(TRACE, rule, circumstances=circumstances(setting=SHORT))
    assert run.duration_seconds == TRACE[-1].arrival_seconds


def test_every_number_of_every_rule_has_limits_and_nothing_else_has() -> None:
    numbers: dict[str, set[str]] = {}
    for name in names():
        hints: Mapping[str, Any] = get_type_hints(_RULES[name].module.Knobs)
        numbers[name] = {key for key, kind in hints.items() if kind in (int, float)}
    assert {name: set(knobs) for name, knobs in LIMITS.items()} == numbers


def test_what_is_usual_is_within_them_and_whole_numbers_are_called_so() -> None:
    for name, key, limits in every_knob():
        (field,) = (one for one in fields(_RULES[name].module.Knobs) if one.name == key)
        assert name == "static" or limits.allow(field.default)
        assert limits.is_whole == (field.type is int)
        assert limits.or_zero or limits.least == 0 or field.metadata.get("least") != 0


@pytest.mark.parametrize(
    ("name", "key", "limits", "end"),
    [
        (*knob, end)
        for knob in every_knob()
        for end in ("least", "most", "zero")
        if (end != "zero" or knob[2].or_zero)
        and (*knob[:2], 0 if end == "zero" else getattr(knob[2], end)) not in NEVER
    ],
)
def test_a_rule_plays_at_the_ends(name: str, key: str, limits: Limits, end: str) -> None:
    value = 0.0 if end == "zero" else getattr(limits, end)
    played(asked(name, key, number(limits, value)))


@pytest.mark.parametrize(("name", "key", "limits"), list(every_knob()))
def test_beyond_them_it_is_refused_with_what_must_be(name: str, key: str, limits: Limits) -> None:
    beyond = [limits.most + 1 if limits.is_whole else limits.most * 1.001]
    if limits.least > 0 and not limits.is_whole:
        beyond.append(limits.least * 0.999)
    for value in beyond:
        text = number(limits, value)
        with pytest.raises(BadPolicy) as raised:
            make(asked(name, key, text, beside=FAR), setting=SETTING, trace=TRACE)
        assert str(raised.value) == f"`{key}` of `{name}` must be {limits}, and is '{text}'"


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("gemma4:share=5", "`share` of `gemma4` must be a number from 0.01 to 1, and is '5'"),
        ("gemma4:scrape=4", "`scrape` of `gemma4` must be 0 or a number from 5 to 3600, and is '4'"),
        ("llmd:share=5", "`share` of `llmd` must be a number from 0.01 to 1, and is '5'"),
        ("dynamo:load_seconds=0.0001", "`load_seconds` of `dynamo` must be a number from 1 to 3600, and is '0.0001'"),
        ("hpa:target=1e-300", "`target` of `hpa` must be a number from 0.01 to 100000, and is '1e-300'"),
        ("hpa:up_pods=20000", "`up_pods` of `hpa` must be a whole number from 1 to 10000, and is '20000'"),
        (
            "hpa:up_window_seconds=0.5",
            "`up_window_seconds` of `hpa` must be 0 or a number from 1 to 3600, and is '0.5'",
        ),
        ("knative:down_delay_seconds=1e-9", "`down_delay_seconds` of `knative` must be 0 or a number from 1 to 3600"),
        (
            f"static:replicas={'9' * 400}",
            f"`replicas` of `static` must have at most 40 characters, and has 400: {'9' * 40}",
        ),
    ],
)
def test_slips_of_the_hand(policy: str, message: str) -> None:
    """Each of these once ended as a failure of the program, or not at all."""
    with pytest.raises(BadPolicy) as raised:
        make(policy, setting=SETTING, trace=TRACE)
    assert str(raised.value).startswith(message)
