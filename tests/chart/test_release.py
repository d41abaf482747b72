"""A release from its installation to its end, by the real Helm on a real API server, with models that serve meanwhile.

The operator's pod is played by KWOK, since no node here pulls its image; the operator itself runs as a process with the
rights of the account that Helm has installed. tests/e2e/test_release.py runs the pod for real.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gemma4_operator.kube.kinds import POD, Kind
from gemma4_operator.runtime.world import GEMMA4_DEPLOYMENT
from hack.manifests import CHART, NAMESPACE, RELEASE
from tests.chart.releases import EARLIER, SECOND, Helm, Object
from tests.cluster import Cluster, wait_for
from tests.integration.home import Home, is_ready, sample, without_noise
from tests.integration.objects import Objects, Refused
from tests.integration.operating import CRD, Kubelet, Operators, account

pytestmark = pytest.mark.cluster

NOWHERE = "watch.namespaces={nowhere}"
SERVICE_ACCOUNT = Kind(group="", version="v1", kind="ServiceAccount", plural="serviceaccounts")


@pytest.fixture(scope="module")
def own_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster without the operator: releases come and go here, and take the kind Gemma4Deployment with them."""
    with Cluster.start(name="releases", root=tmp_path_factory.mktemp("cluster")) as running:
        running.add_fake_nodes(2)
        yield running


@pytest.fixture
def releases(own_cluster: Cluster, helm: Path, tmp_path: Path) -> Iterator[Helm]:
    made = Helm(helm, own_cluster, tmp_path)
    yield made
    made.forget()


@pytest.fixture
def team(own_cluster: Cluster, releases: Helm) -> Iterator[Home]:
    """A team's namespace."""
    admin = Objects(own_cluster.kubeconfig)
    home = Home(own_cluster, admin, own_cluster.namespace(prefix="team"))
    yield home
    home.end()
    admin.close()


@pytest.fixture
def operators(own_cluster: Cluster, tmp_path: Path) -> Iterator[Operators]:
    made = Operators(own_cluster, tmp_path)
    yield made
    made.end()


def identities(home: Home) -> Object:
    """Return what must not be made anew: the children without their status, and which pods there are."""
    pods = {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in home.pods()}
    return {**home.children("chat"), "uid": home.resource("chat")["metadata"]["uid"], "pods": pods}


def wishes(home: Home) -> Object:
    """Return the resource as its author wrote it."""
    resource = without_noise(home.resource("chat"))
    assert resource is not None
    return resource


def test_models_serve_through_an_upgrade_and_a_rollback(releases: Helm, team: Home, operators: Operators):
    releases.install(EARLIER)
    first = operators.new(lease="gemma4-operator", resync_seconds=5).wait_leading()
    team.create(sample("chat"))
    team.wait_ready("chat")
    before, wished = identities(team), wishes(team)

    releases.upgrade(replicas=2)
    assert "autoscaling:" in releases.manifest(), "the upgrade brings the CRD of the newer chart"
    second = operators.new(lease="gemma4-operator", resync_seconds=5)
    first.stop()
    second.wait_leading()
    since = team.cluster.audit_offset()
    team.wait_resync(since=since)
    team.wait_ready("chat")
    assert (identities(team), wishes(team)) == (before, wished)

    releases.rollback(1)
    assert "autoscaling:" not in releases.manifest()
    since = team.cluster.audit_offset()
    team.wait_resync(since=since)
    team.wait_ready("chat")
    assert (identities(team), wishes(team)) == (before, wished)
    second.must_be_steady(ever=True)


def test_after_an_upgrade_the_operator_does_what_the_newer_crd_offers(releases: Helm, team: Home, operators: Operators):
    releases.install(EARLIER)
    autoscaled = sample("chat", autoscaling={"minReplicas": 1, "maxReplicas": 2})
    autoscaled["spec"].pop("replicas", None)
    with pytest.raises(Refused, match="autoscaling"):
        team.objects.apply(GEMMA4_DEPLOYMENT, team.namespace, autoscaled, manager="author")
    releases.upgrade()
    operators.new().wait_leading()
    # The API server takes a moment to go by a CRD that has changed.
    wait_for(
        lambda: team.objects.apply(GEMMA4_DEPLOYMENT, team.namespace, autoscaled, manager="author"),
        20,
        "the API server to know the newer CRD",
        retry_on=(Refused,),
    )
    team.wait_ready("chat")


def test_a_rollback_drops_what_the_older_crd_has_not(releases: Helm, team: Home, operators: Operators):
    releases.install(EARLIER)
    releases.upgrade()
    newer = operators.new().wait_leading()

    def is_kept() -> bool:
        # The API server takes a moment to go by a CRD that has changed, and drops what it does not know.
        team.objects.apply(GEMMA4_DEPLOYMENT, team.namespace, autoscaled, manager="author")
        return "autoscaling" in team.resource("chat")["spec"]

    autoscaled = sample("chat", replicas=1, autoscaling={"minReplicas": 2, "maxReplicas": 2})
    wait_for(is_kept, 20, "the API server to know the newer CRD", retry_on=(Refused,))
    team.wait_ready("chat")
    assert team.deployment("chat")["spec"]["replicas"] == 2
    releases.rollback(1)
    wait_for(lambda: "autoscaling" not in team.resource("chat")["spec"], 20, "the API server to serve the older CRD")
    newer.stop()
    operators.new().wait_leading()
    wait_for(lambda: team.deployment("chat")["spec"]["replicas"] == 1, 20, "the operator to go by what is left")


def test_two_replicas_are_spread_and_guarded_and_may_be_one_again(releases: Helm, own_cluster: Cluster):
    releases.install(replicas=2)
    pods = own_cluster.get("pods", namespace=NAMESPACE, selector="app.kubernetes.io/name=gemma4-operator")["items"]
    assert len({pod["spec"]["nodeName"] for pod in pods}) == 2
    budget = own_cluster.get("poddisruptionbudget", "gemma4-operator", NAMESPACE)

    def allowed() -> bool:
        status = own_cluster.get("poddisruptionbudget", "gemma4-operator", NAMESPACE).get("status", {})
        return bool(status.get("expectedPods") == 2 and status.get("disruptionsAllowed") == 1)

    assert budget["spec"]["maxUnavailable"] == 1
    wait_for(allowed, 20, "the budget to see both pods")
    releases.upgrade(replicas=1)
    assert own_cluster.get("poddisruptionbudgets", namespace=NAMESPACE)["items"] == []


def test_uninstalled_it_leaves_kind_and_models_and_takes_them_up_again(
    releases: Helm, team: Home, operators: Operators
):
    releases.install()
    running = operators.new(resync_seconds=5).wait_leading()
    team.create(sample("chat"))
    team.wait_ready("chat")
    before = identities(team)
    running.stop()
    assert CRD in releases.uninstall(), "Helm says what it keeps"
    assert identities(team) == before
    left = team.objects.list(SERVICE_ACCOUNT, NAMESPACE)
    assert [one["metadata"]["name"] for one in left] == ["default"]
    releases.install()
    operators.new(resync_seconds=5).wait_leading()
    since = team.cluster.audit_offset()
    team.wait_resync(since=since)
    assert identities(team) == before


def test_with_keep_off_uninstalling_takes_the_kind_and_every_model(releases: Helm, team: Home, operators: Operators):
    releases.install(**{"crds.keep": False})
    # It finds nobody's children any more once a kind is gone that it has never known.
    team.wait_collector()
    running = operators.new().wait_leading()
    team.create(sample("chat"))
    team.wait_ready("chat")
    running.stop()
    releases.uninstall()
    assert team.cluster.kubectl("get", "crd", CRD, check=False).returncode != 0
    # The garbage collector takes what belonged to it.
    wait_for(lambda: not team.objects.list(POD, team.namespace), 90, "the end of the model's pods")


class TestSomeNamespaces:
    """With `watch.namespaces`: the operator works in them with their Roles alone, and sees nothing else."""

    def test_it_serves_its_own_and_asks_for_nothing_beyond(self, releases: Helm, team: Home, operators: Operators):
        other = Home(team.cluster, team.objects, team.cluster.namespace(prefix="other"))
        watched = (team.namespace, "gemma4-system")
        team.cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        since = team.cluster.audit_offset()
        releases.install(**{"watch.namespaces": list(watched)})
        team.wait_collector()
        running = operators.new(resync_seconds=5, watch_namespaces=",".join(watched)).wait_leading()
        for home in (other, team):
            home.create(sample("chat", autoscaling={"minReplicas": 1, "maxReplicas": 2}))
        team.wait_ready("chat")
        team.delete("chat")
        team.wait_gone("chat")
        team.create(sample("chat"))
        team.wait_ready("chat")
        team.wait_resync(since=team.cluster.audit_offset())
        assert other.resource("chat")["status"] == {"observedGeneration": -1}, "the default, which nobody has touched"
        asked = [event for event in team.cluster.audit_events(since) if event["user"]["username"] == account()]
        assert [event["requestURI"] for event in asked if event["responseStatus"]["code"] == 403] == []
        things = [event["objectRef"] for event in asked if "resource" in event.get("objectRef", {})]
        assert {thing.get("namespace", "") for thing in things} == {*watched, ""}
        outside = {thing["resource"] for thing in things if "namespace" not in thing}
        assert outside == {"nodes", "namespaces", "customresourcedefinitions"}
        running.must_be_steady()
        other.end()

    def test_a_kind_that_goes_and_comes_again_is_waited_for(self, releases: Helm, team: Home, operators: Operators):
        """By the same process, or by the next where a watch has told of the end before anything else did."""
        releases.install(**{"watch.namespaces": [team.namespace]})
        running = operators.new(resync_seconds=5, watch_namespaces=team.namespace).wait_leading()
        kubelet = Kubelet(running)
        team.cluster.kubectl("delete", "crd", CRD)
        kubelet.wait_for(lambda: "install the CRD" in running.whole_log(), 60, "a word about the missing kind")
        releases.upgrade(**{"watch.namespaces": [team.namespace]})
        team.create(sample("chat"))
        kubelet.wait_for(lambda: is_ready(team.resource("chat")), 60, "the model to serve")
        running.must_be_steady(ever=True)

    def test_one_of_its_namespaces_may_go_and_come_again(self, releases: Helm, team: Home, operators: Operators):
        """With it goes its Role: the others are listed as ever, and it is one of them again with the next upgrade."""
        fleeting = Home(team.cluster, team.objects, team.cluster.namespace(prefix="fleeting"))
        watched = [fleeting.namespace, team.namespace]
        releases.install(**{"watch.namespaces": watched})
        team.wait_collector()
        running = operators.new(resync_seconds=5, watch_namespaces=",".join(watched)).wait_leading()
        fleeting.create(sample("chat"))
        fleeting.wait_ready("chat")
        team.cluster.delete_namespace(fleeting.namespace, wait=True)
        team.create(sample("chat"))
        team.wait_ready("chat")
        team.wait_resync(since=team.cluster.audit_offset())
        wait_for(lambda: f"'{fleeting.namespace}' is left out" in running.log(), 20, "a word about the namespace")
        wait_for(lambda: fleeting.namespace not in running.metrics(), 20, "its resource to be forgotten")

        team.cluster.kubectl("create", "namespace", fleeting.namespace)
        releases.upgrade(**{"watch.namespaces": watched})
        fleeting.create(sample("chat"))
        fleeting.wait_ready("chat", timeout_seconds=60)
        wait_for(lambda: f"'{fleeting.namespace}' is worked in again" in running.log(), 20, "another word about it")
        running.must_be_steady()
        fleeting.end()

    def test_one_that_is_gone_keeps_none_from_a_new_process(self, releases: Helm, team: Home, operators: Operators):
        fleeting = Home(team.cluster, team.objects, team.cluster.namespace(prefix="fleeting"))
        watched = [fleeting.namespace, team.namespace]
        releases.install(**{"watch.namespaces": watched})
        team.cluster.delete_namespace(fleeting.namespace, wait=True)
        running = operators.new(resync_seconds=5, watch_namespaces=",".join(watched)).wait_leading()
        team.create(sample("chat"))
        team.wait_ready("chat")
        running.must_be_steady()

    def test_where_its_role_is_taken_away_models_stay_and_are_taken_up_again(
        self, releases: Helm, team: Home, operators: Operators
    ):
        """A new process knows nothing of the namespace, and then all at once: no pod is missed or made anew."""
        releases.install(**{"watch.namespaces": [NAMESPACE, team.namespace]})
        watched = f"{NAMESPACE},{team.namespace}"
        first = operators.new(watch_namespaces=watched).wait_leading()
        team.create(sample("chat"))
        team.wait_ready("chat")
        before, status = identities(team), team.resource("chat")["status"]
        first.stop()
        team.cluster.kubectl("delete", "role", RELEASE, "-n", team.namespace)
        second = operators.new(resync_seconds=5, watch_namespaces=watched).wait_leading()
        left_out = f"'{team.namespace}' is left out: a permission is missing"
        wait_for(lambda: left_out in second.log(), 20, "a word about the namespace")
        releases.upgrade(**{"watch.namespaces": [NAMESPACE, team.namespace]})
        wait_for(lambda: f"'{team.namespace}' is worked in again" in second.log(), 20, "a word about the namespace")
        team.wait_resync(since=team.cluster.audit_offset())
        assert (identities(team), team.resource("chat")["status"]) == (before, status)
        second.must_be_steady()

    def test_a_namespace_that_does_not_exist_is_named(self, releases: Helm):
        result = releases.run("install", RELEASE, str(CHART), "--create-namespace", "--set", NOWHERE, check=False)
        assert result.returncode != 0
        assert 'namespaces "nowhere" not found' in result.stderr


class TestTwoReleases:
    """Each with namespaces of its own; the CRD belongs to the first, as docs/guides/install.md says."""

    def _second(self, releases: Helm, namespace: str, *sets: str, check: bool = True) -> str:
        values = [word for value in (f"watch.namespaces={{{namespace}}}", *sets) for word in ("--set", value)]
        result = releases.run("install", SECOND, str(CHART), "--wait", "--timeout", "240s", *values, check=check)
        return result.stderr

    def test_a_second_one_that_brings_the_crd_too_is_refused(self, releases: Helm, team: Home):
        releases.install(**{"watch.namespaces": ["default"]})
        said = self._second(releases, team.namespace, check=False)
        assert CRD in said
        assert "exists and cannot be imported into the current release" in said

    def test_each_serves_its_own_namespace(self, releases: Helm, team: Home, operators: Operators):
        other = Home(team.cluster, team.objects, team.cluster.namespace(prefix="other"))
        releases.install(**{"watch.namespaces": [team.namespace]})
        self._second(releases, other.namespace, "crds.enabled=false")
        team.wait_collector()
        for release, home in ((RELEASE, team), (SECOND, other)):
            operators.new(account=release, lease=release, watch_namespaces=home.namespace).wait_leading()
        for home in (team, other):
            home.create(sample("chat"))
        for home in (team, other):
            home.wait_ready("chat")
        operators.end()
        releases.run("uninstall", SECOND, "--wait", "--timeout", "240s")
        assert is_ready(other.resource("chat")), "the CRD and the models of the other stay"
        other.end()


def test_an_upgrade_that_is_refused_changes_nothing(releases: Helm):
    releases.install()
    before = releases.manifest()
    result = releases.run("upgrade", RELEASE, str(CHART), "--set", "operator.workers=0", check=False)
    assert result.returncode != 0
    assert "/operator/workers" in result.stderr
    assert releases.manifest() == before
