"""The rules by name, as a command line or a benchmark asks for them: `NAME[:key=value,...]`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from types import ModuleType
from typing import Any

from gemma4_operator.sim import ours
from gemma4_operator.sim.limits import require_short, require_within
from gemma4_operator.sim.peers import clairvoyant, dynamo, hpa, keda, knative, kubeai, llmd, static, wva
from gemma4_operator.sim.peers.knobs import BadPolicy, parted, read
from gemma4_operator.sim.policy import Policy
from gemma4_operator.sim.request import Request
from gemma4_operator.sim.setting import Setting


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """A rule: the module of its knobs, how it is made, and settings of its main knob from frugal to generous."""

    module: ModuleType
    build: Callable[[Any, Setting, Sequence[Request]], Policy]
    sweep: tuple[str, ...]


def _each(key: str, values: Sequence[float]) -> tuple[str, ...]:
    return tuple(f"{key}={value:g}" for value in values)


_RULES = {
    ours.NAME: _Rule(
        module=ours,
        build=lambda knobs, setting, _: ours.Ours(knobs, setting),
        sweep=_each("share", (0.7, 0.75, 0.8, 0.85, 0.9, 0.95)),
    ),
    "clairvoyant": _Rule(
        module=clairvoyant,
        build=clairvoyant.Clairvoyant,
        # Below 1 too: where its formula is generous, the cheapest that passes staffs for less than there is.
        sweep=_each("times", [hundredths / 100 for hundredths in range(70, 135, 5)]),
    ),
    "dynamo": _Rule(
        module=dynamo,
        build=lambda knobs, setting, _: dynamo.Dynamo(knobs, setting),
        sweep=tuple(
            f"predictor={predictor},safety={safety:g}"
            for predictor in ("constant", "kalman")
            for safety in (1, 1.15, 1.3, 1.5, 1.75, 2)
        ),
    ),
    "hpa": _Rule(
        module=hpa,
        build=lambda knobs, setting, _: hpa.Hpa(knobs, setting),
        sweep=_each("target", (60, 50, 40, 35, 30, 25, 20, 16, 14, 12, 10, 8, 7, 6, 5, 4, 3.5, 3)),
    ),
    "keda": _Rule(
        module=keda,
        build=lambda knobs, setting, _: keda.Keda(knobs, setting),
        sweep=(
            *_each("target", (10, 5, 2, 1)),
            *(
                f"running=true,target={target:g}"
                for target in (60, 50, 40, 35, 30, 25, 20, 16, 14, 12, 10, 8, 7, 6, 5, 4, 3.5, 3)
            ),
        ),
    ),
    "knative": _Rule(
        module=knative,
        build=lambda knobs, setting, _: knative.Knative(knobs, setting),
        sweep=_each("target", (100, 80, 64, 56, 48, 40, 32, 28, 24, 20, 16, 14, 12, 10, 8, 7, 6, 5, 4)),
    ),
    "kubeai": _Rule(
        module=kubeai,
        build=lambda knobs, setting, _: kubeai.KubeAI(knobs, setting),
        sweep=_each("target", (100, 80, 70, 60, 50, 40, 35, 30, 25, 20, 16, 14, 12, 10, 8, 7, 6, 5, 4)),
    ),
    "llmd": _Rule(
        module=llmd,
        build=lambda knobs, setting, _: llmd.Llmd(knobs, setting),
        # The lower threshold keeps its share of the upper, 0.40 of 0.55.
        sweep=tuple(
            f"up={up:g},down={up * 0.40 / 0.55:.3g}"
            for up in (
                *(1.5, 1.4, 1.3, 1.25, 1.2, 1.15, 1.1, 1.05, 1),
                *(0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55),
            )
        ),
    ),
    "static": _Rule(
        module=static,
        build=lambda knobs, setting, _: static.Static(knobs, setting),
        sweep=_each("replicas", range(4, 21)),
    ),
    "wva": _Rule(
        module=wva,
        build=lambda knobs, setting, _: wva.Wva(knobs, setting),
        # The lower threshold keeps its share of the upper, 0.70 of 0.85.
        sweep=tuple(
            f"up={up:g},down={up * 0.70 / 0.85:.3g}" for up in (1, 0.95, 0.85, 0.75, 0.65, 0.55, 0.45, 0.4, 0.35)
        ),
    ),
}


def names() -> tuple[str, ...]:
    """Return the names of all rules."""
    return tuple(_RULES)


def sweep(name: str) -> tuple[str, ...]:
    """Return a rule with each setting of its main knob, from frugal to generous. Raises BadPolicy."""
    return tuple(f"{name}:{knobs}" for knobs in _rule(name).sweep)


def make(text: str, *, setting: Setting, trace: Sequence[Request]) -> Policy:
    """Return a rule that has seen nothing yet.

    Args:
        text: Its name, and knobs that are not as its project has them.
        setting: What it may know beforehand.
        trace: What comes, for the one that knows it.

    Raises:
        BadPolicy: saying what would do.
    """
    name, texts = parted(text)
    rule = _rule(name)
    require_short(texts, name=name)
    knobs = read(rule.module.Knobs, texts, name=name)
    require_within(knobs, texts, name=name)
    return rule.build(knobs, setting, trace)


def _rule(name: str) -> _Rule:
    if name not in _RULES:
        near = get_close_matches(name, _RULES, n=1)
        nearest = f"; did you mean {near[0]}?" if near else ""
        raise BadPolicy(f"a policy must be one of {', '.join(_RULES)}, and is '{name}'{nearest}")
    return _RULES[name]
