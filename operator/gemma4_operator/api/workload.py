"""What is expected of a deployment: how many requests come, and how large they are."""

from typing import Annotated

from pydantic import Field

from gemma4_operator.api.common import ApiModel, Integer

DEFAULT_INPUT_TOKENS = 1500
DEFAULT_OUTPUT_TOKENS = 300


class Workload(ApiModel):
    """The expected load, from which the planner says how many replicas it takes."""

    requests_per_minute: Annotated[Integer, Field(ge=1, le=1_000_000)]
    """How many requests come in a busy minute, over all replicas."""
    input_tokens: Annotated[Integer, Field(ge=1, le=262144)] = DEFAULT_INPUT_TOKENS
    """The text of a usual prompt in tokens; images come on top."""
    output_tokens: Annotated[Integer, Field(ge=1, le=65536)] = DEFAULT_OUTPUT_TOKENS
    """A usual answer in tokens, with what the model thinks before it."""
    shared_prefix_percent: Annotated[Integer, Field(ge=0, le=100)] = 0
    """The share of a usual prompt that other requests begin with as well, such as a system prompt."""
    images_per_request: Annotated[Integer, Field(ge=0, le=32)] = 0
    """How many images a usual request carries."""
