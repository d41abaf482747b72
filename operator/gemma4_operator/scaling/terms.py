"""What a scaler is bound by: its limits, the objectives, and what is expected before anything was measured."""

from dataclasses import dataclass

from gemma4_operator.scaling.service import Service


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """The most replicas that something other than `maximum` allows, and the field that says so."""

    replicas: int
    field: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the resource and its plan say.

    Attributes:
        minimum: Never fewer; 0 lets the last one sleep.
        maximum: Never more.
        ceiling: A budget that is narrower than `maximum` may be; None: there is none.
        service: How fast one replica is, as planned.
        first_token_seconds: The longest wait for a first token; so is `token_seconds` for each further one.
        attainment: The share of requests that must keep both.
        boot_seconds: From the wish for a replica until it serves, as planned.
        input_tokens: Of a usual prompt, as expected; so are `output_tokens` of its answer.
        uncached_share: Of a whole prompt, what no cache holds, as expected; `input_tokens` are that alone.
        idle_seconds: Without any request before the last replica goes to sleep.
        replaces: Whether another is asked for in the place of one that does not serve for long.
        stabilization_seconds: For how long a lower number must have been enough; None: as long as a replica takes to
            come.
    """

    minimum: int
    maximum: int
    service: Service
    first_token_seconds: float
    token_seconds: float
    attainment: float
    boot_seconds: float
    input_tokens: float
    output_tokens: float
    idle_seconds: float
    uncached_share: float = 1.0
    replaces: bool = True
    stabilization_seconds: float | None = None
    ceiling: Ceiling | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """The rule's own constants that are worth a trial, and its parts, to see what each is worth.

    Attributes:
        share: Of the moments at which a forecast is to be enough.
        forecast: Whether what comes later counts, and not only what comes now.
        change: Whether steps and ramps are looked for.
        backlog: Whether what waits counts.
        learning: Whether speed and caution are learned.
        jumps: Whether jumps are remembered.
    """

    share: float = 0.8
    forecast: bool = True
    change: bool = True
    backlog: bool = True
    learning: bool = True
    jumps: bool = True
