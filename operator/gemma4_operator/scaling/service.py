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

    def holding(self, sequences: float) -> "Service":
        """Return the same replica where no more than so many sequences decode together, if that is fewer."""
        return replace(self, most_sequences=min(self.most_sequences, max(1.0, sequences)))

    @property
    def answer_token_seconds(self) -> float:
        """What one token of an answer takes of a replica that is half full."""
        return self.sequence_seconds + 2 * self.fixed_seconds / self.most_sequences

    def work_seconds(self, *, input_tokens: float, output_tokens: float) -> float:
        """Return what a request takes of a replica's time."""
        return input_tokens * self.prompt_token_seconds + output_tokens * self.answer_token_seconds

    def told_seconds(self, *, tokens: float, took_seconds: float, input_tokens: float, over_seconds: float) -> float:
        """Return what tokens would have taken by these times, while they took what an engine has told.

        Where all times are f times as long, a step of b sequences takes f (a + c b), and prompts the share f x of each
        second. So a token takes T = f (a + c b) / (1 - f x), and f = T / (a + c b + T x): what was told beside what is
        returned here. Both may be added up over engines and over times, and no step is too full of prompts to tell.

        Args:
            tokens: How many were written.
            took_seconds: All of them together; beside `over_seconds` it is how many sequences decoded on average.
            input_tokens: Of prompts that were read meanwhile.
            over_seconds: How long that went on.
        """
        prompts = input_tokens * self.prompt_token_seconds / over_seconds
        return tokens * self.step_seconds(took_seconds / over_seconds) + took_seconds * prompts

    def step_seconds(self, sequences: float) -> float:
        """Return one decode step with so many sequences."""
        return self.fixed_seconds + self.sequence_seconds * sequences
