"""One replica with continuous batching, as vLLM's scheduler does it, in leaps over steps that are alike.

A step decodes one token of each sequence whose prompt is read, and reads prompts with what is left of
`max_batched_tokens`, first come, first served; a prompt may take several steps. A request gets in as soon as the cache
has room for all that it must read. Sequences then grow, and when there is no room left, the newest loses its place: it
goes to the head of the queue and is read again, its own answer included.

Between two events (a sequence ends, a prompt is read, the cache is full) steps differ in nothing but the context, which
grows by the same amount each time, so that any number of them is one sum.
"""

from collections import deque
from heapq import heappop, heappush
from math import sqrt

from gemma4_operator.scaling.sample import Counts
from gemma4_operator.sim.ledger import Ledger
from gemma4_operator.sim.meter import Meter
from gemma4_operator.sim.request import Request
from gemma4_operator.sim.setting import EngineModel

_ENDLESS = 1 << 60


class _Sequence:
    """A request that is here.

    Attributes:
        written: Tokens of its answer so far; while it decodes, as of its last reading.
        unread: What is still to be read of it before it decodes.
        base: While it decodes: what it holds in the cache, less the steps the engine had made.
        ends: While it decodes: the step with which it ends; else -1.
        paused_seconds: When it was preempted last.
    """

    __slots__ = ("arrival_seconds", "base", "ends", "index", "input", "output", "paused_seconds", "unread", "written")

    def __init__(self, index: int, request: Request) -> None:
        self.index = index
        self.arrival_seconds = request.arrival_seconds
        self.input = request.input_tokens
        self.output = request.output_tokens
        self.unread = request.input_tokens
        self.written = self.base = 0
        self.ends = -1
        self.paused_seconds = 0.0


class Engine:
    """One replica's engine; it moves when it is told to, and writes what becomes of requests into the ledger.

    Attributes:
        clock_seconds: When the last step that has begun ends; all else is as of that moment.
        queued_prompt_tokens: Of prompts that are not read yet, those being read included.
        held_tokens: Of the cache that are taken; a prompt takes all its room when its reading begins.
    """

    def __init__(self, model: EngineModel, ledger: Ledger, *, clock_seconds: float) -> None:
        self.clock_seconds = clock_seconds
        self.queued_prompt_tokens = 0
        self.held_tokens = 0
        self.meter = Meter()
        self._model = model
        self._ledger = ledger
        self._waiting: deque[_Sequence] = deque()
        self._running: dict[int, _Sequence] = {}
        self._partial: _Sequence | None = None
        self._decoding = 0
        self._context = 0
        self._steps = 0
        self._ends: list[tuple[int, int, _Sequence]] = []
        self._last_finished: list[int] = []

    @property
    def running(self) -> int:
        """Requests that are worked on."""
        return len(self._running)

    @property
    def waiting(self) -> int:
        """Requests in the queue."""
        return len(self._waiting)

    @property
    def committed_tokens(self) -> int:
        """Of the cache: what is taken, and what the requests in the queue take when they are read."""
        partial = self._partial.unread if self._partial is not None else 0
        return self.held_tokens + self.queued_prompt_tokens - partial

    @property
    def decode_seconds(self) -> float:
        """How long a step takes that reads nothing, and decodes those that do now."""
        model = self._model
        return (
            model.fixed_seconds + model.sequence_seconds * self._decoding + model.context_token_seconds * self._context
        )

    def counts(self) -> Counts:
        """Return what a scrape finds."""
        usage = self.held_tokens / self._model.cache_tokens
        return self.meter.counts(running=self.running, waiting=self.waiting, cache_usage=usage)

    def outstanding(self, at_seconds: float) -> int:
        """Return how many requests are unanswered at a moment that `advance` has reached."""
        open_now = len(self._running) + len(self._waiting)
        return open_now + len(self._last_finished) if self.clock_seconds > at_seconds else open_now

    def submit(self, index: int, request: Request, *, at_seconds: float) -> None:
        """Queue a request of the ledger; the engine must have been advanced to this moment."""
        if request.input_tokens + request.output_tokens - 1 > self._model.cache_tokens:
            self._ledger.lost.add(index)
            return
        if not self._running and not self._waiting and self.clock_seconds < at_seconds:
            self.clock_seconds = at_seconds
        self._waiting.append(_Sequence(index, request))
        self.queued_prompt_tokens += request.input_tokens

    def advance(self, until_seconds: float) -> None:
        """Make all steps that begin before a moment; the last of them may end after it."""
        while self.clock_seconds < until_seconds and (self._running or self._waiting):
            if self.held_tokens + self._decoding > self._model.cache_tokens:
                self._preempt_newest()
                continue
            partial = self._partial
            budget = self._model.max_batched_tokens - self._decoding
            if partial is None:
                if self._waiting and self._has_room(self._waiting[0]):
                    self._read(budget)
                else:
                    self._leap(_ENDLESS, 0, until_seconds)
            elif partial.unread > budget:
                self._leap((partial.unread - 1) // budget, budget, until_seconds)
            else:
                self._read(budget)

    def kill(self, at_seconds: float) -> None:
        """Lose all requests that are not answered by this moment, which `advance` has reached."""
        if self.clock_seconds > at_seconds:
            self._ledger.lost.update(self._last_finished)
        self._ledger.lost.update(self._running)
        self._ledger.lost.update(sequence.index for sequence in self._waiting)

    def _has_room(self, sequence: _Sequence) -> bool:
        needed = self.held_tokens + self._decoding + sequence.unread
        return needed <= self._model.cache_tokens and len(self._running) < self._model.max_sequences

    def _leap(self, steps: int, prompt_tokens: int, until_seconds: float) -> None:
        """Make up to so many like steps, each of which reads so much of the one long prompt, if any."""
        model, decoding = self._model, self._decoding
        shortest = model.fixed_seconds + model.prompt_token_seconds * prompt_tokens
        rise = 0.0
        if decoding:
            room = (model.cache_tokens - self.held_tokens) // decoding
            steps = min(steps, self._ends[0][0] - self._steps, room)
            context_seconds = model.context_token_seconds
            shortest += decoding * model.sequence_seconds + context_seconds * (self._context + decoding)
            rise = context_seconds * decoding
        left = until_seconds - self.clock_seconds
        taken = steps * shortest + 0.5 * rise * steps * (steps - 1)
        if taken > left:
            steps = _steps_to_fill(left, shortest_seconds=shortest, rise_seconds=rise)
            taken = steps * shortest + 0.5 * rise * steps * (steps - 1)
        if prompt_tokens and self._partial is not None:
            self._partial.unread -= steps * prompt_tokens
            self.queued_prompt_tokens -= steps * prompt_tokens
        if decoding:
            self.meter.output_token.add_rising(shortest, by_seconds=rise, steps=steps, times=decoding)
        self._pass(steps, taken)

    def _read(self, budget: int) -> None:
        """Make one step in which at least one prompt is read to its end, or begun."""
        model, decoding = self._model, self._decoding
        left, read = budget, []
        if self._partial is not None:
            left -= self._partial.unread
            read.append(self._partial)
            self._partial = None
        waiting = self._waiting
        while left and waiting and self._has_room(waiting[0]):
            sequence = waiting.popleft()
            self._running[sequence.index] = sequence
            self.held_tokens += sequence.unread
            if sequence.unread <= left:
                left -= sequence.unread
                read.append(sequence)
            else:
                sequence.unread -= left
                left = 0
                self._partial = sequence
        taken = model.fixed_seconds + model.prompt_token_seconds * (budget - left)
        if decoding:
            taken += decoding * model.sequence_seconds + model.context_token_seconds * (self._context + decoding)
            self.meter.output_token.add(taken, decoding)
        self.queued_prompt_tokens -= budget - left
        self._pass(1, taken)
        for sequence in read:
            self._begin_answer(sequence)

    def _pass(self, steps: int, seconds: float) -> None:
        """Let steps have been made: sequences grow, and those that are done end."""
        grown = steps * self._decoding
        self.clock_seconds += seconds
        self._steps += steps
        self._context += grown
        self.held_tokens += grown
        self.meter.generation_tokens += grown
        if self._last_finished:
            self._last_finished = []
        ends = self._ends
        while ends and ends[0][0] == self._steps:
            sequence = heappop(ends)[2]
            if sequence.ends == self._steps:  # Preempted ones leave their old entry behind.
                sequence.ends = -1
                self._decoding -= 1
                held = sequence.base + self._steps
                self._context -= held
                self._finish(sequence, held)

    def _begin_answer(self, sequence: _Sequence) -> None:
        """Write the token that the end of a reading yields."""
        clock, meter, index = self.clock_seconds, self.meter, sequence.index
        held = sequence.input + sequence.written
        if sequence.written:
            meter.output_token.add(clock - sequence.paused_seconds)
        else:
            self._ledger.first_seconds[index] = clock
            meter.first_token.add(clock - sequence.arrival_seconds)
            meter.prompt_tokens += held
        meter.generation_tokens += 1
        sequence.written += 1
        sequence.unread = 0
        if sequence.written == sequence.output:
            self._finish(sequence, held)
            return
        sequence.base = held - self._steps
        sequence.ends = self._steps + sequence.output - sequence.written
        self._decoding += 1
        self._context += held
        heappush(self._ends, (sequence.ends, index, sequence))

    def _finish(self, sequence: _Sequence, held_tokens: int) -> None:
        index, ledger = sequence.index, self._ledger
        del self._running[index]
        self.held_tokens -= held_tokens
        self.meter.finished += 1
        ledger.finish_seconds[index] = self.clock_seconds
        if sequence.output > 1:
            self.meter.request_token.add(ledger.token_seconds(index))
        self._last_finished.append(index)

    def _preempt_newest(self) -> None:
        _, sequence = self._running.popitem()
        read = sequence.unread
        if sequence is self._partial:
            self._partial = None
            self.held_tokens -= sequence.input + sequence.written
        else:
            held = sequence.base + self._steps
            self._decoding -= 1
            self._context -= held
            self.held_tokens -= held
            sequence.written = sequence.output - (sequence.ends - self._steps)
            sequence.ends = -1
            sequence.paused_seconds = self.clock_seconds
        sequence.unread = sequence.input + sequence.written
        self.queued_prompt_tokens += sequence.unread - read
        self.meter.preemptions += 1
        self._waiting.appendleft(sequence)


def _steps_to_fill(seconds: float, *, shortest_seconds: float, rise_seconds: float) -> int:
    """Return the fewest steps, the first the shortest and each longer by the rise, that take at least so long."""
    if rise_seconds:
        lead = shortest_seconds - 0.5 * rise_seconds
        steps = int((sqrt(lead * lead + 2 * rise_seconds * seconds) - lead) / rise_seconds)
    else:
        steps = int(seconds / shortest_seconds)
    steps = max(steps, 1)
    while steps > 1 and (steps - 1) * shortest_seconds + 0.5 * rise_seconds * (steps - 1) * (steps - 2) >= seconds:
        steps -= 1
    while steps * shortest_seconds + 0.5 * rise_seconds * steps * (steps - 1) < seconds:
        steps += 1
    return steps
