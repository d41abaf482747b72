"""What flows through engines: requests, prompts, answers, tokens. Amounts in each second, or totals of a time."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What came, was read and was written.

    Attributes:
        arrivals: Requests that came.
        work_seconds: What they take of one replica's time, as planned, by their tokens.
        prompts: Those that were read, and `prompt_tokens` of them that no cache held.
        answers: Requests that were finished, and `answer_tokens` that were written.
        timed_tokens: Tokens of which an engine told the time, and `timed_seconds` that they took together.
        first_tokens: First tokens of which it told the wait, and `in_time` those of them that came in time.
    """

    arrivals: float = 0.0
    work_seconds: float = 0.0
    prompts: float = 0.0
    prompt_tokens: float = 0.0
    answers: float = 0.0
    answer_tokens: float = 0.0
    timed_tokens: float = 0.0
    timed_seconds: float = 0.0
    first_tokens: float = 0.0
    in_time: float = 0.0

    def plus(self, other: "Flow", times: float = 1.0) -> "Flow":
        """Return the sum of this and so many times the other."""
        return Flow(
            arrivals=self.arrivals + times * other.arrivals,
            work_seconds=self.work_seconds + times * other.work_seconds,
            prompts=self.prompts + times * other.prompts,
            prompt_tokens=self.prompt_tokens + times * other.prompt_tokens,
            answers=self.answers + times * other.answers,
            answer_tokens=self.answer_tokens + times * other.answer_tokens,
            timed_tokens=self.timed_tokens + times * other.timed_tokens,
            timed_seconds=self.timed_seconds + times * other.timed_seconds,
            first_tokens=self.first_tokens + times * other.first_tokens,
            in_time=self.in_time + times * other.in_time,
        )

    def scaled(self, times: float) -> "Flow":
        """Return so many times this."""
        return Flow().plus(self, times)
