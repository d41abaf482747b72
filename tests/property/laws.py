"""How many examples a law of the scaler is tried on, with what traffic, and what several of its files look at."""

import itertools
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from gemma4_operator.scaling.decision import Decision, Why
from gemma4_operator.scaling.staffing import Limits, Load, needed
from gemma4_operator.scaling.terms import Terms
from tests.scaling import INPUT_TOKENS, OUTPUT_TOKENS, SERVICE, Loop, terms

LAW = settings(max_examples=max(3, settings().max_examples // 8), deadline=None)
"""A loop of an hour takes a quarter of a second."""
SHORT_LAW = settings(max_examples=max(15, settings().max_examples // 4), deadline=None)
"""One of minutes takes far less, so each run tries it on enough examples to meet what is seldom."""

LIMITED = {Why.LIMITED, Why.ASLEEP}
"""Reasons for which a number may fall without a look at what was needed."""

phases = st.lists(st.tuples(st.sampled_from([200.0, 500.0, 900.0]), st.floats(0.0, 20.0)), min_size=1, max_size=4)
calm = st.floats(0.5, 20.0)
ticks = st.sampled_from([5.0, 10.0, 15.0])


def load(rate: float) -> Load:
    """Return so many usual chats a second."""
    return Load(requests_per_second=rate, input_tokens=INPUT_TOKENS, output_tokens=OUTPUT_TOKENS)


def limits(bound: Terms) -> Limits:
    """Return what a request must keep by these terms."""
    return Limits(
        first_token_seconds=bound.first_token_seconds, token_seconds=bound.token_seconds, attainment=bound.attainment
    )


def enough(rate: float) -> int:
    """Return how many replicas carry a usual chat at so many requests a second."""
    return needed(SERVICE, load(rate), limits(terms()))


def settled(rate: float, *, seconds: float = 1500.0, **loop: Any) -> Loop:
    """Return a loop that has had the same traffic for long."""
    found = Loop(loop.pop("terms", terms()), lambda at: rate, serving=enough(rate), **loop)
    found.run(seconds)
    return found


def falls(loop: Loop) -> list[tuple[float, int, Decision]]:
    """Return each moment at which the number fell, with what it was before."""
    made = loop.decisions
    return [
        (at, before.replicas, decision)
        for (_, before), (at, decision) in itertools.pairwise(made)
        if decision.replicas < before.replicas
    ]


def need(decision: Decision) -> int:
    """Return what the moment needed by itself."""
    return decision.state.needs[-1].replicas
