"""Which replica a request goes to: by chance as a plain Service does it, or by outstanding requests."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from random import Random

from gemma4_operator.sim.member import Member

Router = Callable[[Sequence[Member], float], Member]
"""It gets those that may serve, at least one, and the time."""


class Routing(StrEnum):
    """The ways to choose."""

    RANDOM = "random"
    TWO_CHOICES = "two-choices"
    """Of two that chance picks, the one with fewer outstanding requests."""
    LEAST = "least"
    """The one with the fewest outstanding requests of all."""


def router_of(routing: Routing, chance: Random) -> Router:
    """Return a router with its own source of chance."""
    match routing:
        case Routing.RANDOM:
            return lambda members, now_seconds: members[int(chance.random() * len(members))]
        case Routing.TWO_CHOICES:
            return lambda members, now_seconds: _least(_two(members, chance), now_seconds)
        case Routing.LEAST:
            return _least


def _two(members: Sequence[Member], chance: Random) -> Sequence[Member]:
    count = len(members)
    if count <= 2:
        return members
    one = int(chance.random() * count)
    other = int(chance.random() * (count - 1))
    return members[one], members[other if other < one else other + 1]


def _least(members: Sequence[Member], now_seconds: float) -> Member:
    """Return the one with the fewest outstanding requests; of equals the first."""
    chosen, fewest = members[0], -1
    for member in members:
        member.engine.advance(now_seconds)
        outstanding = member.engine.outstanding(now_seconds)
        if fewest < 0 or outstanding < fewest:
            chosen, fewest = member, outstanding
    return chosen
