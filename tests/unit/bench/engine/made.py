"""An engine's times that are easy to reckon with."""

from gemma4_operator.sim.setting import EngineModel

MODEL = EngineModel(
    fixed_seconds=0.01,
    sequence_seconds=0.0005,
    context_token_seconds=0.0,
    prompt_token_seconds=1e-4,
    cache_tokens=100_000,
    max_sequences=16,
    max_batched_tokens=512,
)
