"""Laws of the fences: what gets through is restricted by another reading of it, and takes no identity."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gemma4_operator.render.patch import PatchError, patched
from tests.hostile import hostile
from tests.rendering import ONE_OF_EACH, walk
from tests.restricted import violations

TEMPLATES = {name: walk(spec).template for name, spec in ONE_OF_EACH.items()}
WORDS = [
    "add", "allowPrivilegeEscalation", "annotations", "appArmorProfile", "automountServiceAccountToken", "capabilities",
    "containers", "csi", "drop", "emptyDir", "ephemeralContainers", "finalizers", "host", "hostIPC", "hostNetwork",
    "hostPID", "hostPath", "hostPort", "hostProcess", "hostUsers", "httpGet", "image", "initContainers", "labels",
    "lifecycle", "livenessProbe", "metadata", "name", "nfs", "nodeName", "path", "ports", "postStart", "preStop",
    "priorityClassName", "privileged", "procMount", "projected", "readinessProbe", "runAsNonRoot", "runAsUser",
    "seLinuxOptions", "seccompProfile", "secret", "securityContext", "serviceAccount", "serviceAccountName",
    "serviceAccountToken", "shareProcessNamespace", "sources", "startupProbe", "sysctls", "tcpSocket", "type",
    "volumeMounts", "volumes", "windowsOptions",
]  # fmt: skip
VALUES = st.sampled_from(
    [
        None, True, False, 0, 1, 1000, 8000, 0.0, "", "ALL", "Default", "Localhost", "NET_ADMIN", "RuntimeDefault",
        "SYS_ADMIN", "Unconfined", "Unmasked", "cache", "helper", "llama-server", "ollama", "spc_t", "system-x", "vllm",
    ]
)  # fmt: skip
TREES = st.recursive(
    VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=12,
)
SECURITY = st.fixed_dictionaries(
    {},
    optional={
        "allowPrivilegeEscalation": VALUES,
        "privileged": VALUES,
        "runAsUser": VALUES,
        "runAsNonRoot": VALUES,
        "procMount": VALUES,
        "capabilities": st.fixed_dictionaries(
            {}, optional={"add": st.lists(VALUES, max_size=2) | VALUES, "drop": st.lists(VALUES, max_size=2) | VALUES}
        ) | VALUES,
        "seccompProfile": st.fixed_dictionaries({}, optional={"type": VALUES}) | VALUES,
        "appArmorProfile": st.fixed_dictionaries({}, optional={"type": VALUES}) | VALUES,
        "seLinuxOptions": st.fixed_dictionaries({}, optional={"type": VALUES, "user": VALUES}) | VALUES,
    },
)  # fmt: skip
CONTAINERS = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from(["vllm", "llama-server", "ollama", "bring-model", "helper"])},
        optional={
            "securityContext": SECURITY | TREES,
            "livenessProbe": TREES,
            "lifecycle": TREES,
            "ports": st.lists(
                st.fixed_dictionaries({"containerPort": st.sampled_from([8000, 9000])}, optional={"hostPort": VALUES}),
                max_size=2,
            ),
        },
    ),
    max_size=3,
)
VOLUMES = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from(["cache", "tmp", "mine"])},
        optional={
            "emptyDir": TREES,
            "hostPath": TREES,
            "projected": st.fixed_dictionaries({"sources": st.lists(TREES, max_size=2)}) | TREES,
        },
    ),
    max_size=3,
)
SPECS = st.builds(
    lambda parts, rest: {**rest, **parts},
    st.fixed_dictionaries(
        {},
        optional={
            "containers": CONTAINERS | TREES,
            "initContainers": CONTAINERS | TREES,
            "volumes": VOLUMES | TREES,
            "securityContext": SECURITY | TREES,
        },
    ),
    st.dictionaries(st.sampled_from(WORDS), TREES, max_size=3),
)
METADATA = st.dictionaries(st.sampled_from(["labels", "annotations", "finalizers", "name"]), TREES, max_size=2)
ONE_FIELD = st.dictionaries(
    st.sampled_from([word for word in WORDS if word not in ("containers", "initContainers", "volumes")]),
    VALUES | st.lists(VALUES, max_size=2) | st.dictionaries(st.just("type"), VALUES, max_size=1),
    min_size=1,
    max_size=1,
)
NEARLY_HARMLESS = st.one_of(
    ONE_FIELD,
    st.builds(lambda field: {"securityContext": field}, ONE_FIELD),
    st.builds(
        lambda name, list_name, field: {list_name: [{"name": name, "securityContext": field}]},
        st.sampled_from(["vllm", "helper"]),
        st.sampled_from(["containers", "initContainers"]),
        ONE_FIELD,
    ),
    st.builds(lambda field: {"volumes": [{"name": "mine", **field}]}, ONE_FIELD),
    st.builds(lambda field: {"volumes": [{"name": "mine", "projected": {"sources": [field]}}]}, ONE_FIELD),
)
"""One field in a place where it may matter: of wilder patches something is refused nearly always."""
PATCHES = st.builds(lambda spec: {"spec": spec}, NEARLY_HARMLESS) | st.fixed_dictionaries(
    {}, optional={"spec": SPECS, "metadata": METADATA}
)


def attempt(template: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any] | PatchError:
    try:
        return patched(template, patch)
    except PatchError as refusal:
        return refusal


@given(base=st.sampled_from(sorted(TEMPLATES)), patch=PATCHES)
@settings(deadline=None)
def test_whatever_gets_through_is_restricted_and_nobody_else(base: str, patch: dict[str, Any]) -> None:
    result = attempt(TEMPLATES[base], patch)
    if isinstance(result, PatchError):
        assert result.path.startswith("spec.podTemplatePatch.")
        assert result.message.endswith(".")
        return
    pod = result["spec"]
    assert violations(pod) == []
    assert pod["automountServiceAccountToken"] is False
    assert not any(pod.get(field) for field in ("serviceAccountName", "serviceAccount", "nodeName", "hostUsers"))
    assert "ephemeralContainers" not in pod
    assert not str(pod.get("priorityClassName", "")).startswith("system-")
    assert "serviceAccountToken" not in repr([volume.get("projected") for volume in pod.get("volumes", ())])
    assert result["metadata"].keys() <= {"labels", "annotations"}
    assert TEMPLATES[base]["metadata"]["labels"].items() <= result["metadata"]["labels"].items()


@given(
    case=st.sampled_from(sorted(hostile("vllm"))),
    rest=st.dictionaries(st.sampled_from(["hostname", "dnsPolicy", "tolerations", "affinity"]), TREES, max_size=3),
)
@settings(deadline=None)
def test_nothing_beside_it_makes_a_hostile_patch_harmless(case: str, rest: dict[str, Any]) -> None:
    patch = deepcopy(hostile("vllm")[case].patch)
    with pytest.raises(PatchError):
        patched(TEMPLATES["vllm"], {**patch, "spec": {**rest, **patch.get("spec", {})}})
