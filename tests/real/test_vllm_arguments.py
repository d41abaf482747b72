"""vLLM's own argument parser takes every command line that the operator can render, and reads it as it was meant.

It is the parser of the catalogue's version, in one process that all tests ask. Releases of vLLM drop and rename flags:
a new version in the catalogue is judged here before it sees a GPU.
"""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from gemma4_operator.api import model as api
from gemma4_operator.api.common import ApiModel, EngineType, Variant
from gemma4_operator.api.deployment import KIND, Endpoint
from gemma4_operator.api.rules import Form
from gemma4_operator.engines import budget, volumes
from gemma4_operator.engines.arguments import clash
from gemma4_operator.engines.base import Adapter, ClaimWeights, Drafter, HuggingFaceWeights, Serving
from gemma4_operator.engines.vllm import VLLM
from gemma4_operator.engines.vllm_flags import ADAPTER_RANKS, FORMATS
from gemma4_operator.planner.plan import Plan
from tests.cluster import vllm, vllm_parser
from tests.property import wishes
from tests.rendering import ANY, CATALOG, a_serving, plan_of, walk

pytestmark = pytest.mark.engine

SAMPLES = Path(__file__).parents[2] / "manifests" / "samples"
VERSION = str(CATALOG.engines[EngineType.VLLM].version)
USER_ARGUMENTS = (
    ("--enforce-eager",),
    ("--max-logprobs", "5"),
    ("--enable-prompt-tokens-details",),
    ("--mm-processor-cache-gb=0",),
    ("--seed", "7"),
    ("--structured-outputs-config", '{"backend": "xgrammar"}'),
)
"""What people write into `extraArgs`; some of it repeats in other words what vLLM was going to do."""

Answer = dict[str, Any]
Ask = Callable[[tuple[str, ...] | None], Answer]


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """Asks the parser, which is imported once; the process ends with its stdin, and so with this one."""
    log = tmp_path_factory.mktemp("vllm-parser") / "log"
    # -P: beside the script lies a module that is named vllm as well.
    command = [str(vllm.python()), "-P", vllm_parser.__file__]
    environ = {"PATH": os.defpath, "PYTHONPATH": str(vllm.sources(VERSION)), "HOME": str(log.parent)}
    with (
        log.open("w") as errors,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, env=environ
        ) as process,
    ):

        def answer(arguments: tuple[str, ...] | None) -> Answer:
            assert process.stdin is not None
            assert process.stdout is not None
            print(json.dumps(arguments), file=process.stdin, flush=True)
            line = process.stdout.readline()
            assert line, log.read_text()[-2000:]
            return dict(json.loads(line))

        yield answer


def words(model: type[ApiModel], field: str) -> st.SearchStrategy[str]:
    """Every text that a field of the API takes."""
    (form,) = (item for item in model.model_fields[field].metadata if isinstance(item, Form))
    return st.from_regex(form.pattern, fullmatch=True).map(lambda text: text[:60]).filter(form_of(form))


def form_of(form: Form) -> Callable[[str], bool]:
    def holds(text: str) -> bool:
        try:
            form.check(text)
        except ValueError:
            return False
        return True

    return holds


HUB = st.builds(
    HuggingFaceWeights,
    repository=words(api.HuggingFaceCheckpoint, "repository"),
    revision=words(api.HuggingFaceCheckpoint, "revision"),
)
CLAIMS = st.builds(ClaimWeights, claim_name=st.just("weights"), path=words(api.ClaimCheckpoint, "path"))
ADAPTERS = st.builds(
    Adapter,
    name=words(api.Adapter, "name"),
    claim_name=st.just("adapters"),
    path=st.just("support"),
    rank=st.integers(1, ADAPTER_RANKS[-1]),
)
DRAFTERS = st.builds(Drafter, repository=words(api.HuggingFaceCheckpoint, "repository"), tokens=st.integers(1, 8))


@st.composite
def servings(draw: st.DrawFn) -> Serving:
    """Draw anything that vLLM is given and does not refuse."""
    variant = draw(st.sampled_from(Variant))
    known = sorted(set(CATALOG.models[variant].modalities) - {"Text"})
    serving = a_serving(
        variant=variant,
        quantization=draw(st.sampled_from(FORMATS)),
        weights=draw(HUB | CLAIMS),
        context_tokens=draw(st.integers(1024, 262144)),
        max_batched_tokens=draw(st.integers(1, 65536)),
        max_concurrent_requests=draw(st.integers(1, 4096)),
        kv_dtype=draw(st.sampled_from(["bf16", "fp8"])),
        kv_cache_bytes=draw(st.integers(2**20, 2**41)),
        memory_utilization_percent=draw(st.integers(1, 100)),
        media=frozenset(draw(st.sets(st.sampled_from(known)))),
        tool_calling=draw(st.booleans()),
        reasoning=draw(st.booleans()),
        gpus=draw(st.sampled_from([1, 2, 4, 8, 16, 32])),
        served_model_name=draw(words(Endpoint, "served_model_name")),
        port=draw(st.integers(1, 65535)),
        adapters=tuple(draw(st.lists(ADAPTERS, max_size=3, unique_by=lambda adapter: adapter.name))),
        drafter=draw(st.none() | DRAFTERS),
        extra_args=draw(st.sampled_from(((), *USER_ARGUMENTS))),
    )
    assume(VLLM().refuses(serving) is None)
    return serving


def rendered(serving: Serving) -> tuple[str, ...]:
    return VLLM().pod(serving).container.args


def meant(serving: Serving) -> Answer:
    """What the parser must have read, by its own names."""
    claim = isinstance(serving.weights, ClaimWeights)
    return {
        "model_tag": volumes.claim_path(serving.weights) if claim else serving.weights.repository,
        "revision": None if claim else serving.weights.revision,
        "served_model_name": [serving.served_model_name],
        "max_model_len": serving.context_tokens,
        "tensor_parallel_size": serving.gpus,
        "enable_expert_parallel": serving.variant is Variant.V26B_A4B and serving.gpus > 1,
        "max_num_batched_tokens": serving.max_batched_tokens,
        "max_num_seqs": serving.max_concurrent_requests,
        "kv_cache_dtype": "auto" if serving.kv_dtype == "bf16" else serving.kv_dtype,
        "kv_cache_memory_bytes": serving.kv_cache_bytes,
        "gpu_memory_utilization": serving.memory_utilization_percent / 100,
        "language_model_only": not serving.media,
        "limit_mm_per_prompt": {
            kind.lower(): 0 for kind in (serving.known_media - serving.media if serving.media else ())
        },
        "enable_auto_tool_choice": serving.tool_calling,
        "tool_call_parser": "gemma4" if serving.tool_calling else None,
        "reasoning_parser": "gemma4" if serving.reasoning else "",
        "default_chat_template_kwargs": {"enable_thinking": serving.reasoning},
        "max_loras": len(serving.adapters) or 1,
        "speculative_config": serving.drafter
        and {
            "method": "mtp",
            "model": serving.drafter.repository,
            "num_speculative_tokens": serving.drafter.tokens,
        },
        "shutdown_timeout": budget.FINISH_SECONDS,
        "host": "0.0.0.0",
        "port": serving.port,
    }


@given(serving=servings())
def test_all_that_can_be_rendered_is_read_as_it_was_meant(ask: Ask, serving: Serving) -> None:
    answer = ask(rendered(serving))
    assert "error" not in answer, answer["error"]
    wanted = meant(serving)
    assert {name: answer["values"][name] for name in wanted} == wanted
    assert answer["values"]["max_lora_rank"] >= max((adapter.rank for adapter in serving.adapters), default=1)
    assert [(module["name"], module["path"]) for module in answer["values"]["lora_modules"] or ()] == [
        (adapter.name, volumes.adapter_path(adapter)) for adapter in serving.adapters
    ]


@given(spec=wishes.specs())
def test_so_is_what_is_planned_for_any_wish(ask: Ask, spec: dict[str, Any]) -> None:
    wish = {**spec, "engine": {"type": "VLLM"}}
    assume(wishes.is_valid(wish))
    assume(isinstance(plan_of(wish, ANY), Plan))
    assert "error" not in ask(walk(wish).pod.container.args)


def test_so_is_every_sample(ask: Ask) -> None:
    asked = []
    for path in sorted(SAMPLES.rglob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            assert document["kind"] == KIND
            plan = plan_of(document["spec"])
            if isinstance(plan, Plan) and plan.engine is EngineType.VLLM:
                answer = ask(walk(document["spec"]).pod.container.args)
                assert "error" not in answer, (path.name, answer)
                asked.append(path.name)
    assert "31b-vllm.yaml" in asked


class TestRefusals:
    """That the parser does refuse: otherwise the tests above would prove nothing."""

    @pytest.mark.parametrize(
        ("wrong", "because"),
        [
            (("--no-such-flag",), "unrecognized arguments"),
            (("--max-model-len", "much"), "--max-model-len"),
            (("--kv-cache-dtype", "q8_0"), "Invalid kv_cache_dtype"),
            (("--limit-mm-per-prompt", "{video:0}"), "--limit-mm-per-prompt"),
            (("--tool-call-parser", "gemma5"), "gemma5"),
            (("--reasoning-parser", "gemma5"), "gemma5"),
            (("--lora-modules", "a,b=/adapters/a"), "--lora-modules"),
        ],
        ids=lambda value: value[0] if isinstance(value, tuple) else "",
    )
    def test_nonsense(self, ask: Ask, wrong: tuple[str, ...], because: str) -> None:
        right = rendered(a_serving())
        assert "error" not in ask(right)
        assert because in ask((*right, *wrong))["error"]

    def test_tools_without_their_parser(self, ask: Ask) -> None:
        arguments = (*rendered(a_serving(tool_calling=False)), "--enable-auto-tool-choice")
        assert "requires --tool-call-parser" in ask(arguments)["error"]


class TestManaged:
    """What may not be said a second time may not be said by another name of it either."""

    def test_a_flag_is_refused_by_all_its_names_or_by_none(self, ask: Ask) -> None:
        names = ask(None)["names"]
        assert ["--tensor-parallel-size", "-tp"] in names
        assert [flag for flag in names if 0 < len(refused(flag)) < len(flag)] == []


def refused(names: list[str]) -> list[str]:
    return [name for name in names if clash(a_serving(extra_args=(name,)), VLLM.managed) is not None]
