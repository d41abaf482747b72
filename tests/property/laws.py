"""How many examples a law of the scaler is tried on, and what several of its files compare with."""

from hypothesis import settings

from gemma4_operator.scaling.staffing import Limits, Load, needed
from gemma4_operator.scaling.terms import Terms
from tests.scaling import INPUT_TOKENS, OUTPUT_TOKENS, SERVICE, terms

LAW = settings(max_examples=max(3, settings().max_examples // 8), deadline=None)
"""A loop of an hour takes a quarter of a second."""
SHORT_LAW = settings(max_examples=max(15, settings().max_examples // 4), deadline=None)
"""One of minutes takes far less, so each run tries it on enough examples to meet what is seldom."""


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
