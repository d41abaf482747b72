"""A fifth engine: one module, one row of the catalogue, and its registration; planner and renderer learn nothing new.

The toy takes over the name of a known engine, since the names that users may write stand in the API.
"""

import ast
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import gemma4_operator
from gemma4_operator.api.common import EngineType
from gemma4_operator.catalog.engines import Backend, Form
from gemma4_operator.catalog.loader import Catalog, builtin_catalog
from gemma4_operator.engines.base import (
    ContainerSpec,
    Dialect,
    EnginePod,
    EnvVar,
    HttpProbe,
    Managed,
    Mount,
    Registry,
    ScratchVolume,
    Serving,
    User,
)
from gemma4_operator.engines.registry import engines
from gemma4_operator.planner.choose import choose
from gemma4_operator.planner.plan import Plan, Rejection
from gemma4_operator.planner.serving import serving
from gemma4_operator.render.render import render
from tests.rendering import ANY, OWNER, spec_of


class Toy:
    """An inference server that nobody has heard of."""

    type = EngineType.OLLAMA
    image_marks = ("toy-serve",)
    managed = Managed(flags={}, barred={}, variables={})

    def refuses(self, serving: Serving) -> str | None:
        return "`spec.capabilities.reasoning` must be false with Toy: set it." if serving.reasoning else None

    def remarks(self, serving: Serving) -> tuple[str, ...]:
        return ("Toy is young.",)

    def pod(self, serving: Serving) -> EnginePod:
        probe = HttpProbe(path="/alive", period_seconds=5, failure_threshold=9)
        container = ContainerSpec(
            name="toy",
            image=serving.image,
            command=("toy-serve",),
            args=("--context", str(serving.context_tokens)),
            env=(EnvVar(name="TOY", value=serving.served_model_name),),
            port=serving.port,
            mounts=(Mount(volume="box", path="/box"),),
            gpus=serving.gpus,
            readiness_probe=probe,
            read_only_root=False,
        )
        return EnginePod(
            container=container,
            volumes=(ScratchVolume(name="box"),),
            start_seconds=60,
            grace_seconds=5,
            user=User(user=7, group=8),
            dialects=(Dialect(path="/toy", running="r", waiting="w", prompt_tokens="p", generation_tokens="g"),),
        )


def toy_catalog(**changes: Any) -> Catalog:
    """Return a catalogue whose row for that name is the toy's."""
    catalog = builtin_catalog()
    fields = {
        "engine": EngineType.OLLAMA,
        "backend": Backend.VLLM,
        "reads": (Form.SAFETENSORS, Form.OLLAMA),
        "version": "9.1.0",
        "image": "registry.example.com/toy-serve:9.1.0",
        "licence": "MIT",
        "backend_versions": {"9.1.0": "0.33.0"},
    }
    row = catalog.engines[EngineType.VLLM].model_copy(update=fields | changes)
    return replace(catalog, engines={**catalog.engines, EngineType.OLLAMA: row})


ENGINES: Registry = {**engines(), EngineType.OLLAMA: Toy()}


def planned(catalog: Catalog, **spec: Any) -> Plan | Rejection:
    wish = {"model": {"variant": "E4B"}, "engine": {"type": "Ollama"}, "capabilities": {"reasoning": False}} | spec
    return choose(spec_of(wish), catalog=catalog, engines=ENGINES, classes=(ANY,))


def test_it_is_planned_by_its_backends_arithmetic() -> None:
    plan = planned(toy_catalog())
    assert isinstance(plan, Plan)
    assert plan.image == "registry.example.com/toy-serve:9.1.0"
    assert plan.max_batched_tokens in (2048, 4096)
    assert "Toy is young." in plan.notes


def test_it_is_rendered_as_it_describes_itself() -> None:
    catalog = toy_catalog()
    plan = planned(catalog)
    assert isinstance(plan, Plan)
    spec = spec_of({"model": {"variant": "E4B"}})
    pod = ENGINES[plan.engine].pod(serving(plan, spec, catalog.models[plan.variant]))
    deployment = render(owner=OWNER, spec=spec, plan=plan, pod=pod, replicas=1)[0]["spec"]["template"]
    (container,) = deployment["spec"]["containers"]
    assert (container["name"], container["command"], container["args"]) == ("toy", ["toy-serve"], ["--context", "8192"])
    assert container["securityContext"]["readOnlyRootFilesystem"] is False
    assert deployment["spec"]["securityContext"]["runAsUser"] == 7
    assert deployment["metadata"]["annotations"]["prometheus.io/path"] == "/toy"


def test_what_it_refuses_is_told_in_its_own_words() -> None:
    model = {"variant": "E4B", "quantization": "BF16"}
    rejection = planned(toy_catalog(), model=model, capabilities={"reasoning": True})
    assert isinstance(rejection, Rejection)
    assert rejection.message == "`spec.capabilities.reasoning` must be false with Toy: set it."


def test_versions_that_it_must_not_run_are_known_by_its_own_row() -> None:
    rejection = planned(toy_catalog(minimum_version=dict.fromkeys(builtin_catalog().models, "9.2.0")))
    assert isinstance(rejection, Rejection)
    assert "needs 9.2.0 or newer" in rejection.message


ROOT = Path(gemma4_operator.__file__).parent
NAMING = [*ROOT.glob("planner/*.py"), *ROOT.glob("render/*.py"), *ROOT.glob("status/*.py"), *ROOT.glob("runtime/*.py")]


@pytest.mark.parametrize("path", NAMING, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_module_behind_the_protocol_names_an_engine(path: Path) -> None:
    named = [
        node.attr
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "EngineType"
    ]
    assert named == []
