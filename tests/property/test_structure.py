"""No text of a spec is ever more than a text: whatever stands in a field, the rendered objects keep their structure.

Which fields hold texts is read from the CRD's schema, so a new one is looked at without anybody thinking of it.
"""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gemma4_operator.api.common import TEMPLATE_LABEL
from gemma4_operator.api.crd import deployment_crd
from gemma4_operator.api.read import InvalidResource, read_deployment
from gemma4_operator.planner.plan import Rejection
from gemma4_operator.planner.replicas import first_replicas
from gemma4_operator.planner.serving import serving
from gemma4_operator.render.render import render
from tests.rendering import CATALOG, ENGINES, OWNER, Rendered, plan_of, walk
from tests.restricted import violations

BODY = {"apiVersion": "gemma4.dev/v1alpha1", "kind": "Gemma4Deployment", "metadata": {"name": "chat"}}
SECRETS = {"huggingFaceToken": {"name": "hub", "key": "token"}, "imagePullSecrets": [{"name": "registry"}]}
PLACEMENT = {
    "gpuProducts": ["NVIDIA-H200"],
    "nodeSelector": {"pool": "gpu"},
    "tolerations": [{"key": "pool", "value": "gpu"}],
    "runtimeClassName": "nvidia",
}
BASES: dict[str, dict[str, Any]] = {
    "vllm": {
        "model": {
            "variant": "31B",
            "quantization": "FP8",
            "checkpoint": {"huggingFace": {"repository": "team/tuned", "revision": "v1"}, "sizeBytes": 33_000_000_000},
            "adapters": [{"name": "support", "claim": {"claimName": "runs", "path": "v1"}, "rank": 8}],
        },
        "engine": {
            "image": "registry.example.com/vllm-openai:v0.33.0",
            "extraArgs": ["--enforce-eager"],
            "env": [{"name": "A", "value": "1"}],
        },
        "objectives": {"maximumHourlyCost": "9999", "allowedLicences": ["Apache-2.0", "unknown"]},
        "placement": PLACEMENT,
        "cache": {"claim": {"size": "100Gi", "storageClassName": "fast"}},
        "secrets": {**SECRETS, "apiKey": {"name": "chat", "key": "key"}},
        "endpoint": {"servedModelName": "chat"},
    },
    "llama.cpp from a claim": {
        "model": {
            "variant": "E4B",
            "quantization": "Q4_K_M",
            "checkpoint": {"claim": {"claimName": "weights", "path": "e4b.gguf", "projectorPath": "mmproj.gguf"}},
        },
        "capabilities": {"modalities": ["Text", "Image"]},
        "engine": {"type": "LlamaCpp", "extraArgs": ["--verbose"], "env": [{"name": "A", "value": "1"}]},
        "placement": PLACEMENT,
    },
    "ollama": {
        "model": {
            "variant": "26B-A4B",
            "quantization": "Q4_K_M",
            "checkpoint": {"ollama": {"name": "gemma4", "tag": "26b-a4b-it-q4_K_M"}},
        },
        "engine": {"env": [{"name": "A", "value": "1"}]},
        "endpoint": {"servedModelName": "chat"},
    },
    "ollama from a claim": {
        "model": {
            "variant": "E2B",
            "quantization": "Q4_K_M",
            "checkpoint": {"claim": {"claimName": "weights", "path": "e2b.gguf"}},
        },
        "engine": {"type": "Ollama"},
    },
    "nim": {
        "model": {"variant": "31B", "quantization": "BF16"},
        "engine": {"type": "NIM", "extraArgs": ["--enforce-eager"], "env": [{"name": "A", "value": "1"}]},
        "secrets": {"ngcApiKey": {"name": "ngc", "key": "key"}},
        "endpoint": {"servedModelName": "chat"},
    },
}
Path = tuple[str | int, ...]
KEY = "{key}"
"""Stands in a path for the one key of a map, whose words are the user's as well."""


def texts(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the path of every text in a spec."""
    match value:
        case dict():
            for key, item in value.items():
                if path[-1:] == ("nodeSelector",):
                    yield (*path, KEY)
                yield from texts(item, (*path, key))
        case list():
            for index, item in enumerate(value):
                yield from texts(item, (*path, index))
        case str():
            yield path


def free_texts(schema: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of every text that may be any; lists and maps are as their fields."""
    if schema["type"] == "string" and "enum" not in schema:
        yield path
    for name, field in schema.get("properties", {}).items():
        yield from free_texts(field, (*path, name))
    for inner in ("items", "additionalProperties"):
        if inner in schema:
            yield from free_texts(schema[inner], path)


def fields_of(path: Path) -> tuple[str, ...]:
    """Return a path without what counts items and names keys."""
    words = [step for step in path if isinstance(step, str) and step != KEY]
    return tuple(words[: words.index("nodeSelector") + 1] if "nodeSelector" in words else words)


SPEC_SCHEMA = deployment_crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
FREE = set(free_texts(SPEC_SCHEMA))
PLACES = [(base, path) for base, spec in BASES.items() for path in texts(spec) if fields_of(path) in FREE]
HOSTILE = [
    "{{ 7 * 7 }}", "{% for x in y %}", "{# x #}", '!json "x"', "!!python/object:os.system", "a: b", "a\nb: c", "- a",
    '"\n  hostNetwork: true\n', "'", '"', "\\", "\\u0000", "&a", "*a", "# a", "---", "...", "null", "true", "1", "~",
    "", " ", "%", "|", ">", "@", "`id`", "$(id)", "$(HF_TOKEN)", "${HOME}", "; reboot", "&& reboot", "| sh", "-x",
    "--port=1", "--api-key", "../../etc/passwd", "/etc/passwd", "..", "a/../b", "a\tb", "a\rb", "a\x00b", "\x1b[31m",
    "\x85", "\u2028", "\u202e", "\ufeff", "😀", "é", "a" * 5000, '{"a": 1}', "[1]", '","x":"', "x\n---\nkind: Pod",
    "kube-system/x", "a:b@c",
]  # fmt: skip


def put(spec: dict[str, Any], path: Path, text: str) -> dict[str, Any]:
    """Return a spec with another text in one place."""
    result = deepcopy(spec)
    holder: Any = result
    for step in path[:-1]:
        holder = holder[step]
    if path[-1] == KEY:
        (value,) = holder.values()
        holder.clear()
        holder[text] = value
    else:
        holder[path[-1]] = text
    return result


def rendered(spec: dict[str, Any]) -> Rendered | str:
    """Walk the whole way; a text where somebody says in a sentence that it cannot be."""
    try:
        wanted = read_deployment({**BODY, "spec": spec}).spec
    except InvalidResource as refusal:
        return f"{refusal}."
    plan = plan_of(spec)
    if isinstance(plan, Rejection):
        return plan.message
    pod = ENGINES[plan.engine].pod(serving(plan, wanted, CATALOG.models[plan.variant]))
    *claims, deployment, service, budget = render(
        owner=OWNER, spec=wanted, plan=plan, pod=pod, replicas=first_replicas(wanted)
    )
    return Rendered(plan=plan, pod=pod, claims=tuple(claims), deployment=deployment, service=service, budget=budget)


def shape(value: Any) -> Any:
    """Return an object's keys, the lengths of its lists and the types of its values; of a selector, how many it has."""
    match value:
        case dict():
            return {key: len(item) if key == "nodeSelector" else shape(item) for key, item in value.items()}
        case list():
            return [shape(item) for item in value]
        case _:
            return type(value).__name__


def fixed(result: Rendered) -> Any:
    """Return what no text of a spec may change at all; of the labels, all but the hash of the rest."""
    pod, metadata = result.pod_spec, result.template["metadata"]
    labels = {key: value for key, value in metadata["labels"].items() if key != TEMPLATE_LABEL}
    containers = [*pod["containers"], *pod.get("initContainers", ())]
    identity = ("host", "service", "automount", "securityContext")
    return (
        [(obj["apiVersion"], obj["kind"], obj["metadata"] | {"annotations": None}) for obj in result.objects.values()],
        {**metadata, "labels": labels},
        [(one["name"], one.get("command"), one["securityContext"]) for one in containers],
        {key: value for key, value in pod.items() if key.startswith(identity)},
        result.service["spec"]["selector"],
    )


PLAIN = {base: walk(spec) for base, spec in BASES.items()}


def check_structure(base: str, path: Path, text: str) -> None:
    result = rendered(put(BASES[base], path, text))
    if isinstance(result, str):
        assert "spec." in result
        assert result.endswith("."), result
        return
    assert shape(list(result.objects.values())) == shape(list(PLAIN[base].objects.values()))
    assert fixed(result) == fixed(PLAIN[base])
    assert violations(result.pod_spec) == []


def test_every_text_of_the_schema_has_a_place_here() -> None:
    assert {fields_of(path) for _, path in PLACES} == FREE


@pytest.mark.parametrize(("base", "path"), PLACES, ids=lambda value: value if isinstance(value, str) else "")
def test_no_text_that_means_something_elsewhere_means_anything_here(base: str, path: Path) -> None:
    for text in HOSTILE:
        check_structure(base, path, text)


@given(place=st.sampled_from(PLACES), text=st.text(max_size=30))
@settings(deadline=None)
def test_nor_does_any_other(place: tuple[str, Path], text: str) -> None:
    base, path = place
    check_structure(base, path, text)


@pytest.mark.parametrize("text", [text for text in HOSTILE if text])
def test_what_may_hold_any_text_holds_this_one_unchanged(text: str) -> None:
    value = put(BASES["vllm"], ("engine", "env", 0, "value"), text)
    argument = put(BASES["vllm"], ("engine", "extraArgs", 0), f"a{text}"[:4096])
    assert walk(value).engine["env"][-1] == {"name": "A", "value": text}
    assert walk(argument).engine["args"][-1] == f"a{text}"[:4096]


def test_the_script_that_brings_a_model_is_the_same_for_all() -> None:
    scripts = {tuple(walk(BASES[base]).pod_spec["initContainers"][0]["command"]) for base in BASES if "ollama" in base}
    assert len(scripts) == 1


@pytest.mark.parametrize("base", ["vllm", "ollama", "llama.cpp from a claim"])
def test_so_are_those_of_probes_and_of_the_end(base: str) -> None:
    """What differs are words of their own, behind the script."""
    places: list[Path] = [path for path in texts(BASES[base]) if path[-1] in ("servedModelName", "name", "path")]
    found = {scripts_of(walk(BASES[base]))}
    for path in places:
        result = rendered(put(BASES[base], path, "other"))
        found |= {scripts_of(result)} if isinstance(result, Rendered) else set()
    assert len(found) == 1
    assert found != {()}


def scripts_of(result: Rendered) -> tuple[tuple[str, ...], ...]:
    probe = result.engine["startupProbe"].get("exec", {}).get("command", ())
    hook = result.engine["lifecycle"]["preStop"].get("exec", {}).get("command", ())
    return tuple(tuple(command[:3]) for command in (probe, hook) if command)
