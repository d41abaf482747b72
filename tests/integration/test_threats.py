"""A resource's author is no administrator: hostile resources, and hostile objects beside harmless ones.

On a real API server; docs/reference/threat-model.md has a row for each of these tests.
"""

import json
import secrets
from functools import partial
from typing import Any

import pytest

from gemma4_operator.kube.kinds import DEPLOYMENT, POD, SERVICE, Kind
from gemma4_operator.render.labels import MANAGED_BY, MANAGED_BY_LABEL, labels
from gemma4_operator.runtime.world import CHILD_KINDS, GEMMA4_DEPLOYMENT
from tests.cluster import Cluster, audit, wait_for
from tests.cluster.fakenodes import FAULT_LABEL
from tests.hostile import hostile
from tests.integration.home import Home, condition, faulty, sample
from tests.integration.objects import NAMESPACE_PATH, Object, Refused
from tests.integration.operating import SYSTEM, OperatorProcess, account
from tests.integration.policies import restricted_pod
from tests.integration.test_truth import INIT_CONTAINER

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("operator")]

TELLING = {"gemma4deployments/status", "events"}
"""Writes that change nothing but what is said."""


def written(cluster: Cluster, *, since: int) -> set[tuple[str, str]]:
    """Return what the operator has written since: namespaces and resources."""
    events = cluster.audit_events(since)
    ours = [event for event in events if event["user"]["username"] == account() and event["verb"] in audit.WRITES]
    found = set()
    for event in ours:
        reference = event["objectRef"]
        resource = "/".join(filter(None, (reference["resource"], reference.get("subresource"))))
        found.add((reference.get("namespace", ""), resource))
    return found - {(SYSTEM, "leases")}


def homes(home: Home) -> set[str]:
    """Return the namespaces of the tests before that still end, which no hostile patch can know by name."""
    namespaces = home.objects.request("GET", NAMESPACE_PATH)["items"]
    return {one["metadata"]["name"] for one in namespaces if one["metadata"]["name"].startswith("home-")}


class TestHostileResources:
    def test_no_hostile_patch_makes_anything(self, home: Home, cluster: Cluster):
        patches = list(hostile("llama-server").values())
        before = homes(home) - {home.namespace}
        offset = cluster.audit_offset()
        home.create(*(sample(f"h{n}", podTemplatePatch=attempt.patch) for n, attempt in enumerate(patches)))
        for number, attempt in enumerate(patches):
            ready = home.wait_reason(f"h{number}", "InvalidSpec")
            assert ready["message"].startswith(f"`{attempt.path}` must "), attempt.patch
        made = {(name, resource) for name, resource in written(cluster, since=offset) if name not in before}
        assert {name for name, _ in made} == {home.namespace}
        assert {resource for _, resource in made} <= TELLING
        assert not any(home.objects.list(kind, home.namespace) for kind in (*CHILD_KINDS, POD))

    @pytest.mark.parametrize(
        "spec",
        [
            {"model": {"checkpoint": {"claim": {"claimName": "w", "path": "../../etc"}}}},
            {"model": {"checkpoint": {"claim": {"claimName": "w", "path": "/etc"}}}},
            {"model": {"checkpoint": {"claim": {"claimName": "kube-system/w"}}}},
            {"model": {"checkpoint": {"huggingFace": {"repository": "--port=1/x"}}}},
            {"model": {"checkpoint": {"huggingFace": {"repository": "a/b", "revision": "-rf"}}}},
            {"model": {"checkpoint": {"ollama": {"name": "$(id)"}}}},
            {"model": {"adapters": [{"name": "a/../..", "claim": {"claimName": "w", "path": "a"}, "rank": 8}]}},
            {"engine": {"image": "registry.test/a:1; reboot"}},
            {"engine": {"env": [{"name": "A=B", "value": "1"}]}},
            {"engine": {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}}]}},
            {"endpoint": {"servedModelName": "$(HF_TOKEN)"}},
            {"placement": {"nodeSelector": {"a b": "c"}}},
            {"placement": {"runtimeClassName": "../runc"}},
            {"secrets": {"apiKey": {"name": "other/chat", "key": "key"}}},
            {"cache": {"claim": {"size": "1Gi\n  volumeName: other"}}},
        ],
        ids=lambda spec: json.dumps(spec)[:60],
    )
    def test_the_api_server_itself_refuses_what_reaches_out(self, home: Home, spec: dict[str, Any]):
        resource = sample("chat")
        for section, value in spec.items():
            resource["spec"][section] = {**resource["spec"].get(section, {}), **value}
        with pytest.raises(Refused) as refused:
            home.objects.apply(GEMMA4_DEPLOYMENT, home.namespace, resource, manager="author")
        assert refused.value.code in (422, 500), refused.value
        assert f"spec.{next(iter(spec))}" in str(refused.value)

    @pytest.mark.parametrize("name", ["Chat", "chat/../other", "kube-system.chat", "chat\n", "1chat", "c" * 64])
    def test_no_name_reaches_another_object(self, home: Home, name: str):
        with pytest.raises(Refused):
            home.create(sample(name))

    def test_one_resource_that_is_nested_too_deep_blinds_nobody(
        self, home: Home, other_home: Home, operator: OperatorProcess
    ):
        # Through kubectl alone: Python itself would not read the answers.
        depth = 3000
        body = json.dumps(sample("deep", podTemplatePatch={"spec": {"affinity": "HERE"}}))
        deep = '{"a":' * depth + "1" + "}" * depth
        kubectl = partial(home.cluster.kubectl, "-n", home.namespace)
        kubectl("create", "-f", "-", stdin=body.replace('"HERE"', deep))
        message = """jsonpath={.status.conditions[?(@.type=="Ready")].message}"""
        told = wait_for(lambda: kubectl("get", "g4d", "deep", "-o", message).stdout, 20, "a word about it")
        assert told == "spec.podTemplatePatch: must have at most 32 levels of nesting."
        other_home.create(sample("chat"))
        other_home.wait_ready("chat")
        assert operator.alive()
        kubectl("delete", "g4d", "deep")

    def test_pods_have_no_token_whoever_patches_them(self, home: Home):
        helper = {**INIT_CONTAINER, "name": "helper"}
        home.create(sample("chat", podTemplatePatch={"spec": {"initContainers": [helper], "hostUsers": False}}))
        wait_for(home.pods, 20, "a pod")
        (pod,) = home.pods()
        assert "serviceAccountToken" not in json.dumps(pod["spec"])
        assert pod["spec"]["automountServiceAccountToken"] is False
        mounts = [mount["mountPath"] for one in pod["spec"]["containers"] for mount in one["volumeMounts"]]
        assert not [path for path in mounts if "serviceaccount" in path]


class TestStrangers:
    def test_a_strangers_pod_with_our_labels_says_nothing_of_us(self, home: Home):
        home.create(sample("chat", podTemplatePatch=faulty("NeverReady")))
        home.wait_reason("chat", "StillStarting")
        pod = restricted_pod("intruder")
        pod["metadata"]["labels"] = {**labels("chat"), FAULT_LABEL: "OOMKilled"}
        home.objects.create(POD, home.namespace, pod)
        wait_for(lambda: _restarted(home, "intruder"), 20, "the intruder to fail")
        ready = home.wait_reason("chat", "StillStarting")
        assert ready["message"].startswith("1 of 1 waiting pods load the weights, ")
        home.wait_quiet(seconds=0.5)
        assert home.ready("chat")["message"] == ready["message"]

    def test_a_strangers_pod_that_names_a_replica_set_is_collected(self, home: Home):
        home.create(sample("chat"))
        home.wait_ready("chat")
        pod = restricted_pod("chat-forged")
        pod["metadata"] |= {
            "labels": {**labels("chat"), FAULT_LABEL: "OOMKilled"},
            "ownerReferences": [_controller("apps/v1", "ReplicaSet", "chat-0000", secrets.token_hex(16))],
        }
        home.objects.create(POD, home.namespace, pod)
        wait_for(lambda: home.objects.get(POD, home.namespace, "chat-forged") is None, 60, "the end of the forged pod")
        home.wait_ready("chat")

    def test_a_strangers_deployment_of_our_name_and_labels_is_not_taken_for_ours(self, home: Home):
        own = {"app": "other"}
        pod = restricted_pod("a")["spec"]
        stranger = {
            "apiVersion": DEPLOYMENT.api_version,
            "kind": DEPLOYMENT.kind,
            "metadata": {"name": "chat", "labels": labels("chat")},
            "spec": {
                "replicas": 2,
                "selector": {"matchLabels": own},
                "template": {"metadata": {"labels": own}, "spec": pod},
            },
        }
        home.objects.create(DEPLOYMENT, home.namespace, stranger)
        wait_for(lambda: home.deployment("chat").get("status", {}).get("readyReplicas") == 2, 20, "its pods")
        home.create(sample("chat"))
        home.wait_reason("chat", "NameConflict")
        status = home.resource("chat")["status"]
        assert (status["serving"], status["readyReplicas"], status["replicas"]) == ("0/1", 0, 0)
        assert condition(home.resource("chat"), "Available")["status"] == "False"

    def test_an_object_of_another_resource_is_not_taken_over(self, home: Home):
        home.create(sample("other", replicas=0))
        home.wait_ready("other")
        theirs = home.resource("other")["metadata"]["uid"]
        service = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {
                "name": "chat",
                "labels": {MANAGED_BY_LABEL: MANAGED_BY},
                "ownerReferences": [
                    _controller(GEMMA4_DEPLOYMENT.api_version, GEMMA4_DEPLOYMENT.kind, "other", theirs)
                ],
            },
            "spec": {"selector": {"app": "other"}, "ports": [{"port": 80}]},
        }
        home.objects.create(SERVICE, home.namespace, service)
        home.create(sample("chat"))
        home.wait_reason("chat", "NameConflict")
        assert home.service("chat")["spec"]["selector"] == {"app": "other"}

    def test_a_claim_of_somebodys_own_is_not_taken_for_a_cache(self, home: Home):
        claims = Kind(group="", version="v1", kind="PersistentVolumeClaim", plural="persistentvolumeclaims")
        spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
        body = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "chat"}, "spec": spec}
        before = home.objects.create(claims, home.namespace, body)
        home.create(sample("chat", cache={"claim": {"size": "10Gi"}}))
        home.wait_reason("chat", "NameConflict")
        after = home.child(claims, "chat")
        assert (after["metadata"]["uid"], after["spec"]["resources"]) == (
            before["metadata"]["uid"],
            spec["resources"],
        )
        assert home.objects.get(DEPLOYMENT, home.namespace, "chat") is None


def _controller(api_version: str, kind: str, name: str, uid: str) -> Object:
    return {"apiVersion": api_version, "kind": kind, "name": name, "uid": uid, "controller": True}


def _restarted(home: Home, name: str) -> bool:
    pod = home.objects.get(POD, home.namespace, name) or {}
    return any(one.get("restartCount") for one in pod.get("status", {}).get("containerStatuses", ()))
