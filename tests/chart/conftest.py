"""The chart, rendered by Helm as a user would."""

import functools
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from hack.manifests import CHART
from tests.cluster.binaries import locate

Object = dict[str, Any]
HelmRun = Callable[..., subprocess.CompletedProcess[str]]
Render = Callable[..., list[Object]]

HIGH_AVAILABILITY = (
    "replicas=2",
    "priorityClassName=system-cluster-critical",
    "image.repository=registry.example/gemma4-operator",
    f"image.digest=sha256:{'0' * 64}",
    "imagePullSecrets[0].name=regcred",
    "operator.logFormat=text",
    "operator.healthPort=9090",
    "nodeSelector.pool=system",
    "tolerations[0].operator=Exists",
    "extraEnv[0].name=HTTPS_PROXY",
    "extraEnv[0].value=http://proxy.example:3128",
    "podLabels.team=platform",
    "serviceAccount.annotations.owner=platform",
)

WALLED_OFF = (
    "networkPolicy.enabled=true",
    "networkPolicy.metricsFrom[0].namespaceSelector.matchLabels.team=monitoring",
    "networkPolicy.apiServerPorts={6443}",
    "networkPolicy.apiServerCIDRs={10.0.0.10/32}",
    "networkPolicy.extraEgress[0].ports[0].port=9090",
    "rbac.aggregate=true",
    "rbac.diagnosis=false",
)

POD_OF_ONES_OWN = (
    "podSecurityContext.runAsUser=null",
    "podSecurityContext.fsGroup=1000",
    "securityContext.runAsUser=1000",
    "extraVolumes[0].name=certificates",
    "extraVolumes[0].configMap.name=proxy",
    "extraVolumeMounts[0].name=certificates",
    "extraVolumeMounts[0].mountPath=/etc/ssl/proxy",
    "topologySpreadConstraints[0].maxSkew=1",
    "topologySpreadConstraints[0].topologyKey=topology.kubernetes.io/zone",
    "topologySpreadConstraints[0].whenUnsatisfiable=DoNotSchedule",
    "networkPolicy.enabled=true",
    "prometheus.url=http://prometheus.monitoring.svc:9090",
)

SOME_NAMESPACES = ("watch.namespaces={team-a,team-b}",)

VALUES = {
    "default": (),
    "high-availability": HIGH_AVAILABILITY,
    "walled-off": WALLED_OFF,
    "some-namespaces": SOME_NAMESPACES,
    "pod-of-ones-own": POD_OF_ONES_OWN,
}
"""Sets of values that between them switch on all but the admission policy, by what they are for."""


@pytest.fixture(scope="session")
def helm() -> Path:
    return locate("helm")["helm"]


@pytest.fixture(scope="session")
def kubectl() -> Path:
    return locate("kubectl")["kubectl"]


@pytest.fixture(scope="session")
def run_helm(helm: Path) -> HelmRun:
    """Run Helm on the chart with `--set` values, once for the same ones; a failure is a result, not an exception."""

    @functools.cache
    def run(
        verb: str, *sets: str, arguments: tuple[str, ...] = (), release: str = "gemma4-operator"
    ) -> subprocess.CompletedProcess[str]:
        name = (release,) if verb == "template" else ()
        options = [word for value in sets for word in ("--set", value)]
        command = [str(helm), verb, *name, str(CHART), "--namespace", "gemma4-system", *arguments, *options]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return run


@pytest.fixture(scope="session")
def render(run_helm: HelmRun) -> Render:
    """Return the objects that the chart makes of the given `--set` values."""

    def rendered(*sets: str) -> list[Object]:
        result = run_helm("template", *sets)
        assert result.returncode == 0, result.stderr
        return [document for document in yaml.safe_load_all(result.stdout) if document]

    return rendered


def only(objects: list[Object], kind: str) -> Object:
    """Return the one object of a kind."""
    (found,) = [item for item in objects if item["kind"] == kind]
    return found
