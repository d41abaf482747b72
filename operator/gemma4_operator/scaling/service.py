"""How fast one replica is: few constants of the plan, and one factor that says how far they were off."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One replica at work; a step takes `fixed_seconds` and `sequence_seconds` for each sequence in it.

    Attributes:
        sequence_seconds: With the reading of a usual sequence's cache.
        prompt_token_seconds: What one prompt token adds to the step that reads it.
        most_sequences: How many usual sequences decode together.
        max_batched_tokens: The most tokens of one step.
    """

    fixed_seconds: float
    sequence_seconds: float
    prompt_token_seconds: float
    most_sequences: float
    max_batched_tokens: int

    def slowed(self, factor: float) -> "Service":
        """Return the same replica where all of its times are that many times as long."""
        return replace(
            self,
            fixed_seconds=self.fixed_seconds * factor,
            sequence_seconds=self.sequence_seconds * factor,
            prompt_token_seconds=self.prompt_token_seconds * factor,
        )

    @property
    def answer_token_seconds(self) -> float:
        """What one token of an answer takes of a replica that is half full."""
        return self.sequence_seconds + 2 * self.fixed_seconds / self.most_sequences

    def work_seconds(self, *, input_tokens: float, output_tokens: float) -> float:
        """Return what a request takes of a replica's time."""
        return input_tokens * self.prompt_token_seconds + output_tokens * self.answer_token_seconds

    def step_seconds(self, sequences: float) -> float:
        """Return one decode step with so many sequences."""
        return self.fixed_seconds + self.sequence_seconds * sequences
