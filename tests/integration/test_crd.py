"""The CustomResourceDefinition on a real API server: what it refuses, in which words, and how it looks in kubectl."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gemma4_operator.api.crd import deployment_crd, to_yaml
from gemma4_operator.api.deployment import Modality, VariantChoice
from gemma4_operator.api.read import InvalidResource, read_deployment
from tests.cases.deployments import BAD, GOOD, MINIMAL, Bad, Good, patched
from tests.cases.statuses import AUTOSCALING, FULL_PLAN, INFEASIBLE_PLAN, OLD_PLAN
from tests.cluster import Cluster
from tests.integration.judge import ServerJudge
from tests.integration.operating import install_crd

pytestmark = pytest.mark.cluster

CRD_FILE = Path(__file__).parents[2] / "crds" / "gemma4.dev_gemma4deployments.yaml"


@pytest.fixture(scope="module")
def home(cluster: Cluster) -> Iterator[str]:
    """A namespace of this module's own, on a cluster that has the CRD."""
    install_crd(cluster)
    name = cluster.namespace(prefix="crd")
    yield name
    cluster.delete_namespace(name)


@pytest.fixture(scope="module")
def server(cluster: Cluster, home: str) -> ServerJudge:
    return ServerJudge(cluster.kubeconfig, namespace=home)


def operator_refusal(body: dict) -> str | None:
    try:
        read_deployment(body)
    except InvalidResource as error:
        return str(error)
    return None


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.name)
def test_bad_deployment_is_refused_with_path_and_words(server: ServerJudge, case: Bad):
    told = server.refusal(patched(case.patch))
    assert told is not None
    assert case.server_path in told
    assert case.says in told


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case.name)
def test_good_deployment_is_accepted(server: ServerJudge, case: Good):
    assert server.refusal(patched(case.patch)) is None


@given(patches=st.lists(st.sampled_from([case.patch for case in (*GOOD, *BAD)]), min_size=2, max_size=4))
@settings(max_examples=300, derandomize=True, deadline=None)
def test_both_judges_agree_on_any_mixture_of_the_tables(server: ServerJudge, patches: list[dict]):
    body = patched(*patches)
    at_server, at_operator = server.refusal(body), operator_refusal(body)
    assert (at_server is None) == (at_operator is None), (at_server, at_operator)


TEXTS = {
    "metadata.name": lambda text: {"metadata": {"name": text}},
    "repository": lambda text: {"spec": {"model": {"checkpoint": {"huggingFace": {"repository": text}}}}},
    "revision": lambda text: {
        "spec": {"model": {"checkpoint": {"huggingFace": {"repository": "a/b", "revision": text}}}}
    },
    "claimName": lambda text: {"spec": {"model": {"checkpoint": {"claim": {"claimName": text}}}}},
    "path": lambda text: {"spec": {"model": {"checkpoint": {"claim": {"claimName": "a", "path": text}}}}},
    "ollama": lambda text: {"spec": {"model": {"quantization": "BF16", "checkpoint": {"ollama": {"name": text}}}}},
    "tag": lambda text: {
        "spec": {"model": {"quantization": "BF16", "checkpoint": {"ollama": {"name": "a", "tag": text}}}}
    },
    "image": lambda text: {"spec": {"engine": {"image": text}}},
    "image tag": lambda text: {"spec": {"engine": {"image": f"a:{text}"}}},
    "env": lambda text: {"spec": {"engine": {"env": [{"name": text, "value": text}]}}},
    "gpuProducts": lambda text: {"spec": {"placement": {"gpuProducts": [text]}}},
    "node label key": lambda text: {"spec": {"placement": {"nodeSelector": {text: ""}}}},
    "node label value": lambda text: {"spec": {"placement": {"nodeSelector": {"a": text}}}},
    "toleration key": lambda text: {"spec": {"placement": {"tolerations": [{"key": text}]}}},
    "secret key": lambda text: {"spec": {"secrets": {"apiKey": {"name": "a", "key": text}}}},
    "servedModelName": lambda text: {"spec": {"endpoint": {"servedModelName": text}}},
    "maximumHourlyCost": lambda text: {"spec": {"objectives": {"maximumHourlyCost": text}}},
    "allowedLicences": lambda text: {"spec": {"objectives": {"allowedLicences": [text]}}},
}


@given(
    field=st.sampled_from(sorted(TEXTS)),
    text=st.text(alphabet="a01-./", max_size=6) | st.text(alphabet="aZ09-_./:=@ \n\u00e9\u0660", max_size=9),
)
@settings(max_examples=600, derandomize=True, deadline=None)
def test_both_judges_read_texts_alike(server: ServerJudge, field: str, text: str):
    body = patched(TEXTS[field](text))
    at_server, at_operator = server.refusal(body), operator_refusal(body)
    assert (at_server is None) == (at_operator is None), (at_server, at_operator)


@pytest.mark.parametrize(
    ("field", "limit"),
    [
        ("claimName", 253),
        ("revision", 128),
        ("gpuProducts", 63),
        ("tag", 128),
        ("secret key", 253),
        ("path", 512),
        ("allowedLicences", 128),
    ],
)
def test_both_judges_count_alike(server: ServerJudge, field: str, limit: int):
    for length, fits in ((limit, True), (limit + 1, False)):
        body = patched(TEXTS[field]("a" * length))
        assert (server.refusal(body) is None, operator_refusal(body) is None) == (fits, fits)


LENGTHS = st.none() | st.integers(1, 9000)


@given(inputs=LENGTHS, outputs=LENGTHS, context=st.none() | st.integers(1024, 9000))
@settings(max_examples=150, derandomize=True, deadline=None)
def test_both_judges_add_up_alike(server: ServerJudge, inputs: int | None, outputs: int | None, context: int | None):
    workload = {"requestsPerMinute": 1, "inputTokens": inputs, "outputTokens": outputs}
    body = patched({"spec": {"workload": workload, "capabilities": {"contextTokens": context}}})
    at_server, at_operator = server.refusal(body), operator_refusal(body)
    assert (at_server is None) == (at_operator is None), (at_server, at_operator)


@given(
    variant=st.none() | st.sampled_from(VariantChoice),
    modalities=st.none() | st.lists(st.sampled_from(Modality), max_size=4),
    images=st.none() | st.integers(0, 1),
)
@settings(max_examples=150, derandomize=True, deadline=None)
def test_both_judges_hear_and_see_alike(
    server: ServerJudge, variant: VariantChoice | None, modalities: list[Modality] | None, images: int | None
):
    wish = {
        "model": {"variant": variant, "quantization": None},
        "capabilities": {"modalities": modalities},
        "workload": {"requestsPerMinute": 1, "imagesPerRequest": images},
    }
    body = patched({"spec": wish})
    at_server, at_operator = server.refusal(body), operator_refusal(body)
    assert (at_server is None) == (at_operator is None), (at_server, at_operator)


@pytest.mark.parametrize(
    "spec", [{}, {"model": {}}, {"model": {"variant": "Auto"}, "workload": {"requestsPerMinute": 1}}]
)
def test_only_replicas_is_filled_in(server: ServerJudge, spec: dict):
    assert server.stored(MINIMAL | {"spec": spec})["spec"] == spec | {"replicas": 1}


def test_what_the_operator_reads_is_what_is_stored(server: ServerJudge):
    for case in GOOD:
        body = patched(case.patch)
        assert read_deployment(server.stored(body)).spec == read_deployment(body).spec, case.name


def test_crd_fits_into_an_annotation_of_client_side_apply(cluster: Cluster, home: str):
    stored = cluster.get("crd", "gemma4deployments.gemma4.dev")
    # All annotations of an object together may have 256 KiB.
    assert len(json.dumps(stored["spec"])) < 100_000
    assert len(to_yaml(deployment_crd()).encode()) < 100_000
    conditions = {condition["type"]: condition for condition in stored["status"]["conditions"]}
    assert conditions["Established"]["status"] == "True"
    assert "NonStructuralSchema" not in conditions


STATUS = {
    "observedGeneration": 1,
    "conditions": [
        {
            "type": "Ready",
            "status": "False",
            "reason": "InsufficientGPUs",
            "message": "No node has a free GPU.",
            "observedGeneration": 1,
            "lastTransitionTime": "2026-11-25T12:00:00Z",
        }
    ],
    "plan": FULL_PLAN,
    "replicas": 2,
    "readyReplicas": 1,
    "updatedReplicas": 2,
    "serving": "1/2",
    "selector": "app.kubernetes.io/instance=chat",
    "endpoint": {"url": "http://chat.team.svc:8000/v1", "model": "gemma-4"},
    "autoscaling": AUTOSCALING,
}


@pytest.fixture
def chat(cluster: Cluster, server: ServerJudge, home: str) -> Iterator[str]:
    """A stored deployment with a status written by hand."""
    cluster.kubectl("create", "-n", home, "-f", "-", stdin=json.dumps(MINIMAL))
    status = json.dumps({"status": STATUS})
    cluster.kubectl("patch", "g4d", "chat", "-n", home, "--subresource=status", "--type=merge", "-p", status)
    yield "chat"
    cluster.kubectl("delete", "g4d", "chat", "-n", home, "--wait=false")


def test_status_is_kept_whole(cluster: Cluster, home: str, chat: str):
    assert cluster.get("g4d", chat, home)["status"] == STATUS


@pytest.mark.parametrize("plan", [OLD_PLAN, INFEASIBLE_PLAN], ids=["of the first version", "nothing can be served"])
def test_a_plan_of_any_size_is_kept_whole(cluster: Cluster, home: str, chat: str, plan: dict):
    patch = json.dumps([{"op": "replace", "path": "/status/plan", "value": plan}])
    cluster.kubectl("patch", "g4d", chat, "-n", home, "--subresource=status", "--type=json", "-p", patch)
    assert cluster.get("g4d", chat, home)["status"]["plan"] == plan


def test_spec_can_not_be_written_through_status(cluster: Cluster, home: str, chat: str):
    patch = json.dumps({"spec": {"replicas": 7}})
    cluster.kubectl("patch", "g4d", chat, "-n", home, "--subresource=status", "--type=merge", "-p", patch)
    assert cluster.get("g4d", chat, home)["spec"]["replicas"] == 1


def test_columns(cluster: Cluster, home: str, chat: str):
    head, row = cluster.kubectl("get", "g4d", "-n", home).stdout.splitlines()
    assert head.split() == ["NAME", "MODEL", "GPU", "READY", "REPLICAS", "REASON", "AGE"]
    assert row.split()[:7] == ["chat", "31B", "1x", "NVIDIA-L40S", "False", "1/2", "InsufficientGPUs"]


def test_wide_columns(cluster: Cluster, home: str, chat: str):
    head, row = cluster.kubectl("get", "gemma", "-n", home, "-o", "wide").stdout.splitlines()
    assert head.split()[-4:] == ["ENGINE", "QUANTIZATION", "ENDPOINT", "MESSAGE"]
    assert "VLLM" in row
    assert "FP8" in row
    assert row.endswith("http://chat.team.svc:8000/v1   No node has a free GPU.")


def test_scale(cluster: Cluster, home: str, chat: str):
    cluster.kubectl("scale", "g4d", chat, "-n", home, "--replicas=3", "--current-replicas=1")
    assert cluster.get("g4d", chat, home)["spec"]["replicas"] == 3
    path = f"/apis/gemma4.dev/v1alpha1/namespaces/{home}/gemma4deployments/{chat}/scale"
    scale = json.loads(cluster.kubectl("get", "--raw", path).stdout)
    assert scale["spec"] == {"replicas": 3}
    assert scale["status"] == {"replicas": 2, "selector": "app.kubernetes.io/instance=chat"}


def test_scale_is_refused_where_the_operator_decides(cluster: Cluster, home: str, chat: str):
    patch = json.dumps({"spec": {"autoscaling": {"maxReplicas": 5}}})
    cluster.kubectl("patch", "g4d", chat, "-n", home, "--type=merge", "-p", patch)
    refused = cluster.kubectl("scale", "g4d", chat, "-n", home, "--replicas=3", check=False)
    assert refused.returncode
    assert "spec.replicas: Invalid value: must be absent or 1 with `autoscaling`" in refused.stderr
    assert "since the operator's autoscaler decides" in refused.stderr
    assert cluster.get("g4d", chat, home)["spec"]["replicas"] == 1


def test_scale_below_zero_is_refused(cluster: Cluster, home: str, chat: str):
    patch = json.dumps({"spec": {"replicas": -1}})
    refused = cluster.kubectl(
        "patch", "g4d", chat, "-n", home, "--subresource=scale", "--type=merge", "-p", patch, check=False
    )
    assert refused.returncode
    assert "spec.replicas" in refused.stderr


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("", "Gemma 4 served in this namespace"),
        (".spec.capabilities.contextTokens", "131072 at most for E2B and E4B. Default: 8192."),
        (".spec.engine.type", "ENUM: Auto VLLM NIM LlamaCpp Ollama"),
        (".spec.replicas", "Default: 1."),
        (".spec.autoscaling.minReplicas", "with 0 none does while nothing is asked. Default: 1."),
        (".spec.autoscaling.metricsSource", "ENUM: Pods Prometheus"),
        (".status.autoscaling.limitedBy", "spec.autoscaling.maxReplicas"),
        (".spec.model.variant", "ENUM: Auto 31B 26B-A4B 12B E4B E2B"),
        (".spec.objectives.maximumHourlyCost", "in the price table's currency"),
        (".spec.placement.maximumGPUs", "all replicas together"),
        (".status.plan.memory.kvCacheMiB", "keys and values"),
        (".status.conditions.reason", "for programs"),
    ],
)
def test_explain(cluster: Cluster, server: ServerJudge, field: str, text: str):
    told = cluster.kubectl("explain", f"g4d{field}").stdout
    assert text in " ".join(told.split())


def test_server_side_apply_shares_lists_of_named_items(cluster: Cluster, home: str, chat: str):
    for manager, name in (("team", "A"), ("platform", "B")):
        body = patched({"spec": {"engine": {"env": [{"name": name, "value": "1"}]}}})
        cluster.kubectl(
            "apply", "--server-side", f"--field-manager={manager}", "-n", home, "-f", "-", stdin=json.dumps(body)
        )
    assert [item["name"] for item in cluster.get("g4d", chat, home)["spec"]["engine"]["env"]] == ["A", "B"]
