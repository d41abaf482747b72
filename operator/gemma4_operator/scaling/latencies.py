"""How long requests took at all engines of a resource together, as totals that only grow.

An engine's own totals go with its pod. Here what each pod has counted since it was heard last is added up, so a pod
that comes or goes changes nothing of what was counted before.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gemma4_operator.scaling.histograms import Tail, tail, timed
from gemma4_operator.scaling.sample import Counts, Histogram, Sample
from gemma4_operator.scaling.sound import sound


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Times that were counted: how many, and their sum.

    Attributes:
        in_time: How many of them kept the objective; None: there is none.
        tail: How late they were beside the last objective, `objective_seconds`: it tells of few more how many kept it.
    """

    count: float = 0.0
    sum_seconds: float = 0.0
    in_time: float | None = None
    tail: Tail = field(default_factory=Tail)
    objective_seconds: float | None = None

    def plus(self, before: Histogram | None, after: Histogram | None, *, objective_seconds: float | None) -> "Times":
        """Return these and those that were counted between two looks at one engine."""
        count, seconds = timed(before, after)
        counted = replace(self, count=self.count + count, sum_seconds=self.sum_seconds + seconds)
        return counted if objective_seconds is None else counted._kept(before, after, objective_seconds)

    def _kept(self, before: Histogram | None, after: Histogram | None, objective_seconds: float) -> "Times":
        """Return these with what kept the objective of some more: of all so far, since few have no shape of their own.

        Each is counted for good when it comes, so that the total never falls, as Prometheus wants it of counters.
        """
        more = tail(before, after, objective_seconds)
        whole = self.tail.plus(more) if self.objective_seconds == objective_seconds else more
        late = more.beyond_upper + whole.late_between * (more.beyond_lower - more.beyond_upper)
        kept = (self.in_time or 0.0) + more.count - late
        return replace(self, in_time=kept, tail=whole, objective_seconds=objective_seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Latencies:
    """What the engines of one resource have counted since the operator reads them.

    Attributes:
        heard: What each pod said last, by its name.
    """

    first_token: Times = Times()
    output_token: Times = Times()
    heard: Mapping[str, Counts] = field(default_factory=dict)


def listened(
    before: Latencies,
    samples: Mapping[str, Sample],
    *,
    first_token_seconds: float | None,
    output_token_seconds: float | None,
) -> Latencies:
    """Return the totals after another round of samples.

    A pod that is heard for the first time may have counted for days, so only what it counts from then on is taken.

    Args:
        before: The totals so far.
        samples: The last of each pod that serves, by its name.
        first_token_seconds: The objective for the first token; None: any time.
        output_token_seconds: The objective for each further token; None: any time.
    """
    said = {name: counts for name, sample in samples.items() if (counts := sound(sample.counts)) is not None}
    after = replace(before, heard={**{name: before.heard[name] for name in samples if name in before.heard}, **said})
    for name, counts in said.items():
        last = before.heard.get(name)
        if last is None:
            continue
        after = replace(
            after,
            first_token=after.first_token.plus(
                last.first_token, counts.first_token, objective_seconds=first_token_seconds
            ),
            output_token=after.output_token.plus(
                last.output_token, counts.output_token, objective_seconds=output_token_seconds
            ),
        )
    return after
