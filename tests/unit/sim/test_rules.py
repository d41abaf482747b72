"""Rules by name."""

import pytest

from gemma4_operator.sim.policy import View
from gemma4_operator.sim.rules import make, names
from tests.unit.sim.settings import SETTING

NOTHING = View(now_seconds=0.0, wanted=1, replicas=(), gateway_waiting=0, arrived=0)


def test_a_static_rule_always_says_the_same():
    rule = make("static:replicas=4", setting=SETTING, trace=())
    assert rule.wanted(NOTHING) == 4
    assert rule.interval_seconds > 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sttic:replicas=4", "`sttic` must be one of static"),
        ("static", "`static` must have its count, such as static:replicas=4"),
        ("static:replicas=-1", "`static` must have its count, such as static:replicas=4"),
        ("static:count=4", "`static` must have its count, such as static:replicas=4"),
    ],
)
def test_what_is_wrong_is_told(text: str, message: str):
    with pytest.raises(ValueError, match=message):
        make(text, setting=SETTING, trace=())


def test_each_rule_has_a_name():
    assert names() == ("static",)
