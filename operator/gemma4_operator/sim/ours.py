"""The operator's own rule under the simulator: the very code that runs in the operator."""

from gemma4_operator.scaling.decide import decide
from gemma4_operator.scaling.decision import Decision
from gemma4_operator.scaling.service import Service
from gemma4_operator.scaling.state import State
from gemma4_operator.scaling.terms import Terms, Tuning
from gemma4_operator.sim.policy import View
from gemma4_operator.sim.setting import Setting

TICK_SECONDS = 5.0
IDLE_SECONDS = 600.0


class Ours:
    """Asks `decide` as the operator does, every five seconds.

    Args:
        setting: What it may know.
        tuning: Parts to leave out.
        prior: What the plan's times are multiplied with, to see what a wrong plan costs.
    """

    def __init__(self, *, setting: Setting, tuning: Tuning, prior: float = 1.0) -> None:
        self._terms = terms_of(setting, prior=prior)
        self._tuning = tuning
        self._state = State()
        self.last: Decision | None = None

    @property
    def interval_seconds(self) -> float:
        """How often it is asked."""
        return TICK_SECONDS

    def wanted(self, view: View) -> int:
        """Return how many replicas there should be from now on."""
        replicas = tuple(seen.replica for seen in view.replicas)
        self.last = decide(self._terms, replicas, self._state, now_seconds=view.now_seconds, tuning=self._tuning)
        self._state = self.last.state
        return self.last.replicas


def terms_of(setting: Setting, *, prior: float = 1.0) -> Terms:
    """Return what a setting says, its times so many times as long."""
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
        service=service.slowed(prior),
        first_token_seconds=objectives.first_token_seconds,
        token_seconds=objectives.token_seconds,
        attainment=objectives.attainment,
        boot_seconds=setting.boot_seconds,
        input_tokens=setting.input_tokens,
        output_tokens=setting.output_tokens,
        idle_seconds=IDLE_SECONDS,
    )
