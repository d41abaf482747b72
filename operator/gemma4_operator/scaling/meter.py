"""From what engines count to how much comes: what was asked of all replicas, not what they managed to do.

Requests that arrived are those that were finished and those that are more in work than before. Where an engine does not
count what it has finished, its prompt tokens stand for requests of the usual size: all that follows is worked out in
tokens, so the size taken matters little.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from gemma4_operator.scaling.flow import Flow
from gemma4_operator.scaling.histograms import tail, timed
from gemma4_operator.scaling.sample import Counts, Histogram, Replica, Sample, Stage
from gemma4_operator.scaling.series import LONGEST_GAP_SECONDS
from gemma4_operator.scaling.service import Service
from gemma4_operator.scaling.sound import sound, tells_tokens

STALE_SECONDS = 60.0
"""After which what an engine said is no longer said, where it says something more often than this."""
SPEED_SECONDS = 15.0
"""Between two samples, the most that still tells how fast an engine is: over longer, work and rest are one mean."""
_GAPS = 3
"""Of the last times between samples, the shortest of which is the usual one."""
_MISSED = 2.5
"""Of the time between two samples, where they come more seldom, as from a Prometheus: one may be missed."""
SETTLED_SECONDS = 60.0
"""After which one that has begun to serve has its share of requests."""
FIRST_SAMPLE_SECONDS = 30.0
"""How long a replica that has begun to serve may take until it is heard for the first time, on the same terms."""
_FASTEST = 4.0
"""Times as fast as planned: what an engine that began anew holds beyond that, it cannot have done since."""
_DOUBT_SECONDS = 3600.0
"""For which a replica is not believed more than that once its totals have contradicted each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """A usual request: what stands for one where an engine counts tokens alone, and what it takes.

    Attributes:
        service: The replica that its work is told in, as planned.
        first_token_seconds: The wait that it may have.
        uncached_share: Of its whole prompt, what no cache holds, as expected: `input_tokens` are that share alone.
    """

    input_tokens: float
    output_tokens: float
    service: Service
    first_token_seconds: float
    uncached_share: float = 1.0

    def work_seconds(self, *, input_tokens: float, output_tokens: float, waiting: float, running: float) -> float:
        """Return the work that came while so much was read and written, and so many more waited and ran.

        What waits is all to be done. What runs is read, and has half of its answer before it: where it ends, that half
        is taken off again, or one answer would count as one and a half.
        """
        answer = self.output_tokens * self.service.answer_token_seconds
        done = self.service.work_seconds(input_tokens=input_tokens, output_tokens=output_tokens)
        left = waiting * (self.input_tokens * self.service.prompt_token_seconds + answer) + running * answer / 2
        return done + left


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """The last sample of a replica, and what flowed through it up to then.

    Attributes:
        flow: None: it is not known, as of one that is heard for the first time, or again after long, or whose totals
            contradicted each other.
        gaps_seconds: Between the last samples.
        doubted_seconds: When its totals contradicted each other last; None: they have not.
    """

    sample: Sample
    flow: Flow | None = None
    gaps_seconds: tuple[float, ...] = ()
    doubted_seconds: float | None = None

    @property
    def apart_seconds(self) -> float:
        """How far apart samples usually are: the shortest of several gaps, since a silence is one too; 0: unknown."""
        return min(self.gaps_seconds) if len(self.gaps_seconds) == _GAPS else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What all replicas together show at one moment.

    Attributes:
        flow: In each second. What a replica that is not heard carries is taken to be what the others do on average.
        running: Requests that are worked on; `waiting` those that are not yet.
        serving: Replicas that take requests; `heard` those of them whose flow is known.
        seen: Those of them that have said something of late, if only once.
        age_seconds: How old what they said is, on average.
        until_seconds: Up to when it is known of all that are heard what they do.
        outstanding: Requests of each replica that has served for a while, those that wait included.
    """

    flow: Flow
    running: float
    waiting: float
    serving: int
    heard: int
    seen: int
    age_seconds: float
    until_seconds: float = math.inf
    outstanding: tuple[float, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether every replica that serves is heard."""
        return self.heard == self.serving

    @property
    def is_nothing(self) -> bool:
        """Whether replicas serve, and of none it is known what flows through it."""
        return self.serving > 0 and self.heard == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """What was heard of each replica; `at_seconds` is when it was read last, None: never."""

    heard: Mapping[str, Heard] = field(default_factory=dict)
    at_seconds: float | None = None

    def patience_seconds(self, least: float) -> float:
        """Return how long silence means nothing: they all say something as often as the slowest."""
        slowest = max((one.apart_seconds for one in self.heard.values()), default=0.0)
        return max(least, min(LONGEST_GAP_SECONDS, _MISSED * slowest))


def read(meter: Meter, replicas: Sequence[Replica], *, now_seconds: float, usual: Usual) -> tuple[Reading, Meter]:
    """Return what the replicas show, and the meter for the next time.

    Args:
        meter: From the last time.
        replicas: All that are not gone.
        now_seconds: By the clock of the samples.
        usual: What is expected of a request.
    """
    heard: dict[str, Heard] = {}
    flow, running, waiting, ages = Flow(), 0.0, 0.0, 0.0
    serving, told, new, seen, fresh = 0, 0, 0, 0, 0
    patience, until = meter.patience_seconds(STALE_SECONDS), math.inf
    outstanding: list[float] = []
    for replica in replicas:
        if replica.stage not in (Stage.SERVING, Stage.LEAVING):
            # One that is not ready for a moment goes on counting.
            if replica.name in meter.heard:
                heard[replica.name] = meter.heard[replica.name]
            continue
        found = _heard(meter, replica, now_seconds=now_seconds, usual=usual)
        if found is not None:
            heard[replica.name] = found
        is_fresh = found is not None and now_seconds - found.sample.at_seconds <= patience
        if replica.stage is Stage.SERVING:
            is_new = _is_new(meter, replica, now_seconds)
            serving += 1
            seen += is_fresh or is_new
            new += is_new
            told += is_fresh and found is not None and found.flow is not None
            if is_new and replica.serving_since_seconds is not None:
                until = min(until, replica.serving_since_seconds)
        if found is None or not is_fresh:
            continue
        fresh, until = fresh + 1, min(until, found.sample.at_seconds)
        if found.flow is not None:
            flow = flow.plus(found.flow)
        running += found.sample.counts.running
        waiting += found.sample.counts.waiting
        ages += now_seconds - found.sample.at_seconds
        if _is_settled(replica, now_seconds):
            outstanding.append(found.sample.counts.running + found.sample.counts.waiting)
    # One that has just begun carries nothing yet, which says nothing of the others.
    known = told + new if told else 0
    all_of = serving / seen if seen else 1.0
    reading = Reading(
        flow=flow.scaled(serving / known) if known else Flow(),
        running=running * all_of,
        waiting=waiting * all_of,
        serving=serving,
        heard=known,
        seen=seen,
        age_seconds=ages / fresh if fresh else 0.0,
        until_seconds=until,
        outstanding=tuple(outstanding),
    )
    return reading, Meter(heard=heard, at_seconds=now_seconds)


def _is_settled(replica: Replica, now_seconds: float) -> bool:
    """Whether a replica has had time to get its share of requests."""
    since = replica.serving_since_seconds
    return replica.stage is Stage.SERVING and since is not None and now_seconds - since >= SETTLED_SECONDS


def _is_new(meter: Meter, replica: Replica, now_seconds: float) -> bool:
    since, patience = replica.serving_since_seconds, meter.patience_seconds(FIRST_SAMPLE_SECONDS)
    return replica.sample is None and since is not None and now_seconds - since <= patience


def _heard(meter: Meter, replica: Replica, *, now_seconds: float, usual: Usual) -> Heard | None:
    """Return what is known of a replica now: a sample that was heard before brings nothing new."""
    before, sample = meter.heard.get(replica.name), _sound(replica.sample)
    if sample is None or sample.at_seconds > now_seconds:
        return before
    if before is None:
        return Heard(sample=sample, flow=_first(meter, replica, sample, usual))
    seconds = sample.at_seconds - before.sample.at_seconds
    if seconds <= 0:
        return before
    if seconds > LONGEST_GAP_SECONDS:
        return Heard(sample=sample, flow=_first(meter, replica, sample, usual))
    flow, doubted_seconds = _between(before, sample, seconds, usual)
    gaps_seconds = (*before.gaps_seconds, seconds)[-_GAPS:]
    return Heard(sample=sample, flow=flow, gaps_seconds=gaps_seconds, doubted_seconds=doubted_seconds)


def _between(before: Heard, sample: Sample, seconds: float, usual: Usual) -> tuple[Flow | None, float | None]:
    """Return what flowed through a replica up to a sample, and when its totals contradicted each other last.

    What fell for no reason comes back as suddenly: for a while such a replica is believed only what it can have done.
    """
    doubted = before.doubted_seconds
    if any(map(_falls, _totals(before.sample.counts), _totals(sample.counts))):
        flow = _anew(sample.counts, seconds, usual)
    else:
        found = _flow(before.sample.counts, sample.counts, seconds, usual)
        is_in_doubt = doubted is not None and sample.at_seconds - doubted < _DOUBT_SECONDS
        flow = _possible(found, usual) if is_in_doubt else found
    return flow, doubted if flow is not None else sample.at_seconds


def _sound(sample: Sample | None) -> Sample | None:
    """Return a sample from which it follows what comes: without the totals of tokens, nothing does."""
    counts = sound(sample.counts) if sample is not None else None
    if sample is None or counts is None or not tells_tokens(counts):
        return None
    return replace(sample, counts=counts)


def _first(meter: Meter, replica: Replica, sample: Sample, usual: Usual) -> Flow | None:
    """Return the flow of a replica that is heard for the first time; None: it is not known.

    One that began to serve since the last reading began at nothing; of one that has served for longer, only what comes
    from now on is known.
    """
    since = replica.serving_since_seconds
    patience = meter.patience_seconds(FIRST_SAMPLE_SECONDS)
    if meter.at_seconds is None or since is None or since < meter.at_seconds - patience:
        return None
    return _anew(sample.counts, max(1.0, sample.at_seconds - since), usual)


def _totals(counts: Counts) -> tuple[float | None, ...]:
    """Return what only grows while an engine goes on."""
    histograms = (counts.first_token, counts.output_token)
    times = (one.count if one is not None else None for one in histograms)
    return (counts.finished, counts.prompt_tokens, counts.cached_tokens, counts.generation_tokens, *times)


def _falls(before: float | None, after: float | None) -> bool:
    return before is not None and after is not None and after < before


def _anew(counts: Counts, seconds: float, usual: Usual) -> Flow | None:
    """Return what flowed through an engine that has started within so many seconds, and so has done all that it holds.

    None: it is not known, since nobody can have done as much. Then one of its totals fell for another reason.
    """
    return _possible(_flow(_nothing(counts), counts, seconds, usual), usual)


def _possible(flow: Flow, usual: Usual) -> Flow | None:
    """Return a flow that an engine can have done; None: nobody can."""
    # Each answer has one token at least, whatever the total of tokens says.
    written = max(flow.answer_tokens, flow.answers)
    done = usual.service.work_seconds(input_tokens=flow.prompt_tokens, output_tokens=written)
    return flow if done <= _FASTEST else None


def _nothing(like: Counts) -> Counts:
    """Return what an engine counts that has just started, as far as it counts it."""
    return Counts(
        running=0.0,
        waiting=0.0,
        finished=None if like.finished is None else 0.0,
        prompt_tokens=None if like.prompt_tokens is None else 0.0,
        cached_tokens=None if like.cached_tokens is None else 0.0,
        generation_tokens=None if like.generation_tokens is None else 0.0,
        first_token=_emptied(like.first_token),
        output_token=_emptied(like.output_token),
    )


def _flow(before: Counts, after: Counts, seconds: float, usual: Usual) -> Flow:
    """Return what flowed through one engine in each second between two samples."""
    read_tokens = _grown(before.prompt_tokens, after.prompt_tokens) or 0.0
    cached = _grown(before.cached_tokens, after.cached_tokens)
    written = _grown(before.generation_tokens, after.generation_tokens) or 0.0
    tokens = max(0.0, read_tokens - cached) if cached is not None else read_tokens * usual.uncached_share
    more = (after.running + after.waiting) - (before.running + before.waiting)
    finished = _grown(before.finished, after.finished)
    first = _grown(_count(before), _count(after))
    if finished is None:
        # The engine counts tokens alone: they stand for requests of the usual size.
        prompts = tokens / usual.input_tokens
        arrivals, answers = max(0.0, prompts + after.waiting - before.waiting), written / usual.output_tokens
    else:
        arrivals, answers = max(0.0, finished + more), finished
        prompts = first if first is not None else max(0.0, arrivals - (after.waiting - before.waiting))
    work = usual.work_seconds(
        input_tokens=tokens,
        output_tokens=written,
        waiting=after.waiting - before.waiting,
        running=after.running - before.running,
    )
    held, holders = _mean_held(before, after)
    count, took = timed(before.output_token, after.output_token) if seconds <= SPEED_SECONDS else (0.0, 0.0)
    return Flow(
        arrivals=arrivals,
        work_seconds=work,
        prompts=prompts,
        prompt_tokens=tokens,
        answers=answers,
        answer_tokens=written,
        timed_tokens=count,
        timed_seconds=took,
        planned_seconds=usual.service.told_seconds(
            tokens=count, took_seconds=took, input_tokens=tokens, over_seconds=seconds
        ),
        cache=held * seconds,
        sequences=holders * seconds,
        first_token=tail(before.first_token, after.first_token, usual.first_token_seconds),
    ).scaled(1 / seconds)


def _mean_held(before: Counts, after: Counts) -> tuple[float, float]:
    """Return the share of the cache that was in use between two samples, and by how many; an engine may not say."""
    if before.cache_usage is None or after.cache_usage is None:
        return 0.0, 0.0
    return (before.cache_usage + after.cache_usage) / 2, (before.running + after.running) / 2


def _emptied(histogram: Histogram | None) -> Histogram | None:
    if histogram is None:
        return None
    return Histogram(sum_seconds=0.0, buckets=tuple((bound, 0.0) for bound, _ in histogram.buckets))


def _count(counts: Counts) -> float | None:
    return counts.first_token.count if counts.first_token is not None else None


def _grown(before: float | None, after: float | None) -> float | None:
    """Return by how much a total has grown; None: it is not told."""
    return None if after is None or before is None else after - before
