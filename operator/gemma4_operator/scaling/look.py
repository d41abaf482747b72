"""What one moment shows: the load there is, the load to be ready for, and how many replicas each needs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gemma4_operator.scaling.absent import given_up, replaced
from gemma4_operator.scaling.backlog import for_backlog, left_seconds, ready_at
from gemma4_operator.scaling.balance import watched
from gemma4_operator.scaling.change import Change, change
from gemma4_operator.scaling.forecast import expected, judged
from gemma4_operator.scaling.jumps import noticed, unheard
from gemma4_operator.scaling.learning import caution, eased, is_late, slowness
from gemma4_operator.scaling.losses import spare
from gemma4_operator.scaling.meter import Reading
from gemma4_operator.scaling.sample import Replica, Stage
from gemma4_operator.scaling.series import Spans, advanced, mean, spans
from gemma4_operator.scaling.service import Service
from gemma4_operator.scaling.staffing import CACHE_SHARE, Limits, Load, needed, point, reachable
from gemma4_operator.scaling.state import State
from gemma4_operator.scaling.terms import Terms, Tuning
from gemma4_operator.scaling.traffic import (
    NOW_SECONDS,
    came_per_request,
    load_of,
    most_sequences,
    requests,
    spans_together,
)

_LAG_SECONDS = 15.0
"""Between what happens in an engine and a decision that knows of it: a tick, and half of a span."""
_ATTAINMENT_SECONDS = 90.0
_SETTLED_SECONDS = 30.0
"""After a boot, until attainment tells of the new number alone."""
_MOST_OF_MINUTE = 1.5
"""Of the last minute's mean, the most that a change is believed to lead to."""
_MORE = 1.04
"""Times the traffic, that those who stay must carry as well, or the number would swing with chance at each edge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one moment shows.

    Attributes:
        service: One replica, as it is believed to be by now.
        load: What comes now; `ahead` what to be ready for, `horizon_seconds` from now. Both are told in requests of the
            size that is believed in.
        came_per_second: Requests that came in each second of the last minute.
        came_per_request: How many came for each by which a load is told.
        peak_requests_per_second: The most that came of late, told as a load.
        limits: What is staffed for, as far as the objectives can be reached.
        change: A rise that is beyond chance.
        for_load: Replicas that what comes now needs; so are `for_ahead`, `for_backlog` for what has piled up,
            `for_jump` for the highest jump of late, and `for_losses` for now, though some be lost.
        for_more: Those that a little more traffic than either would need.
        for_lost: Those in whose place others are asked for.
        lost_share: Of their time, that in which replicas that have served are lost.
    """

    reading: Reading
    service: Service
    load: Load
    ahead: Load
    came_per_second: float
    came_per_request: float
    peak_requests_per_second: float
    horizon_seconds: float
    limits: Limits
    change: Change | None
    for_load: int
    for_ahead: int
    for_backlog: int
    for_jump: int
    for_losses: int
    for_more: int
    for_lost: int
    lost_share: float

    @property
    def carrying(self) -> int:
        """How many replicas that serve the moment needs."""
        return max(self.for_load, self.for_ahead, self.for_backlog, self.for_jump, self.for_losses)

    @property
    def need(self) -> int:
        """How many replicas the moment needs, with those that are there and carry nothing."""
        return self.carrying + self.for_lost

    @property
    def stay(self) -> int:
        """Down to how many the number may go: where traffic is at the edge of one more, that one stays."""
        return max(self.carrying, self.for_more) + self.for_lost


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
    balance = watched(state.balance, reading.outstanding, elapsed_seconds=_elapsed(state, now_seconds))
    load = load_of(terms, series, imbalance=balance.imbalance, slowness=state.slowness)
    seen = spans(series, together=spans_together(terms, load, slowness=state.slowness))
    forecast = judged(
        state.forecast, seen.work_seconds, now_seconds=now_seconds, horizon_seconds=horizon, share=tuning.share
    )
    state = replace(state, series=series, forecast=forecast, balance=balance)
    lost = _lost(terms, state, now_seconds)
    state = _attended(state, reading, lost, now_seconds)
    if tuning.learning and reading.is_whole:
        state = _learned(terms, state, reading, now_seconds)
    state = replace(state, decided_seconds=now_seconds)
    ahead, found = _ahead(terms, state, load, seen, horizon, tuning)
    service = terms.service.holding(most_sequences(terms, series)).slowed(state.slowness * state.caution)
    moment = _counted(terms, reading, state, service, load, ahead, found, horizon)
    if tuning.backlog and reading.waiting > 0:
        moment = _with_backlog(terms, replicas, moment, state, now_seconds)
    if tuning.jumps:
        moment, state = _with_jumps(terms, moment, state, now_seconds)
    return replace(moment, for_lost=replaced(lost, serving=reading.serving) if terms.replaces else 0), state


def _elapsed(state: State, now_seconds: float) -> float:
    return now_seconds - state.decided_seconds if state.decided_seconds is not None else 0.0


def _lost(terms: Terms, state: State, now_seconds: float) -> int:
    """Return how many replicas are not waited for any more."""
    overdue_seconds = state.boots.overdue_seconds(terms.boot_seconds)
    return given_up(state.absent, overdue_seconds=overdue_seconds, now_seconds=now_seconds)


def _ahead(
    terms: Terms, state: State, load: Load, seen: Spans, horizon_seconds: float, tuning: Tuning
) -> tuple[Load, Change | None]:
    """Return the load to be ready for, and the change that it is for, if it is for one."""
    rate = load.requests_per_second
    if seen.work_seconds and tuning.forecast:
        rate = requests(terms, load, expected(state.forecast, seen.work_seconds))
    found = None
    if tuning.change:
        found = change(seen.arrivals, dispersion=load.variation, horizon_seconds=horizon_seconds)
    if found is not None:
        rate = max(rate, min(found.rate, _MOST_OF_MINUTE * load.requests_per_second))
    return replace(load, requests_per_second=rate), found


def _counted(
    terms: Terms,
    reading: Reading,
    state: State,
    service: Service,
    load: Load,
    ahead: Load,
    found: Change | None,
    horizon_seconds: float,
) -> Look:
    """Return the moment with the replicas that its loads need."""
    limits = Limits(
        first_token_seconds=terms.first_token_seconds, token_seconds=terms.token_seconds, attainment=terms.attainment
    )
    more = max(load.requests_per_second, ahead.requests_per_second) * _MORE
    for_load = needed(service, load, limits)
    return Look(
        reading=reading,
        service=service,
        load=load,
        ahead=ahead,
        came_per_second=mean(state.series, NOW_SECONDS).arrivals,
        came_per_request=came_per_request(terms, load, state.series),
        peak_requests_per_second=requests(terms, load, state.forecast.peak),
        horizon_seconds=horizon_seconds,
        limits=reachable(service, ahead, limits),
        change=found,
        for_load=for_load,
        for_ahead=needed(service, ahead, limits),
        for_backlog=0,
        for_jump=0,
        for_losses=for_load + spare(state.losses.share, load=for_load, attainment=terms.attainment),
        for_more=needed(service, replace(load, requests_per_second=more), limits),
        for_lost=0,
        lost_share=state.losses.share,
    )


def _attended(state: State, reading: Reading, lost: int, now_seconds: float) -> State:
    """Return the state that knows since when what is so; those that are lost are not waited for."""
    # What was whole before a gap is not known to be so any more.
    whole_since = state.whole_since_seconds if len(state.series) > 1 else None
    is_at_work = state.wanted is not None and reading.serving >= state.wanted - lost
    is_busy = reading.running + reading.waiting > 0 or reading.flow.arrivals > 0
    return replace(
        state,
        at_work_seconds=_since(state.at_work_seconds, now_seconds) if is_at_work else None,
        whole_since_seconds=_since(whole_since, now_seconds) if reading.is_whole else None,
        busy_seconds=now_seconds if is_busy or not reading.is_whole else state.busy_seconds,
    )


def _since(before: float | None, now_seconds: float) -> float:
    return now_seconds if before is None else before


def _learned(terms: Terms, state: State, reading: Reading, now_seconds: float) -> State:
    """Return the state that knows better how fast replicas are."""
    at_work, elapsed_seconds = state.at_work_seconds, _elapsed(state, now_seconds)
    slow = slowness(
        state.slowness,
        mean(state.series, NOW_SECONDS),
        serving=reading.serving,
        waiting=reading.waiting,
        elapsed_seconds=elapsed_seconds,
    )
    if at_work is None or now_seconds - at_work < _ATTAINMENT_SECONDS + _SETTLED_SECONDS:
        return replace(state, slowness=slow, caution=eased(state.caution, elapsed_seconds))
    careful = caution(
        state.caution,
        mean(state.series, _ATTAINMENT_SECONDS),
        attainment=terms.attainment,
        over_seconds=_ATTAINMENT_SECONDS,
        elapsed_seconds=elapsed_seconds,
    )
    return replace(state, slowness=slow, caution=careful)


def _with_jumps(terms: Terms, moment: Look, state: State, now_seconds: float) -> tuple[Look, State]:
    """Return the moment with what is kept for jumps, as far as all were heard for long enough to know what comes."""
    since, reading = state.whole_since_seconds, moment.reading
    if since is None or now_seconds - since < NOW_SECONDS:
        jumps = unheard(state.jumps, now_seconds=now_seconds)
    else:
        flow = mean(state.series, _ATTAINMENT_SECONDS)
        late = is_late(flow, attainment=terms.attainment, over_seconds=_ATTAINMENT_SECONDS)
        jumps = noticed(
            state.jumps,
            load=moment.for_load,
            asked=moment.carrying,
            is_late=late or reading.waiting > reading.serving,
            now_seconds=now_seconds,
            horizon_seconds=moment.horizon_seconds,
        )
    return replace(moment, for_jump=jumps.replicas), replace(state, jumps=jumps)


def _with_backlog(terms: Terms, replicas: Sequence[Replica], moment: Look, state: State, now_seconds: float) -> Look:
    """Return the moment with the replicas that work off what waits in time."""
    boot_seconds, service, ahead = state.boots.usual_seconds(terms.boot_seconds), moment.service, moment.ahead
    most = max(moment.carrying, sum(one.stage is not Stage.LEAVING for one in replicas))
    at = point(service, ahead, replicas=most)
    read = (at.prompt_token_seconds if at is not None else service.prompt_token_seconds) * ahead.input_tokens
    each = max(read, _answer_seconds(service, ahead, moment.reading))
    coming = ahead.requests_per_second * each
    ready = ready_at(
        replicas,
        boot_seconds=boot_seconds,
        overdue_seconds=state.boots.overdue_seconds(terms.boot_seconds),
        now_seconds=now_seconds,
    )
    left = left_seconds(moment.reading.waiting * each, coming=coming, ready=ready, boot_seconds=boot_seconds)
    return replace(moment, for_backlog=for_backlog(left, coming=coming, boot_seconds=boot_seconds, most=most))


def _answer_seconds(service: Service, load: Load, reading: Reading) -> float:
    """Return what a request takes of a replica where answers are what others wait for; 0: they wait for prompts.

    Where as many run as fit, the next begins when an answer ends, however fast prompts are read.
    """
    held = CACHE_SHARE * service.most_sequences
    if reading.running < held * reading.serving:
        return 0.0
    return load.input_tokens * service.prompt_token_seconds + load.output_tokens * service.step_seconds(held) / held
