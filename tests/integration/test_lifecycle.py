"""A Gemma4Deployment from its creation to its end: what appears, what follows an edit, what is repaired, what goes."""

from typing import Any

import pytest

from gemma4_operator.kube.kinds import DEPLOYMENT, POD, POD_DISRUPTION_BUDGET, SERVICE, Kind
from gemma4_operator.render.hash import HASH_ANNOTATION
from gemma4_operator.render.labels import MANAGED_BY, MANAGED_BY_LABEL, OWNER_LABEL, labels
from gemma4_operator.runtime.world import USUAL_KINDS
from gemma4_operator.status.reasons import Reason
from tests.cluster import Cluster, wait_for
from tests.cluster.fakenodes import FAULT_LABEL
from tests.integration.home import Home, condition, names, notes, sample, without_noise
from tests.integration.objects import Object
from tests.integration.operating import OperatorProcess

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("operator")]

REVISION = "deployment.kubernetes.io/revision"
PLURALS = {kind.kind: kind.plural for kind in USUAL_KINDS}
TELLING = {"gemma4deployments/status", "events"}
"""Writes that change nothing but what is said."""
RESTRICTED_CONTAINER: Object = {
    "runAsNonRoot": True,
    "runAsUser": 1000,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


def spoken(children: dict[str, Object | None]) -> dict[str, Any]:
    """Return what the children say, without how often they were changed."""

    def text(metadata: Object) -> Object:
        annotations = {key: value for key, value in metadata.get("annotations", {}).items() if key != REVISION}
        return {**metadata, "generation": None, "annotations": annotations}

    return {kind: child and {**child, "metadata": text(child["metadata"])} for kind, child in children.items()}


def settled(home: Home, kind: Kind) -> bool:
    """Whether the controllers of a stranger's object have looked at it."""
    found = home.child(kind, "chat")
    return kind == SERVICE or found.get("status", {}).get("observedGeneration") == found["metadata"]["generation"]


class TestCreation:
    def test_children_appear_and_belong_to_the_resource(self, home: Home):
        home.create(sample("chat"))
        home.wait_ready("chat")
        uid = home.resource("chat")["metadata"]["uid"]
        for kind in USUAL_KINDS:
            (owner,) = home.child(kind, "chat")["metadata"]["ownerReferences"]
            assert (owner["kind"], owner["name"], owner["uid"]) == ("Gemma4Deployment", "chat", uid)
            assert owner["controller"]
            assert owner["blockOwnerDeletion"]

    @pytest.mark.parametrize("engine", ["LlamaCpp", "VLLM", "Ollama"])
    def test_every_engine_becomes_ready(self, home: Home, engine: str):
        home.create(sample("chat", on=engine))
        home.wait_ready("chat")
        assert home.resource("chat")["status"]["plan"]["engine"] == engine

    def test_kubectl_waits_for_readiness_and_shows_the_columns(self, home: Home, cluster: Cluster):
        home.create(sample("chat"))
        cluster.kubectl("wait", "--for=condition=Ready", "g4d/chat", "-n", home.namespace, "--timeout=240s")
        header, row = cluster.kubectl("get", "g4d", "-n", home.namespace).stdout.splitlines()
        assert header.split() == ["NAME", "MODEL", "GPU", "READY", "REPLICAS", "REASON", "AGE"]
        assert row.split()[:-1] == ["chat", "E2B", "1x", "NVIDIA-H100-80GB-HBM3", "True", "1/1", "Ready"]
        header, row = cluster.kubectl("get", "g4d", "-n", home.namespace, "-o", "wide").stdout.splitlines()
        assert header.split()[-4:] == ["ENGINE", "QUANTIZATION", "ENDPOINT", "MESSAGE"]
        assert f"LlamaCpp   Q4_K_M         http://chat.{home.namespace}.svc:8000/v1   1 of 1 replicas serve." in row

    def test_the_service_finds_the_pod(self, home: Home):
        home.create(sample("chat"))
        home.wait_ready("chat")
        wanted = home.service("chat")["spec"]["selector"]
        (pod,) = home.pods()
        assert wanted.items() <= pod["metadata"]["labels"].items()
        (port,) = home.service("chat")["spec"]["ports"]
        (container,) = pod["spec"]["containers"]
        assert port["targetPort"] in [given["name"] for given in container["ports"]]

    def test_events_tell_what_was_made_and_that_it_serves(self, home: Home):
        home.create(sample("chat"))
        home.wait_ready("chat")
        wait_for(lambda: notes(home.events("chat"), "Ready"), 5, "the event that says Ready")
        made = wait_for(lambda: notes(home.events("chat"), "ChildrenApplied"), 5, "the event that says what was made")
        assert made == ["Created Deployment, Service, PodDisruptionBudget."]

    def test_no_replicas_are_a_finished_state(self, home: Home):
        home.create(sample("chat", replicas=0))
        ready = home.wait_reason("chat", "ScaledToZero")
        assert ready["status"] == "True"
        assert home.deployment("chat")["spec"]["replicas"] == 0
        assert condition(home.resource("chat"), "Available")["status"] == "False"
        home.edit("chat", replicas=1)
        home.wait_ready("chat")


class TestEdits:
    def test_kubectl_scales(self, home: Home, cluster: Cluster):
        home.create(sample("chat"))
        home.wait_ready("chat")
        cluster.kubectl("scale", "g4d/chat", "-n", home.namespace, "--replicas=3")
        home.wait_ready("chat")
        assert home.resource("chat")["status"]["serving"] == "3/3"
        assert len(home.pods()) == 3

    @pytest.mark.parametrize(
        ("spec", "changed"),
        [
            ({"replicas": 4}, {"Deployment", "PodDisruptionBudget"}),
            ({"endpoint": {"port": 9000}}, {"Service"}),
            ({"endpoint": {"serviceType": "NodePort"}}, {"Service"}),
            ({"endpoint": {"servedModelName": "gemma"}}, {"Deployment"}),
            ({"disruption": {"minAvailablePercent": 100}}, {"Deployment", "PodDisruptionBudget"}),
            ({"capabilities": {"contextTokens": 4096}}, {"Deployment"}),
            ({"engine": {"image": "registry.test/llama:1"}}, {"Deployment"}),
            ({"engine": {"env": [{"name": "A", "value": "1"}]}}, {"Deployment"}),
            ({"placement": {"nodeSelector": {"kubernetes.io/os": "linux"}}}, {"Deployment"}),
            ({"podTemplatePatch": {"metadata": {"annotations": {"team": "a"}}}}, {"Deployment"}),
            ({"model": {"quantization": "Q8_0"}}, {"Deployment"}),
            ({"update": {"strategy": "Surge", "onOperatorUpgrade": "Roll"}}, set()),
            ({"suspend": True}, set()),
        ],
        ids=lambda value: ",".join(sorted(value)),
    )
    def test_an_edit_changes_the_children_it_must_and_no_others(self, home: Home, spec: Object, changed: set[str]):
        home.create(sample("chat", replicas=0))
        home.wait_reason("chat", "ScaledToZero")
        offset, before = home.wait_quiet(seconds=0.3), home.children("chat")
        home.edit("chat", **spec)
        home.wait_observed("chat")
        after = home.children("chat")
        assert {kind for kind in after if after[kind] != before[kind]} == changed
        assert set(home.writes(since=offset)) - TELLING == {PLURALS[kind] for kind in changed}

    def test_a_field_that_is_taken_away_goes_from_the_child(self, home: Home):
        home.create(sample("chat", replicas=0, engine={"env": [{"name": "A", "value": "1"}]}))
        home.wait_reason("chat", "ScaledToZero")
        home.edit("chat", engine={"env": None})
        home.wait_observed("chat")
        (container,) = home.deployment("chat")["spec"]["template"]["spec"]["containers"]
        assert "A" not in {variable["name"] for variable in container["env"]}


class TestSuspension:
    def test_a_suspended_resource_changes_nothing_and_tells_the_truth(self, home: Home):
        home.create(sample("chat"))
        home.wait_ready("chat")
        home.edit("chat", suspend=True)
        home.wait_observed("chat")
        before = home.children("chat")
        home.edit("chat", replicas=2, endpoint={"port": 9000})
        ready = home.wait_reason("chat", "Suspended")
        assert ready["status"] == "False"
        assert "Deployment, Service" in ready["message"]
        assert home.children("chat") == before
        # The status stays fresh: what serves still counts.
        (pod,) = home.pods()
        home.patch(POD, pod["metadata"]["name"], {"metadata": {"labels": {FAULT_LABEL: "NeverReady"}}})
        wait_for(lambda: home.resource("chat")["status"]["readyReplicas"] == 0, 10, "the status to see the pod fail")
        home.patch(POD, pod["metadata"]["name"], {"metadata": {"labels": {FAULT_LABEL: None}}})
        home.edit("chat", suspend=False)
        home.wait_ready("chat")
        assert home.resource("chat")["status"]["serving"] == "2/2"
        assert home.service("chat")["spec"]["ports"][0]["port"] == 9000

    def test_a_resource_born_suspended_makes_nothing_until_it_is_resumed(self, home: Home):
        home.create(sample("chat", suspend=True))
        home.wait_reason("chat", "Suspended")
        assert home.children("chat") == dict.fromkeys(PLURALS)
        home.edit("chat", suspend=None)
        home.wait_ready("chat")


LOST_LABELS = {"metadata": {"labels": {MANAGED_BY_LABEL: None}}}
BY_HAND: dict[str, tuple[Kind, Object]] = {
    "image": (DEPLOYMENT, {"spec": {"template": {"spec": {"containers": [{"name": "llama-server", "image": "a:1"}]}}}}),
    "replicas": (DEPLOYMENT, {"spec": {"replicas": 2}}),
    "argument": (
        DEPLOYMENT,
        {"spec": {"template": {"spec": {"containers": [{"name": "llama-server", "args": ["a"]}]}}}},
    ),
    "toleration": (DEPLOYMENT, {"spec": {"template": {"spec": {"tolerations": None}}}}),
    "deployment's hash": (DEPLOYMENT, {"metadata": {"annotations": {HASH_ANNOTATION: None}}}),
    "deployment's managed-by": (DEPLOYMENT, LOST_LABELS),
    "deployment's owner label": (DEPLOYMENT, {"metadata": {"labels": {OWNER_LABEL: None}}}),
    "deployment's owner label given away": (DEPLOYMENT, {"metadata": {"labels": {OWNER_LABEL: "other"}}}),
    "all of a deployment's labels": (DEPLOYMENT, {"metadata": {"labels": {MANAGED_BY_LABEL: None, OWNER_LABEL: None}}}),
    "service's target": (SERVICE, {"spec": {"ports": [{"port": 8000, "targetPort": 1}]}}),
    "service's port": (SERVICE, {"spec": {"ports": [{"$patch": "replace"}, {"name": "http", "port": 9000}]}}),
    "service's selector": (SERVICE, {"spec": {"selector": {OWNER_LABEL: "other"}}}),
    "service's hash": (SERVICE, {"metadata": {"annotations": {HASH_ANNOTATION: None}}}),
    "service's managed-by": (SERVICE, LOST_LABELS),
    "budget": (POD_DISRUPTION_BUDGET, {"spec": {"maxUnavailable": 5}}),
    "budget's kind": (POD_DISRUPTION_BUDGET, {"spec": {"maxUnavailable": None, "minAvailable": 1}}),
    "budget's managed-by": (POD_DISRUPTION_BUDGET, LOST_LABELS),
}


class TestRepair:
    @pytest.mark.parametrize("kind", USUAL_KINDS, ids=lambda kind: kind.kind)
    def test_a_child_deleted_by_hand_comes_back(self, home: Home, kind: Kind):
        home.create(sample("chat", replicas=0))
        home.wait_ready("chat")
        before = home.child(kind, "chat")["metadata"]["uid"]
        home.delete("chat", kind=kind)

        def is_new() -> bool:
            found = home.objects.get(kind, home.namespace, "chat")
            return found is not None and found["metadata"]["uid"] != before

        wait_for(is_new, 10, f"a new {kind.kind}")
        home.wait_ready("chat")

    @pytest.mark.parametrize("case", BY_HAND)
    def test_what_is_changed_by_hand_is_repaired(self, home: Home, case: str):
        kind, patch = BY_HAND[case]
        home.create(sample("chat", replicas=0))
        home.wait_ready("chat")
        before = home.children("chat")
        changed = {kind.kind: without_noise(home.patch(kind, "chat", patch))}
        assert spoken(changed) != spoken({kind.kind: before[kind.kind]})
        wait_for(
            lambda: spoken(home.children("chat")) == spoken(before),
            10,
            lambda: f"the repair of {kind.kind}: {home.child(kind, 'chat')}; {home.ready('chat')}",
        )
        # A suspended resource is ready only if nothing waits to be changed: so the operator knows of its repair.
        home.edit("chat", suspend=True)
        home.wait_ready("chat")

    def test_a_port_that_was_changed_by_hand_still_follows_the_spec(self, home: Home):
        home.create(sample("chat", replicas=0))
        home.wait_ready("chat")
        kind, patch = BY_HAND["service's port"]
        home.patch(kind, "chat", patch)
        wait_for(lambda: [port["port"] for port in home.service("chat")["spec"]["ports"]] == [8000], 10, "port 8000")
        home.edit("chat", endpoint={"port": 7000})
        wait_for(lambda: [port["port"] for port in home.service("chat")["spec"]["ports"]] == [7000], 10, "port 7000")
        assert {entry["operation"] for entry in home.service("chat")["metadata"]["managedFields"]} == {"Apply"}

    def test_what_others_added_is_kept(self, home: Home):
        home.create(sample("chat"))
        home.wait_ready("chat")
        sidecar = {"name": "sidecar", "image": "registry.test/sidecar:1", "securityContext": RESTRICTED_CONTAINER}
        mark = {"metadata": {"labels": {"team": "a"}, "annotations": {"note": "b"}}}
        home.patch(DEPLOYMENT, "chat", {**mark, "spec": {"template": {**mark, "spec": {"containers": [sidecar]}}}})
        home.patch(SERVICE, "chat", {**mark, "spec": {"ports": [{"name": "more", "port": 9090}]}})
        home.patch(POD_DISRUPTION_BUDGET, "chat", mark)
        with_additions = home.children("chat")
        offset = home.cluster.audit_offset()
        home.wait_resync(since=offset)
        assert set(home.writes(since=offset)) <= TELLING
        assert spoken(home.children("chat")) == spoken(with_additions)
        # A write of ours leaves it all in place as well.
        home.edit("chat", replicas=2, endpoint={"port": 9000})
        home.wait_ready("chat")
        for kind in USUAL_KINDS:
            assert mark["metadata"]["labels"].items() <= home.child(kind, "chat")["metadata"]["labels"].items()
            assert (
                mark["metadata"]["annotations"].items() <= home.child(kind, "chat")["metadata"]["annotations"].items()
            )
        template = home.deployment("chat")["spec"]["template"]
        assert {container["name"] for container in template["spec"]["containers"]} == {"llama-server", "sidecar"}
        assert template["metadata"]["labels"]["team"] == "a"
        assert {port["port"] for port in home.service("chat")["spec"]["ports"]} == {9000, 9090}


class TestQuiet:
    def test_nothing_is_written_while_nothing_differs(self, home: Home, operator: OperatorProcess):
        odd = {
            "metadata": {"labels": {"team": "a"}, "annotations": {}},
            "spec": {
                "nodeSelector": {},
                "hostAliases": [],
                "topologySpreadConstraints": [],
                "priority": None,
                "shareProcessNamespace": False,
                "dnsPolicy": "ClusterFirst",
                "containers": [
                    {
                        "name": "llama-server",
                        "resources": {
                            "limits": {"memory": "8192Mi", "cpu": "1000m"},
                            "requests": {"memory": "1024Mi", "cpu": "0.5", "ephemeral-storage": "1e9"},
                        },
                        "envFrom": [],
                        "tty": False,
                        "workingDir": "",
                    }
                ],
                "volumes": [{"name": "more", "emptyDir": {"sizeLimit": "1024Mi", "medium": ""}}],
            },
        }
        taints = [{"key": "a", "operator": "Exists", "tolerationSeconds": 0, "effect": "NoExecute"}]
        home.create(
            sample("chat"),
            sample("vllm", on="VLLM"),
            sample("ollama", on="Ollama"),
            sample("odd", podTemplatePatch=odd, placement={"tolerations": taints}),
            sample("none", replicas=0),
            sample("idle", suspend=True),
            sample("lost", model={"variant": "12B", "quantization": "Q4_0"}, engine={}),
            sample("huge", placement={"gpusPerReplica": 16}),
            sample("elsewhere", placement={"gpuProducts": ["NVIDIA-L40S"]}),
            sample("guarded", podTemplatePatch={"spec": {"hostNetwork": True}}),
        )
        home.wait_ready("chat", "vllm", "ollama", "odd")
        reasons = {"none": "ScaledToZero", "idle": "Suspended", "lost": "NoCheckpoint", "huge": "Infeasible"}
        for name, reason in {**reasons, "elsewhere": "NodeSelectorMismatch", "guarded": "InvalidSpec"}.items():
            home.wait_reason(name, reason)
        offset = home.wait_quiet()
        home.wait_resync(since=offset)
        assert not home.writes(since=offset)
        # Nor does a new process write, which knows nothing of what an earlier one did.
        operator.kill()
        offset = home.cluster.audit_offset()
        operator.start().wait_leading()
        home.wait_resync(since=home.cluster.audit_offset())
        assert not home.writes(since=offset)


@pytest.mark.usefixtures("collector")
class TestDeletion:
    @pytest.mark.parametrize("cascade", ["background", "foreground"])
    def test_a_deleted_resource_takes_everything_with_it(self, home: Home, cluster: Cluster, cascade: str):
        home.create(sample("chat", replicas=2))
        home.wait_ready("chat")
        cluster.kubectl("delete", "g4d/chat", "-n", home.namespace, f"--cascade={cascade}", "--timeout=240s")
        home.wait_gone("chat")
        home.wait_quiet(seconds=0.5)
        home.wait_gone("chat", timeout_seconds=0)

    def test_what_is_deleted_while_nobody_works_is_gone_when_somebody_does(
        self, home: Home, other_home: Home, operator: OperatorProcess
    ):
        home.create(sample("chat"))
        other_home.create(sample("chat", replicas=0), sample("idle", suspend=True))
        home.wait_ready("chat")
        other_home.wait_ready("chat")
        operator.kill()
        home.delete("chat")
        other_home.end()
        home.wait_gone("chat")
        wait_for(other_home.is_gone, 30, "the end of the namespace")
        operator.start().wait_leading()
        home.wait_quiet(seconds=0.5)
        home.wait_gone("chat", timeout_seconds=0)
        assert other_home.is_gone()

    def test_a_namespace_deleted_under_the_operators_eyes_ends(self, home: Home, operator: OperatorProcess):
        home.create(*(sample(name, replicas=0) for name in names(3)))
        home.wait_ready(*names(3))
        home.end()
        wait_for(home.is_gone, 30, "the end of the namespace")
        assert operator.readyz() == (200, "leading")

    def test_a_resource_recreated_at_once_is_served_anew(self, home: Home):
        home.create(sample("chat"))
        home.wait_ready("chat")
        old = {kind: child["metadata"]["uid"] for kind, child in home.children("chat").items() if child}
        home.delete("chat")
        home.create(sample("chat", replicas=2))
        home.wait_ready("chat")
        new = {kind: child["metadata"]["uid"] for kind, child in home.children("chat").items() if child}
        assert new.keys() == old.keys()
        assert not set(new.values()) & set(old.values())
        assert home.resource("chat")["status"]["serving"] == "2/2"

    def test_what_a_predecessor_left_is_waited_for_and_called_no_strangers(self, home: Home):
        home.create(sample("chat", replicas=0))
        home.wait_ready("chat")
        home.patch(SERVICE, "chat", {"metadata": {"finalizers": ["test.example/stays"]}})
        home.delete("chat")
        home.create(sample("chat", replicas=0))
        said = "Service 'chat' of an earlier object of this name is being removed."
        wait_for(lambda: home.ready("chat").get("message") == said, 10, lambda: f"'{said}'; {home.ready('chat')}")
        assert home.ready("chat")["reason"] == "Progressing"
        assert condition(home.resource("chat"), "Reconciling")["status"] == "True"
        home.patch(SERVICE, "chat", {"metadata": {"$deleteFromPrimitiveList/finalizers": ["test.example/stays"]}})
        home.wait_ready("chat")
        assert not notes(home.events("chat"), "NameConflict")


def foreign(kind: Kind) -> Object:
    """Return a stranger's object that is called `chat`."""
    labels = {"app": "other"}
    pod = {
        "securityContext": {},
        "containers": [{"name": "a", "image": "a:1", "securityContext": RESTRICTED_CONTAINER}],
    }
    specs: dict[str, Object] = {
        "Deployment": {
            "replicas": 0,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
        "Service": {"selector": labels, "ports": [{"port": 80}]},
        "PodDisruptionBudget": {"selector": {"matchLabels": labels}, "maxUnavailable": 1},
    }
    return {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": {"name": "chat", "labels": labels},
        "spec": specs[kind.kind],
    }


def with_labels(obj: Object, labels: dict[str, str]) -> Object:
    """Return an object with further labels."""
    return obj | {"metadata": obj["metadata"] | {"labels": obj["metadata"]["labels"] | labels}}


STRANGERS: dict[str, tuple[Kind, Object]] = {
    "a Deployment": (DEPLOYMENT, foreign(DEPLOYMENT)),
    "a Service": (SERVICE, foreign(SERVICE)),
    "a PodDisruptionBudget": (POD_DISRUPTION_BUDGET, foreign(POD_DISRUPTION_BUDGET)),
    "a Deployment with our label": (DEPLOYMENT, with_labels(foreign(DEPLOYMENT), {MANAGED_BY_LABEL: MANAGED_BY})),
    "a Service with all our labels": (SERVICE, with_labels(foreign(SERVICE), labels("chat"))),
}


class TestStrangers:
    @pytest.mark.parametrize("case", STRANGERS)
    def test_a_strangers_object_is_never_touched_and_gives_way_when_it_goes(self, home: Home, case: str):
        kind, stranger = STRANGERS[case]
        home.objects.create(kind, home.namespace, stranger)
        wait_for(lambda: settled(home, kind), 10, f"the controllers to be done with {case}")
        before, offset = without_noise(home.child(kind, "chat")), home.cluster.audit_offset()
        home.create(sample("chat", replicas=0))
        ready = home.wait_reason("chat", "NameConflict")
        assert ready["status"] == "False"
        assert f"{kind.kind} 'chat' exists and does not belong to this object" in ready["message"]
        assert ready["message"].endswith(Reason.NAME_CONFLICT.advice)
        assert condition(home.resource("chat"), "Stalled")["status"] == "True"
        told = wait_for(lambda: notes(home.events("chat"), "NameConflict"), 5, "the event that says NameConflict")
        assert told == [ready["message"]]
        assert without_noise(home.child(kind, "chat")) == before
        assert kind.plural not in home.writes(since=offset)
        home.delete("chat", kind=kind)
        home.wait_reason("chat", "ScaledToZero", timeout_seconds=30)
        assert condition(home.resource("chat"), "Stalled") == {}

    @pytest.mark.parametrize("kind", [SERVICE, POD_DISRUPTION_BUDGET], ids=lambda kind: kind.kind)
    def test_a_strangers_object_without_a_selector_is_never_touched(self, home: Home, kind: Kind):
        stranger = foreign(kind)
        stranger["spec"].pop("selector")
        if kind == SERVICE:
            stranger["spec"]["ports"][0]["name"] = "web"
        home.objects.create(kind, home.namespace, stranger)
        wait_for(lambda: settled(home, kind), 10, f"the controllers to be done with the {kind.kind}")
        before, offset = without_noise(home.child(kind, "chat")), home.cluster.audit_offset()
        home.create(sample("chat", replicas=0))
        home.wait_observed("chat")
        assert without_noise(home.child(kind, "chat")) == before
        assert kind.plural not in home.writes(since=offset)

    def test_a_resource_that_goes_leaves_the_stranger_behind(self, home: Home):
        before = home.objects.create(SERVICE, home.namespace, foreign(SERVICE))
        home.create(sample("chat"))
        home.wait_reason("chat", "NameConflict")
        home.delete("chat")
        wait_for(lambda: home.objects.get(DEPLOYMENT, home.namespace, "chat") is None, 20, "the end of the Deployment")
        assert home.child(SERVICE, "chat") == before
