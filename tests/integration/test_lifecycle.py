"""A Gemma4Deployment from its creation to its end: what appears, what follows an edit, what is repaired, what goes."""


import pytest

from gemma4_operator.runtime.world import CHILD_KINDS
from tests.cluster import Cluster, wait_for
from tests.integration.home import Home, condition, notes, sample

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("operator")]


class TestCreation:
    def test_children_appear_and_belong_to_the_resource(self, home: Home):
        home.create(sample("chat"))
        home.wait_ready("chat")
        uid = home.resource("chat")["metadata"]["uid"]
        for kind in CHILD_KINDS:
            (owner,) = home.child(kind, "chat")["metadata"]["ownerReferences"]
            assert (owner["kind"], owner["name"], owner["uid"]) == ("Gemma4Deployment", "chat", uid)
            assert owner["controller"]
            assert owner["blockOwnerDeletion"]

    @pytest.mark.parametrize("engine", ["LlamaCpp", "VLLM", "Ollama"])
    def test_every_engine_becomes_ready(self, home: Home, engine: str):
        home.create(sample("chat", engine=engine))
        home.wait_ready("chat")
        assert home.resource("chat")["status"]["plan"]["engine"] == engine

    def test_kubectl_waits_for_readiness_and_shows_the_columns(self, home: Home, cluster: Cluster):
        home.create(sample("chat"))
        cluster.kubectl("wait", "--for=condition=Ready", "g4d/chat", "-n", home.namespace, "--timeout=30s")
        header, row = cluster.kubectl("get", "g4d", "-n", home.namespace).stdout.splitlines()
        assert header.split() == ["NAME", "MODEL", "GPU", "READY", "REPLICAS", "REASON", "AGE"]
        assert row.split()[:-1] == ["chat", "E2B", "1x", "any", "True", "1/1", "Ready"]

    def test_kubectl_shows_more_when_asked_for(self, home: Home, cluster: Cluster):
        home.create(sample("chat"))
        home.wait_ready("chat")
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
        assert notes(home.events("chat"), "ChildrenApplied") == ["Created Deployment, Service, PodDisruptionBudget."]

    def test_no_replicas_are_a_finished_state(self, home: Home):
        home.create(sample("chat", replicas=0))
        ready = home.wait_reason("chat", "ScaledToZero")
        assert ready["status"] == "True"
        assert home.deployment("chat")["spec"]["replicas"] == 0
        assert condition(home.resource("chat"), "Available")["status"] == "False"
        home.edit("chat", replicas=1)
        home.wait_ready("chat")
