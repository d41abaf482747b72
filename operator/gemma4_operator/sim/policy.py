"""What a scaling rule sees in the simulator, and what it answers. Ours and those of others are asked alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gemma4_operator.scaling.sample import Replica


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One replica as a rule may see it.

    Attributes:
        replica: Its stage, its times, and what its engine counts, as old as scraping makes it.
        running: Requests that are worked on at this very moment; `waiting` those in the engine's queue.
        queued_prompt_tokens: Of prompts that are not read yet, those being read included.
        cache_tokens: Held now; `cache_capacity_tokens` could be.
    """

    replica: Replica
    running: int
    waiting: int
    queued_prompt_tokens: int
    cache_tokens: int
    cache_capacity_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What there is at one moment.

    Attributes:
        now_seconds: Since the trace began.
        wanted: What the rule said last.
        replicas: All that are not gone, those that leave included.
        gateway_waiting: Requests that are held in front of all replicas.
        arrived: All requests that came so far.
    """

    now_seconds: float
    wanted: int
    replicas: Sequence[Seen]
    gateway_waiting: int
    arrived: int


class Policy(Protocol):
    """A rule; it may remember what it has seen, and is made anew for each run."""

    @property
    def interval_seconds(self) -> float:
        """How often it is asked."""

    def wanted(self, view: View) -> int:
        """Return how many replicas there should be from now on."""
