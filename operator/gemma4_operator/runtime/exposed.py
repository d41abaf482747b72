"""The metrics of all Gemma4Deployments, made at the moment of a scrape: a series goes with its resource."""

from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector

from gemma4_operator.runtime import families
from gemma4_operator.runtime.families import Family
from gemma4_operator.runtime.figures import figures, ready_reason
from gemma4_operator.runtime.store import Key, key_of
from gemma4_operator.scaling.latencies import Latencies

OBJECT = ("namespace", "name")
"""The labels that name a resource."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One resource at the moment of a scrape.

    Attributes:
        resource: As it is stored; whoever changes it stores another.
        latencies: What its engines have counted; None: nobody reads them.
    """

    resource: Mapping[str, Any]
    latencies: Latencies | None

    @property
    def key(self) -> Key:
        """Its name among all."""
        return key_of(self.resource)


class Resources(Collector):
    """Tells of each resource.

    Attributes:
        told: All there are; put here before each scrape.
    """

    def __init__(self) -> None:
        self.told: Sequence[Told] = ()

    def collect(self) -> Iterable[Metric]:
        """Tell."""
        told = sorted(self.told, key=lambda one: one.key)
        yield _reasons(told)
        yield from _figures(told)
        yield from _timed(told)


def _reasons(told: Iterable[Told]) -> Metric:
    family = GaugeMetricFamily(
        families.DEPLOYMENTS.name, families.DEPLOYMENTS.sentence, labels=families.DEPLOYMENTS.labels
    )
    reasons = [reason for one in told if (reason := ready_reason(one.resource)) is not None]
    for reason, count in sorted(Tally(reasons).items()):
        family.add_metric([reason], count)
    return family


def _figures(told: Iterable[Told]) -> Iterator[Metric]:
    made = {family: _gauge(family) for family in families.TOLD}
    for one in told:
        for figure in figures(one.resource):
            made[figure.family].add_metric([one.key.namespace, one.key.name, *figure.labels], figure.value)
    yield from made.values()


def _gauge(family: Family) -> GaugeMetricFamily:
    return GaugeMetricFamily(family.name, family.sentence, labels=(*OBJECT, *family.labels))


def _timed(told: Iterable[Told]) -> Iterator[Metric]:
    first, first_in_time = _summary(families.FIRST_TOKEN_SECONDS), _counter(families.FIRST_TOKENS_IN_TIME)
    output, output_in_time = _summary(families.OUTPUT_TOKEN_SECONDS), _counter(families.OUTPUT_TOKENS_IN_TIME)
    for one in told:
        if one.latencies is None:
            continue
        labels = [one.key.namespace, one.key.name]
        for times, summary, in_time in (
            (one.latencies.first_token, first, first_in_time),
            (one.latencies.output_token, output, output_in_time),
        ):
            summary.add_metric(labels, round(times.count), times.sum_seconds)
            if times.in_time is not None:
                in_time.add_metric(labels, times.in_time)
    yield from (first, first_in_time, output, output_in_time)


def _summary(family: Family) -> SummaryMetricFamily:
    return SummaryMetricFamily(family.name, family.sentence, labels=OBJECT)


def _counter(family: Family) -> CounterMetricFamily:
    return CounterMetricFamily(family.name, family.sentence, labels=OBJECT)
