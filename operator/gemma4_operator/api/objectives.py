"""What makes one way to serve better than another, and where the limits are."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from gemma4_operator.api.common import ApiModel, Integer
from gemma4_operator.api.rules import Form, Unique


class OptimizeFor(StrEnum):
    """What decides between two ways that are both within the limits."""

    COST = "Cost"
    LATENCY = "Latency"
    THROUGHPUT = "Throughput"
    QUALITY = "Quality"


class MinimumQuality(StrEnum):
    """The quality of answers in four words; the planner says how many points each is."""

    BASIC = "Basic"
    STANDARD = "Standard"
    HIGH = "High"
    HIGHEST = "Highest"


Amount = Annotated[
    str,
    Field(max_length=14),
    Form(
        r"[1-9][0-9]{0,8}(\.[0-9]{1,4})?|0\.0{0,3}[1-9][0-9]{0,3}",
        "must be an amount of money above 0 in digits with a point, such as '12.50'",
    ),
]
"""Money as a text, because the API knows no exact fractions; what currency it is, the price table says."""

Licence = Annotated[
    str,
    Field(max_length=128),
    Form(
        "[A-Za-z0-9]([-.,+_() A-Za-z0-9]*[.+)A-Za-z0-9])?",
        "must be the name of a licence as `status.plan.licences` writes it, such as 'Apache-2.0'",
    ),
]
"""An SPDX identifier, or the name of a licence that has none."""


class Objectives(ApiModel):
    """What the planner aims at among all ways to serve, and the limits that it keeps."""

    optimize_for: OptimizeFor = OptimizeFor.COST
    """What decides between ways that keep all limits."""
    minimum_quality: MinimumQuality | None = None
    """The least quality of answers; absent: Standard with `model.variant` Auto, none with a variant that is named."""
    time_to_first_token_milliseconds: Annotated[Integer, Field(ge=1, le=600_000)] | None = None
    """The longest that a request may wait for the first token; absent: any time."""
    time_per_output_token_milliseconds: Annotated[Integer, Field(ge=1, le=60_000)] | None = None
    """The longest that each further token may take; absent: any time."""
    attainment_percent: Annotated[Integer, Field(ge=50, le=99)] = 95
    """The share of the requests that must keep both times."""
    maximum_hourly_cost: Amount | None = None
    """The most that all replicas together may cost in an hour, in the price table's currency; absent: any cost."""
    allowed_licences: Annotated[tuple[Licence, ...], Field(max_length=16), Unique()] = ()
    """The licences that the weights and the engine's image may have, such as Apache-2.0; empty: any."""
