"""The decision: what the traffic needs, bounded by what is allowed, what is there and what was needed a moment ago.

    up    at once, to the most that the expected traffic, what comes now, and what has piled up need
    down  step by step, once less has been enough for the whole stabilization time, nothing waits, and the replicas that
          stay hold what runs now

Missing data may raise the number and never lower it. What no node takes holds it upward, and not downward.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from gemma4_operator.scaling import words
from gemma4_operator.scaling.absent import missed
from gemma4_operator.scaling.decision import Answer, Decision, Expected, Why, within
from gemma4_operator.scaling.down import STEP_SECONDS, highest, lowered, noted
from gemma4_operator.scaling.learning import booted
from gemma4_operator.scaling.look import Look, look
from gemma4_operator.scaling.losses import noticed
from gemma4_operator.scaling.meter import Reading, Usual, read
from gemma4_operator.scaling.sample import Replica, Stage
from gemma4_operator.scaling.series import begun
from gemma4_operator.scaling.state import State
from gemma4_operator.scaling.terms import Terms, Tuning

PLACE_SECONDS = 60.0
"""After which a replica that no node takes is not on its way."""


def decide(
    terms: Terms,
    replicas: Sequence[Replica],
    state: State,
    *,
    now_seconds: float,
    asked_seconds: float | None = None,
    coming: Collection[str] = (),
    tuning: Tuning | None = None,
) -> Decision:
    """Return how many replicas there should be from now on.

    Args:
        terms: What binds it.
        replicas: All that are not gone.
        state: From the last decision.
        now_seconds: By the clock of the samples.
        asked_seconds: When somebody last asked for an answer otherwise than by a request; None: nobody did.
        coming: Replicas for which a node is being added.
        tuning: Parts to leave out, to see what they are worth; None: none.
    """
    wanted, state = _begun(terms, replicas, state, coming, now_seconds)
    answer, state = _answer(terms, replicas, wanted, state, now_seconds, asked_seconds, tuning or Tuning())
    return within(terms, answer, state)


def _begun(
    terms: Terms, replicas: Sequence[Replica], state: State, coming: Collection[str], now_seconds: float
) -> tuple[int, State]:
    """Return the number so far, and the state with what needs no engine's word."""
    wanted = state.wanted
    if wanted is None:
        wanted = sum(one.stage is not Stage.LEAVING for one in replicas) or max(1, terms.minimum)
    busy = now_seconds if state.busy_seconds is None else state.busy_seconds
    boots = booted(state.boots, replicas, planned_seconds=terms.boot_seconds, now_seconds=now_seconds)
    absent = missed(state.absent, replicas, coming=coming, now_seconds=now_seconds)
    losses = noticed(
        state.losses,
        replicas,
        wanted=wanted,
        overdue_seconds=boots.overdue_seconds(terms.boot_seconds),
        now_seconds=now_seconds,
    )
    return wanted, replace(state, wanted=wanted, boots=boots, absent=absent, losses=losses, busy_seconds=busy)


def _answer(
    terms: Terms,
    replicas: Sequence[Replica],
    wanted: int,
    state: State,
    now_seconds: float,
    asked_seconds: float | None,
    tuning: Tuning,
) -> tuple[Answer, State]:
    if wanted == 0 and not any(one.stage is Stage.SERVING for one in replicas):
        return _asleep(terms, state, now_seconds, asked_seconds)
    if asked_seconds is not None and state.busy_seconds is not None:
        # Who asks while one serves is served, and wakes nobody later.
        state = replace(state, busy_seconds=max(state.busy_seconds, asked_seconds))
    reading, meter = read(state.meter, replicas, now_seconds=now_seconds, usual=_usual(terms))
    state = replace(state, meter=meter)
    if reading.serving == 0:
        return _none_serves(replicas, wanted, now_seconds), _blind(state, now_seconds)
    if reading.is_nothing and reading.seen > 0:
        return _begins(wanted, reading, state, now_seconds)
    if reading.is_nothing:
        answer = Answer(replicas=wanted, reason=Why.NO_DATA, message=words.no_data(reading), valid=False)
        return answer, _blind(state, now_seconds)
    seen, state = look(terms, replicas, state, reading, now_seconds=now_seconds, tuning=tuning)
    is_first = len(state.series) == 1
    if is_first and reading.is_whole:
        return Answer(replicas=wanted, reason=Why.STARTING, message=words.begun(wanted)), state
    answer, state = _judged(terms, replicas, wanted, state, seen, now_seconds)
    told = Expected(
        now=seen.came_per_second,
        then=seen.ahead.requests_per_second * seen.came_per_request,
        peak=seen.peak_requests_per_second * seen.came_per_request,
        horizon_seconds=seen.horizon_seconds,
    )
    return replace(answer, valid=reading.is_whole, expected=None if is_first else told), state


def _usual(terms: Terms) -> Usual:
    return Usual(
        input_tokens=terms.input_tokens,
        output_tokens=terms.output_tokens,
        service=terms.service,
        first_token_seconds=terms.first_token_seconds,
        uncached_share=terms.uncached_share,
    )


def _blind(state: State, now_seconds: float) -> State:
    """Return the state after a moment in which nothing was heard: what has been so is not known to be so any more."""
    return replace(
        state, decided_seconds=now_seconds, busy_seconds=now_seconds, whole_since_seconds=None, at_work_seconds=None
    )


def _begins(wanted: int, reading: Reading, state: State, now_seconds: float) -> tuple[Answer, State]:
    """Return the answer where engines are heard and nothing of what comes is known yet.

    Counts only grow: what came is what they have grown by since they were first seen, which for those that are read
    seldom takes a while.
    """
    state = replace(_blind(state, now_seconds), series=begun(now_seconds))
    if reading.seen < reading.serving:
        answer = Answer(
            replicas=wanted,
            reason=Why.PARTIAL_DATA,
            message=words.partial(reading.serving - reading.seen, reading.serving),
            valid=False,
        )
        return answer, state
    return Answer(replicas=wanted, reason=Why.STARTING, message=words.begun(wanted)), state


def _asleep(terms: Terms, state: State, now_seconds: float, asked_seconds: float | None) -> tuple[Answer, State]:
    """Return whether to wake: somebody has asked since, or sleeping is not allowed any more."""
    since = state.busy_seconds if state.busy_seconds is not None else now_seconds
    if asked_seconds is not None and asked_seconds > since:
        answer = Answer(replicas=1, reason=Why.WAKING, message=words.waking())
    elif terms.minimum > 0:
        answer = Answer(replicas=terms.minimum, reason=Why.MINIMUM, message=words.at_minimum(terms.minimum))
    else:
        return Answer(replicas=0, reason=Why.ASLEEP, message=words.asleep()), state
    return answer, replace(state, busy_seconds=now_seconds, needs=())


def _judged(
    terms: Terms, replicas: Sequence[Replica], wanted: int, state: State, seen: Look, now_seconds: float
) -> tuple[Answer, State]:
    """Return the answer to a moment that was seen."""
    state = replace(state, needs=noted(state, seen.stay, terms, now_seconds))
    text = _words(seen, terms)
    if _may_sleep(terms, state, seen, now_seconds):
        return Answer(replicas=0, reason=Why.ASLEEP, message=words.sleeping(terms.idle_seconds)), state
    if seen.need > wanted:
        return _asked(replicas, wanted, seen, text, now_seconds), state
    if not seen.reading.is_whole:
        # Less is no evidence that less would do.
        message = words.partial(seen.reading.serving - seen.reading.heard, seen.reading.serving)
        return Answer(replicas=wanted, reason=Why.PARTIAL_DATA, message=message), state
    if seen.need == wanted:
        return _asked(replicas, wanted, seen, text, now_seconds), state
    least = max(1, terms.minimum)
    if least >= wanted:
        message = f"{text} {words.at_minimum(terms.minimum)}"
        return Answer(replicas=wanted, reason=Why.MINIMUM, message=message), state
    fewer, why_not = lowered(terms, wanted, state, seen, now_seconds)
    if why_not:
        return Answer(replicas=wanted, reason=Why.STABILIZING, message=f"{text} {why_not}"), state
    message = f"{text} {words.lowering(wanted, max(least, highest(state)))}"
    return Answer(replicas=fewer, reason=Why.LOWERING, message=message), replace(state, lowered_seconds=now_seconds)


def _asked(replicas: Sequence[Replica], wanted: int, seen: Look, text: str, now_seconds: float) -> Answer:
    """Return the number that is needed, unless those asked for before have no place: then it rises no further."""
    if stuck := _stuck(replicas, now_seconds):
        message = f"{text} {words.unplaceable(stuck, seen.need)}"
        return Answer(replicas=wanted, reason=Why.UNPLACEABLE, message=message, limited_by=words.NO_GPU)
    return Answer(replicas=seen.need, reason=_cause(seen), message=text)


def _none_serves(replicas: Sequence[Replica], wanted: int, now_seconds: float) -> Answer:
    """Return the answer where nothing is measured, since none serves yet, or no node takes one."""
    if stuck := _stuck(replicas, now_seconds):
        message = f"{words.starting(wanted)} {words.unplaceable(stuck, wanted)}"
        return Answer(replicas=wanted, reason=Why.UNPLACEABLE, message=message, limited_by=words.NO_GPU)
    return Answer(replicas=wanted, reason=Why.STARTING, message=words.starting(wanted))


def _stuck(replicas: Sequence[Replica], now_seconds: float) -> int:
    """Return how many wait for a node for so long that none is on its way."""
    return sum(one.stage is Stage.UNPLACED and now_seconds - one.since_seconds >= PLACE_SECONDS for one in replicas)


def _may_sleep(terms: Terms, state: State, seen: Look, now_seconds: float) -> bool:
    """Whether nobody has asked for so long that none is needed, however many a peak of before still holds.

    Until when is known by the oldest of what engines said: what came since, nobody has told.
    """
    if terms.minimum > 0 or seen.reading.running + seen.reading.waiting > 0:
        return False
    # The last step down was a decision of its own; asked again at once, it would be two.
    if state.lowered_seconds is not None and now_seconds - state.lowered_seconds < STEP_SECONDS:
        return False
    until_seconds = min(now_seconds, seen.reading.until_seconds)
    return state.busy_seconds is not None and until_seconds - state.busy_seconds >= terms.idle_seconds


def _cause(seen: Look) -> Why:
    carried = max(seen.for_load, seen.for_ahead, seen.for_backlog)
    if max(seen.for_jump, seen.for_losses) > carried:
        return Why.JUMP if seen.for_jump >= seen.for_losses else Why.LOSSES
    if seen.for_backlog > max(seen.for_load, seen.for_ahead):
        return Why.BACKLOG
    if seen.change is not None and seen.for_ahead > seen.for_load:
        return Why.CHANGE
    return Why.DEMAND


def _words(seen: Look, terms: Terms) -> str:
    without = max(seen.for_load, seen.for_ahead)
    text = words.demand(
        now=seen.came_per_second,
        then=seen.ahead.requests_per_second * seen.came_per_request,
        horizon_seconds=seen.horizon_seconds,
        needs=without,
        change=seen.change,
        waiting=seen.reading.waiting if seen.for_backlog > without else 0.0,
        backlog=seen.for_backlog,
        first_token_seconds=seen.limits.first_token_seconds,
        token_seconds=seen.limits.token_seconds,
    )
    kept = ""
    match _cause(seen):
        case Why.JUMP:
            kept = words.jumped(seen.for_jump)
        case Why.LOSSES:
            kept = words.spared(seen.for_losses - seen.for_load, seen.lost_share)
    lost = words.lost(seen.for_lost) if seen.for_lost else ""
    return " ".join(filter(None, (text, *_out_of_reach(seen, terms), kept, lost)))


def _out_of_reach(seen: Look, terms: Terms) -> Iterator[str]:
    """Yield what is said of each objective that no number of replicas keeps with room."""
    first, token = "spec.objectives.timeToFirstTokenMilliseconds", "spec.objectives.timePerOutputTokenMilliseconds"
    longest = words.longest_alone(terms.attainment)
    for field, alone, asked, kept in (
        (first, longest, terms.first_token_seconds, seen.limits.first_token_seconds),
        (token, words.ALONE, terms.token_seconds, seen.limits.token_seconds),
    ):
        if kept > asked:
            yield words.out_of_reach(field, alone=alone, asked_seconds=asked, kept_seconds=kept)
