"""Every sample that users are shown is read, planned on the GPUs that it is for, and rendered."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from gemma4_operator.api.common import Variant
from gemma4_operator.api.deployment import KIND, Gemma4Deployment
from gemma4_operator.api.read import read_deployment
from gemma4_operator.planner.adapters import adapter_bytes
from gemma4_operator.planner.choose import choose
from gemma4_operator.planner.inventory import Inventory, inventory
from gemma4_operator.planner.node_view import node_view
from gemma4_operator.planner.plan import Plan
from gemma4_operator.planner.replicas import first_replicas
from gemma4_operator.planner.serving import serving
from gemma4_operator.render.context import Owner
from gemma4_operator.render.render import render
from tests.cluster.fakenodes import fake_gpu_node
from tests.rendering import CATALOG, ENGINES, VLLM, Rendered, walk
from tests.restricted import violations

FOLDER = Path(__file__).parents[3] / "manifests" / "samples"
SAMPLES = {path.stem: path for path in sorted(FOLDER.rglob("*.yaml"))}
NAMESPACE = "team-a"


@dataclass(frozen=True)
class Gpus:
    """What the nodes for a sample offer; without `memory_mib` what the catalogue knows of the product."""

    product: str
    each: int = 8
    memory_mib: int | None = None
    machine_mib: int | None = None
    """Of a machine whose memory is the GPU's."""
    has_memory_label: bool = True
    is_any: bool = False
    """Whether the sample takes any other as well."""

    def node(self, name: str) -> dict[str, Any]:
        """Return a node of them."""
        row = CATALOG.gpu(self.product, self.memory_mib)
        assert row is not None, self.product
        major, minor = row.compute_capability.split(".")
        node = fake_gpu_node(
            name,
            product=self.product,
            count=self.each,
            memory_mib=self.memory_mib or row.memory_mib,
            compute=(int(major), int(minor)),
            resources={"memory": f"{self.machine_mib}Mi"} if self.machine_mib else None,
        )
        if not self.has_memory_label:
            del node["metadata"]["labels"]["nvidia.com/gpu.memory"]
        return node


H100 = "NVIDIA-H100-80GB-HBM3"
GPUS = {
    "26b-rtx-4090": Gpus("NVIDIA-GeForce-RTX-4090", each=1),
    "26b-rtx-pro-6000": Gpus("NVIDIA-RTX-PRO-6000-Blackwell-Server-Edition"),
    "31b-256k": Gpus("NVIDIA-H200"),
    "31b-b200": Gpus("NVIDIA-B200"),
    "31b-dgx-spark": Gpus("NVIDIA-GB10", each=1, machine_mib=122_571, has_memory_label=False),
    "31b-nim": Gpus("NVIDIA-H200"),
    "31b-vllm": Gpus(H100),
    "adapters": Gpus("NVIDIA-L40S", each=4),
    "auto": Gpus("NVIDIA-L40S", each=4, is_any=True),
    "autoscaled": Gpus("NVIDIA-L40S", each=4),
    "demo-chat": Gpus("NVIDIA-L4", each=1, is_any=True),
    "e2b-jetson-orin-nano": Gpus("Orin", each=1, memory_mib=7_620, machine_mib=7_620),
    "e2b-llamacpp": Gpus("NVIDIA-L4", each=1, is_any=True),
    "e4b-audio": Gpus("NVIDIA-L4", each=1),
    "e4b-jetson-agx-orin": Gpus("Orin", each=1, memory_mib=62_841, machine_mib=62_841),
    "e4b-mig-slice": Gpus(f"{H100}-MIG-3g.40gb", each=16, memory_mib=40_448),
    "ollama": Gpus("NVIDIA-GeForce-RTX-4090", each=1, is_any=True),
    "ollama-workstation": Gpus("NVIDIA-GeForce-RTX-4090", each=1),
}
"""The GPUs that each sample is planned on."""
NODES = 2


def document(name: str) -> dict[str, Any]:
    """Return a sample as its file has it."""
    (found,) = yaml.safe_load_all(SAMPLES[name].read_text())
    assert found["kind"] == KIND
    return dict(found)


@cache
def read(name: str) -> Gemma4Deployment:
    """Return a sample as the operator reads it."""
    return read_deployment(document(name))


def nodes(name: str) -> list[dict[str, Any]]:
    """Return the nodes that a sample is planned on."""
    return [GPUS[name].node(f"{name}-{number}") for number in range(NODES)]


def classes(name: str) -> Inventory:
    """Return their GPUs, as far as the sample may take them."""
    placement = read(name).spec.placement
    return inventory(
        map(node_view, nodes(name)),
        catalog=CATALOG,
        node_selector=placement.node_selector,
        tolerations=placement.tolerations,
        products=placement.gpu_products,
    )


@cache
def rendered(name: str) -> Rendered:
    """Walk the whole way with a sample, on its own GPUs."""
    deployment = read(name)
    plan = choose(deployment.spec, catalog=CATALOG, engines=ENGINES, classes=classes(name).classes)
    assert isinstance(plan, Plan), plan
    pod = ENGINES[plan.engine].pod(serving(plan, deployment.spec, CATALOG.models[plan.variant]))
    owner = Owner(name=deployment.metadata.name, namespace=NAMESPACE, uid="5f0c1d5e-0000-4000-8000-000000000001")
    objects = render(owner=owner, spec=deployment.spec, plan=plan, pod=pod, replicas=first_replicas(deployment.spec))
    return Rendered(plan, pod, *objects)


def test_every_sample_has_its_gpus() -> None:
    assert sorted(GPUS) == sorted(SAMPLES)


def test_all_samples_can_be_applied_to_one_namespace() -> None:
    names = [read(name).metadata.name for name in SAMPLES]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_planned_on_its_gpus(name: str) -> None:
    assert classes(name).notes == ()
    plan = rendered(name).plan
    assert plan.gpu_product == GPUS[name].product
    assert plan.gpu_resource == "nvidia.com/gpu"
    assert plan.memory.total_mib <= plan.memory.capacity_mib


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_renders_what_a_restricted_namespace_takes(name: str) -> None:
    result = rendered(name)
    assert list(result.objects) == ["Deployment", "Service", "PodDisruptionBudget"]
    assert violations(result.pod_spec) == []


ROW = re.compile(r"^\| \[[^]]+\]\(([^)]+)\) \| .+ \| (?:any|`([^`]+)`) \| `([^`]+)` \|$", re.MULTILINE)
ROWS = {Path(path).stem: (path, *rest) for path, *rest in ROW.findall((FOLDER / "README.md").read_text())}


def test_the_table_has_every_sample() -> None:
    assert sorted(ROWS) == sorted(SAMPLES)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_table_says_what_a_sample_is_for(name: str) -> None:
    path, product, engine = ROWS[name]
    spec = read(name).spec
    assert FOLDER / path == SAMPLES[name]
    assert product == ("" if GPUS[name].is_any else GPUS[name].product)
    assert GPUS[name].is_any is (spec.placement.gpu_products == ())
    assert engine in ("Auto", rendered(name).plan.engine)


PATCHES = re.findall(
    r"```yaml\n(podTemplatePatch:.*?)```", Path("docs/reference/pod-template-patch.md").read_text(), re.DOTALL
)


@pytest.mark.parametrize("text", PATCHES)
def test_a_patch_of_the_reference_works_and_stays_restricted(text: str) -> None:
    patched = walk({**VLLM, **yaml.safe_load(text)})
    assert patched.template != walk(VLLM).template
    assert violations(patched.pod_spec) == []


def test_the_reference_has_its_examples() -> None:
    assert len(PATCHES) == 5


GUIDES = Path(__file__).parents[3] / "docs" / "guides"
SHOWN = {
    name: yaml.safe_load(re.findall(r"```yaml\n(.*?)```", (GUIDES / f"{name}.md").read_text(), re.DOTALL)[0])
    for name in ("adapters", "from-hosted-api")
}
"""The resource that each of these guides shows."""


@pytest.mark.parametrize("guide", SHOWN)
def test_a_resource_of_a_guide_is_planned(guide: str) -> None:
    result = walk(read_deployment(SHOWN[guide]).spec.to_json())
    assert result.plan.engine == "VLLM"
    assert violations(result.pod_spec) == []


def test_the_guide_to_adapters_shows_what_the_sample_says() -> None:
    assert SHOWN["adapters"]["spec"]["model"] == document("adapters")["spec"]["model"]


def test_the_guide_to_the_hosted_api_serves_under_its_name() -> None:
    hosted = SHOWN["from-hosted-api"]["spec"]["endpoint"]["servedModelName"]
    assert hosted == document("31b-nim")["spec"]["endpoint"]["servedModelName"] == "google/gemma-4-31b-it"


@pytest.mark.parametrize("variant", Variant)
def test_the_guide_says_what_an_adapter_takes(variant: Variant) -> None:
    sizes = [f"{adapter_bytes(CATALOG.models[variant], rank) / 2**30:.2f}" for rank in (8, 16, 32, 64)]
    text = (GUIDES / "adapters.md").read_text()
    assert f"| {variant} | {' | '.join(sizes)} |\n" in text
    assert f"\n{variant} {' '.join(sizes)}\n" in text
