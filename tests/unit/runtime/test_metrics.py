"""What a scrape reads: every metric that is listed and no other, and no series of what is gone."""

import asyncio
import time
from itertools import count
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gemma4_operator.kube.api import Request
from gemma4_operator.kube.errors import ApiError, ApiRejected, ApiUnavailable, Conflict, Forbidden, NotFound
from gemma4_operator.kube.kinds import POD
from gemma4_operator.runtime import families
from gemma4_operator.runtime.exposed import OBJECT
from gemma4_operator.runtime.families import Family, Kind
from gemma4_operator.runtime.metrics import ErrorReason, Metrics, Outcome, error_reason
from gemma4_operator.runtime.queue import KeyedQueue
from gemma4_operator.runtime.store import Key, key_of
from gemma4_operator.runtime.world import empty_world
from gemma4_operator.scaling.latencies import Latencies, Times
from tests.cases.statuses import AUTOSCALING, FULL_PLAN
from tests.cluster.prometheus import promtool

OBSERVED = {"template": "x", "loadSeconds": 81, "kvCacheTokens": 90_000, "predictedKvCacheTokens": 100_000}
TIMES = Times(count=10.0, sum_seconds=4.0, in_time=9.0)


def resource(name: str, *, reason: str = "Ready") -> dict[str, Any]:
    """A resource of which all can be told."""
    return {
        "metadata": {"namespace": "team", "name": name, "generation": 1},
        "spec": {"autoscaling": {"maxReplicas": 3}, "objectives": {"timeToFirstTokenMilliseconds": 900}},
        "status": {
            "observedGeneration": 1,
            "conditions": [{"type": "Ready", "status": "True", "reason": reason}],
            "plan": FULL_PLAN,
            "replicas": 1,
            "readyReplicas": 1,
            "observed": OBSERVED,
            "autoscaling": AUTOSCALING,
        },
    }


def shown(*resources: dict[str, Any], latencies: dict[Key, Latencies] | None = None, leader: bool = True) -> Metrics:
    return Metrics(
        version="1.2.3",
        lease="ops/first",
        queue_depth=lambda: 3,
        queue_oldest_seconds=lambda: 1.5,
        is_leader=lambda: leader,
        resources=lambda: resources,
        latencies=(latencies or {}).get,
    )


def full() -> Metrics:
    """A process of which all is told."""
    one = resource("chat")
    metrics = shown(one, latencies={key_of(one): Latencies(first_token=TIMES, output_token=TIMES)})
    metrics.reconciled(Outcome.AGAIN, seconds=0.2)
    metrics.requested(Request(verb="list", kind=POD, code=200, seconds=0.1))
    return metrics


def series(metrics: Metrics) -> dict[str, list[dict[str, str]]]:
    """The labels of each sample, by its name."""
    found: dict[str, list[dict[str, str]]] = {}
    for family in text_string_to_metric_families(metrics.exposition().decode()):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample.labels)
    return found


def sample_of(family: Family) -> str:
    return f"{family.name}_count" if family.kind in (Kind.HISTOGRAM, Kind.SUMMARY) else family.name


@pytest.mark.parametrize("family", families.ALL, ids=lambda family: family.name)
def test_each_listed_metric_is_shown_with_its_kind_its_sentence_and_its_labels(family: Family) -> None:
    text = full().exposition().decode()
    assert f"# HELP {family.name} {family.sentence}\n" in text
    assert f"# TYPE {family.name} {family.kind}\n" in text
    of_a_resource = OBJECT if family in (*families.TOLD, *families.TIMED) else ()
    for labels in series(full())[sample_of(family)]:
        assert tuple(sorted(labels)) == tuple(sorted((*of_a_resource, *family.labels)))


def test_no_metric_is_shown_that_is_not_listed() -> None:
    created = {f"{family.name.removesuffix('_total')}_created" for family in families.ALL}
    found = {family.name for family in text_string_to_metric_families(full().exposition().decode())}
    assert found - created == {family.name.removesuffix("_total") for family in families.ALL}


@pytest.mark.engine
def test_prometheus_own_linter_finds_nothing() -> None:
    checked = promtool("check", "metrics", given=full().exposition())
    assert (checked.returncode, checked.stderr) == (0, "")


def test_everything_that_is_counted_is_shown() -> None:
    metrics = shown(leader=False)
    metrics.reconciled(Outcome.AGAIN, seconds=0.2)
    metrics.requested(Request(verb="list", kind=POD, code=200, seconds=0.1))
    metrics.event_dropped()
    metrics.catalog_faults(2)
    text = metrics.exposition().decode()
    assert 'gemma4_operator_info{version="1.2.3"} 1.0' in text
    assert 'gemma4_operator_reconcile_seconds_count{outcome="again"} 1.0' in text
    assert 'gemma4_operator_api_requests_total{code="200",kind="Pod",verb="list"} 1.0' in text
    assert 'gemma4_operator_api_request_seconds_bucket{le="0.05",verb="list"} 0.0' in text
    assert 'gemma4_operator_api_request_seconds_bucket{le="0.2",verb="list"} 1.0' in text
    assert "gemma4_operator_events_dropped_total 1.0" in text
    assert "gemma4_operator_catalog_faults 2.0" in text
    assert 'gemma4_operator_leader{lease="ops/first"} 0.0' in text
    assert "gemma4_operator_queue_oldest_seconds 1.5" in text


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ApiUnavailable("away"), ErrorReason.UNAVAILABLE),
        (NotFound("gone"), ErrorReason.NOT_FOUND),
        (Conflict("first"), ErrorReason.CONFLICT),
        (Forbidden("no"), ErrorReason.FORBIDDEN),
        (ApiRejected("wrong"), ErrorReason.REJECTED),
        (ApiError("?"), ErrorReason.BUG),
        (KeyError("x"), ErrorReason.BUG),
    ],
)
def test_an_error_is_counted_under_one_word(error: Exception, reason: ErrorReason) -> None:
    metrics = shown()
    before = metrics.exposition().decode()
    assert f'gemma4_operator_reconcile_errors_total{{error="{reason}"}} 0.0' in before, "a rate needs a beginning"
    metrics.failed(error)
    assert error_reason(error) is reason
    assert f'gemma4_operator_reconcile_errors_total{{error="{reason}"}} 1.0' in metrics.exposition().decode()


def test_resources_are_counted_by_reason_and_a_series_goes_with_its_last_one() -> None:
    now = [resource("a"), resource("b"), resource("c", reason="Unschedulable")]
    metrics = Metrics(
        version="",
        lease="ops/first",
        queue_depth=lambda: 0,
        queue_oldest_seconds=lambda: 0,
        is_leader=lambda: True,
        resources=lambda: now,
        latencies=lambda _: Latencies(first_token=TIMES),
    )
    text = metrics.exposition().decode()
    assert 'gemma4_deployments{reason="Ready"} 2.0' in text
    assert 'gemma4_deployments{reason="Unschedulable"} 1.0' in text
    assert 'gemma4_deployment_ready_replicas{name="c",namespace="team"} 1.0' in text
    del now[1:]
    assert not {"b", "c"} & {labels.get("name") for found in series(metrics).values() for labels in found}
    now.clear()
    left = {name for name in series(metrics) if name.startswith("gemma4_deployment")}
    assert left == set()


def test_what_engines_counted_is_a_summary_and_without_an_objective_nothing_is_in_time() -> None:
    one = resource("chat")
    counted = Latencies(first_token=TIMES, output_token=Times(count=7.0, sum_seconds=0.5))
    text = shown(one, latencies={key_of(one): counted}).exposition().decode()
    labels = '{name="chat",namespace="team"}'
    assert f"gemma4_deployment_time_to_first_token_seconds_count{labels} 10.0" in text
    assert f"gemma4_deployment_time_to_first_token_seconds_sum{labels} 4.0" in text
    assert f"gemma4_deployment_first_tokens_in_time_total{labels} 9.0" in text
    assert f"gemma4_deployment_time_per_output_token_seconds_sum{labels} 0.5" in text
    assert f"gemma4_deployment_output_tokens_in_time_total{labels}" not in text


def test_the_number_of_series_follows_the_number_of_resources_and_nothing_else() -> None:
    def number_of_series(resources: int) -> int:
        found = series(shown(*(resource(f"r{number}") for number in range(resources))))
        return sum(len(labels) for labels in found.values())

    each = number_of_series(2) - number_of_series(1)
    assert 0 < each <= 30
    assert number_of_series(50) - number_of_series(1) == 49 * each


async def test_a_scrape_beside_a_world_that_changes_tells_of_the_moment_in_which_it_came() -> None:
    world, queue = empty_world(), KeyedQueue[Key](clock=time.monotonic)
    shelf = world.custom_resources
    versions = count(1)

    def stored(name: str) -> dict[str, Any]:
        one = resource(name)
        one["metadata"] |= {"uid": name, "resourceVersion": str(next(versions))}
        queue.add(Key("team", one["metadata"]["resourceVersion"]))
        return one

    metrics = Metrics(
        version="",
        lease="ops/first",
        queue_depth=lambda: len(queue),
        queue_oldest_seconds=queue.oldest_seconds,
        is_leader=lambda: True,
        resources=lambda: [found for key in shelf.owners() if (found := shelf.get(key)) is not None],
        latencies=lambda _: None,
    )
    for number in range(100):
        shelf.put(stored(f"r{number}"))
    scrape = asyncio.create_task(metrics.scraped())
    await asyncio.sleep(0)
    for number in range(100):
        shelf.remove(stored(f"r{number}"))
        await asyncio.sleep(0)
    text = (await scrape).decode()
    assert text.count("gemma4_deployment_ready_replicas{") == 100
    assert "gemma4_operator_queue_depth 100.0" in text
    assert "gemma4_deployment_ready_replicas{" not in (await metrics.scraped()).decode()
