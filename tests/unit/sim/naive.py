"""The scheduler once more, step by step and without any shortcut, to compare the leaping one with."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf

from gemma4_operator.sim.request import Request
from gemma4_operator.sim.setting import EngineModel


@dataclass(eq=False)
class Job:
    request: Request
    to_read: int
    held: int = 0
    written: int = 0
    first: float = inf
    finish: float = inf
    token_times: list[float] = field(default_factory=list)

    @property
    def decodes(self) -> bool:
        return self.to_read == 0


@dataclass
class Replay:
    jobs: list[Job]
    most_held: int = 0
    most_running: int = 0
    most_tokens: int = 0
    preemptions: int = 0
    reading_order: list[int] = field(default_factory=list)


def replay(requests: Sequence[Request], model: EngineModel) -> Replay:
    jobs = [Job(one, to_read=one.input_tokens) for one in requests]
    result = Replay(jobs)
    coming = [job for job in jobs if job.request.input_tokens + job.request.output_tokens - 1 <= model.cache_tokens]
    waiting: list[Job] = []
    running: list[Job] = []
    clock = 0.0
    while coming or waiting or running:
        if not waiting and not running:
            clock = max(clock, coming[0].request.arrival_seconds)
        while coming and coming[0].request.arrival_seconds <= clock:
            waiting.append(coming.pop(0))
        while sum(job.held for job in running) + sum(job.decodes for job in running) > model.cache_tokens:
            newest = running.pop()
            newest.held = 0
            newest.to_read = newest.request.input_tokens + newest.written
            waiting.insert(0, newest)
            result.preemptions += 1
        decoding = [job for job in running if job.decodes]
        budget = model.max_batched_tokens - len(decoding)
        seconds = model.fixed_seconds
        for job in decoding:
            seconds += model.sequence_seconds + model.context_token_seconds * (job.held + 1)
        read_to_end: list[Job] = []
        for job in [job for job in running if not job.decodes]:
            chunk = min(budget, job.to_read)
            budget -= chunk
            job.to_read -= chunk
            seconds += model.prompt_token_seconds * chunk
            if not job.to_read:
                read_to_end.append(job)
        while budget and waiting and len(running) < min(model.max_sequences, model.max_batched_tokens):
            job = waiting[0]
            if sum(one.held for one in running) + len(decoding) + job.to_read > model.cache_tokens:
                break
            running.append(waiting.pop(0))
            result.reading_order.append(jobs.index(job))
            job.held = job.to_read
            chunk = min(budget, job.to_read)
            budget -= chunk
            job.to_read -= chunk
            seconds += model.prompt_token_seconds * chunk
            if not job.to_read:
                read_to_end.append(job)
        clock += seconds
        for job in decoding:
            job.held += 1
        result.most_held = max(result.most_held, sum(job.held for job in running))
        result.most_running = max(result.most_running, len(running))
        result.most_tokens = max(result.most_tokens, model.max_batched_tokens - budget)
        for job in (*decoding, *read_to_end):
            job.written += 1
            job.token_times.append(clock)
            job.first = min(job.first, clock)
            if job.written == job.request.output_tokens:
                job.finish = clock
                running.remove(job)
    return result
