"""The decision: what the traffic needs, bounded by what is allowed, what is there and what was needed a moment ago.

    up    at once, to the most that the expected traffic, what comes now, and what has piled up need
    down  step by step, once less has been enough for the whole stabilization time, nothing waits, and the replicas that
          stay would carry what all carry now

Missing data may raise the number and never lower it. What no node takes holds it upward, and not downward.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gemma4_operator.scaling import words
from gemma4_operator.scaling.backlog import for_backlog, left_seconds, ready_at
from gemma4_operator.scaling.change import Change, change
from gemma4_operator.scaling.decision import Decision, Expected, Why
from gemma4_operator.scaling.flow import Flow
from gemma4_operator.scaling.forecast import expected, judged
from gemma4_operator.scaling.learning import booted, caution, eased, slowness
from gemma4_operator.scaling.meter import Reading, Usual, read
from gemma4_operator.scaling.sample import Replica, Stage
from gemma4_operator.scaling.series import Series, advanced, dispersion, mean, rates
from gemma4_operator.scaling.service import Service
from gemma4_operator.scaling.staffing import CACHE_SHARE, Limits, Load, needed, point
from gemma4_operator.scaling.state import Need, State
from gemma4_operator.scaling.terms import Terms, Tuning

LEAST_STABILIZATION_SECONDS = 60.0
LOWERING_SECONDS = 15.0
"""Between two steps down."""
_LOWERED_SHARE = 8
"""One step down is one of so many replicas, at least one."""
PLACE_SECONDS = 60.0
"""After which a replica that no node takes is not on its way."""
_SAMPLE_LAG_SECONDS = 15.0
"""Between what happens in an engine and a decision that knows of it, one tick and the middle of a span."""
_ATTAINMENT_SECONDS = 90.0
_SETTLED_SECONDS = 30.0
"""After a boot, until attainment tells of the new number alone."""
_WEIGHT = 10.0
"""Of what is expected of a request, in requests: so many real ones weigh as much."""
_MOST_OF_MINUTE = 1.5
"""Of the last minute's mean, the most that a change is believed to lead to."""
_MOST_VARIATION = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What one moment shows."""

    reading: Reading
    service: Service
    load: Load
    expected: Load
    horizon_seconds: float
    change: Change | None
    backlog: int
    need: int
    """For what comes now; `ahead` for what is expected."""
    ahead: int

    @property
    def most(self) -> int:
        """How many replicas the moment needs."""
        return max(self.need, self.ahead, self.backlog)


def decide(
    terms: Terms,
    replicas: Sequence[Replica],
    state: State,
    *,
    now_seconds: float,
    asked_seconds: float | None = None,
    tuning: Tuning | None = None,
) -> Decision:
    """Return how many replicas there should be from now on.

    Args:
        terms: What binds it.
        replicas: All that are not gone.
        state: From the last decision.
        now_seconds: By the clock of the samples.
        asked_seconds: When somebody last asked for an answer while none ran; None: nobody did.
        tuning: Parts to leave out, to see what they are worth; None: none.
    """
    tuning = tuning or Tuning()
    before = _started(terms, replicas, state, now_seconds)
    wanted = before.wanted if before.wanted is not None else terms.minimum
    if wanted == 0 and not any(one.stage is Stage.SERVING for one in replicas):
        return _asleep(terms, before, now_seconds, asked_seconds)
    reading, meter = read(before.meter, replicas, now_seconds=now_seconds, usual=_usual(terms))
    before = replace(before, meter=meter)
    if reading.serving == 0:
        return _held(terms, before, Why.STARTING, words.starting(wanted), now_seconds, valid=True)
    if reading.is_nothing:
        return _held(terms, before, Why.NO_DATA, words.no_data(reading), now_seconds, valid=False)
    after, seen = _look(terms, replicas, before, reading, now_seconds, tuning)
    return _bounded(terms, replicas, after, seen, now_seconds)


def _started(terms: Terms, replicas: Sequence[Replica], state: State, now_seconds: float) -> State:
    """Return the state with what needs no engine's word."""
    wanted = state.wanted
    if wanted is None:
        wanted = sum(one.stage is not Stage.LEAVING for one in replicas) or max(1, terms.minimum)
    return replace(
        state,
        wanted=wanted,
        boots=booted(state.boots, replicas),
        busy_seconds=now_seconds if state.busy_seconds is None else state.busy_seconds,
    )


def _usual(terms: Terms) -> Usual:
    return Usual(
        input_tokens=terms.input_tokens,
        output_tokens=terms.output_tokens,
        first_token_seconds=terms.first_token_seconds,
    )


def _look(
    terms: Terms, replicas: Sequence[Replica], state: State, reading: Reading, now_seconds: float, tuning: Tuning
) -> tuple[State, _Seen]:
    """Return what the moment shows, and the state that has learned of it."""
    series = advanced(state.series, reading.flow, now_seconds=now_seconds)
    boot_seconds = state.boots.usual_seconds(terms.boot_seconds)
    horizon = boot_seconds + _SAMPLE_LAG_SECONDS + reading.age_seconds
    spans = rates(series)
    forecast = judged(state.forecast, spans, now_seconds=now_seconds, horizon_seconds=horizon, share=tuning.share)
    state = replace(
        _learned(
            terms, state, reading, series=series, now_seconds=now_seconds, boot_seconds=boot_seconds, tuning=tuning
        ),
        series=series,
        forecast=forecast,
    )
    service = terms.service.slowed(state.slowness * state.caution)
    load = _load(terms, mean(series, 60.0), mean(series, 180.0), mean(series, 480.0), series)
    then, found = load.requests_per_second, None
    if spans and tuning.forecast:
        then = expected(forecast, spans, horizon)
    if spans and tuning.change:
        spread = min(_MOST_VARIATION, max(1.0, load.variation))
        found = change(spans, dispersion=spread, horizon_seconds=horizon)
        if found is not None:
            then = max(then, min(found.rate, _MOST_OF_MINUTE * load.requests_per_second))
    limits = Limits(
        first_token_seconds=terms.first_token_seconds, token_seconds=terms.token_seconds, attainment=terms.attainment
    )
    ahead_load = replace(load, requests_per_second=then)
    need, ahead = needed(service, load, limits), needed(service, ahead_load, limits)
    backlog = 0
    if tuning.backlog and reading.waiting > 0:
        backlog = _backlog(terms, replicas, state, reading, service, ahead_load, max(need, ahead), now_seconds)
    return state, _Seen(
        reading=reading,
        service=service,
        load=load,
        expected=ahead_load,
        horizon_seconds=horizon,
        change=found,
        backlog=backlog,
        need=need,
        ahead=ahead,
    )


def _learned(
    terms: Terms,
    state: State,
    reading: Reading,
    *,
    series: Series,
    now_seconds: float,
    boot_seconds: float,
    tuning: Tuning,
) -> State:
    elapsed = now_seconds - state.decided_seconds if state.decided_seconds is not None else 0.0
    is_at_work = state.wanted is not None and reading.serving >= state.wanted
    at_work = _since(state.at_work_seconds, now_seconds) if is_at_work else None
    is_busy = reading.running + reading.waiting > 0 or reading.flow.arrivals > 0
    whole = _since(state.whole_since_seconds, now_seconds) if reading.is_whole else None
    state = replace(
        state,
        at_work_seconds=at_work,
        busy_seconds=now_seconds if is_busy or not reading.is_whole else state.busy_seconds,
        whole_since_seconds=whole,
        decided_seconds=now_seconds,
    )
    if not tuning.learning or not reading.is_whole:
        return state
    settled = at_work is not None and now_seconds - at_work >= _ATTAINMENT_SECONDS + _SETTLED_SECONDS
    slow = slowness(
        state.slowness,
        terms.service,
        mean(series, 60.0),
        serving=reading.serving,
        waiting=reading.waiting,
        elapsed_seconds=elapsed,
    )
    if settled:
        careful = caution(
            state.caution,
            mean(series, _ATTAINMENT_SECONDS),
            attainment=terms.attainment,
            over_seconds=_ATTAINMENT_SECONDS,
            elapsed_seconds=elapsed,
        )
    else:
        careful = eased(state.caution, elapsed)
    return replace(state, slowness=slow, caution=careful)


def _since(before: float | None, now_seconds: float) -> float:
    return now_seconds if before is None else before


def _load(terms: Terms, minute: Flow, long: Flow, longer: Flow, series: Series) -> Load:
    """Return what comes now, each request as large as those of the last minutes."""
    inputs = (_WEIGHT * terms.input_tokens + 180.0 * long.prompt_tokens) / (_WEIGHT + 180.0 * long.prompts)
    outputs = (_WEIGHT * terms.output_tokens + 480.0 * longer.answer_tokens) / (_WEIGHT + 480.0 * longer.answers)
    return Load(
        requests_per_second=minute.arrivals,
        input_tokens=inputs,
        output_tokens=max(1.0, outputs),
        variation=dispersion(series, 120.0, least=1.0, most=_MOST_VARIATION),
    )


def _backlog(
    terms: Terms,
    replicas: Sequence[Replica],
    state: State,
    reading: Reading,
    service: Service,
    load: Load,
    most: int,
    now_seconds: float,
) -> int:
    """Return how many replicas work off what waits."""
    boot_seconds = state.boots.usual_seconds(terms.boot_seconds)
    at = point(service, load, replicas=max(most, 1))
    each = (at.prompt_token_seconds if at is not None else service.prompt_token_seconds) * load.input_tokens
    coming = load.requests_per_second * each
    ready = ready_at(
        replicas,
        boot_seconds=boot_seconds,
        overdue_seconds=state.boots.overdue_seconds(terms.boot_seconds),
        now=now_seconds,
    )
    left = left_seconds(reading.waiting * each, coming=coming, ready=ready, boot_seconds=boot_seconds)
    return for_backlog(left, coming=coming, boot_seconds=boot_seconds, most=max(most, state.wanted or 1))


def _bounded(terms: Terms, replicas: Sequence[Replica], state: State, seen: _Seen, now_seconds: float) -> Decision:
    """Return the decision for a moment that was seen, within what is allowed and what is there."""
    assert state.wanted is not None, "a state that has started has a number"
    wanted = state.wanted
    # Where not all are heard, less is no evidence that less would do.
    need = seen.most if seen.reading.is_whole else max(seen.most, wanted)
    needs = _noted(state.needs, need, now_seconds, _stabilization_seconds(terms, state))
    state = replace(state, needs=needs)
    if _may_sleep(terms, state, seen, now_seconds):
        return _decided(terms, state, seen, 0, Why.ASLEEP, words.sleeping(terms.idle_seconds))
    if need > wanted:
        return _raised(terms, replicas, state, seen, need)
    lowest = max(1, terms.minimum, needs[0].replicas)
    if not seen.reading.is_whole:
        return _decided(terms, state, seen, wanted, Why.PARTIAL_DATA, words.partial(seen.reading))
    if need == wanted:
        return _decided(terms, state, seen, wanted, _cause(seen), _words(seen, terms))
    if lowest >= wanted:
        why = Why.MINIMUM if max(1, terms.minimum) >= wanted else Why.STABILIZING
        text = words.at_minimum(terms.minimum) if why is Why.MINIMUM else words.stabilizing(need, needs[0].replicas)
        return _decided(terms, state, seen, wanted, why, f"{_words(seen, terms)} {text}")
    stays = _lowered(terms, state, seen, lowest, now_seconds)
    if stays is not None:
        return _decided(terms, state, seen, wanted, Why.STABILIZING, f"{_words(seen, terms)} {stays}")
    target = max(lowest, wanted - max(1, wanted // _LOWERED_SHARE))
    state = replace(state, lowered_seconds=now_seconds)
    return _decided(terms, state, seen, target, Why.LOWERING, f"{_words(seen, terms)} {words.lowering(wanted, lowest)}")


def _raised(terms: Terms, replicas: Sequence[Replica], state: State, seen: _Seen, need: int) -> Decision:
    """Return a higher number, as far as limits and nodes let it."""
    assert state.wanted is not None, "a state that has started has a number"
    assert state.decided_seconds is not None, "and this one has seen a moment"
    stuck = sum(
        one.stage is Stage.UNPLACED and state.decided_seconds - one.since_seconds >= PLACE_SECONDS for one in replicas
    )
    if stuck:
        text = f"{_words(seen, terms)} {words.unplaceable(stuck, need)}"
        return _decided(terms, state, seen, state.wanted, Why.UNPLACEABLE, text, limited_by=words.NO_GPU)
    return _decided(terms, state, seen, need, _cause(seen), _words(seen, terms))


def _lowered(terms: Terms, state: State, seen: _Seen, lowest: int, now_seconds: float) -> str | None:
    """Return why the number does not go down right now, although less has been enough; None: it may."""
    assert state.wanted is not None, "a state that has started has a number"
    seconds = _stabilization_seconds(terms, state)
    since = state.whole_since_seconds
    if since is None or now_seconds - since < seconds:
        return words.not_long_enough(seconds)
    if state.lowered_seconds is not None and now_seconds - state.lowered_seconds < LOWERING_SECONDS:
        return words.step_by_step(LOWERING_SECONDS)
    if seen.reading.waiting >= 1 and seen.reading.waiting > 0.5 * seen.reading.serving:
        return words.waiting(seen.reading.waiting)
    fewer = max(lowest, state.wanted - max(1, state.wanted // _LOWERED_SHARE))
    held = CACHE_SHARE * seen.service.most_sequences * fewer
    if fewer < seen.reading.serving and seen.reading.running > held:
        return words.survivors(seen.reading.running, fewer)
    return None


def _stabilization_seconds(terms: Terms, state: State) -> float:
    if terms.stabilization_seconds is not None:
        return terms.stabilization_seconds
    return max(LEAST_STABILIZATION_SECONDS, state.boots.usual_seconds(terms.boot_seconds))


def _noted(needs: tuple[Need, ...], need: int, now_seconds: float, seconds: float) -> tuple[Need, ...]:
    """Return the needs of the stabilization time with one more: the first of them is the highest."""
    kept = [one for one in needs if one.at_seconds > now_seconds - seconds and one.replicas > need]
    return (*kept, Need(now_seconds, need))


def _may_sleep(terms: Terms, state: State, seen: _Seen, now_seconds: float) -> bool:
    assert state.wanted is not None, "a state that has started has a number"
    assert state.busy_seconds is not None, "and a beginning"
    idle = now_seconds - state.busy_seconds
    is_whole = seen.reading.is_whole and seen.reading.running + seen.reading.waiting == 0
    return terms.minimum == 0 and state.wanted <= 1 and is_whole and idle >= terms.idle_seconds


def _cause(seen: _Seen) -> Why:
    if seen.backlog >= seen.most and seen.backlog > max(seen.need, seen.ahead):
        return Why.BACKLOG
    if seen.change is not None and seen.ahead > seen.need:
        return Why.CHANGE
    return Why.DEMAND


def _words(seen: _Seen, terms: Terms) -> str:
    return words.demand(
        now=seen.load.requests_per_second,
        then=seen.expected.requests_per_second,
        horizon_seconds=seen.horizon_seconds,
        needs=max(seen.need, seen.ahead),
        change=seen.change,
        waiting=seen.reading.waiting if seen.backlog > max(seen.need, seen.ahead) else 0,
        backlog=seen.backlog,
        first_token_seconds=terms.first_token_seconds,
        token_seconds=terms.token_seconds,
    )


def _decided(
    terms: Terms, state: State, seen: _Seen, replicas: int, why: Why, message: str, *, limited_by: str = ""
) -> Decision:
    expected_now = Expected(
        now=seen.load.requests_per_second,
        then=seen.expected.requests_per_second,
        horizon_seconds=seen.horizon_seconds,
    )
    return _within(
        terms, state, replicas, why, message, valid=seen.reading.is_whole, limited_by=limited_by, expected=expected_now
    )


def _held(terms: Terms, state: State, why: Why, message: str, now_seconds: float, *, valid: bool) -> Decision:
    """Return the number as it is, where nothing can be measured."""
    wanted = state.wanted
    assert wanted is not None, "a state that has started has a number"
    state = replace(
        state, decided_seconds=now_seconds, busy_seconds=now_seconds, whole_since_seconds=None, at_work_seconds=None
    )
    return _within(terms, state, wanted, why, message, valid=valid)


def _asleep(terms: Terms, state: State, now_seconds: float, asked_seconds: float | None) -> Decision:
    """Return whether to wake: somebody asked since nobody did, or sleeping is not allowed any more."""
    since = state.busy_seconds if state.busy_seconds is not None else now_seconds
    asked = asked_seconds is not None and asked_seconds > since
    if asked or terms.minimum > 0:
        state = replace(state, busy_seconds=now_seconds, needs=())
        why = Why.WAKING if asked else Why.MINIMUM
        text = words.waking() if asked else words.at_minimum(terms.minimum)
        return _within(terms, state, max(1, terms.minimum), why, text, valid=True)
    return _within(terms, state, 0, Why.ASLEEP, words.asleep(), valid=True)


def _within(
    terms: Terms,
    state: State,
    replicas: int,
    why: Why,
    message: str,
    *,
    valid: bool,
    limited_by: str = "",
    expected: Expected | None = None,
) -> Decision:
    """Return a decision within all limits; a budget goes before a minimum."""
    most, field = terms.maximum, "spec.autoscaling.maxReplicas"
    if terms.ceiling is not None and terms.ceiling.replicas < most:
        most, field = terms.ceiling.replicas, terms.ceiling.field
    least = terms.minimum if why is Why.ASLEEP else max(terms.minimum, 1)
    bounded = min(most, max(least, replicas))
    if replicas > most:
        why, message, limited_by = Why.LIMITED, f"{message} {words.limited(replicas, most, field)}", field
    return Decision(
        replicas=bounded,
        reason=why,
        message=message,
        valid=valid,
        state=replace(state, wanted=bounded),
        limited_by=limited_by,
        expected=expected if expected is not None else Expected(),
    )
