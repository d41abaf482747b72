"""The memory of one GPU of a replica, line by line, as the engine will use it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One use of memory."""

    name: str
    bytes: int
    note: str
    """How the figure comes about, in a few words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """The budget of one GPU.

    Attributes:
        lines: Every use but the cache.
        cache_bytes: What is left for the cache; negative: the rest alone does not fit.
        request_bytes: What one request of full length reserves of it.
        max_concurrency: How many requests of full length the cache holds.
        cache_tokens: What the engine prints as the size of its cache.
        capacity_bytes: What the engine may take of the GPU.
    """

    lines: tuple[Line, ...]
    weights_bytes: int
    activations_bytes: int
    other_bytes: int
    cache_bytes: int
    request_bytes: int
    max_concurrency: float
    cache_tokens: int
    capacity_bytes: int

    @property
    def fits(self) -> bool:
        """Whether the engine starts: at least one request of full length has room."""
        return self.max_concurrency >= 1.0
