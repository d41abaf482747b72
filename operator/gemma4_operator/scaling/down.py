"""When a lower number may follow: the costly mistake is to give up a replica that takes minutes to come back."""

from gemma4_operator.scaling import words
from gemma4_operator.scaling.look import Look
from gemma4_operator.scaling.need import Need
from gemma4_operator.scaling.staffing import CACHE_SHARE
from gemma4_operator.scaling.state import State
from gemma4_operator.scaling.terms import Terms
from gemma4_operator.scaling.traffic import NOW_SECONDS

LEAST_STABILIZATION_SECONDS = 100.0
"""However quickly replicas come: load is a mean over a minute, so that a rise shows late. After one minute of less, the
number fell just before traffic rose (recorded chat, boots of 25 to 60 s), and more than 1 % were late."""
STEP_SECONDS = 15.0
"""Between two steps down."""
_STEP_SHARE = 8
"""One step down is one of so many replicas, and at least one."""
_WAITING_SHARE = 0.5
"""Of a request for each replica that serves: fewer that wait are between two steps of an engine."""


def stabilization_seconds(terms: Terms, state: State) -> float:
    """Return for how long a lower number must have been enough: as long as it takes to get a replica back."""
    if terms.stabilization_seconds is not None:
        return terms.stabilization_seconds
    return max(LEAST_STABILIZATION_SECONDS, state.boots.usual_seconds(terms.boot_seconds))


def noted(state: State, need: int, terms: Terms, now_seconds: float) -> tuple[Need, ...]:
    """Return the needs of the stabilization time with one more, those left out that a later one is not below."""
    oldest = now_seconds - stabilization_seconds(terms, state)
    kept = (one for one in state.needs if one.at_seconds > oldest and one.replicas > need)
    return (*kept, Need(now_seconds, need))


def highest(state: State) -> int:
    """Return the most that any moment of the stabilization time needed."""
    return state.needs[0].replicas if state.needs else 0


def lowered(terms: Terms, wanted: int, state: State, seen: Look, now_seconds: float) -> tuple[int, str]:
    """Return the next lower number, and why it is not taken now; empty: it is."""
    lowest = max(1, terms.minimum, highest(state))
    if lowest >= wanted:
        return wanted, words.stabilizing(seen.need, lowest)
    # What was not heard counts in the load for as long as that is a mean over it.
    seconds = max(NOW_SECONDS, stabilization_seconds(terms, state))
    since = state.whole_since_seconds
    if since is None or now_seconds - since < seconds:
        return wanted, words.not_long_enough(seconds)
    if state.lowered_seconds is not None and now_seconds - state.lowered_seconds < STEP_SECONDS:
        return wanted, words.step_by_step(STEP_SECONDS)
    reading = seen.reading
    if reading.waiting >= 1 and reading.waiting > _WAITING_SHARE * reading.serving:
        return wanted, words.waiting(reading.waiting)
    fewer = max(lowest, wanted - max(1, wanted // _STEP_SHARE))
    staying = max(1, fewer - seen.for_lost)
    if reading.running > CACHE_SHARE * seen.service.most_sequences * staying:
        return wanted, words.survivors(reading.running, staying)
    return fewer, ""
