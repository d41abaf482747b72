"""A rollout in which pods of two plans serve: the number is worked out for the new ones, and the old may be slower.

While the old serve, as where the rollout waits for a GPU, as many as there were when the plan came are known to do.
"""

from dataclasses import replace

from gemma4_operator.scaling import words
from gemma4_operator.scaling.decision import Decision, Why
from gemma4_operator.scaling.state import State
from gemma4_operator.scaling.terms import Terms

MIXED = (
    "Pods of an earlier plan serve, and the number is worked out for those of the new one: until none of them does, it "
    "does not go down."
)


def floor(terms: Terms, state: State, *, before: int, now_seconds: float) -> int:
    """Return what the number does not go below beside `minReplicas`: as many as before, if limits still allow them.

    Args:
        terms: What binds the scaler.
        state: From the last decision.
        before: How many there were when the plan came; 0: none of an earlier plan serves.
        now_seconds: By the clock of the samples.
    """
    busy = state.busy_seconds
    may_sleep = terms.minimum == 0 and busy is not None and now_seconds - busy >= terms.idle_seconds
    most = min(terms.maximum, terms.ceiling.replicas if terms.ceiling is not None else terms.maximum)
    return 0 if may_sleep else min(before, most)


def explained(decision: Decision, terms: Terms, *, lowest: int) -> Decision:
    """Return the decision with why it goes no lower than that, if it is no minimum of the spec's."""
    if lowest <= terms.minimum or decision.reason is not Why.MINIMUM:
        return decision
    return replace(decision, message=decision.message.replace(words.at_minimum(lowest), MIXED))
