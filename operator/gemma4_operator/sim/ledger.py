"""What became of each request of a trace: when it had its first token, when its last, or that its replica died."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf

from gemma4_operator.sim.request import Request
from gemma4_operator.sim.setting import Objectives


@dataclass(slots=True)
class Ledger:
    """One line for each request, by its place in the trace; engines write into it.

    Attributes:
        first_seconds: When the first token came; infinite: not yet. `finish_seconds` when the last came.
        lost: Requests that no replica answers any more: it died, or none can hold them.
    """

    requests: Sequence[Request]
    first_seconds: list[float] = field(init=False)
    finish_seconds: list[float] = field(init=False)
    lost: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.first_seconds = [inf] * len(self.requests)
        self.finish_seconds = [inf] * len(self.requests)

    def token_seconds(self, index: int) -> float:
        """Return the mean time of each further token; 0 where there is none, infinite where it is not finished."""
        further = self.requests[index].output_tokens - 1
        return (self.finish_seconds[index] - self.first_seconds[index]) / further if further else 0.0

    def is_kept(self, index: int, objectives: Objectives, *, end_seconds: float) -> bool:
        """Whether a request kept both objectives; one without an end by `end_seconds` did if it can still keep them."""
        if index in self.lost:
            return False
        request = self.requests[index]
        first = min(self.first_seconds[index], end_seconds)
        if first - request.arrival_seconds > objectives.first_token_seconds:
            return False
        finish = min(self.finish_seconds[index], end_seconds)
        return finish - first <= objectives.token_seconds * (request.output_tokens - 1)
