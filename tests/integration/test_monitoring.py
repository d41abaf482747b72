"""A real Prometheus scrapes the real operator: each alert is looked at, and each picture of the dashboard has data."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from hack.dashboard import ROWS
from hack.manifests import CHART
from tests.cluster import prometheus, wait_for
from tests.cluster.prometheus import Scraped, Server
from tests.integration.autoscaled import addresses, autoscaled
from tests.integration.home import Home, sample
from tests.integration.operating import SYSTEM, OperatorProcess, Operators
from tests.integration.scripted import CACHE_BLOCKS, Traffic

pytestmark = [pytest.mark.cluster, pytest.mark.engine]

ALERTS = CHART / "files" / "alerts.yaml"
INTERVAL = "2s"
RATE_INTERVAL = "20s"
PATIENCE_SECONDS = 120.0
VARIABLES = {"$namespace": ".+", "$name": ".+", "$__rate_interval": RATE_INTERVAL}
"""What Grafana puts in where all is chosen."""
IMPOSSIBLE = {"requestsPerMinute": 1_000_000, "inputTokens": 4000, "outputTokens": 2000}


@contextmanager
def scraped(operator: OperatorProcess, folder: Path) -> Iterator[Server]:
    """Run a Prometheus as the chart's PodMonitor and PrometheusRule have it."""
    target = Scraped(operator.address(), {"namespace": SYSTEM, "pod": "gemma4-operator-0"})
    with prometheus.scraping(
        {"operator": [target]}, folder=folder, interval=INTERVAL, honor_labels=True, rules=[ALERTS]
    ) as server:
        yield server


def queries() -> dict[str, str]:
    """Return each query of the dashboard by the panel and the line it belongs to."""
    found = {}
    for row in ROWS:
        for panel in row.panels:
            for legend, query in panel.queries.items():
                text = query
                for name, value in VARIABLES.items():
                    text = re.sub(rf"{re.escape(name)}\b", value, text)
                found[f"{row.title} / {panel.title} / {legend}"] = text
    return found


def has_data(server: Server, query: str) -> bool:
    """Whether there is a series that is a number: a quotient of nothing is none."""
    return any(found.value == found.value for found in server.query(query))


def told(server: Server, metric: str, home: Home, name: str, **labels: str) -> float | None:
    """Return the value of a resource's metric; None: there is no such series."""
    wanted = {"namespace": home.namespace, "name": name, **labels}
    matchers = ",".join(f'{label}="{value}"' for label, value in wanted.items())
    values = [found.value for found in server.query(f"{metric}{{{matchers}}}")]
    assert len(values) <= 1
    return values[0] if values else None


def wait_told(server: Server, value: float, metric: str, home: Home, name: str, **labels: str) -> None:
    def is_so() -> bool:
        return told(server, metric, home, name, **labels) == pytest.approx(value)

    wait_for(is_so, 30, lambda: f"{metric} of {name} to be {value}; {told(server, metric, home, name, **labels)}")


def test_every_query_has_data_every_alert_is_looked_at_and_a_series_goes_with_its_resource(
    home: Home, operators: Operators, tmp_path: Path
) -> None:
    operator = operators.new(resync_seconds=5, metrics_seconds=1).wait_leading()
    home.create(autoscaled(minReplicas=1, maxReplicas=1), sample("small"), sample("huge", workload=IMPOSSIBLE))
    home.wait_ready("chat", "small")
    plan = home.resource("chat")["status"]["plan"]
    each = plan["predicted"]["requestsPerMinutePerReplica"] / 60
    with (
        Traffic(lambda: addresses(home), carries=2 * each, token_seconds=0.02) as traffic,
        scraped(operator, tmp_path) as server,
    ):
        traffic.requests_per_second = 1.6 * each
        _every_alert_is_looked_at(server)
        _the_status_is_what_is_told(server, home, plan)
        _every_query_has_data(server)
        _a_resource_that_needs_somebody_is_told_of(server, home)
        wait_told(server, 1, "gemma4_deployment_scaling_limited", home, "chat", limit="spec.autoscaling.maxReplicas")
        home.delete("small")
        gone = f'{{namespace="{home.namespace}",name="small"}}'
        wait_for(lambda: not server.query(gone), 30, lambda: f"no series of what is gone; {server.query(gone)}")
        wait_told(server, 1, "gemma4_deployment_ready_replicas", home, "chat")
    operator.must_be_steady()


def _every_alert_is_looked_at(server: Server) -> None:
    def rules() -> list[dict[str, Any]]:
        return [rule for group in server.ask("/api/v1/rules")["groups"] for rule in group["rules"]]

    wait_for(lambda: all(rule["health"] != "unknown" for rule in rules()), 30, "Prometheus to look at each rule")
    listed = {rule["alert"] for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]}
    assert {(rule["name"], rule["health"], rule.get("lastError")) for rule in rules()} == {
        (name, "ok", None) for name in listed
    }


def _the_status_is_what_is_told(server: Server, home: Home, plan: dict[str, Any]) -> None:
    wait_told(server, 1, "gemma4_deployment_ready_replicas", home, "chat")
    wait_told(server, float(plan["hourlyCostPerReplica"]), "gemma4_deployment_hourly_cost", home, "chat")
    wait_told(server, 1, "gemma4_deployment_condition", home, "small", condition="Ready", reason="Ready")
    wait_told(server, 2.0, "gemma4_deployment_objective_seconds", home, "chat", time="first_token")
    seconds = plan["predicted"]["timePerOutputTokenMicroseconds"] / 1_000_000
    wait_told(server, seconds, "gemma4_deployment_predicted_time_per_output_token_seconds", home, "chat")

    def cache_tokens() -> int:
        return int(home.resource("chat")["status"].get("observed", {}).get("kvCacheTokens", 0))

    tokens = wait_for(cache_tokens, 30, "the size of the cache")
    assert 0 < tokens <= CACHE_BLOCKS * 16
    wait_told(server, tokens, "gemma4_deployment_kv_cache_tokens", home, "chat")


def _every_query_has_data(server: Server) -> None:
    def empty() -> list[str]:
        return [name for name, query in queries().items() if not has_data(server, query)]

    wait_for(lambda: not empty(), PATIENCE_SECONDS, lambda: f"data for {empty()}")


def _a_resource_that_needs_somebody_is_told_of(server: Server, home: Home) -> None:
    reason = home.wait_reason("huge", "Infeasible")["reason"]
    wait_told(server, 1, "gemma4_deployment_condition", home, "huge", condition="Stalled", reason=reason)

    def pending() -> list[dict[str, str]]:
        return [alert["labels"] for alert in server.ask("/api/v1/alerts")["alerts"]]

    expected = {"alertname": "Gemma4DeploymentStalled", "name": "huge", "reason": reason}
    wait_for(lambda: any(expected.items() <= alert.items() for alert in pending()), 30, lambda: f"{pending()}")


def test_each_line_of_a_pass_says_of_which_resource_and_of_which_pass(home: Home, operators: Operators) -> None:
    operator = operators.new(log_format="json", log_level="debug").wait_leading()
    home.create(sample("chat"))
    home.wait_ready("chat")
    home.wait_quiet()
    # What it is writing at this moment is no whole line yet.
    lines = [json.loads(line) for line in operator.log().rpartition("\n")[0].splitlines()]
    ours = [line for line in lines if line.get("namespace") == home.namespace]
    assert {line["name"] for line in ours} == {"chat"}
    ended = [line for line in ours if "the pass has ended" in line["message"]]
    assert len(ended) >= 2, "what is applied is news, and leads to another pass"
    assert len({line["reconcileId"] for line in ended}) == len(ended)
    started = [line for line in lines if "Leading as" in line["message"]]
    assert started
    assert "reconcileId" not in started[0]


def test_one_that_stands_by_tells_of_itself_alone(home: Home, operators: Operators) -> None:
    """Two that told of the same resources would count them twice."""
    leader = operators.new(lease=f"lease-{home.namespace}").wait_leading()
    home.create(sample("chat"))
    home.wait_ready("chat")
    other = operators.new(lease=f"lease-{home.namespace}").wait_standing_by()
    shown = f'gemma4_operator_leader{{lease="{SYSTEM}/lease-{home.namespace}"}}'
    of_leader = wait_for(leader.metrics, 20, "the metrics of the one that leads")
    assert f'namespace="{home.namespace}"' in of_leader
    assert f"{shown} 1.0" in of_leader
    of_other = wait_for(other.metrics, 20, "the metrics of the other")
    assert f"{shown} 0.0" in of_other
    assert not [line for line in of_other.splitlines() if line.startswith("gemma4_deployment")]
