"""What a scaler sees: each replica, how far it is, and what its engine counts.

An engine's totals only grow, from its own start on. `None` means that it does not say: that is never the same as 0.
"""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """Times that an engine has counted.

    Attributes:
        buckets: Each upper bound in seconds with how many were at most that long, both rising; the last bound is
            infinite and its count is that of all.
    """

    sum_seconds: float
    buckets: tuple[tuple[float, float], ...]

    @property
    def count(self) -> float:
        """How many times were counted."""
        return self.buckets[-1][1] if self.buckets else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What one engine says of itself at one moment.

    Attributes:
        running: Requests that are worked on; `waiting` those that are not yet.
        finished: All that were answered so far; vLLM leaves out those whose clients went away.
        prompt_tokens: All that were read so far, those found in the prefix cache included.
        cached_tokens: Those of them that were found in the prefix cache.
        generation_tokens: All that were written so far.
        cache_usage: The share of the cache in use, 0 to 1.
        first_token: From a request's arrival to its first token.
        output_token: From one token of an answer to the next.
        request_token: The mean of that over each whole answer.
    """

    running: float
    waiting: float
    finished: float | None = None
    prompt_tokens: float | None = None
    cached_tokens: float | None = None
    generation_tokens: float | None = None
    cache_usage: float | None = None
    first_token: Histogram | None = None
    output_token: Histogram | None = None
    request_token: Histogram | None = None


class Stage(StrEnum):
    """How far a replica is."""

    UNPLACED = "Unplaced"
    """No node takes it, and none is known to be on its way."""
    LOADING = "Loading"
    """It has a node, or gets one that is being added, and does not serve yet."""
    SERVING = "Serving"
    LEAVING = "Leaving"
    """It has been told to go; it finishes what it has begun, and gets no more."""
    FAILED = "Failed"
    """It will not serve as it is, and says why elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What an engine said, and when, in seconds of the scaler's clock."""

    at_seconds: float
    counts: Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """One replica.

    Attributes:
        name: That no other has, now or later.
        since_seconds: When it was made, by the scaler's clock.
        serving_since_seconds: When it began to serve; None: it does not yet.
        sample: The last that is known of its engine; None: nothing yet.
    """

    name: str
    stage: Stage
    since_seconds: float
    serving_since_seconds: float | None = None
    sample: Sample | None = None
