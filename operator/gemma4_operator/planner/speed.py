"""How long one step, one prompt and one start take on a shape: a roofline with few, named constants.

    decode step   t0 L + streamed weights / (n eta BW) + cache read / (n eta_kv BW) + all-reduce
    prompt        max(t1 L, 2 P n / (GPUs mfu FLOPS)) + attention + all-reduce
    mixed step    a decode step and as much of a prompt as is read in it

Constants are the same for all GPUs of a kind. What they rest on, and how far they are off, docs/reference/accuracy.md
shows. P are the parameters that one token passes, BW a GPU's bandwidth, L layers, n GPUs.
"""

from dataclasses import dataclass

from gemma4_operator.api.common import EngineType, Quantization
from gemma4_operator.planner.shape import Shape

LAYER_SECONDS = 35e-6
"""Of one layer's kernels in a captured graph (fit to six GPUs: 31 to 40 us)."""
EXPERT_LAYER_SECONDS = 230e-6
"""More of a layer with experts: routing, sorting, small products (26B-A4B on GB10, one stream)."""
WEIGHTS_EFFICIENCY = 0.82
"""Of the bandwidth, for weights of a dense model."""
SMALL_WEIGHTS_EFFICIENCY = 0.72
"""For matrices of E2B and E4B, too narrow to fill the memory's pipeline."""
CACHE_EFFICIENCY = 0.8
SHARED_EXPERTS = 0.8
"""Tokens of one batch choose alike: b of them touch as many experts as b^0.8 independent ones (GB10, 1 to 20)."""
COMPUTE_EFFICIENCY = 0.5
"""Of the arithmetic, for products with many rows."""
EXPERTS_COMPUTE_EFFICIENCY = 0.28
MARLIN_SHARE = 0.8
"""Of that, where weights are unpacked to BF16 before each product: four bits on a GPU without such units."""
ATTENTION_EFFICIENCY = 0.10
"""Heads of 512 on kernels that are not made for them (GB10); FlashAttention 4 on Hopper does better."""
FAST_ATTENTION_EFFICIENCY = 0.30
FAST_ATTENTION_CAPABILITIES = ((9, 0), (10, 0), (10, 3))
PROMPT_SECONDS = 12e-3
"""A prompt's fixed cost: tokenizing, scheduling, the first answer."""
HOP_SECONDS = 8e-6
"""One all-reduce of little data between GPUs of a node."""
LINK_EFFICIENCY = 0.6
HOST_LINK_BYTES_PER_SECOND = 16e9
"""Between GPUs of which no link is known: half of PCIe 4 x16, by way of the host."""
LOAD_BYTES_PER_SECOND = 2e9
"""From local NVMe to the GPU."""
WARM_UP_SECONDS = {EngineType.VLLM: 60.0, EngineType.LLAMA_CPP: 5.0, EngineType.OLLAMA: 8.0}
"""Imports, compilation from the cache and graphs; without that cache vLLM takes up to two minutes more."""
GGUF_EFFICIENCY = 0.65
"""Of the bandwidth, for weights that are unpacked while they are read by llama.cpp."""
GGUF_COMPUTE_EFFICIENCY = 0.30
_FULL_UNITS = {Quantization.FP8: "fp8_flops", Quantization.NVFP4: "fp4_flops"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """The coefficients of one shape; times are in seconds."""

    fixed_seconds: float
    dense_seconds: float
    expert_seconds: float
    experts: int
    experts_per_token: int
    token_seconds: float
    """Arithmetic of one token in a decode step, which counts once it outweighs the weights' way."""
    reduce_seconds_per_token: float
    full_seconds_per_token: float
    """Reading what one token of context is to a sequence in full layers."""
    sliding_seconds_per_token: float
    window_tokens: int
    prompt_seconds: float
    prompt_seconds_per_token: float
    full_seconds_per_token_squared: float
    sliding_prompt_seconds_per_token: float
    load_seconds: float

    def decode_seconds(self, *, batch: float, context_tokens: float) -> float:
        """Return one decode step with a batch of sequences of a mean context."""
        weights = self.dense_seconds
        if self.experts:
            missed = (1 - self.experts_per_token / self.experts) ** (max(batch, 0.0) ** SHARED_EXPERTS)
            weights += self.expert_seconds * self.experts * (1 - missed)
        cache = self.full_seconds_per_token * context_tokens + self.sliding_seconds_per_token * min(
            context_tokens, self.window_tokens
        )
        return (
            self.fixed_seconds
            + max(weights, batch * self.token_seconds)
            + batch * (cache + self.reduce_seconds_per_token)
        )

    def prefill_seconds(self, tokens: float) -> float:
        """Return how long one prompt of that many tokens takes alone."""
        return self.prompt_seconds + tokens * self.prefill_seconds_per_token(tokens)

    def prefill_seconds_per_token(self, tokens: float) -> float:
        """Return what each token of a prompt of that length adds to the steps that read it."""
        return (
            self.prompt_seconds_per_token
            + self.full_seconds_per_token_squared * tokens / 2
            + self.sliding_prompt_seconds_per_token * min(tokens, self.window_tokens)
        )

    def mixed_step_seconds(self, *, batch: float, context_tokens: float, prefill_tokens: float) -> float:
        """Return one step that decodes a batch and reads that much of a prompt."""
        decode = self.decode_seconds(batch=batch, context_tokens=context_tokens)
        return decode + prefill_tokens * self.prefill_seconds_per_token(prefill_tokens)


def speed(shape: Shape) -> Speed:
    """Return the coefficients of a shape."""
    model, device = shape.model, shape.device
    tensor_parallel = shape.gpus if shape.engine is EngineType.VLLM else 1
    bandwidth = tensor_parallel * device.bandwidth
    efficiency = _weights_efficiency(shape)
    attention = ATTENTION_EFFICIENCY
    if shape.engine is EngineType.VLLM and device.compute_capability in FAST_ATTENTION_CAPABILITIES:
        attention = FAST_ATTENTION_EFFICIENCY
    flops = max(tensor_parallel * device.bf16_flops, 1.0)
    per_token = 2 * _active_parameters(shape) / (tensor_parallel * _flops(shape))
    value = shape.kv_dtype.bytes_per_value / (bandwidth * CACHE_EFFICIENCY)
    full_scores = 4 * model.query_heads * model.full_head_dim * model.full_layers
    sliding_scores = 4 * model.query_heads * model.sliding_head_dim * model.sliding_layers
    reduces = 2 * model.layers if tensor_parallel > 1 else 0
    reduced = reduces * 2 * model.hidden_size * 2 * (tensor_parallel - 1) / tensor_parallel
    reduce_seconds = reduced / ((device.link_bytes_per_second or HOST_LINK_BYTES_PER_SECOND) * LINK_EFFICIENCY)
    return Speed(
        fixed_seconds=model.layers * (LAYER_SECONDS + (EXPERT_LAYER_SECONDS if model.experts else 0.0))
        + reduces * HOP_SECONDS,
        dense_seconds=_dense_bytes(shape) / (bandwidth * efficiency),
        expert_seconds=_expert_bytes(shape) / (bandwidth * efficiency),
        experts=model.experts,
        experts_per_token=model.experts_per_token,
        token_seconds=per_token,
        reduce_seconds_per_token=reduce_seconds,
        full_seconds_per_token=model.full_layers * 2 * model.full_kv_heads * model.full_head_dim * value,
        sliding_seconds_per_token=model.sliding_layers * 2 * model.sliding_kv_heads * model.sliding_head_dim * value,
        window_tokens=model.window_tokens,
        prompt_seconds=PROMPT_SECONDS,
        prompt_seconds_per_token=per_token + reduce_seconds,
        full_seconds_per_token_squared=full_scores / (flops * attention),
        sliding_prompt_seconds_per_token=sliding_scores / (flops * attention),
        load_seconds=shape.checkpoint.bytes / LOAD_BYTES_PER_SECOND + WARM_UP_SECONDS[shape.engine],
    )


def _weights_efficiency(shape: Shape) -> float:
    if shape.engine is not EngineType.VLLM:
        return GGUF_EFFICIENCY
    return SMALL_WEIGHTS_EFFICIENCY if shape.model.per_layer_embedding_dim else WEIGHTS_EFFICIENCY


def _flops(shape: Shape) -> float:
    """Return what one GPU computes in a second on products of this checkpoint."""
    device, quantization = shape.device, shape.checkpoint.quantization
    if shape.engine is not EngineType.VLLM:
        return max(device.bf16_flops, 1.0) * GGUF_COMPUTE_EFFICIENCY
    efficiency = EXPERTS_COMPUTE_EFFICIENCY if shape.model.experts else COMPUTE_EFFICIENCY
    own: float = getattr(device, _FULL_UNITS[quantization]) if quantization in _FULL_UNITS else 0.0
    if quantization is Quantization.NVFP4 and device.compute_capability[0] != 10:
        own = 0.0
    if own:
        return own * efficiency
    marlin = MARLIN_SHARE if quantization is not Quantization.BF16 else 1.0
    return max(device.bf16_flops, 1.0) * efficiency * marlin


def _active_parameters(shape: Shape) -> float:
    """Return what one token passes; the head only once for a prompt, so it is left out."""
    parameters, model = shape.model.parameters, shape.model
    experts = parameters.experts * model.experts_per_token / model.experts if model.experts else 0.0
    return parameters.attention + parameters.mlp + experts + parameters.other


def _dense_bytes(shape: Shape) -> float:
    """Return what every step reads: all but experts, encoders, and tables that are only looked up."""
    parameters, bits = shape.model.parameters, shape.checkpoint.bits
    return (
        parameters.attention * bits.attention
        + parameters.mlp * bits.mlp
        + parameters.embeddings * bits.embeddings
        + parameters.other * bits.other
    ) / 8


def _expert_bytes(shape: Shape) -> float:
    """Return one expert of every layer."""
    model = shape.model
    return model.parameters.experts * shape.checkpoint.bits.experts / 8 / model.experts if model.experts else 0.0
