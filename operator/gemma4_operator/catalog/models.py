"""The members of the family as a planner sees them: layers, heads, windows, parameters by part, and quality."""

from typing import Annotated

from pydantic import Field

from gemma4_operator.api.common import Variant
from gemma4_operator.catalog.row import Bytes, Count, Part, Row, Text


class Parameters(Part):
    """How many weights each part of a model has; a quantization treats a part as one."""

    attention: Count
    """Projections of all attention layers."""
    mlp: Count
    """Dense feed-forward layers; every layer of the mixture has one beside its experts."""
    experts: Count = 0
    """All experts of all layers."""
    embeddings: Count
    """The token table, which is the output head as well."""
    per_layer_embeddings: Count = 0
    """The tables of E2B and E4B that are looked up, never multiplied."""
    vision: Count = 0
    """The image encoder and its projector."""
    audio: Count = 0
    """The audio encoder and its projector."""
    other: Count = 0
    """Norms, routers, small projections."""

    @property
    def total(self) -> int:
        """All of them."""
        return sum(getattr(self, name) for name in type(self).model_fields)


class Drafter(Part):
    """The small model that proposes tokens for this one."""

    repository: Text
    bytes: Bytes
    tokens: Annotated[int, Field(ge=1)]
    """How many tokens it proposes at once."""


class Model(Row):
    """One variant."""

    variant: Variant
    sliding_layers: Count
    """Layers whose attention sees a window; with those that reuse another layer's cache."""
    full_layers: Count
    """Layers whose attention sees everything; with those that reuse another layer's cache."""
    sliding_kv_layers: Count
    """Sliding layers with a cache of their own."""
    full_kv_layers: Count
    """Full layers with a cache of their own."""
    window_tokens: Count
    hidden_size: Count
    query_heads: Count
    sliding_kv_heads: Count
    full_kv_heads: Count
    sliding_head_dim: Count
    full_head_dim: Count
    vocabulary_size: Count
    per_layer_embedding_dim: Count = 0
    experts: Count = 0
    """Experts in each layer; 0: a dense model."""
    experts_per_token: Count = 0
    max_context_tokens: Count
    modalities: tuple[Text, ...]
    """What it takes in: Text, Image, Video, Audio."""
    bidirectional_media: bool
    """Whether a media item must be in one batch, because its tokens see each other."""
    parameters: Parameters
    drafter: Drafter | None = None
    score: Annotated[float, Field(ge=0, le=100)]
    """Quality of the instruction-tuned model in BF16, in points of MMLU-Pro."""
    score_source: Text

    @property
    def key(self) -> Variant:
        """What a plan looks the row up by."""
        return self.variant

    @property
    def layers(self) -> int:
        """All layers."""
        return self.sliding_layers + self.full_layers
