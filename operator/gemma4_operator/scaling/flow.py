"""What flows through engines: requests, prompts, answers, tokens. Amounts in each second, or totals of a time."""

from dataclasses import dataclass, field

from gemma4_operator.scaling.histograms import Tail


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What came, was read and was written.

    Attributes:
        arrivals: Requests that came.
        work_seconds: What they take of one replica's time, as planned, by their tokens. Below 0 between two samples
            where less was left to do than had been reckoned with.
        prompts: Those that were read, and `prompt_tokens` of them that no cache held.
        answers: Requests that were finished, and `answer_tokens` that were written.
        timed_tokens: Tokens of which an engine told the time, and `timed_seconds` that they took together.
        planned_seconds: What those would have taken by the plan, beside the prompts that were read meanwhile.
        cache: The share of a replica's cache that was in use, and `sequences` the requests that used it; of engines
            that say both.
        first_token: How many first tokens came, and how late, as far as an engine told the wait.
    """

    arrivals: float = 0.0
    work_seconds: float = 0.0
    prompts: float = 0.0
    prompt_tokens: float = 0.0
    answers: float = 0.0
    answer_tokens: float = 0.0
    timed_tokens: float = 0.0
    timed_seconds: float = 0.0
    planned_seconds: float = 0.0
    cache: float = 0.0
    sequences: float = 0.0
    first_token: Tail = field(default_factory=Tail)

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
            planned_seconds=self.planned_seconds + times * other.planned_seconds,
            cache=self.cache + times * other.cache,
            sequences=self.sequences + times * other.sequences,
            first_token=self.first_token.plus(other.first_token, times),
        )

    def scaled(self, times: float) -> "Flow":
        """Return so many times this."""
        return Flow().plus(self, times)
