"""Small builders of what a scaler sees, and a loop that does what it decides, for tests of any of its parts.

The loop's engines are a fluid of requests that obeys the laws of the planner: no queue, no chance, no single request.
It is there to close the loop, not to tell how well the rule does.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gemma4_operator.scaling.decide import decide
from gemma4_operator.scaling.decision import Decision
from gemma4_operator.scaling.sample import Counts, Histogram, Replica, Sample, Stage
from gemma4_operator.scaling.service import Service
from gemma4_operator.scaling.state import State
from gemma4_operator.scaling.terms import Terms, Tuning

SERVICE = Service(
    fixed_seconds=0.014,
    sequence_seconds=0.0004,
    prompt_token_seconds=48e-6,
    most_sequences=80,
    max_batched_tokens=768,
)
"""31B on two H100, about."""
INPUT_TOKENS, OUTPUT_TOKENS = 1500.0, 300.0
WAITS = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, math.inf)
"""Bounds of a histogram, in seconds."""


def terms(**changes: Any) -> Terms:
    """What binds a usual chat: 2 s to the first token, 60 ms for each further one, a boot of 100 s."""
    usual = Terms(
        minimum=1,
        maximum=50,
        service=SERVICE,
        first_token_seconds=2.0,
        token_seconds=0.06,
        attainment=0.95,
        boot_seconds=100.0,
        input_tokens=INPUT_TOKENS,
        output_tokens=OUTPUT_TOKENS,
        idle_seconds=600.0,
    )
    return replace(usual, **changes)


def counts(running: float = 0.0, waiting: float = 0.0, **totals: Any) -> Counts:
    """What an engine says that counts nothing but what is given, and tokens, of which there are none."""
    return Counts(running=running, waiting=waiting, **{"prompt_tokens": 0.0, "generation_tokens": 0.0} | totals)


def histogram(*at_most: float, bounds: Sequence[float] = WAITS, sum_seconds: float = 0.0) -> Histogram:
    """Times by how many are at most each bound; the last number stands for all bounds that follow."""
    filled = [*at_most, *[at_most[-1]] * (len(bounds) - len(at_most))]
    return Histogram(sum_seconds=sum_seconds, buckets=tuple(zip(bounds, filled, strict=True)))


def replica(name: str = "a", stage: Stage = Stage.SERVING, **changes: Any) -> Replica:
    """A replica that has served for long, unless it is said otherwise; `at` and `said` make its sample."""
    at, said = changes.pop("at", None), changes.pop("said", None)
    serves = stage in (Stage.SERVING, Stage.LEAVING)
    usual = Replica(
        name=name,
        stage=stage,
        since_seconds=-1000.0,
        serving_since_seconds=-900.0 if serves else None,
        sample=Sample(at_seconds=at, counts=said) if said is not None else None,
    )
    return replace(usual, **changes)


@dataclass
class Engine:
    """One replica of the loop, and what it has counted."""

    name: str
    since_seconds: float
    serving_since_seconds: float | None = None
    has_place: bool = True
    running: float = 0.0
    waiting: float = 0.0
    finished: float = 0.0
    prompts: float = 0.0
    written: float = 0.0
    written_seconds: float = 0.0
    waits: dict[float, float] = field(default_factory=lambda: dict.fromkeys(WAITS, 0.0))
    said: Sample | None = None

    @property
    def stage(self) -> Stage:
        """How far it is."""
        if self.serving_since_seconds is not None:
            return Stage.SERVING
        return Stage.LOADING if self.has_place else Stage.UNPLACED

    def work(self, offered: float, seconds: float, service: Service) -> None:
        """Take so many requests, and do what a replica does in that time."""
        tokens = OUTPUT_TOKENS * service.step_seconds(service.most_sequences)
        prompt = INPUT_TOKENS * service.prompt_token_seconds
        most = service.most_sequences / (tokens + service.most_sequences * prompt)
        begun = min(self.waiting + offered, most * seconds)
        wait = self.waiting / most + prompt
        self.waiting += offered - begun
        rate = begun / seconds
        token = service.fixed_seconds / (1 - rate * (prompt + OUTPUT_TOKENS * service.sequence_seconds))
        ended = max(0.0, begun - (rate * OUTPUT_TOKENS * token - self.running))
        self.running += begun - ended
        self.finished += ended
        self.prompts += begun
        written = self.running / token * seconds
        self.written += written
        self.written_seconds += written * token
        for bound in WAITS:
            self.waits[bound] += begun if wait <= bound else 0.0

    def counts(self) -> Counts:
        """Return what vLLM would say of it."""
        return Counts(
            running=self.running,
            waiting=self.waiting,
            finished=self.finished,
            prompt_tokens=self.prompts * INPUT_TOKENS,
            cached_tokens=0.0,
            generation_tokens=self.written,
            cache_usage=min(1.0, self.running / 80),
            first_token=Histogram(sum_seconds=0.0, buckets=tuple(self.waits.items())),
            output_token=Histogram(sum_seconds=self.written_seconds, buckets=((math.inf, self.written),)),
        )

    def replica(self) -> Replica:
        """Return what the scaler sees of it."""
        return Replica(
            name=self.name,
            stage=self.stage,
            since_seconds=self.since_seconds,
            serving_since_seconds=self.serving_since_seconds,
            sample=self.said,
        )


Rate = Callable[[float], float]
"""Requests per second by the moment."""
Say = Callable[[Engine, float, Counts], Counts | None]
"""What an engine says in place of its counts at a moment; None: nothing, so what it said before stays."""


def steps(*phases: tuple[float, float]) -> Rate:
    """Return a rate that is each second number for so long as the first says, and the last one for ever."""

    def rate(now_seconds: float) -> float:
        end = 0.0
        for seconds, per_second in phases:
            end += seconds
            if now_seconds < end:
                return per_second
        return phases[-1][1]

    return rate


def honest(engine: Engine, now_seconds: float, said: Counts) -> Counts:
    """Say what is so."""
    return said


@dataclass
class Loop:
    """Traffic, engines, and the scaler that says how many there are.

    Attributes:
        engine: One replica as it is; None: as planned.
        places: How many replicas the cluster has room for.
        say: What engines say.
        decisions: All that were made, with when.
    """

    terms: Terms
    rate: Rate
    serving: int = 1
    engine: Service | None = None
    boot_seconds: float | None = None
    places: int = 1000
    say: Say = honest
    tick_seconds: float = 10.0
    tuning: Tuning = field(default_factory=Tuning)
    state: State = field(default_factory=State, repr=False)
    now_seconds: float = 0.0
    asked_seconds: float | None = None
    engines: list[Engine] = field(default_factory=list, repr=False)
    decisions: list[tuple[float, Decision]] = field(default_factory=list, repr=False)
    made: int = 0

    def __post_init__(self) -> None:
        """Begin with replicas that have served for long."""
        self.state = self.state if self.state.wanted is not None else replace(self.state, wanted=self.serving)
        for _ in range(self.serving):
            self._make(since_seconds=self.now_seconds - 1000.0)
        for engine in self.engines:
            engine.serving_since_seconds = self.now_seconds - 900.0

    @property
    def last(self) -> Decision:
        """The newest decision."""
        return self.decisions[-1][1]

    @property
    def numbers(self) -> list[int]:
        """How many were wanted at each moment."""
        return [decision.replicas for _, decision in self.decisions]

    def replicas(self) -> tuple[Replica, ...]:
        """Return what the scaler sees."""
        return tuple(engine.replica() for engine in self.engines)

    def decide(self) -> Decision:
        """Ask the scaler, and change nothing."""
        return decide(
            self.terms,
            self.replicas(),
            self.state,
            now_seconds=self.now_seconds,
            asked_seconds=self.asked_seconds,
            tuning=self.tuning,
        )

    def run(self, seconds: float) -> Decision:
        """Let so much time pass, and return the last decision."""
        end = self.now_seconds + seconds
        while self.now_seconds < end - 1e-6:
            self.pass_time(self.tick_seconds)
            self.follow(self.decide())
        return self.last

    def pass_time(self, seconds: float) -> None:
        """Let engines work, boot and say what they do."""
        serving = [engine for engine in self.engines if engine.stage is Stage.SERVING]
        offered = self.rate(self.now_seconds) * seconds
        for engine in serving:
            engine.work(offered / len(serving), seconds, self.engine or self.terms.service)
        self.now_seconds += seconds
        for index, engine in enumerate(self.engines):
            engine.has_place = index < self.places
            boot = self.terms.boot_seconds if self.boot_seconds is None else self.boot_seconds
            if engine.stage is Stage.LOADING and self.now_seconds - engine.since_seconds >= boot:
                engine.serving_since_seconds = self.now_seconds
            said = self.say(engine, self.now_seconds, engine.counts())
            if engine.stage is Stage.SERVING and said is not None:
                engine.said = Sample(at_seconds=self.now_seconds, counts=said)

    def follow(self, decision: Decision) -> None:
        """Do what was decided: the youngest go first."""
        self.decisions.append((self.now_seconds, decision))
        self.state = decision.state
        while len(self.engines) < decision.replicas:
            self._make(since_seconds=self.now_seconds)
        del self.engines[decision.replicas :]

    def lose_one(self) -> None:
        """Let the oldest replica be gone at once, and another come in its place, as a Deployment does."""
        del self.engines[0]
        self._make(since_seconds=self.now_seconds)

    def _make(self, *, since_seconds: float) -> None:
        self.engines.append(Engine(name=f"replica-{self.made}", since_seconds=since_seconds))
        self.made += 1
