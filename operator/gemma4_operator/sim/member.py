"""One replica of the simulated deployment, from the wish for it until it is gone."""

from collections import deque
from dataclasses import dataclass, field

from gemma4_operator.scaling.sample import Replica, Sample, Stage
from gemma4_operator.sim.engine import Engine
from gemma4_operator.sim.policy import Seen


@dataclass(slots=True, kw_only=True, eq=False)
class Member:
    """A replica.

    Attributes:
        since_seconds: When it was wished for; it costs from then on.
        serving_since_seconds: When it began to serve; None: it does not yet, or never did.
        leaving_since_seconds: When it was told to go; None: it was not.
        gone_seconds: When it was gone; None: it is still there.
        scraped: What was scraped and is not known to the rule yet; `known` what is.
    """

    number: int
    engine: Engine
    since_seconds: float
    serving_since_seconds: float | None = None
    leaving_since_seconds: float | None = None
    gone_seconds: float | None = None
    scraped: deque[Sample] = field(default_factory=deque)
    known: Sample | None = None

    @property
    def stage(self) -> Stage:
        """How far it is."""
        if self.leaving_since_seconds is not None:
            return Stage.LEAVING
        return Stage.LOADING if self.serving_since_seconds is None else Stage.SERVING

    def scrape(self, now_seconds: float) -> None:
        """Note what the engine says at this moment."""
        self.engine.advance(now_seconds)
        self.scraped.append(Sample(at_seconds=now_seconds, counts=self.engine.counts()))

    def learn(self, until_seconds: float) -> None:
        """Let the rule know what was scraped until then."""
        while self.scraped and self.scraped[0].at_seconds <= until_seconds:
            self.known = self.scraped.popleft()

    def seen(self, *, cache_capacity_tokens: int) -> Seen:
        """Return what a rule may see of it."""
        engine = self.engine
        return Seen(
            replica=Replica(
                name=f"replica-{self.number}",
                stage=self.stage,
                since_seconds=self.since_seconds,
                serving_since_seconds=self.serving_since_seconds,
                sample=self.known,
            ),
            running=engine.running,
            waiting=engine.waiting,
            queued_prompt_tokens=engine.queued_prompt_tokens,
            cache_tokens=engine.held_tokens,
            cache_capacity_tokens=cache_capacity_tokens,
        )
