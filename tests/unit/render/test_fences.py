"""What a patch may never make of a pod, however it is written, and what it may."""

from pathlib import Path
from typing import Any

import pytest

from gemma4_operator.api.read import InvalidResource, read_deployment
from gemma4_operator.render.fences import POD_FIELDS, PROJECTED_KINDS, VOLUME_KINDS
from gemma4_operator.render.patch import PatchError
from tests.hostile import Hostile, hostile
from tests.rendering import CLAIM, LLAMA_CPP, OLLAMA, ONE_OF_EACH, VLLM, walk, with_fields
from tests.restricted import violations

ENGINES = {"vllm": VLLM, "llama-server": LLAMA_CPP, "ollama": OLLAMA}
CASES = [(engine, name) for engine in ENGINES for name in hostile(engine)]


def patched(patch: dict[str, Any], base: dict[str, Any] = VLLM) -> dict[str, Any]:
    return walk(with_fields(base, podTemplatePatch=patch)).pod_spec


@pytest.mark.parametrize(("engine", "case"), CASES)
def test_a_hostile_patch_is_refused_where_it_is_hostile(engine: str, case: str) -> None:
    attempt: Hostile = hostile(engine)[case]
    with pytest.raises(PatchError) as caught:
        patched(attempt.patch, ENGINES[engine])
    assert caught.value.path == attempt.path
    assert caught.value.message.startswith("must ")
    assert caught.value.message.endswith(".")


HELPER = {"name": "helper", "image": "registry.test/helper:1"}
HARMLESS: dict[str, dict[str, Any]] = {
    "what is off may be said": {
        "hostNetwork": False, "hostPID": False, "hostIPC": False, "hostUsers": False, "serviceAccountName": "",
        "automountServiceAccountToken": False,
    },
    "users of its own": {"securityContext": {"runAsUser": 1000, "runAsGroup": 0, "supplementalGroups": [44]}},
    "a user of the engine's own": {"containers": [{"name": "vllm", "securityContext": {"runAsUser": 2000}}]},
    "a root file system to write to": {
        "containers": [{"name": "vllm", "securityContext": {"readOnlyRootFilesystem": False}}]
    },
    "a helper that says nothing of its fences": {"initContainers": [HELPER], "containers": [{**HELPER, "name": "b"}]},
    "a sidecar": {"initContainers": [{**HELPER, "restartPolicy": "Always"}]},
    "a helper on a low port": {
        "containers": [{**HELPER, "securityContext": {"capabilities": {"add": ["NET_BIND_SERVICE"]}}}]
    },
    "a profile of the node's": {
        "securityContext": {"seccompProfile": {"type": "Localhost", "localhostProfile": "engine.json"}}
    },
    "a safe setting of the kernel": {
        "securityContext": {"sysctls": [{"name": "net.ipv4.tcp_keepalive_time", "value": "60"}]}
    },
    "a level of SELinux": {"securityContext": {"seLinuxOptions": {"level": "s0:c1,c2", "type": "container_t"}}},
    "secrets and settings of the namespace": {
        "volumes": [
            {"name": "a", "secret": {"secretName": "a"}},
            {"name": "b", "projected": {"sources": [{"configMap": {"name": "b"}}, {"downwardAPI": {}}]}},
            {"name": "c", "csi": {"driver": "secrets-store.csi.k8s.io"}},
            {"name": "d", "image": {"reference": "registry.test/weights:1"}},
            {"name": "e", "ephemeral": {"volumeClaimTemplate": {}}},
        ]
    },
    "another scheduler, and a priority of the team's": {"schedulerName": "volcano", "priorityClassName": "production"},
    "a claim of devices": {"resourceClaims": [{"name": "gpu", "resourceClaimTemplateName": "gpu"}]},
    "names of other hosts": {"hostAliases": [{"ip": "10.0.0.1", "hostnames": ["hub"]}]},
    "a place away from its own like": {
        "affinity": {
            "podAntiAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": [
                    {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"namespaces": "a"}}}
                ]
            }
        }
    },
    "a day to end": {"terminationGracePeriodSeconds": 86_400},
    "containers that see each other": {"shareProcessNamespace": True},
    "another probe": {
        "containers": [{"name": "vllm", "livenessProbe": {"httpGet": {"path": "/health", "port": "http"}}}]
    },
    "null for what is not there": {"priority": None, "nodeName": None, "ephemeralContainers": None},
}  # fmt: skip


@pytest.mark.parametrize("case", HARMLESS)
def test_what_stays_inside_the_namespace_is_the_users_to_say(case: str) -> None:
    pod = patched({"spec": HARMLESS[case]})
    assert violations(pod) == []
    assert pod["automountServiceAccountToken"] is False


@pytest.mark.parametrize("field", ["initContainers", "containers"])
def test_a_container_of_the_patchs_own_starts_inside_the_fences(field: str) -> None:
    helper = next(one for one in patched({"spec": {field: [HELPER]}})[field] if one["name"] == "helper")
    assert helper == {
        **HELPER,
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }


@pytest.mark.parametrize("base", ONE_OF_EACH)
def test_without_a_patch_no_fence_is_in_the_way(base: str) -> None:
    assert patched({}, ONE_OF_EACH[base]) == walk(ONE_OF_EACH[base]).pod_spec


def test_volumes_that_the_standard_allows_are_all_there() -> None:
    for kind in VOLUME_KINDS:
        assert violations({**walk(CLAIM).pod_spec, "volumes": [{"name": "a", kind: {}}]}) == []
    assert "serviceAccountToken" not in PROJECTED_KINDS
    assert "ephemeralContainers" not in POD_FIELDS


def test_the_reference_lists_the_fields_that_may_be_set() -> None:
    page = Path("docs/reference/pod-template-patch.md").read_text()
    (row,) = [line for line in page.splitlines() if line.startswith("| containers,")]
    free, bounded = ([name.strip() for name in cell.split(",")] for cell in row.strip("| ").split("|"))
    # Free as a field, and looked at inside.
    inside = {"affinity", "securityContext", "volumes"}
    assert free == sorted(name for name, fence in POD_FIELDS.items() if not fence.must and name not in inside)
    assert bounded == sorted({name for name, fence in POD_FIELDS.items() if fence.must} | inside)
    _, kinds = page.split("\n  Volumes are ")
    assert kinds.split(";")[0].replace(" and ", ", ").split(", ") == list(VOLUME_KINDS)


DEEP: dict[str, Any] = {}
for _ in range(5000):
    DEEP = {"a": DEEP}


@pytest.mark.parametrize(
    ("patch", "must"),
    [
        ({"spec": DEEP}, "must have at most 32 levels of nesting"),
        ({"spec": {"hostAliases": [[[DEEP]]]}}, "must have at most 32 levels of nesting"),
        ({"spec": {"hostAliases": ["x" * 70_000]}}, "must have at most 65536 characters as JSON"),
        ({"metadata": {"labels": {f"l{n}": "" for n in range(9_000)}}}, "must have at most 65536 characters as JSON"),
    ],
    ids=["deep", "deep in lists", "long", "wide"],
)
def test_a_patch_that_is_too_much_is_refused_before_anybody_walks_it(patch: dict[str, Any], must: str) -> None:
    body = {"apiVersion": "gemma4.dev/v1alpha1", "kind": "Gemma4Deployment", "metadata": {"name": "chat"}}
    with pytest.raises(InvalidResource) as caught:
        read_deployment({**body, "spec": with_fields(VLLM, podTemplatePatch=patch)})
    assert str(caught.value) == f"spec.podTemplatePatch: {must}"
