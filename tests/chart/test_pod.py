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


class TestSecurity:
    """What `podSecurityContext` and `securityContext` say goes over the chart's own, in both pods."""

    def test_openshift_gives_the_user(self, render: Render):
        """Its restricted-v2 refuses a user from outside of the namespace's range; all else stays."""
        without = self._pods(render, "podSecurityContext.runAsUser=null")
        for default, changed in zip(self._pods(render), without, strict=True):
            own = default["securityContext"]
            assert own["runAsNonRoot"] is True
            assert changed["securityContext"] == {key: own[key] for key in own.keys() - {"runAsUser"}}

    def test_a_field_replaces_that_of_the_chart_and_no_other(self, render: Render):
        given = (
            "podSecurityContext.runAsUser=1000",
            "podSecurityContext.fsGroup=1000",
            "securityContext.runAsUser=1000",
        )
        for default, changed in zip(self._pods(render), self._pods(render, *given), strict=True):
            assert changed["securityContext"] == {**default["securityContext"], "runAsUser": 1000, "fsGroup": 1000}
            (before,), (after,) = default["containers"], changed["containers"]
            assert after["securityContext"] == {**before["securityContext"], "runAsUser": 1000}

    @pytest.mark.parametrize(
        "value",
        [
            "podSecurityContext.runasuser=1",
            "podSecurityContext.runAsUser=root",
            "podSecurityContext.privileged=true",
            "securityContext.fsGroup=1",
        ],
    )
    def test_a_field_that_there_is_not_is_refused(self, run_helm: HelmRun, value: str):
        result = run_helm("template", value)
        assert result.returncode != 0
        assert f"at '/{value.partition('.')[0]}" in result.stderr

    def test_taken_away_as_a_whole_it_is_missed(self, run_helm: HelmRun):
        for name in ("podSecurityContext", "securityContext"):
            assert f"missing property '{name}'" in run_helm("template", f"{name}=null").stderr

    def _pods(self, render: Render, *sets: str) -> tuple[Object, Object]:
        return pods(render(*sets))


def pods(objects: list[Object]) -> tuple[Object, Object]:
    """Return the operator's pod and the checkup's."""
    return only(objects, "Deployment")["spec"]["template"]["spec"], only(objects, "Pod")["spec"]


CERTIFICATES = (
    "extraVolumes[0].name=certificates",
    "extraVolumes[0].configMap.name=proxy",
    "extraVolumeMounts[0].name=certificates",
    "extraVolumeMounts[0].mountPath=/etc/ssl/proxy",
    "extraVolumeMounts[0].readOnly=true",
    "extraEnv[0].name=SSL_CERT_FILE",
    "extraEnv[0].value=/etc/ssl/proxy/ca.crt",
)


class TestVolumes:
    def test_the_file_that_a_variable_names_is_in_both_pods(self, render: Render):
        for pod in pods(render(*CERTIFICATES)):
            (container,) = pod["containers"]
            assert {"name": "certificates", "configMap": {"name": "proxy"}} in pod["volumes"]
            mount = {"name": "certificates", "mountPath": "/etc/ssl/proxy", "readOnly": True}
            assert mount in container["volumeMounts"]
            (file,) = [one["value"] for one in container["env"] if one["name"] == "SSL_CERT_FILE"]
            assert file.startswith(f"{mount['mountPath']}/")

    def test_those_of_the_chart_stay(self, render: Render):
        pod, _ = pods(render(*CERTIFICATES, "catalog.overrides.prices.NVIDIA-L40S=1"))
        assert [volume["name"] for volume in pod["volumes"]] == ["tmp", "catalog", "certificates"]
        assert [mount["name"] for mount in pod["containers"][0]["volumeMounts"]] == ["tmp", "catalog", "certificates"]

    @pytest.mark.parametrize(
        ("value", "sentence"),
        [
            ("extraVolumes[0].name=tmp,extraVolumes[0].configMap.name=a", "extraVolumes must not have tmp"),
            ("extraVolumes[0].name=a", "at '/extraVolumes/0'"),
            ("extraVolumes[0].name=A,extraVolumes[0].configMap.name=a", "at '/extraVolumes/0/name'"),
            ("extraVolumeMounts[0].name=a", "at '/extraVolumeMounts/0'"),
            ("extraVolumeMounts[0].name=a,extraVolumeMounts[0].mountPath=b", "at '/extraVolumeMounts/0/mountPath'"),
            (
                "extraVolumeMounts[0].name=a,extraVolumeMounts[0].mountPath=/tmp/",
                "extraVolumeMounts must not have /tmp/",
            ),
        ],
    )
    def test_one_that_cannot_be_is_refused(self, run_helm: HelmRun, value: str, sentence: str):
        result = run_helm("template", value)
        assert result.returncode != 0
        assert sentence in result.stderr


class TestSpread:
    ZONES = (
        "topologySpreadConstraints[0].maxSkew=1",
        "topologySpreadConstraints[0].topologyKey=topology.kubernetes.io/zone",
        "topologySpreadConstraints[0].whenUnsatisfiable=DoNotSchedule",
    )

    @pytest.mark.parametrize("replicas", [1, 2])
    def test_ones_own_takes_the_place_of_the_charts(self, render: Render, replicas: int):
        objects = render(f"replicas={replicas}", *self.ZONES)
        (spread,) = pods(objects)[0]["topologySpreadConstraints"]
        assert (spread["topologyKey"], spread["whenUnsatisfiable"]) == ("topology.kubernetes.io/zone", "DoNotSchedule")
        selector = only(objects, "Deployment")["spec"]["selector"]
        assert spread["labelSelector"] == selector, "without one it would count no pod"

    def test_a_selector_of_ones_own_is_left_as_it_is(self, render: Render):
        label = "topologySpreadConstraints[0].labelSelector.matchLabels.team=platform"
        (spread,) = pods(render(*self.ZONES, label))[0]["topologySpreadConstraints"]
        assert spread["labelSelector"] == {"matchLabels": {"team": "platform"}}

    def test_one_that_cannot_be_is_refused(self, run_helm: HelmRun):
        said = run_helm("template", *self.ZONES, "topologySpreadConstraints[0].topologykey=x").stderr
        assert "at '/topologySpreadConstraints/0'" in said


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
