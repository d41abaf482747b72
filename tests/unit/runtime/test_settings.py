"""Settings: each variable has its effect, and a wrong one is named with what must be."""

import re
from dataclasses import fields

import pytest

from gemma4_operator.runtime.settings import (
    LogFormat,
    LogLevel,
    Settings,
    SettingsError,
    from_environment,
    unknown_variables,
    variables,
)


def test_nothing_set_means_the_defaults() -> None:
    assert from_environment({}) == Settings()
    assert from_environment({"GEMMA4_WORKERS": ""}) == Settings()


@pytest.mark.parametrize(
    ("name", "text", "attribute", "value"),
    [
        ("GEMMA4_IDENTITY", "pod-7", "identity", "pod-7"),
        ("GEMMA4_LEASE_NAMESPACE", "ops", "lease_namespace", "ops"),
        ("GEMMA4_LEASE_NAME", "second", "lease_name", "second"),
        ("GEMMA4_LOG_LEVEL", "DEBUG", "log_level", LogLevel.DEBUG),
        ("GEMMA4_LOG_FORMAT", "json", "log_format", LogFormat.JSON),
        ("GEMMA4_HEALTH_HOST", "*", "health_host", "*"),
        ("GEMMA4_HEALTH_PORT", "0", "health_port", 0),
        ("GEMMA4_WORKERS", "3", "workers", 3),
        ("GEMMA4_WATCH_NAMESPACES", "team-b, team-a,team-b", "watch_namespaces", ("team-b", "team-a")),
        ("GEMMA4_CATALOG_FILE", "/etc/catalog.yaml", "catalog_file", "/etc/catalog.yaml"),
        ("GEMMA4_RESYNC_SECONDS", "5", "resync_seconds", 5),
        ("GEMMA4_UNPLACED_SECONDS", "60", "unplaced_seconds", 60),
        ("GEMMA4_METRICS_SECONDS", "15", "metrics_seconds", 15),
        (
            "GEMMA4_PROMETHEUS_URL",
            "http://prometheus.monitoring.svc/p",
            "prometheus_url",
            "http://prometheus.monitoring.svc/p",
        ),
        (
            "GEMMA4_PROMETHEUS_NAMESPACE_LABEL",
            "kubernetes_namespace",
            "prometheus_namespace_label",
            "kubernetes_namespace",
        ),
        ("GEMMA4_PROMETHEUS_POD_LABEL", "kubernetes_pod_name", "prometheus_pod_label", "kubernetes_pod_name"),
    ],
)
def test_each_variable_sets_its_setting(name: str, text: str, attribute: str, value: object) -> None:
    assert getattr(from_environment({name: text}), attribute) == value


def test_the_table_above_knows_every_setting() -> None:
    marks = test_each_variable_sets_its_setting.pytestmark  # type: ignore[attr-defined]
    assert {case[0] for case in marks[0].args[1]} == set(variables())


@pytest.mark.parametrize(
    ("name", "text", "must"),
    [
        ("GEMMA4_WORKERS", "0", "must be a whole number from 1 to 256"),
        ("GEMMA4_WORKERS", "many", "must be a whole number from 1 to 256"),
        ("GEMMA4_HEALTH_PORT", "70000", "must be a whole number from 0 to 65535"),
        ("GEMMA4_RESYNC_SECONDS", "1.5", "must be a whole number from 5 to 86400"),
        ("GEMMA4_LOG_LEVEL", "loud", "must be one of debug, info, warning, error"),
        ("GEMMA4_METRICS_SECONDS", "0", "must be a whole number from 1 to 60"),
        ("GEMMA4_PROMETHEUS_URL", "prometheus:9090", "must be an address that begins with http:// or https://"),
        ("GEMMA4_PROMETHEUS_URL", "ftp://prometheus", "must be an address that begins with http:// or https://"),
        (
            "GEMMA4_PROMETHEUS_POD_LABEL",
            "app.kubernetes.io/pod",
            "must be a label of Prometheus: letters, digits and _",
        ),
        ("GEMMA4_WATCH_NAMESPACES", "team-a,,team-b", "must be names of namespaces with commas between them"),
        ("GEMMA4_WATCH_NAMESPACES", "team-*", "must be names of namespaces with commas between them"),
        ("GEMMA4_WATCH_NAMESPACES", "a" * 64, "must be names of namespaces with commas between them"),
        ("GEMMA4_LOG_FORMAT", "xml", "must be one of text, json"),
    ],
)
def test_a_wrong_value_is_named_with_what_must_be(name: str, text: str, must: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(f"{name} is '{text}'; it {must}")):
        from_environment({name: text})


def test_variables_that_a_service_adds_to_pods_are_told_and_passed_over() -> None:
    environment = {"GEMMA4_OPERATOR_SERVICE_HOST": "10.0.0.1", "PATH": "/bin", "GEMMA4_WORKERS": "2"}
    assert unknown_variables(environment) == ("GEMMA4_OPERATOR_SERVICE_HOST",)
    assert from_environment(environment).workers == 2


def test_every_setting_is_documented() -> None:
    assert all(item.metadata["sentence"].endswith(".") for item in fields(Settings))
