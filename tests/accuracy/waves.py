"""What a closed loop sees: prompts that arrive at once, are read in pieces, and are answered meanwhile.

The benchmark of the GB10 trace sends as many requests as it has streams, waits for all, and sends the next. The first
request's answer is held up by the prompts of all others, the last one's by none, so that no single step tells the time
per token; the steps of a wave do.
"""

from dataclasses import dataclass, field

from gemma4_operator.planner.speed import PROMPT_SECONDS, Speed

_STRIDE = 32
"""Steps without a prompt that are taken together: the context grows by so little that their times are equal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """Means over the requests of a wave.

    `token_seconds` is the inverse of the mean rate, which is what the trace states.
    """

    token_seconds: float
    first_token_seconds: float


@dataclass(slots=True)
class _Request:
    read: int = 0
    answered: int = 0
    first: float = 0.0
    last: float = 0.0


@dataclass(slots=True)
class _Run:
    speed: Speed
    prompt_tokens: int
    output_tokens: int
    batched_tokens: int
    requests: list[_Request]
    now: float = 0.0
    finishing: list[_Request] = field(default_factory=list)

    def step(self) -> None:
        active = [one for one in self.requests if one.answered and one.answered < self.output_tokens]
        pieces = self._pieces(self.batched_tokens - len(active))
        context = self.prompt_tokens + sum(one.answered for one in active) / max(1, len(active))
        if pieces:
            self.now += self._mixed_seconds(len(active), context, pieces)
            count = 1
        else:
            count = min(_STRIDE, *(self.output_tokens - one.answered for one in active))
            step = self.speed.decode_seconds(batch=len(active), context_tokens=context + count / 2)
            self.now += count * step
        for one in active:
            one.answered += count
            one.last = self.now
        for one in self.finishing:
            one.answered, one.first, one.last = 1, self.now, self.now
        self.finishing = []

    def _pieces(self, budget: int) -> list[tuple[int, int]]:
        """Take what fits into a step, first come first served; return from which token to which."""
        pieces = []
        for one in self.requests:
            if one.read < self.prompt_tokens and budget > 0:
                piece = min(budget, self.prompt_tokens - one.read)
                pieces.append((one.read, one.read + piece))
                one.read += piece
                budget -= piece
                if one.read == self.prompt_tokens:
                    self.finishing.append(one)
        return pieces

    def _mixed_seconds(self, batch: int, context: float, pieces: list[tuple[int, int]]) -> float:
        tokens = sum(end - start for start, end in pieces)
        step = self.speed.mixed_step_seconds(batch=batch, context_tokens=context, prefill_tokens=tokens)
        beginning = self._reading_seconds(tokens)
        return (
            step - beginning + sum(self._reading_seconds(end) - self._reading_seconds(start) for start, end in pieces)
        )

    def _reading_seconds(self, tokens: int) -> float:
        return tokens * self.speed.prefill_seconds_per_token(tokens) if tokens else 0.0


def wave(speed: Speed, *, streams: int, prompt_tokens: int, output_tokens: int, batched_tokens: int) -> Wave:
    """Return the means of one wave."""
    requests = [_Request() for _ in range(streams)]
    run = _Run(speed, prompt_tokens, output_tokens, batched_tokens, requests)
    while any(one.answered < output_tokens for one in requests):
        run.step()
    rates = [(output_tokens - 1) / (one.last - one.first) for one in requests]
    first = sum(one.first for one in requests) / streams
    return Wave(token_seconds=streams / sum(rates), first_token_seconds=PROMPT_SECONDS + first)
