"""The chart's values: what they switch, and what is refused."""

import pytest
import yaml

from gemma4_operator.runtime.health import EVERYWHERE
from gemma4_operator.runtime.settings import Settings, from_environment, unknown_variables
from hack.manifests import ROOT
from tests.chart.conftest import HIGH_AVAILABILITY, VALUES, HelmRun, Render, only

pytestmark = pytest.mark.cluster

KINDS = [
    "ServiceAccount",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
    "Deployment",
    # The checkup, which is made by `helm test` alone.
    "Pod",
]


@pytest.mark.parametrize("sets", VALUES.values(), ids=VALUES)
def test_helm_lint_finds_nothing(run_helm: HelmRun, sets: tuple[str, ...]):
    result = run_helm("lint", *sets, arguments=("--strict",))
    assert result.returncode == 0, result.stdout + result.stderr
    assert "[WARNING]" not in result.stdout
    assert "[ERROR]" not in result.stdout


def test_default_values_render_these_kinds_and_no_others(render: Render):
    assert sorted(item["kind"] for item in render()) == sorted(KINDS)


def test_a_second_replica_brings_a_disruption_budget_and_spreads_the_pods(render: Render):
    objects = render(*HIGH_AVAILABILITY)
    assert only(objects, "PodDisruptionBudget")["spec"]["maxUnavailable"] == 1
    pod = only(objects, "Deployment")["spec"]["template"]
    (spread,) = pod["spec"]["topologySpreadConstraints"]
    assert spread["topologyKey"] == "kubernetes.io/hostname"
    assert spread["labelSelector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()


def test_values_reach_the_pod(render: Render):
    template = only(render(*HIGH_AVAILABILITY), "Deployment")["spec"]["template"]
    pod = template["spec"]
    (container,) = pod["containers"]
    assert container["image"] == f"registry.example/gemma4-operator@sha256:{'0' * 64}"
    assert container["ports"] == [{"name": "http", "containerPort": 9090}]
    assert {"name": "HTTPS_PROXY", "value": "http://proxy.example:3128"} in container["env"]
    assert pod["priorityClassName"] == "system-cluster-critical"
    assert pod["imagePullSecrets"] == [{"name": "regcred"}]
    assert pod["nodeSelector"] == {"pool": "system"}
    assert pod["tolerations"] == [{"operator": "Exists"}]
    assert template["metadata"]["labels"]["team"] == "platform"


def test_the_container_is_configured_by_settings_that_exist_and_by_their_defaults(render: Render):
    (container,) = only(render(), "Deployment")["spec"]["template"]["spec"]["containers"]
    environment = {item["name"]: item.get("value", "from-the-pod") for item in container["env"]}
    assert list(unknown_variables(environment)) == []
    settings = from_environment(environment)
    defaults = Settings()
    assert settings.workers == defaults.workers
    assert settings.resync_seconds == defaults.resync_seconds
    assert settings.unplaced_seconds == defaults.unplaced_seconds
    assert settings.metrics_seconds == defaults.metrics_seconds
    assert settings.prometheus_url == ""
    assert settings.health_host == EVERYWHERE
    assert {item["containerPort"] for item in container["ports"]} == {settings.health_port}
    assert settings.identity == settings.lease_namespace == "from-the-pod"
    assert settings.lease_name == defaults.lease_name
    assert settings.watch_namespaces == ()


def test_the_autoscaler_is_told_how_often_it_looks_and_which_prometheus_to_ask(render: Render):
    objects = render(
        "operator.metricsSeconds=15",
        "prometheus.url=http://prometheus.monitoring.svc",
        "prometheus.namespaceLabel=kubernetes_namespace",
        "prometheus.podLabel=kubernetes_pod_name",
    )
    (container,) = only(objects, "Deployment")["spec"]["template"]["spec"]["containers"]
    settings = from_environment({item["name"]: item.get("value", "from-the-pod") for item in container["env"]})
    assert settings.metrics_seconds == 15
    assert settings.prometheus_url == "http://prometheus.monitoring.svc"
    assert settings.prometheus_namespace_label == "kubernetes_namespace"
    assert settings.prometheus_pod_label == "kubernetes_pod_name"


@pytest.mark.parametrize("keep", ["true", "false"])
def test_the_crds_are_those_of_the_crds_folder(render: Render, keep: str):
    stored = [yaml.safe_load(path.read_text()) for path in sorted((ROOT / "crds").glob("*.yaml"))]
    rendered = [item for item in render(f"crds.keep={keep}") if item["kind"] == "CustomResourceDefinition"]
    kept = [item["metadata"].pop("annotations") for item in stored]
    policies = [item["metadata"].pop("annotations", {}) for item in rendered]
    assert rendered == stored
    helms = {"helm.sh/resource-policy": "keep"}
    assert policies == [{**one, **helms} if keep == "true" else {} for one in kept]


def test_the_crds_can_be_left_to_another_tool(render: Render):
    assert "CustomResourceDefinition" not in {item["kind"] for item in render("crds.enabled=false")}


def test_an_existing_service_account_is_bound_and_not_made(render: Render):
    objects = render("serviceAccount.create=false", "serviceAccount.name=mine")
    assert "ServiceAccount" not in {item["kind"] for item in objects}
    assert only(objects, "Deployment")["spec"]["template"]["spec"]["serviceAccountName"] == "mine"
    for kind in ("ClusterRoleBinding", "RoleBinding"):
        (subject,) = only(objects, kind)["subjects"]
        assert subject == {"kind": "ServiceAccount", "name": "mine", "namespace": "gemma4-system"}


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("replica=2", "replica"),
        ("operator.loglevel=debug", "loglevel"),
        ("crds.install=true", "install"),
        ("image.digest=sha256:abc", "digest"),
        ("operator.logLevel=chatty", "logLevel"),
        ("operator.workers=0", "workers"),
        ("operator.healthPort=80", "healthPort"),
        ("operator.resyncSeconds=1", "resyncSeconds"),
        ("operator.unplacedSeconds=0", "unplacedSeconds"),
        ("operator.metricsSeconds=0", "metricsSeconds"),
        ("prometheus.url=prometheus:9090", "url"),
        ("prometheus.podLabel=app.kubernetes.io/pod", "podLabel"),
        ("networkPolicy.metricsFrom=everybody", "/networkPolicy/metricsFrom"),
        ("networkPolicy.apiServerPorts={}", "/networkPolicy/apiServerPorts"),
        ("networkPolicy.apiServerPorts={https}", "/networkPolicy/apiServerPorts/0"),
        ("networkPolicy.apiServerCIDRs={10.0.0.10}", "/networkPolicy/apiServerCIDRs/0"),
        ("networkPolicy.apiServerCIDRs={10.0.0.0/33}", "/networkPolicy/apiServerCIDRs/0"),
        ("networkPolicy.apiServerCIDRs={api.example.com}", "/networkPolicy/apiServerCIDRs/0"),
        ("networkPolicy.prometheusPorts={0}", "/networkPolicy/prometheusPorts/0"),
        ("prometheus.url=http://prometheus:http", "/prometheus/url"),
        ("rbac.aggregate=maybe", "/rbac/aggregate"),
        ("extraEnv[0].value=x", "/extraEnv/0"),
        ("extraEnv[0].name=X,extraEnv[0].value=1", "/extraEnv/0/value"),
        ("extraEnv[0].name=GEMMA4_LEASE_NAME", "extraEnv must not have GEMMA4_LEASE_NAME: set fullnameOverride."),
        ("extraEnv[0].name=GEMMA4_HEALTH_PORT", "set operator.healthPort"),
        ("extraEnv[0].name=X,extraEnv[1].name=X", "extraEnv must have each variable once: X is there twice."),
        ("podLabels.app\\.kubernetes\\.io/name=x", "podLabels must not have app.kubernetes.io/name"),
        ("podLabels.app\\.kubernetes\\.io/instance=x", "podLabels must not have app.kubernetes.io/instance"),
        ("serviceAccount.create=false", "serviceAccount.name must be that of an account which exists"),
        ("watch.namespaces[0]=Team_A", "/watch/namespaces/0"),
        ("watch.namespaces={team-a,team-a}", "/watch/namespaces"),
        ("watch.namespace=team-a", "/watch"),
        ("replicas=two", "replicas"),
        ("image.pullPolicy=Sometimes", "pullPolicy"),
        ("image.tag=a b", "/image/tag"),
        ("image.tag=:latest", "/image/tag"),
        ("image.repository=foo:bar", "/image/repository"),
        ("image.repository=https://registry.example/foo", "/image/repository"),
        ("image.repository=registry.example/Foo", "/image/repository"),
        ("fullnameOverride=Foo_Bar", "/fullnameOverride"),
        (f"fullnameOverride={'n' * 64}", "/fullnameOverride"),
        ("nameOverride=foo.bar", "/nameOverride"),
        ("serviceAccount.name=Bad_Name", "/serviceAccount/name"),
        ("serviceAccount.annotations.a b=c", "/serviceAccount/annotations"),
        ("priorityClassName=Very High", "/priorityClassName"),
        ("imagePullSecrets[0].name=Reg Cred", "/imagePullSecrets/0/name"),
        ("catalog.existingConfigMap=a/b", "/catalog/existingConfigMap"),
        ("admissionPolicy.namespaceSelector.foo=bar", "/admissionPolicy/namespaceSelector"),
        ("admissionPolicy.namespaceSelector.matchExpressions[0].key=a", "namespaceSelector/matchExpressions/0"),
        ("admissionPolicy.allowedNamespaces={Team_A}", "/admissionPolicy/allowedNamespaces/0"),
        ("networkPolicy.metricsFrom[0].namespace=a", "/networkPolicy/metricsFrom/0"),
        ("networkPolicy.metricsFrom[0].podSelector.team=a", "/networkPolicy/metricsFrom/0/podSelector"),
        ("networkPolicy.extraEgress[0].port=443", "/networkPolicy/extraEgress/0"),
        ("affinity.foo=1", "/affinity"),
        ("nodeSelector.pool=a b", "/nodeSelector/pool"),
        ("podLabels.team=a/b", "/podLabels/team"),
        ("tolerations[0].operator=Equals", "/tolerations/0/operator"),
        ("tolerations[0].toleration=x", "/tolerations/0"),
        ("resources.limits.memory=512 MB", "/resources/limits/memory"),
        ("extraEnv[0].name=A=B", "/extraEnv/0/name"),
        ("extraEnv[0].nam=A", "/extraEnv/0"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(run_helm: HelmRun, value: str, named: str):
    result = run_helm("template", value)
    assert result.returncode != 0
    assert named in result.stderr
