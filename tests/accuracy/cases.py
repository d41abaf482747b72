"""Field cases of memory as shapes: by rules on their words, never by their ids."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from gemma4_operator.api.common import EngineType, Quantization, Variant
from gemma4_operator.catalog.checkpoints import Checkpoint
from gemma4_operator.catalog.models import Model
from gemma4_operator.catalog.versions import Version
from gemma4_operator.planner.device import Device
from gemma4_operator.planner.devices import device_of, unknown_device
from gemma4_operator.planner.engine_defaults import engine_defaults
from gemma4_operator.planner.memory_vllm import rotary_bytes
from gemma4_operator.planner.shape import KvDtype, Shape
from tests.accuracy.shapes import DATA, catalog, preferred
from tests.accuracy.words import checkpoint_of, product_of

Json = Mapping[str, Any]
KINDS = ("fit", "kv_tokens", "concurrency", "weights_size")
_ENGINES = {"vllm": EngineType.VLLM, "llama.cpp": EngineType.LLAMA_CPP, "ollama": EngineType.OLLAMA}
_RELEASES: Mapping[str, Version] = {
    "2026-04": (0, 19),
    "2026-05": (0, 21),
    "2026-06": (0, 23),
    "2026-07": (0, 25),
    "2026-08": (0, 27),
    "2026-09": (0, 29),
}
"""Builds that only a month is told of, from 0.19 in April to 0.33 in November."""
_CACHE_FORMATS = (("fp8", KvDtype.FP8), ("q8_0", KvDtype.Q8_0))
_GIB, _GB = 2**30, 10**9

RULES: tuple[tuple[Callable[[Json], bool], str], ...] = (
    (lambda case: case["variant"] not in set(Variant), "is of another model"),
    (lambda case: case["engine"] not in _ENGINES, "runs on an engine that the operator does not start"),
    (
        lambda case: "per_token_head" in str(case["flags"]),
        "runs a patched build with scales for each token and head, a cache that the operator never asks for",
    ),
    (
        lambda case: "DFlash" in case["checkpoint"] or "EAGLE" in case["checkpoint"],
        "has a drafter with a cache of its own, which the catalogue does not have",
    ),
    (
        lambda case: bool(case["flags"].get("disable-hybrid-kv-cache-manager")),
        "has all layers counted as full, which the operator never asks for",
    ),
    (
        lambda case: case["flags"].get("flash_attention") is False,
        "runs without flash attention, which the operator never turns off",
    ),
    (lambda case: "cpu-offload-gb" in case["flags"], "keeps weights on the CPU, which the operator never does"),
    (lambda case: _weights_of(case) is None, "is of weights of which neither catalogue nor report tells the bytes"),
)


@cache
def cases() -> tuple[Json, ...]:
    """Return all cases of memory."""
    told: list[Json] = json.loads((DATA / "fit-and-speed.json").read_text(encoding="utf-8"))
    return tuple(case for case in told if case["kind"] in KINDS)


def why_not(case: Json) -> str | None:
    """Return the rule that leaves a case out."""
    return next((text for applies, text in RULES if applies(case)), None)


def shape_of_case(case: Json) -> Shape:
    """Return the shape that a report tells of; what it does not tell is the engine's default."""
    flags, engine = case["flags"], _ENGINES[case["engine"]]
    model, device, version = catalog().models[Variant(case["variant"])], _device(case), version_of_case(case)
    media = _media(case, model)
    own = engine_defaults(catalog().engines[engine].backend, version=version, model=model, device=device, media=media)
    checkpoint = _weights_of(case)
    assert checkpoint is not None, case["id"]
    context = _number(flags.get("max-model-len") or flags.get("ctx-size")) or model.max_context_tokens
    slots = _number(flags.get("max-num-seqs") or flags.get("parallel")) or own.sequences
    is_vllm = engine is EngineType.VLLM
    return Shape(
        model=model,
        checkpoint=checkpoint,
        engine=engine,
        backend=catalog().engines[engine].backend,
        backend_version=version,
        device=device,
        gpus=case["gpu_count"] or 1,
        # llama.cpp's context is that of all slots together.
        context_tokens=context if is_vllm else context // slots,
        kv_dtype=_kv_dtype(flags),
        max_batched_tokens=_number(flags.get("max-num-batched-tokens") or flags.get("ubatch-size"))
        or own.batched_tokens,
        max_sequences=slots,
        memory_utilization=flags.get("gpu-memory-utilization") or own.memory_utilization,
        media=media,
        drafter="assistant drafter" in case["checkpoint"],
    )


def version_of_case(case: Json) -> Version:
    """Return the version of a build; of those with a date alone, the release of that month."""
    told = case["engine_version"] or ""
    found = re.search(r"0\.(\d+)(?:\.(\d+))?", told)
    if found:
        return (0, *(int(number) for number in found.groups() if number))
    month = re.search(r"2026-\d\d", told)
    return _RELEASES.get(month[0], ()) if month else ()


def _device(case: Json) -> Device:
    product = product_of(case["gpu"] or "")
    gpu = catalog().gpu(product) if product else None
    limited = "limited" in (case["gpu"] or "")
    if gpu is None or limited:
        memory = unknown_device(case["gpu"] or "GPU", memory_mib=(case["gpu_memory_gib"] or 0) * 1024)
        return memory if gpu is None else replace(device_of(gpu), memory_bytes=memory.memory_bytes, reserved_bytes=0)
    return device_of(gpu)


def _weights_of(case: Json) -> Checkpoint | None:
    """Return the catalogue's row, or any of the variant with the bytes that the report tells.

    Where the report tells the cache's bytes, and not the weights', these play no part.
    """
    repository, variant = case["checkpoint"].split(" ")[0], Variant(case["variant"])
    row = checkpoint_of(variant, case["quantization"], repository)
    loaded = case["outcome"].get("model_load_gib")
    file = re.search(r"\(([0-9.]+) GB\)", case["quantization"])
    if row is not None and file is not None:
        return row.model_copy(update={"bytes": int(float(file[1]) * _GB), "loaded_bytes": None})
    if row is not None and (row.repository == repository or loaded is None):
        return row
    whole = preferred(variant, Quantization.BF16)
    if loaded is None:
        return whole if "kv-cache-memory-bytes_gib" in case["flags"] else None
    alone = int(loaded * _GIB) - rotary_bytes(catalog().models[variant])
    return whole.model_copy(update={"bytes": alone, "loaded_bytes": alone})


def _media(case: Json, model: Model) -> frozenset[str]:
    """Return what the server takes: all that the model can, if the report does not say otherwise."""
    flags = case["flags"]
    limits = flags.get("limit-mm-per-prompt", {"": 1})
    is_text = flags.get("language-model-only") or not any(limits.values())
    if is_text or (case["engine"] != "vllm" and "mmproj" not in case["checkpoint"]):
        return frozenset()
    return frozenset(model.modalities) - {"Text"}


def _kv_dtype(flags: Json) -> KvDtype:
    told = f"{flags.get('kv-cache-dtype', '')} {flags.get('cache-type', '')}"
    return next((kv_dtype for word, kv_dtype in _CACHE_FORMATS if word in told), KvDtype.BF16)


def _number(told: object) -> int:
    """Return a whole number; of words such as `auto = 4` the last, of `not set (...)` none."""
    if isinstance(told, int):
        return told
    found = re.search(r"^auto = (\d+)$", str(told))
    return int(found[1]) if found else 0
