"""The operator's own rule under the simulator: the very code that runs in the operator."""

from dataclasses import dataclass, field, replace

from gemma4_operator.scaling.decide import decide
from gemma4_operator.scaling.decision import Decision
from gemma4_operator.scaling.sample import Replica
from gemma4_operator.scaling.service import Service
from gemma4_operator.scaling.state import State
from gemma4_operator.scaling.terms import Terms, Tuning
from gemma4_operator.sim.held import Held
from gemma4_operator.sim.policy import View
from gemma4_operator.sim.setting import Setting

NAME = "gemma4"
TICK_SECONDS = 5.0
IDLE_SECONDS = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What may be tried of it.

    Attributes:
        share: Of the moments at which a forecast is to be enough.
        forecast: Whether what comes later counts; so are `change`, `backlog`, `learning` and `jumps`, parts
            that can be left out.
        prior: What the plan's times are multiplied with, to see what a wrong plan costs.
        scrape: In seconds, how seldom a Prometheus scrapes that is asked instead of the engines; 0: there is none.
    """

    share: float = Tuning().share
    forecast: bool = True
    change: bool = True
    backlog: bool = True
    learning: bool = True
    jumps: bool = True
    prior: float = 1.0
    scrape: float = field(default=0.0, metadata={"least": 0})


class Ours:
    """Asks `decide` as the operator does, every five seconds."""

    interval_seconds = TICK_SECONDS

    def __init__(self, knobs: Knobs, setting: Setting) -> None:
        terms = terms_of(setting)
        self._terms = replace(terms, service=terms.service.slowed(knobs.prior))
        self._tuning = Tuning(
            share=knobs.share,
            forecast=knobs.forecast,
            change=knobs.change,
            backlog=knobs.backlog,
            learning=knobs.learning,
            jumps=knobs.jumps,
        )
        self._state = State()
        self._held = Held(knobs.scrape) if knobs.scrape else None
        self.last: Decision | None = None

    def wanted(self, view: View) -> int:
        """Return how many replicas there should be from now on."""
        replicas = tuple(self._known(seen.replica) for seen in view.replicas)
        self.last = decide(self._terms, replicas, self._state, now_seconds=view.now_seconds, tuning=self._tuning)
        self._state = self.last.state
        return self.last.replicas

    def _known(self, replica: Replica) -> Replica:
        return replica if self._held is None else replace(replica, sample=self._held.told(replica))


def terms_of(setting: Setting) -> Terms:
    """Return what a setting says, as the operator would have it from a plan."""
    engine, objectives = setting.engine, setting.objectives
    context = setting.input_tokens + setting.output_tokens / 2
    service = Service(
        fixed_seconds=engine.fixed_seconds,
        sequence_seconds=engine.sequence_seconds + engine.context_token_seconds * context,
        prompt_token_seconds=engine.prompt_token_seconds,
        most_sequences=min(engine.max_sequences, engine.cache_tokens / context),
        max_batched_tokens=engine.max_batched_tokens,
    )
    return Terms(
        minimum=setting.minimum,
        maximum=setting.maximum,
        service=service,
        first_token_seconds=objectives.first_token_seconds,
        token_seconds=objectives.token_seconds,
        attainment=objectives.attainment,
        boot_seconds=setting.boot_seconds,
        input_tokens=setting.input_tokens,
        output_tokens=setting.output_tokens,
        idle_seconds=IDLE_SECONDS,
    )
