"""Laws of the pod template patch."""

from copy import deepcopy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gemma4_operator.planner.uses import Use, uses_of
from gemma4_operator.render.merge import merged
from gemma4_operator.render.patch import PATH, PatchError, patched
from tests.rendering import OLLAMA, ONE_OF_EACH, walk

TEMPLATES = {name: walk(spec).template for name, spec in ONE_OF_EACH.items()}
BASES = st.sampled_from(sorted(TEMPLATES))
SCALARS = st.none() | st.booleans() | st.integers(0, 9) | st.sampled_from(["", "a", "http", "vllm", "cache"])
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["a", "name", "env", "ports", "volumes"]), inner, max_size=2)
    ),
    max_leaves=6,
)
NAMES = st.sampled_from(["vllm", "llama-server", "ollama", "bring-model", "cache", "tmp", "HOME", "x", "y"])


def items(identity: str, marks: st.SearchStrategy[Any], **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(st.fixed_dictionaries({identity: marks}, optional=fields), max_size=3)


RESOURCES = st.dictionaries(NAMES | st.just("nvidia.com/gpu"), st.sampled_from([1, "1", "2", None]), max_size=3)
CONTAINERS = items(
    "name",
    NAMES,
    image=st.sampled_from(["a", "b", None]),
    args=st.lists(st.sampled_from(["-a", "-b"]), max_size=2) | st.none(),
    env=items("name", NAMES, value=st.sampled_from(["1", "2"]), valueFrom=st.just({"secretKeyRef": {"name": "s"}})),
    ports=items("containerPort", st.sampled_from([8000, 9000]), name=st.sampled_from(["http", "web", None])),
    volumeMounts=items("mountPath", st.sampled_from(["/cache", "/x"]), name=NAMES, readOnly=st.booleans()),
    resources=st.fixed_dictionaries({}, optional={"limits": RESOURCES, "requests": RESOURCES}),
    restartPolicy=st.just("Always"),
    securityContext=st.dictionaries(st.sampled_from(["privileged", "runAsUser"]), st.sampled_from([True, 1, None])),
)
LABELS = st.dictionaries(
    st.sampled_from(["env", "ports", "team", "gemma4.dev/deployment", "app.kubernetes.io/name", "gemma4.dev/x"]),
    st.sampled_from(["chat", "gemma4", "x", None]),
)
PATCHES = st.fixed_dictionaries(
    {},
    optional={
        "metadata": st.fixed_dictionaries(
            {}, optional={"labels": LABELS | st.none(), "annotations": LABELS | st.none()}
        ),
        "spec": st.fixed_dictionaries(
            {},
            optional={
                "containers": CONTAINERS | st.none(),
                "initContainers": CONTAINERS,
                "volumes": items("name", NAMES, emptyDir=st.just({}), hostPath=st.just({"path": "/"})),
                "nodeSelector": LABELS,
                "tolerations": st.lists(st.just({"operator": "Exists"})) | st.none(),
                "hostNetwork": st.booleans(),
                "serviceAccountName": st.sampled_from(["", "admin", None]),
                "securityContext": st.dictionaries(
                    st.sampled_from(["fsGroup", "runAsUser"]), st.just(1000) | st.none()
                ),
            },
        ),
    },
)


def attempt(template: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any] | None:
    try:
        return patched(template, patch)
    except PatchError:
        return None


def refusal_of(template: dict[str, Any], patch: dict[str, Any]) -> str | None:
    try:
        patched(template, patch)
    except PatchError as error:
        return str(error)
    return None


@given(base=BASES)
def test_an_empty_patch_changes_nothing(base: str) -> None:
    for empty in ({}, {"spec": {}}, {"metadata": {}}, {"metadata": {"labels": {}}, "spec": {"containers": []}}):
        assert patched(TEMPLATES[base], empty) == TEMPLATES[base]


@given(base=BASES, patch=PATCHES)
@settings(deadline=None)
def test_patching_twice_is_patching_once(base: str, patch: dict[str, Any]) -> None:
    once = attempt(TEMPLATES[base], patch)
    if once is not None:
        # Without the guards, which know only the operator's own template and not one with helpers in it.
        assert merged(once, patch, path=PATH) == once


@given(base=BASES, patch=PATCHES)
@settings(deadline=None)
def test_neither_the_template_nor_the_patch_is_changed(base: str, patch: dict[str, Any]) -> None:
    template, before = deepcopy(TEMPLATES[base]), deepcopy(patch)
    attempt(template, patch)
    assert template == TEMPLATES[base]
    assert patch == before


@given(base=BASES, patch=PATCHES)
@settings(deadline=None)
def test_what_is_protected_never_changes(base: str, patch: dict[str, Any]) -> None:
    template = TEMPLATES[base]
    result = attempt(template, patch)
    if result is None:
        return
    assert template["metadata"]["labels"].items() <= result["metadata"]["labels"].items()
    assert not any(key.startswith("gemma4.dev/") for key in result["metadata"].get("annotations", {}))
    own = template["spec"]["containers"][0]
    engine = next(item for item in result["spec"]["containers"] if item["name"] == own["name"])
    assert engine["ports"][0] == own["ports"][0]
    named = [
        port for item in result["spec"]["containers"] for port in item.get("ports", ()) if port.get("name") == "http"
    ]
    assert len(named) == 1
    assert not result["spec"].get("hostNetwork")
    assert not result["spec"].get("serviceAccountName")
    assert not any("hostPath" in volume for volume in result["spec"]["volumes"])
    for container in (*result["spec"]["containers"], *result["spec"].get("initContainers", ())):
        assert not container.get("securityContext", {}).get("privileged")


@given(base=BASES, patch=PATCHES)
@settings(deadline=None)
def test_a_pod_takes_no_gpus_but_the_plans_whatever_the_patch(base: str, patch: dict[str, Any]) -> None:
    result = attempt(TEMPLATES[base], patch)
    if result is None:
        return

    def taken(template: dict[str, Any]) -> list[Use]:
        """What the scheduler counts."""
        return list(uses_of([{"spec": {**template["spec"], "nodeName": "a"}}]))

    (plans,) = taken(TEMPLATES[base])
    assert all(use.resource == plans.resource and use.gpus <= plans.gpus for use in taken(result))
    assert all(item["image"] for item in (*result["spec"]["containers"], *result["spec"].get("initContainers", ())))


@given(base=BASES, section=st.sampled_from(["metadata", "spec"]), content=st.dictionaries(
    st.sampled_from(["labels", "annotations", "containers", "initContainers", "volumes", "nodeSelector", "x"]),
    ANYTHING,
))  # fmt: skip
@settings(deadline=None)
def test_a_patch_of_any_shape_is_merged_or_refused_in_a_sentence(
    base: str, section: str, content: dict[str, Any]
) -> None:
    refusal = refusal_of(TEMPLATES[base], {section: content})
    assert refusal is None or (refusal.startswith("`spec.podTemplatePatch.") and refusal.endswith("."))


def test_the_templates_cover_pods_with_and_without_init_containers() -> None:
    assert "initContainers" in walk(OLLAMA).pod_spec
    assert any("initContainers" not in template["spec"] for template in TEMPLATES.values())
