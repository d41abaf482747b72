"""What watches the operator: off until somebody switches it on, and then aimed at the pods that there are."""

import json
import re
from collections.abc import Iterator

import pytest
import yaml

from hack.dashboard import dashboard
from hack.manifests import CHART
from tests.chart.conftest import HelmRun, Render, only
from tests.cluster import Cluster
from tests.cluster.prometheus_operator import kinds

pytestmark = pytest.mark.cluster

EVERYTHING = (
    "monitoring.podMonitor.enabled=true",
    "monitoring.prometheusRule.enabled=true",
    "monitoring.dashboard.enabled=true",
)
KINDS = {"PodMonitor", "PrometheusRule", "ConfigMap"}


def test_each_switch_brings_one_object(render: Render):
    before = {item["kind"] for item in render()}
    assert not before & KINDS
    brought = [{item["kind"] for item in render(switch)} - before for switch in EVERYTHING]
    assert brought == [{"PodMonitor"}, {"PrometheusRule"}, {"ConfigMap"}]


def test_values_of_a_release_from_before_monitoring_bring_nothing(render: Render):
    """`helm upgrade --reuse-values` gives a new chart the old values."""
    assert not {item["kind"] for item in render("monitoring=null")} & KINDS


def test_helm_lint_finds_nothing(run_helm: HelmRun):
    result = run_helm("lint", *EVERYTHING, arguments=("--strict",))
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_monitor_finds_the_operators_pods_and_their_port(render: Render):
    objects = render(*EVERYTHING, "operator.healthPort=9090", "monitoring.podMonitor.interval=15s")
    monitor, deployment = only(objects, "PodMonitor"), only(objects, "Deployment")
    assert monitor["metadata"]["namespace"] == deployment["metadata"]["namespace"]
    template = deployment["spec"]["template"]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    (container,) = template["spec"]["containers"]
    assert endpoint["port"] in {port["name"] for port in container["ports"]}
    assert (endpoint["path"], endpoint["interval"]) == ("/metrics", "15s")


def test_a_resources_own_namespace_is_not_taken_for_that_of_the_operators_pod(render: Render):
    (endpoint,) = only(render(*EVERYTHING), "PodMonitor")["spec"]["podMetricsEndpoints"]
    assert endpoint["honorLabels"] is True


def test_the_rules_are_those_that_are_tested(render: Render):
    rule = only(render(*EVERYTHING), "PrometheusRule")
    assert rule["spec"] == yaml.safe_load((CHART / "files" / "alerts.yaml").read_text())


def test_it_is_the_releases_own_lease_that_must_have_a_leader(run_helm: HelmRun):
    """Any other operator that leads would hide that this one does not."""
    rendered = run_helm("template", *EVERYTHING, arguments=("--namespace", "ops"), release="second").stdout
    spec = only([one for one in yaml.safe_load_all(rendered) if one], "PrometheusRule")["spec"]
    rules = {rule["alert"]: rule for group in spec["groups"] for rule in group["rules"]}
    leases = re.findall(r'lease="(.+?)"', rules["Gemma4OperatorNotLeading"]["expr"])
    assert leases == ["ops/second-gemma4-operator"] * 2


def test_the_dashboard_is_the_generated_one_where_grafanas_sidecar_looks(render: Render):
    config = only(render(*EVERYTHING, "monitoring.dashboard.annotations.grafana_folder=Models"), "ConfigMap")
    assert json.loads(config["data"]["gemma4-operator.json"]) == json.loads(dashboard())
    assert config["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert config["metadata"]["annotations"] == {"grafana_folder": "Models"}


@pytest.fixture
def with_kinds(cluster: Cluster) -> Iterator[Cluster]:
    with kinds(cluster):
        yield cluster


def test_the_prometheus_operators_own_kinds_take_what_the_chart_makes(
    with_kinds: Cluster, namespace: str, run_helm: HelmRun
):
    # The pod of `helm test` is made later, when its account is there.
    objects = run_helm("template", *EVERYTHING, arguments=("--namespace", namespace, "--skip-tests")).stdout
    arguments = ("apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-")
    result = with_kinds.kubectl(*arguments, stdin=objects)
    for named in ("podmonitor.monitoring.coreos.com", "prometheusrule.monitoring.coreos.com"):
        assert f"{named}/gemma4-operator serverside-applied" in result.stdout
    assert "Warning" not in result.stderr
    refused = with_kinds.kubectl(*arguments, stdin=objects.replace("honorLabels", "honourLabels"), check=False)
    assert "honourLabels: field not declared in schema" in refused.stderr


@pytest.mark.parametrize(
    ("part", "kind"), [("podMonitor", "PodMonitor"), ("prometheusRule", "PrometheusRule"), ("dashboard", "ConfigMap")]
)
def test_labels_by_which_others_select_are_added_to_the_charts_own(render: Render, part: str, kind: str):
    labels = only(render(*EVERYTHING, f"monitoring.{part}.labels.release=stack"), kind)["metadata"]["labels"]
    assert labels["release"] == "stack"
    assert labels["app.kubernetes.io/name"] == "gemma4-operator"


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("monitoring.serviceMonitor.enabled=true", "serviceMonitor"),
        ("monitoring.podMonitor.enabled=yes", "enabled"),
        ("monitoring.podMonitor.interval=often", "interval"),
        ("monitoring.podMonitor.interval=0s", "interval"),
        ("monitoring.prometheusRule.label.release=x", "label"),
        ("monitoring.dashboard.labels.grafana_dashboard=1", "grafana_dashboard"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(run_helm: HelmRun, value: str, named: str):
    result = run_helm("template", value)
    assert result.returncode != 0
    assert named in result.stderr
