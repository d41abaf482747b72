"""The chart's dashboard for Grafana, as its JSON model: rows of panels, each with the queries that it draws.

What a panel shows is a list here and JSON there, so a query is read and tested without the hundred lines around it.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

WIDTH = 24
"""Columns of Grafana's grid."""
ROW_HEIGHT, NUMBER_HEIGHT, PANEL_HEIGHT = 1, 4, 8
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_ONE = 'namespace=~"$namespace", name=~"$name"'
_BY_ONE = "by (namespace, name)"
_TITLE = "{{namespace}}/{{name}}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One picture.

    Attributes:
        queries: Each expression by the name of its line.
        unit: Grafana's word for it.
        width: In columns of the grid, as `height` is in its lines; panels beside each other are equally high.
        kind: Grafana's word for how it is drawn.
        most: Where the axis ends; None: where the lines do.
        text: Of a single number, whether its value is shown, its name, or both, in Grafana's words.
    """

    title: str
    sentence: str
    queries: Mapping[str, str]
    unit: str = "short"
    width: int = 8
    height: int = PANEL_HEIGHT
    kind: str = "timeseries"
    most: float | None = None
    text: str = "value"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Panels that belong together."""

    title: str
    panels: tuple[Panel, ...]


def _latest(metric: str) -> str:
    return f"max {_BY_ONE} ({metric}{{{_ONE}}})"


def _mean(summary: str) -> str:
    """Return what one time took on average of late."""
    return f"{_rate(f'{summary}_sum')} / ({_rate(f'{summary}_count')} > 0)"


def _rate(counter: str) -> str:
    return f"sum {_BY_ONE} (rate({counter}{{{_ONE}}}[$__rate_interval]))"


def _in_time(kept: str, all_of_them: str) -> str:
    return f"{_rate(kept)} / ({_rate(all_of_them)} > 0)"


def _worst(histogram: str, label: str) -> str:
    return f"histogram_quantile(0.99, sum by (le, {label}) (rate({histogram}_bucket[$__rate_interval])))"


FLEET = Row(
    title="All Gemma4Deployments",
    panels=(
        Panel(
            title="Gemma4Deployments",
            sentence="How many there are.",
            queries={"": "sum(gemma4_deployments)"},
            width=4,
            height=NUMBER_HEIGHT,
            kind="stat",
        ),
        Panel(
            title="Not ready",
            sentence="Those whose Ready condition does not hold.",
            queries={"": 'count(gemma4_deployment_condition{condition="Ready"} == 0) or vector(0)'},
            width=4,
            height=NUMBER_HEIGHT,
            kind="stat",
        ),
        Panel(
            title="Pods ready",
            sentence="Of those that should run.",
            queries={"": "sum(gemma4_deployment_ready_replicas) / sum(gemma4_deployment_desired_replicas)"},
            unit="percentunit",
            width=4,
            height=NUMBER_HEIGHT,
            kind="stat",
        ),
        Panel(
            title="GPUs",
            sentence="Those that the pods which exist take.",
            queries={"": "sum(gemma4_deployment_gpus)"},
            width=4,
            height=NUMBER_HEIGHT,
            kind="stat",
        ),
        Panel(
            title="Cost per hour",
            sentence="Of the pods that exist, by the price table.",
            queries={"{{currency}}": "sum by (currency) (gemma4_deployment_hourly_cost)"},
            width=4,
            height=NUMBER_HEIGHT,
            kind="stat",
            text="value_and_name",
        ),
        Panel(
            title="Leader",
            sentence="How many processes lead by each Lease: one must.",
            queries={"{{lease}}": "sum by (lease) (gemma4_operator_leader)"},
            width=4,
            height=NUMBER_HEIGHT,
            kind="stat",
            text="value_and_name",
        ),
        Panel(
            title="By reason",
            sentence="Gemma4Deployments by the reason of their Ready condition.",
            queries={"{{reason}}": "sum by (reason) (gemma4_deployments)"},
            width=12,
        ),
        Panel(
            title="Cost per hour, each",
            sentence="What the pods that exist cost.",
            queries={
                f"{_TITLE} ({{{{currency}}}})": "max by (namespace, name, currency) (gemma4_deployment_hourly_cost)"
            },
            width=12,
        ),
    ),
)

EACH = Row(
    title="$namespace/$name",
    panels=(
        Panel(
            title="Plan",
            sentence="What was chosen.",
            queries={
                "{{namespace}}/{{name}}: {{variant}} {{quantization}} on {{engine}}, {{gpu_product}}": (
                    "max by (namespace, name, variant, quantization, engine, gpu_product) "
                    f"(gemma4_deployment_info{{{_ONE}}})"
                )
            },
            kind="stat",
            text="name",
        ),
        Panel(
            title="Conditions",
            sentence="1 while it holds.",
            queries={
                f"{_TITLE} {{{{condition}}}}": (
                    f"max by (namespace, name, condition) (gemma4_deployment_condition{{{_ONE}}})"
                )
            },
            most=1,
        ),
        Panel(
            title="Pods",
            sentence="Those that should run, those that exist, and those that answer.",
            queries={
                f"{_TITLE} desired": _latest("gemma4_deployment_desired_replicas"),
                f"{_TITLE} exist": _latest("gemma4_deployment_replicas"),
                f"{_TITLE} ready": _latest("gemma4_deployment_ready_replicas"),
            },
        ),
        Panel(
            title="Time to the first token",
            sentence="On average, as the engines count, beside what the plan expects and what the spec allows.",
            queries={
                f"{_TITLE} observed": _mean("gemma4_deployment_time_to_first_token_seconds"),
                f"{_TITLE} planned": _latest("gemma4_deployment_predicted_time_to_first_token_seconds"),
                f"{_TITLE} objective": (
                    f'max {_BY_ONE} (gemma4_deployment_objective_seconds{{time="first_token", {_ONE}}})'
                ),
            },
            unit="s",
        ),
        Panel(
            title="Time per output token",
            sentence="On average, as the engines count, beside what the plan expects and what the spec allows.",
            queries={
                f"{_TITLE} observed": _mean("gemma4_deployment_time_per_output_token_seconds"),
                f"{_TITLE} planned": _latest("gemma4_deployment_predicted_time_per_output_token_seconds"),
                f"{_TITLE} objective": (
                    f'max {_BY_ONE} (gemma4_deployment_objective_seconds{{time="output_token", {_ONE}}})'
                ),
            },
            unit="s",
        ),
        Panel(
            title="In time",
            sentence="The share of first and of further tokens that keep the objectives, and the share that must.",
            queries={
                f"{_TITLE} first tokens": _in_time(
                    "gemma4_deployment_first_tokens_in_time_total",
                    "gemma4_deployment_time_to_first_token_seconds_count",
                ),
                f"{_TITLE} further tokens": _in_time(
                    "gemma4_deployment_output_tokens_in_time_total",
                    "gemma4_deployment_time_per_output_token_seconds_count",
                ),
                f"{_TITLE} must": _latest("gemma4_deployment_objective_attainment_ratio"),
            },
            unit="percentunit",
            most=1,
        ),
        Panel(
            title="Room in the cache",
            sentence="Tokens that one pod's cache holds, as its engine says, beside what the plan expects.",
            queries={
                f"{_TITLE} observed": _latest("gemma4_deployment_kv_cache_tokens"),
                f"{_TITLE} planned": _latest("gemma4_deployment_predicted_kv_cache_tokens"),
            },
        ),
        Panel(
            title="Time to load",
            sentence="Of the plan's first pod, downloads included, beside what the plan expects without them.",
            queries={
                f"{_TITLE} observed": _latest("gemma4_deployment_load_seconds"),
                f"{_TITLE} planned": _latest("gemma4_deployment_predicted_load_seconds"),
            },
            unit="s",
        ),
        Panel(
            title="GPU memory, planned",
            sentence="What fills the memory of each GPU, beside what it has.",
            queries={
                f"{_TITLE} {{{{part}}}}": (
                    f"max by (namespace, name, part) (gemma4_deployment_predicted_memory_bytes{{{_ONE}}})"
                ),
                f"{_TITLE} has": _latest("gemma4_deployment_gpu_memory_bytes"),
            },
            unit="bytes",
        ),
    ),
)

OPERATOR = Row(
    title="The operator",
    panels=(
        Panel(
            title="Passes",
            sentence="In each second, by how they ended.",
            queries={
                "{{outcome}}": "sum by (outcome) (rate(gemma4_operator_reconcile_seconds_count[$__rate_interval]))"
            },
            unit="ops",
        ),
        Panel(
            title="Time of a pass",
            sentence="99 of 100 are shorter.",
            queries={"{{outcome}}": _worst("gemma4_operator_reconcile_seconds", "outcome")},
            unit="s",
        ),
        Panel(
            title="Errors",
            sentence="Passes that an error has ended, in each second.",
            queries={"{{error}}": "sum by (error) (rate(gemma4_operator_reconcile_errors_total[$__rate_interval]))"},
            unit="ops",
        ),
        Panel(
            title="Queue",
            sentence="Gemma4Deployments that wait for a worker or for their time.",
            queries={"{{pod}}": "max by (pod) (gemma4_operator_queue_depth)"},
        ),
        Panel(
            title="Wait for a worker",
            sentence="Of the Gemma4Deployment that is most overdue.",
            queries={"{{pod}}": "max by (pod) (gemma4_operator_queue_oldest_seconds)"},
            unit="s",
        ),
        Panel(
            title="Requests to the API server",
            sentence="In each second, by verb and code.",
            queries={
                "{{verb}} {{code}}": "sum by (verb, code) (rate(gemma4_operator_api_requests_total[$__rate_interval]))"
            },
            unit="reqps",
        ),
        Panel(
            title="Time of a request",
            sentence="99 of 100 are shorter.",
            queries={"{{verb}}": _worst("gemma4_operator_api_request_seconds", "verb")},
            unit="s",
        ),
        Panel(
            title="Events dropped",
            sentence="In each second.",
            queries={"": "sum(rate(gemma4_operator_events_dropped_total[$__rate_interval]))"},
            unit="ops",
        ),
        Panel(
            title="Faults of the catalogue",
            sentence="Entries of its override that are not used.",
            queries={"{{pod}}": "max by (pod) (gemma4_operator_catalog_faults)"},
        ),
    ),
)

ROWS = (FLEET, EACH, OPERATOR)


def dashboard() -> str:
    """Return the dashboard's JSON."""
    model = {
        "uid": "gemma4-operator",
        "title": "Gemma 4 Operator",
        "description": "Generated from hack/dashboard.py; docs/guides/monitoring.md explains it.",
        "tags": ["gemma4"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": [_source(), _variable("namespace", ""), _variable("name", 'namespace=~"$namespace"')]},
        "panels": list(_panels()),
    }
    return json.dumps(model, indent=2) + "\n"


def _source() -> dict[str, Any]:
    return {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}


def _variable(label: str, within: str) -> dict[str, Any]:
    query = f"label_values(gemma4_deployment_generation{{{within}}}, {label})"
    return {
        "name": label,
        "type": "query",
        "datasource": _SOURCE,
        "query": {"query": query, "refId": label},
        "refresh": 2,
        "sort": 1,
        "includeAll": True,
        "multi": True,
        "allValue": ".+",
        "current": {"text": ["All"], "value": ["$__all"]},
    }


def _panels() -> Iterator[dict[str, Any]]:
    """Yield the rows and their panels from the top to the bottom, from left to right."""
    number = top = 0
    for row in ROWS:
        number += 1
        place = {"x": 0, "y": top, "w": WIDTH, "h": ROW_HEIGHT}
        yield {"id": number, "type": "row", "title": row.title, "gridPos": place, "collapsed": False, "panels": []}
        top += ROW_HEIGHT
        left = height = 0
        for panel in row.panels:
            if left + panel.width > WIDTH:
                left, top = 0, top + height
            number, height = number + 1, panel.height
            yield _panel(panel, number, {"x": left, "y": top, "w": panel.width, "h": height})
            left += panel.width
        top += height


def _panel(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    limits = {"min": 0} | ({"max": panel.most} if panel.most is not None else {})
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.sentence,
        "datasource": _SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit, **limits}, "overrides": []},
        "options": _options(panel),
        "targets": [
            {"refId": chr(ord("A") + index), "datasource": _SOURCE, "expr": query, "legendFormat": legend or "__auto"}
            for index, (legend, query) in enumerate(panel.queries.items())
        ],
    }


def _options(panel: Panel) -> dict[str, Any]:
    if panel.kind == "stat":
        return {"reduceOptions": {"calcs": ["lastNotNull"]}, "textMode": panel.text}
    return {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}}
