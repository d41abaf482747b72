"""What must be text is text, whatever it looks like: YAML takes 20240101 for a number and "no" for false."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.chart.conftest import HelmRun, Object

pytestmark = pytest.mark.cluster

NAMESPACE, RELEASE = "20240101", "2025"
LOOKS_LIKE_SOMETHING_ELSE = (
    ("nameOverride", "1234"),
    ("fullnameOverride", "20240102"),
    ("serviceAccount.name", "123"),
    ("priorityClassName", "12"),
    ("catalog.existingConfigMap", "20240103"),
    ("imagePullSecrets[0].name", "77"),
    ("image.tag", "1.10"),
    ("nodeSelector.pool", "1"),
    ("podLabels.team", "no"),
    ("podAnnotations.since", "2024"),
    ("serviceAccount.annotations.owner", "0777"),
    ("extraEnv[0].name", "1E3"),
    ("extraEnv[0].value", "1e3"),
    ("monitoring.podMonitor.interval", "30s"),
    ("monitoring.podMonitor.labels.release", "1"),
    ("watch.namespaces[0]", "20240104"),
    ("watch.namespaces[1]", "no"),
    ("admissionPolicy.allowedNamespaces[0]", "20240104"),
)
ON = (
    "replicas=2",
    "monitoring.podMonitor.enabled=true",
    "monitoring.prometheusRule.enabled=true",
    "monitoring.dashboard.enabled=true",
    "networkPolicy.enabled=true",
    "admissionPolicy.enabled=true",
    "rbac.aggregate=true",
)
NAMING = {
    "name",
    "namespace",
    "kind",
    "image",
    "interval",
    "value",
    "serviceAccountName",
    "priorityClassName",
    "policyName",
}
NAMED = {"labels", "annotations", "matchLabels", "nodeSelector"}


@pytest.fixture(scope="module")
def objects(run_helm: HelmRun) -> list[Object]:
    texts = [word for name, value in LOOKS_LIKE_SOMETHING_ELSE for word in ("--set-string", f"{name}={value}")]
    result = run_helm("template", *ON, arguments=("--namespace", NAMESPACE, *texts), release=RELEASE)
    assert result.returncode == 0, result.stderr
    return [one for one in yaml.safe_load_all(result.stdout) if one and one["kind"] != "CustomResourceDefinition"]


def no_text(value: Any, path: str = "") -> Iterator[str]:
    """Yield the paths at which something else stands where Kubernetes takes text alone."""
    if isinstance(value, list):
        for number, inner in enumerate(value):
            yield from no_text(inner, f"{path}[{number}]")
    elif isinstance(value, dict):
        for key, inner in value.items():
            where = f"{path}.{key}"
            texts = (
                inner.items() if key in NAMED and isinstance(inner, dict) else [(key, inner)] if key in NAMING else []
            )
            yield from (f"{where}: {text!r}" for _, text in texts if not isinstance(text, str))
            yield from no_text(inner, where)


def test_names_and_labels_are_text(objects: list[Object]):
    assert [f"{one['kind']}{path}" for one in objects for path in no_text(one)] == []


def test_what_looks_like_something_else_is_there_at_all(objects: list[Object]):
    said = yaml.safe_dump_all(objects)
    assert [value for _, value in LOOKS_LIKE_SOMETHING_ELSE if value not in said] == []
    assert {one["metadata"]["labels"]["app.kubernetes.io/instance"] for one in objects} == {RELEASE}
    assert {one["metadata"].get("namespace") for one in objects} == {NAMESPACE, "20240104", "no", None}


def test_a_checksum_of_digits_with_an_e_among_them_is_text(run_helm: HelmRun):
    """PyYAML takes it for text in any case; Helm and the API server take it for a number that is too large."""
    price = ("--set-json", 'catalog.overrides={"prices": {"NVIDIA-L40S": 3.96}}')
    assert 'gemma4.dev/catalog-checksum: "049145480132e194"' in run_helm("template", arguments=price).stdout
