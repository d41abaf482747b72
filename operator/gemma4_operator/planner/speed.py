"""How long one step, one prompt and one start take on a shape: a roofline with few, named constants.

    decode step   launches + weights / BW + sequences x (arithmetic + their cache / BW)
    mixed step    a decode step, and each prompt token's arithmetic and scores over those before it
    prompt        its mixed steps, without anybody else's sequences

Reading weights and computing are added, not overlapped: between one row and many no kernel hides one behind the other,
and a plan that promises too little is better than one that promises too much. A drafter's gain is not counted, because
it is gone where many requests run at the same time. Terms: planner/roofline.py; what GPUs reach of their data sheets:
planner/reach.py.
"""

from dataclasses import dataclass
from functools import lru_cache

from gemma4_operator.planner import roofline
from gemma4_operator.planner.loading import load_seconds
from gemma4_operator.planner.reach import reach
from gemma4_operator.planner.shape import Shape

PROMPT_SECONDS = 30e-3
"""Of a request outside the GPU: HTTP, tokenizing, scheduling, the first event (chats with one stream: 12 to 45 ms)."""
SHARING = 0.74
"""Tokens of a step choose alike: b touch as many experts as b^0.74 independent ones (GB10, 1 to 150 sequences)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """The coefficients of one shape; times are in seconds.

    Attributes:
        fixed_seconds: Of a step, whatever it does.
        dense_seconds: Reading the weights that every step needs.
        expert_seconds: Reading one expert of every layer.
        experts: In each layer; 0: a dense model.
        missed: The share of experts that one token does not choose.
        token_seconds: Arithmetic of one token of a prompt or an answer.
        answer_seconds: What a token of an answer takes beyond that.
        full_seconds: Reading one token of a sequence's context in full layers; `sliding_seconds` in sliding ones.
        window_tokens: What sliding layers see.
        full_score_seconds: A prompt's token seeing one before it in full layers; so is `sliding_score_seconds`.
        batched_tokens: The most of one step.
        load_seconds: From the container's start until it serves, downloads apart.
    """

    fixed_seconds: float
    dense_seconds: float
    expert_seconds: float
    experts: int
    missed: float
    token_seconds: float
    answer_seconds: float
    full_seconds: float
    sliding_seconds: float
    window_tokens: int
    full_score_seconds: float
    sliding_score_seconds: float
    batched_tokens: int
    load_seconds: float

    def decode_seconds(self, *, batch: float, context_tokens: float) -> float:
        """Return one decode step with a batch of sequences of a mean context."""
        return self._step_seconds(batch, context_tokens, batch)

    def mixed_step_seconds(self, *, batch: float, context_tokens: float, prefill_tokens: float) -> float:
        """Return one step that decodes a batch and reads that much of a prompt, from its beginning."""
        prompt = prefill_tokens * self.prefill_seconds_per_token(prefill_tokens)
        return self._step_seconds(batch, context_tokens, batch + prefill_tokens) + prompt

    def prefill_seconds_per_token(self, tokens: float) -> float:
        """Return what each token of a prompt of that length adds to the steps that read it: arithmetic and scores."""
        window = self.window_tokens
        in_window = tokens / 2 if tokens <= window else window - window * window / (2 * tokens)
        return self.token_seconds + self.full_score_seconds * tokens / 2 + self.sliding_score_seconds * in_window

    def prefill_seconds(self, tokens: float) -> float:
        """Return how long one prompt takes alone, from the request to its first token."""
        return self.first_token_seconds(batch=0.0, context_tokens=0.0, prompt_tokens=tokens)

    def first_token_seconds(self, *, batch: float, context_tokens: float, prompt_tokens: float) -> float:
        """Return how long a prompt takes that meets a batch at work: half of the running step, then its own steps."""
        steps = max(1.0, prompt_tokens / self.batched_tokens)
        waited = self._step_seconds(batch, context_tokens, batch) / 2 if batch else 0.0
        own = self._step_seconds(batch, context_tokens, batch + min(prompt_tokens, self.batched_tokens))
        prompt = prompt_tokens * self.prefill_seconds_per_token(prompt_tokens)
        return PROMPT_SECONDS + waited + steps * own + prompt

    def _step_seconds(self, batch: float, context_tokens: float, rows: float) -> float:
        """Return a step that reads the weights for so many rows, and answers a batch."""
        window = self.window_tokens
        answer = self.token_seconds + self.answer_seconds + self.full_seconds * context_tokens
        answer += self.sliding_seconds * min(window, context_tokens)
        seconds = self.fixed_seconds + self.dense_seconds + batch * answer
        if self.experts:
            seconds += self.expert_seconds * self.experts * (1 - self.missed ** (rows**SHARING))
        return seconds


@lru_cache(maxsize=4096)
def speed(shape: Shape) -> Speed:
    """Return the coefficients of a shape, whether it fits into memory or not.

    A plan asks for those of hundreds of shapes, and the next plan mostly for the same.
    """
    model = shape.model
    rates = reach(shape)
    dense, expert = roofline.weights_seconds(shape, rates)
    full, sliding = roofline.cache_seconds(shape, rates)
    full_score, sliding_score = roofline.score_seconds(shape, rates)
    return Speed(
        fixed_seconds=roofline.fixed_seconds(shape, rates),
        dense_seconds=dense,
        expert_seconds=expert,
        experts=model.experts,
        missed=1 - model.experts_per_token / model.experts if model.experts else 1.0,
        token_seconds=roofline.token_seconds(shape, rates),
        answer_seconds=roofline.answer_seconds(shape, rates),
        full_seconds=full,
        sliding_seconds=sliding,
        window_tokens=model.window_tokens,
        full_score_seconds=full_score,
        sliding_score_seconds=sliding_score,
        batched_tokens=shape.max_batched_tokens,
        load_seconds=load_seconds(shape),
    )
