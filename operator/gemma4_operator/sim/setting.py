"""What a simulated deployment is: its engine's times, its objectives, its limits, and how long a replica takes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineModel:
    """One replica at work.

    A step takes `fixed_seconds`, and for each sequence that decodes `sequence_seconds` and for each token of its
    context `context_token_seconds`, and `prompt_token_seconds` for each prompt token that it reads.

    Attributes:
        cache_tokens: The most that sequences may hold together.
        max_sequences: The most at once.
        max_batched_tokens: The most of one step, those that decode counted with one each.
    """

    fixed_seconds: float
    sequence_seconds: float
    context_token_seconds: float
    prompt_token_seconds: float
    cache_tokens: int
    max_sequences: int
    max_batched_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Objectives:
    """What a request must keep: the wait for its first token, and the mean time of each further one."""

    first_token_seconds: float
    token_seconds: float
    attainment: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """All that a rule may know before the traffic comes, and what the simulator plays.

    Attributes:
        boot_seconds: From the wish for a replica until it serves, on average.
        boot_variation: Its standard deviation, as a share of it.
        scrape_delay_seconds: How old what engines count is when a rule sees it.
        input_tokens: What a usual request is expected to bring; `output_tokens` to get.
    """

    engine: EngineModel
    objectives: Objectives
    boot_seconds: float
    boot_variation: float
    scrape_delay_seconds: float
    minimum: int
    maximum: int
    input_tokens: float
    output_tokens: float
