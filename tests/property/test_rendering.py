"""Laws of the walk from a spec to objects, on specs of all sorts."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gemma4_operator.api.common import Variant
from gemma4_operator.planner.plan import Plan
from gemma4_operator.render.labels import match_labels
from tests.rendering import CATALOG, OWNER, plan_of, walk
from tests.restricted import violations

WORDS = st.text(max_size=40).filter(lambda text: text.isprintable() or "\n" in text)
NAMES = st.from_regex(r"\A[_A-Za-z][_A-Za-z0-9]{0,20}\Z").map(lambda name: f"X_{name}")
LABEL_VALUES = st.from_regex(r"\A([A-Za-z0-9]([-._A-Za-z0-9]{0,20}[A-Za-z0-9])?)?\Z")
TOLERATIONS = st.fixed_dictionaries({"key": st.sampled_from(["a", "b"]), "value": LABEL_VALUES})


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a spec that some plan serves, with texts of all sorts wherever the API lets them in."""
    variant, quantization = draw(
        st.sampled_from([(row.variant, row.quantization) for row in CATALOG.checkpoints if row.preferred])
    )
    spec: dict[str, Any] = {
        "model": {"variant": variant.value, "quantization": quantization.value},
        "capabilities": {"contextTokens": draw(st.integers(1024, 131072))},
        "engine": {
            "extraArgs": [f"--x={word}" for word in draw(st.lists(WORDS, max_size=4))],
            "env": [
                {"name": name, "value": value}
                for name, value in draw(st.dictionaries(NAMES, WORDS, max_size=4)).items()
            ],
        },
        "placement": {
            "gpusPerReplica": draw(st.sampled_from([1, 2, 4, 8])),
            "nodeSelector": draw(st.dictionaries(st.sampled_from(["pool", "example.com/gpu"]), LABEL_VALUES)),
            "tolerations": draw(st.lists(TOLERATIONS, max_size=3)),
        },
        "replicas": draw(st.integers(0, 1000)),
        "endpoint": {"port": draw(st.integers(1, 65535))},
        "disruption": {"minAvailablePercent": draw(st.integers(0, 100))},
    }
    if draw(st.booleans()) and quantization.is_gguf:
        spec["engine"] |= {"type": "Ollama", "extraArgs": []}
    else:
        spec["secrets"] = {"apiKey": {"name": "chat", "key": "key"}}
    return spec


@given(data=specs())
@settings(deadline=None)
def test_the_same_spec_gives_the_same_bytes(data: dict[str, Any]) -> None:
    assert json.dumps(walk(data).objects) == json.dumps(walk(data).objects)


@given(data=specs())
@settings(deadline=None)
def test_every_pod_keeps_the_restricted_standard(data: dict[str, Any]) -> None:
    assert violations(walk(data).pod_spec) == []


@given(data=specs())
@settings(deadline=None)
def test_what_the_user_wrote_arrives_unchanged_and_nowhere_else(data: dict[str, Any]) -> None:
    rendered, plain = walk(data), walk({**data, "engine": {**data["engine"], "extraArgs": [], "env": []}})
    args, env = rendered.engine["args"], rendered.engine["env"]
    own_args, own_env = plain.engine["args"], plain.engine["env"]
    assert args == own_args + data["engine"]["extraArgs"]
    assert env[len(own_env) :] == data["engine"]["env"]
    assert env[: len(own_env)] == own_env
    rest = [
        {key: item for key, item in engine.items() if key not in ("args", "env")}
        for engine in (rendered.engine, plain.engine)
    ]
    assert rest[0] == rest[1]
    assert (rendered.service, rendered.budget) == (plain.service, plain.budget)


@given(data=specs())
@settings(deadline=None)
def test_nothing_null_is_sent_and_every_key_is_a_text(data: dict[str, Any]) -> None:
    def check(value: Any) -> None:
        assert value is not None
        if isinstance(value, dict):
            assert all(isinstance(key, str) for key in value)
        for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            check(item)

    check(list(walk(data).objects.values()))


@given(data=specs())
@settings(deadline=None)
def test_the_service_finds_the_pods_and_leads_to_their_port(data: dict[str, Any]) -> None:
    rendered = walk(data)
    assert rendered.service["spec"]["selector"] == match_labels(OWNER.name)
    assert match_labels(OWNER.name).items() <= rendered.template["metadata"]["labels"].items()
    ports = [port["name"] for item in rendered.pod_spec["containers"] for port in item.get("ports", ())]
    assert ports.count(rendered.service["spec"]["ports"][0]["targetPort"]) == 1


@given(data=specs())
@settings(deadline=None)
def test_volumes_and_mounts_fit(data: dict[str, Any]) -> None:
    pod = walk(data).pod_spec
    volumes = [volume["name"] for volume in pod["volumes"]]
    assert len(volumes) == len(set(volumes))
    for container in (*pod["containers"], *pod.get("initContainers", ())):
        assert {mount["name"] for mount in container["volumeMounts"]} <= set(volumes)


@given(data=specs(), variant=st.sampled_from(Variant))
@settings(deadline=None)
def test_a_plan_or_a_sentence_and_never_an_exception(data: dict[str, Any], variant: Variant) -> None:
    given_model = {**data["model"], "variant": variant.value}
    plan = plan_of({**data, "model": given_model})
    if isinstance(plan, Plan):
        assert plan.why.endswith(".")
        assert plan.variant is variant
    else:
        assert plan.message.startswith("`spec.")
        assert plan.message.endswith(".")
