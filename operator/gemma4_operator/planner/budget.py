"""A budget of memory as a value, and what all engines' budgets have in common."""

from collections.abc import Callable
from typing import NamedTuple

from gemma4_operator.catalog.models import Model
from gemma4_operator.planner.device import Device
from gemma4_operator.planner.shape import Shape

DRIVER_BYTES, DRIVER_SHARE = 300 * 2**20, 200
"""Of a card's memory as the node's label has it, what CUDA never sees, and one in so many bytes beside it: 0.5 GiB of
an RTX 5090 (31.35 of 31.84, vllm#40291), and what fits the logs of RTX 3090, L40S and A100."""
STEP_VALUES = 22
"""Alive at once for each token of a step and each of its hidden size, of two bytes (aiconfigurator, for Gemma 4)."""
VISION, AUDIO = frozenset({"Image", "Video"}), frozenset({"Audio"})
"""The media for which an encoder is loaded."""


class Line(NamedTuple):
    """One use of memory."""

    name: str
    bytes: int
    note: str
    """How the figure comes about, in a few words."""


class Memory(NamedTuple):
    """The budget of one GPU; a tuple, because a plan asks for hundreds.

    Attributes:
        shape: What it is of.
        account: How its lines come about, for those who read them.
        weights_bytes: The first line; `activations_bytes` the second, `other_bytes` all further ones.
        cache_bytes: What is left for the cache; negative: the rest alone does not fit.
        request_bytes: What one request of full length reserves of it.
        max_concurrency: How many requests of full length the cache holds.
        cache_tokens: What the engine prints as the size of its cache.
        num_blocks: Of the cache, in vLLM's sense; 0 elsewhere and where it does not start.
        capacity_bytes: What the engine may take of the GPU.
        fits: Whether the engine starts.
    """

    shape: Shape
    account: Callable[[Shape], tuple[Line, ...]]
    weights_bytes: int
    activations_bytes: int
    other_bytes: int
    cache_bytes: int
    request_bytes: int
    max_concurrency: float
    cache_tokens: int
    num_blocks: int
    capacity_bytes: int
    fits: bool

    @property
    def lines(self) -> tuple[Line, ...]:
        """Every use but the cache."""
        return self.account(self.shape)

    @property
    def used_bytes(self) -> int:
        """All of them together."""
        return self.weights_bytes + self.activations_bytes + self.other_bytes


def driver_bytes(device: Device) -> int:
    """Return what the driver keeps of a card; of unified memory the system's share is off already."""
    return DRIVER_BYTES + device.memory_bytes // DRIVER_SHARE


def loaded_weights_bytes(shape: Shape) -> int:
    """Return what of the checkpoint is loaded, on all GPUs together: all but the encoders that nobody asks for.

    An encoder's size is its parameters in the checkpoint's own format, since that is what the file holds.
    """
    checkpoint, parameters, media = shape.checkpoint, shape.model.parameters, shape.media
    unused = 0.0
    if not media & VISION:
        unused += parameters.vision * checkpoint.bits.vision
    if not media & AUDIO:
        unused += parameters.audio * checkpoint.bits.audio
    return checkpoint.resident_bytes - int(unused / 8)


def step_bytes(model: Model, tokens: int) -> int:
    """Return what the arithmetic of one step of so many tokens needs at its peak, on one GPU alone."""
    return 2 * STEP_VALUES * tokens * model.hidden_size
