"""The operator's own pod: restricted, and watched by probes."""

import pytest

from tests.chart.conftest import HIGH_AVAILABILITY, Object, Render, only

pytestmark = pytest.mark.cluster


@pytest.fixture(params=[(), HIGH_AVAILABILITY], ids=["default", "high-availability"])
def pod(request: pytest.FixtureRequest, render: Render) -> Object:
    spec: Object = only(render(*request.param), "Deployment")["spec"]["template"]["spec"]
    return spec


@pytest.fixture
def container(pod: Object) -> Object:
    (container,) = pod["containers"]
    return container


def test_it_satisfies_the_restricted_standard(pod: Object, container: Object):
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
    assert all("hostPath" not in volume for volume in pod["volumes"])
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    security = container["securityContext"]
    assert security["allowPrivilegeEscalation"] is False
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert not {"privileged", "runAsUser", "seccompProfile"} & security.keys()
    assert all("hostPort" not in port for port in container["ports"])


def test_it_is_stricter_than_the_standard(pod: Object, container: Object):
    assert pod["securityContext"]["runAsUser"] == 65532
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert [mount["mountPath"] for mount in container["volumeMounts"]] == ["/tmp"]
    assert pod["enableServiceLinks"] is False, "links would look like settings that do not exist"


def test_each_probe_asks_an_endpoint_of_its_port(container: Object):
    assert {name: container[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")} == {
        "startupProbe": {"path": "/healthz", "port": "http"},
        "livenessProbe": {"path": "/healthz", "port": "http"},
        "readinessProbe": {"path": "/readyz", "port": "http"},
    }


def test_its_resources_are_bounded(container: Object):
    assert container["resources"] == {
        "requests": {"cpu": "100m", "memory": "128Mi"},
        "limits": {"memory": "512Mi"},
    }
