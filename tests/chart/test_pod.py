"""The operator's own pod: restricted, and watched by probes."""

from typing import Any

import pytest
import yaml

from tests.chart.conftest import HIGH_AVAILABILITY, HelmRun, Object, Render, only

pytestmark = pytest.mark.cluster


@pytest.fixture(params=[(), HIGH_AVAILABILITY], ids=["default", "high-availability"])
def objects(request: pytest.FixtureRequest, render: Render) -> list[Object]:
    return render(*request.param)


@pytest.fixture
def pod(objects: list[Object]) -> Object:
    spec: Object = only(objects, "Deployment")["spec"]["template"]["spec"]
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


class TestOfBoth:
    """What the chart sets and a value too is there once: YAML that has a key twice is refused by who applies it."""

    def test_a_variable_of_extra_env_replaces_the_charts(self, render: Render):
        variables = (
            "extraEnv[0].name=GEMMA4_HEALTH_HOST",
            "extraEnv[0].value=::1",
            "extraEnv[1].name=HTTPS_PROXY",
            "extraEnv[1].value=http://proxy.example:3128",
        )
        objects = render(*variables)
        (container,) = only(objects, "Deployment")["spec"]["template"]["spec"]["containers"]
        names = [item["name"] for item in container["env"]]
        assert len(names) == len(set(names))
        assert {"name": "GEMMA4_HEALTH_HOST", "value": "::1"} in container["env"]
        (asking,) = only(objects, "Pod")["spec"]["containers"]
        assert [item["name"] for item in asking["env"]][-2:] == names[-2:] == ["GEMMA4_HEALTH_HOST", "HTTPS_PROXY"]

    def test_a_label_goes_before_the_charts(self, run_helm: HelmRun):
        version = r"podLabels.app\.kubernetes\.io/version=mine"
        assert self._pod(run_helm, version)["labels"]["app.kubernetes.io/version"] == "mine"

    def test_an_annotation_goes_before_the_charts(self, run_helm: HelmRun):
        container = r"podAnnotations.kubectl\.kubernetes\.io/default-container=proxy"
        assert self._pod(run_helm, container)["annotations"]["kubectl.kubernetes.io/default-container"] == "proxy"

    @pytest.mark.parametrize("part", ["podMonitor", "prometheusRule", "dashboard"])
    def test_so_does_one_by_which_others_select(self, run_helm: HelmRun, part: str):
        label = rf"monitoring.{part}.labels.app\.kubernetes\.io/instance=stack"
        objects = strictly(run_helm("template", f"monitoring.{part}.enabled=true", label).stdout)
        assert "stack" in {one["metadata"]["labels"]["app.kubernetes.io/instance"] for one in objects}

    def _pod(self, run_helm: HelmRun, *sets: str) -> Object:
        metadata: Object = only(strictly(run_helm("template", *sets).stdout), "Deployment")["spec"]["template"][
            "metadata"
        ]
        return metadata


class Strict(yaml.SafeLoader):
    """Refuses a key that is there twice, of which PyYAML by itself takes the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"a key is there twice: {keys}"
        return super().construct_mapping(node, deep=deep)


def strictly(text: str) -> list[Object]:
    """Return the objects of a YAML text in which each key is there once."""
    return [one for one in yaml.load_all(text, Loader=Strict) if one and one["kind"] != "CustomResourceDefinition"]


class TestCheckup:
    """The pod of `helm test`."""

    def test_it_is_the_operators_image_account_and_settings(
        self, objects: list[Object], pod: Object, container: Object
    ):
        checkup = only(objects, "Pod")["spec"]
        (asking,) = checkup["containers"]
        assert asking["args"] == ["checkup"], "the image's entrypoint is the operator itself"
        assert asking["image"] == container["image"]
        assert {item["name"] for item in asking["env"]} <= {item["name"] for item in container["env"]}
        for shared in ("serviceAccountName", "securityContext", "imagePullSecrets", "nodeSelector", "tolerations"):
            assert checkup.get(shared) == pod.get(shared), shared
        assert asking["securityContext"] == container["securityContext"]

    def test_nothing_counts_it_as_one_of_the_operators_pods(self, objects: list[Object]):
        labels = only(objects, "Pod")["metadata"]["labels"]
        selector = only(objects, "Deployment")["spec"]["selector"]["matchLabels"]
        assert not selector.items() <= labels.items()

    def test_its_label_fits_whatever_the_chart_is_called(self, render: Render):
        labels = only(render(f"nameOverride={'n' * 54}-{'n' * 8}"), "Pod")["metadata"]["labels"]
        assert labels["app.kubernetes.io/name"] == f"{'n' * 54}-checkup"
        assert max(map(len, labels.values())) <= 63

    def test_it_leaves_nothing_when_all_is_well(self, objects: list[Object]):
        assert only(objects, "Pod")["metadata"]["annotations"] == {
            "helm.sh/hook": "test",
            "helm.sh/hook-delete-policy": "before-hook-creation,hook-succeeded",
        }
