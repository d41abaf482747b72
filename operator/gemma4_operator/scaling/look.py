"""What one moment shows: the load there is, the load to be ready for, and how many replicas each needs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gemma4_operator.scaling.backlog import for_backlog, left_seconds, ready_at
from gemma4_operator.scaling.change import Change, change
from gemma4_operator.scaling.flow import Flow
from gemma4_operator.scaling.forecast import expected, judged
from gemma4_operator.scaling.learning import caution, eased, slowness
from gemma4_operator.scaling.meter import Reading
from gemma4_operator.scaling.sample import Replica
from gemma4_operator.scaling.series import Series, advanced, dispersion, mean, spans
from gemma4_operator.scaling.service import Service
from gemma4_operator.scaling.staffing import Limits, Load, needed, point
from gemma4_operator.scaling.state import State
from gemma4_operator.scaling.terms import Terms, Tuning

_LAG_SECONDS = 15.0
"""Between what happens in an engine and a decision that knows of it: a tick, and half of a span."""
NOW_SECONDS, _SIZES_SECONDS, _BURSTS_SECONDS = 60.0, 480.0, 120.0
"""Over which the load, the sizes of requests and the unevenness of their arrival are measured."""
_ATTAINMENT_SECONDS = 90.0
_SETTLED_SECONDS = 30.0
"""After a boot, until attainment tells of the new number alone."""
_WEIGHT = 10.0
"""Of what is expected of a request, in requests: so many real ones weigh as much."""
_MOST_OF_MINUTE = 1.5
"""Of the last minute's mean, the most that a change is believed to lead to."""
_MOST_VARIATION = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one moment shows.

    Attributes:
        service: One replica, as it is believed to be by now.
        load: What comes now; `ahead` what to be ready for, `horizon_seconds` from now.
        change: A rise that is beyond chance.
        for_load: Replicas that what comes now needs; so are `for_ahead`, and `for_backlog` for what has piled up.
    """

    reading: Reading
    service: Service
    load: Load
    ahead: Load
    horizon_seconds: float
    change: Change | None
    for_load: int
    for_ahead: int
    for_backlog: int

    @property
    def need(self) -> int:
        """How many replicas the moment needs."""
        return max(self.for_load, self.for_ahead, self.for_backlog)


def look(
    terms: Terms, replicas: Sequence[Replica], state: State, reading: Reading, *, now_seconds: float, tuning: Tuning
) -> tuple[Look, State]:
    """Return what the moment shows, and the state that has learned of it.

    Args:
        terms: What binds the scaler.
        replicas: All that are not gone.
        state: From the last decision, with a number.
        reading: What the replicas say.
        now_seconds: By the clock of the samples.
        tuning: Parts that are left out.
    """
    series = advanced(state.series, reading.flow, now_seconds=now_seconds)
    horizon = state.boots.usual_seconds(terms.boot_seconds) + _LAG_SECONDS + reading.age_seconds
    seen = spans(series)
    forecast = judged(
        state.forecast, seen.work_seconds, now_seconds=now_seconds, horizon_seconds=horizon, share=tuning.share
    )
    if len(series) == 1:
        # What was whole before a gap is not known to be so any more.
        state = replace(state, whole_since_seconds=None)
    state = _attended(state, reading, now_seconds)
    if tuning.learning and reading.is_whole:
        state = _learned(terms, state, reading, series, now_seconds)
    service = terms.service.slowed(state.slowness * state.caution)
    load = _load(terms, series)
    ahead, found = load, None
    if seen.work_seconds and tuning.forecast:
        ahead = replace(load, requests_per_second=_requests(terms, load, expected(forecast, seen.work_seconds)))
    if tuning.change:
        found = change(seen.arrivals, dispersion=load.variation, horizon_seconds=horizon)
    if found is not None:
        leads_to = min(found.rate, _MOST_OF_MINUTE * load.requests_per_second)
        ahead = replace(ahead, requests_per_second=max(ahead.requests_per_second, leads_to))
    limits = Limits(
        first_token_seconds=terms.first_token_seconds, token_seconds=terms.token_seconds, attainment=terms.attainment
    )
    state = replace(state, series=series, forecast=forecast, decided_seconds=now_seconds)
    for_load, for_ahead = needed(service, load, limits), needed(service, ahead, limits)
    piled = 0
    if tuning.backlog and reading.waiting > 0:
        most = max(for_load, for_ahead, state.wanted or 1)
        piled = _for_backlog(terms, replicas, state, reading.waiting, service, ahead, most, now_seconds)
    moment = Look(
        reading=reading,
        service=service,
        load=load,
        ahead=ahead,
        horizon_seconds=horizon,
        change=found,
        for_load=for_load,
        for_ahead=for_ahead,
        for_backlog=piled,
    )
    return moment, state


def _attended(state: State, reading: Reading, now_seconds: float) -> State:
    """Return the state that knows since when what is so."""
    is_at_work = state.wanted is not None and reading.serving >= state.wanted
    is_busy = reading.running + reading.waiting > 0 or reading.flow.arrivals > 0
    return replace(
        state,
        at_work_seconds=_since(state.at_work_seconds, now_seconds) if is_at_work else None,
        whole_since_seconds=_since(state.whole_since_seconds, now_seconds) if reading.is_whole else None,
        busy_seconds=now_seconds if is_busy or not reading.is_whole else state.busy_seconds,
    )


def _since(before: float | None, now_seconds: float) -> float:
    return now_seconds if before is None else before


def _learned(terms: Terms, state: State, reading: Reading, series: Series, now_seconds: float) -> State:
    """Return the state that knows better how fast replicas are."""
    elapsed = now_seconds - state.decided_seconds if state.decided_seconds is not None else 0.0
    at_work = state.at_work_seconds
    slow = slowness(
        state.slowness,
        terms.service,
        mean(series, NOW_SECONDS),
        serving=reading.serving,
        waiting=reading.waiting,
        elapsed_seconds=elapsed,
    )
    if at_work is None or now_seconds - at_work < _ATTAINMENT_SECONDS + _SETTLED_SECONDS:
        return replace(state, slowness=slow, caution=eased(state.caution, elapsed))
    careful = caution(
        state.caution,
        mean(series, _ATTAINMENT_SECONDS),
        attainment=terms.attainment,
        over_seconds=_ATTAINMENT_SECONDS,
        elapsed_seconds=elapsed,
    )
    return replace(state, slowness=slow, caution=careful)


def _load(terms: Terms, series: Series) -> Load:
    """Return the work of the last minute, as requests of the size of the last minutes."""
    sizes = mean(series, _SIZES_SECONDS)
    load = Load(
        requests_per_second=0.0,
        input_tokens=_blended(terms.input_tokens, sizes.prompt_tokens, sizes.prompts),
        output_tokens=max(1.0, _blended(terms.output_tokens, sizes.answer_tokens, sizes.answers)),
        variation=dispersion(series, _BURSTS_SECONDS, least=1.0, most=_MOST_VARIATION),
    )
    work: Flow = mean(series, NOW_SECONDS)
    return replace(load, requests_per_second=_requests(terms, load, work.work_seconds))


def _blended(usual: float, tokens: float, requests: float) -> float:
    return (_WEIGHT * usual + _SIZES_SECONDS * tokens) / (_WEIGHT + _SIZES_SECONDS * requests)


def _requests(terms: Terms, load: Load, work_seconds: float) -> float:
    """Return how many requests of a load's size are so much work."""
    each = terms.service.work_seconds(input_tokens=load.input_tokens, output_tokens=load.output_tokens)
    return work_seconds / each


def _for_backlog(
    terms: Terms,
    replicas: Sequence[Replica],
    state: State,
    waiting: float,
    service: Service,
    ahead: Load,
    most: int,
    now_seconds: float,
) -> int:
    """Return how many replicas work off what waits in time."""
    boot_seconds = state.boots.usual_seconds(terms.boot_seconds)
    at = point(service, ahead, replicas=most)
    each = (at.prompt_token_seconds if at is not None else service.prompt_token_seconds) * ahead.input_tokens
    coming = ahead.requests_per_second * each
    ready = ready_at(
        replicas,
        boot_seconds=boot_seconds,
        overdue_seconds=state.boots.overdue_seconds(terms.boot_seconds),
        now_seconds=now_seconds,
    )
    left = left_seconds(waiting * each, coming=coming, ready=ready, boot_seconds=boot_seconds)
    return for_backlog(left, coming=coming, boot_seconds=boot_seconds, most=most)
