"""One request of a trace: when it comes, what it brings, what it asks for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as a trace has it.

    Attributes:
        arrival_seconds: Since the trace began.
        input_tokens: Of its prompt; those found in a prefix cache are not among them.
        output_tokens: That it is answered with, the first one counted; at least 1.
    """

    arrival_seconds: float
    input_tokens: int
    output_tokens: int
