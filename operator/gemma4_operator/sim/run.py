"""One simulated run: what it is made of, and what is left of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from gemma4_operator.sim.ledger import Ledger
from gemma4_operator.sim.routing import Routing
from gemma4_operator.sim.setting import Setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What a run is played in, besides the setting that a rule knows.

    Attributes:
        start: Replicas that serve when the trace begins.
        has_gateway: Whether a deadline queue stands before the replicas.
        mean_life_seconds: How long a replica serves until it dies, on average, by chance; None: none does. Requests
            that are on it then are lost; the next one is made at once.
        drain_seconds: How long requests may take to end after the last has come.
    """

    setting: Setting
    start: int
    routing: Routing = Routing.TWO_CHOICES
    has_gateway: bool = False
    mean_life_seconds: float | None = None
    drain_seconds: float = 300.0
    seed: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """When one replica was wished for, served, was told to go and was gone; None: not until the end."""

    since_seconds: float
    serving_since_seconds: float | None
    leaving_since_seconds: float | None
    gone_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What is left of a run.

    Attributes:
        duration_seconds: Of the trace; replicas cost until then.
        end_seconds: When it was given up to wait for answers.
        wanted: Each change of the count that was wished for: when, and to what; the first is the start.
        preemptions: Of all engines.
    """

    ledger: Ledger
    duration_seconds: float
    end_seconds: float
    lives: Sequence[Life]
    wanted: Sequence[tuple[float, int]]
    preemptions: int
