"""A value that is taken away by `null`, as by a key without anything below it in a file of values.

Helm then renders as if the chart had no such value: it is as if it were empty, or the refusal says what is missing.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from hack.chart_reference import comments
from hack.manifests import CHART
from tests.chart.conftest import HelmRun, Render

pytestmark = pytest.mark.cluster

VALUES = (CHART / "values.yaml").read_text()
PATHS = sorted(".".join(path) for path in comments(VALUES))
ON = (
    "replicas=2",
    "networkPolicy.enabled=true",
    "admissionPolicy.enabled=true",
    "rbac.aggregate=true",
    "prometheus.url=http://prometheus.monitoring.svc",
    "catalog.overrides.prices.NVIDIA-L40S=1",
    "monitoring.podMonitor.enabled=true",
    "monitoring.prometheusRule.enabled=true",
    "monitoring.dashboard.enabled=true",
)
"""So that each value is looked at. What a test takes away comes after, as a whole."""
OFF_BY_DEFAULT = ("watch", "catalog", "prometheus", "networkPolicy", "admissionPolicy", "monitoring")


def empty(value: Any, path: str = "") -> Iterator[str]:
    """Yield the paths of fields that are there without a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        if inner is None:
            yield f"{path}.{key}"
        yield from empty(inner, f"{path}.{key}")


@pytest.mark.parametrize("path", PATHS)
def test_it_is_missed_by_name_or_nothing_is_left_open(run_helm: HelmRun, path: str):
    others = [value for value in ON if not value.startswith((f"{path}.", f"{path}="))]
    result = run_helm("template", *others, f"{path}=null")
    if result.returncode:
        assert f"missing property '{path.rpartition('.')[2]}'" in result.stderr
        return
    objects = [one for one in yaml.safe_load_all(result.stdout) if one and one["kind"] != "CustomResourceDefinition"]
    assert [f"{one['kind']}{where}" for one in objects for where in empty(one)] == []


@pytest.mark.parametrize("section", OFF_BY_DEFAULT)
def test_of_what_is_off_by_default_nothing_is_missed(render: Render, section: str):
    assert render(f"{section}=null") == render()


@pytest.mark.parametrize("path", ["crds.keep", "rbac", "networkPolicy.apiServerPorts", "operator.healthPort"])
def test_what_would_be_another_thing_when_empty_is_missed(run_helm: HelmRun, path: str):
    """Such as a rule without ports, which opens all of them."""
    assert "missing property" in run_helm("template", f"{path}=null").stderr
