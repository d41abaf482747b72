"""The options by which people name one exact way to serve, and the shape that they come to."""

import argparse
from dataclasses import replace
from enum import StrEnum
from typing import TypeVar

from gemma4_operator.api.common import EngineType, Quantization, Variant
from gemma4_operator.api.shown import shown
from gemma4_operator.catalog.checkpoints import Checkpoint
from gemma4_operator.catalog.engines import Backend, EngineImage, Form
from gemma4_operator.catalog.gpus import Gpu, MigProfile
from gemma4_operator.catalog.loader import Catalog
from gemma4_operator.catalog.models import Model
from gemma4_operator.catalog.products import alike
from gemma4_operator.cli.inputs import InvalidInput
from gemma4_operator.planner.candidates import backend_version, numbers
from gemma4_operator.planner.configure import BATCHED_TOKENS, LARGE_MEMORY_BYTES, UBATCH_TOKENS
from gemma4_operator.planner.device import Device
from gemma4_operator.planner.devices import device_of, is_plausible, unknown_device
from gemma4_operator.planner.levers import computes_fp8_cache
from gemma4_operator.planner.shape import KvDtype, Shape

UNNAMED = "GPU"
"""What a GPU is called of which only the memory was told."""
_MIB = 2**20
_SLICE, _SHARED = "-MIG-", "-SHARED"
_SHOWN = 40
"""Digits of a number in a message."""
_NAMED = 5
"""How many GPUs a message names before it gets long."""
MOST_AT_ONCE = 1_000_000
"""Of sequences, and of tokens in a step: far beyond every engine, and what is more is a slip of the hand."""
_MOST_GPUS = 1024
_MOST_MIB = 2**30
"""Of one GPU: as much as `kv` takes for a pool."""
_Choice = TypeVar("_Choice", bound=StrEnum)


def add_shape_arguments(parser: argparse.ArgumentParser, *, batched_tokens: str = "the planner's") -> None:
    """Add what names a model, its weights, an engine and GPUs."""
    add = parser.add_argument
    add("--variant", required=True, metavar="V", help=f"the model: {_all(Variant)}")
    add("--quantization", required=True, metavar="Q", help=f"the format of its weights: {_all(Quantization)}")
    add("--checkpoint", metavar="REPO", help="a repository of the catalogue instead of the format's usual one")
    add("--engine", metavar="E", help=f"{_all(EngineType)} (default: VLLM, LlamaCpp for GGUF)")
    add("--gpu", metavar="PRODUCT", help="as the node label nvidia.com/gpu.product has it")
    add("--gpu-memory-mib", type=int, metavar="N", help="its memory, if it is not a known GPU or not as usual")
    add("--gpus", type=int, default=1, metavar="N", help="GPUs of one replica (default: 1)")
    add("--kv-dtype", default="bf16", metavar="D", help=f"the cache's format: {_all(KvDtype)} (default: bf16)")
    add("--max-batched-tokens", type=int, metavar="N", help=f"the most tokens of one step (default: {batched_tokens})")


def shape_of(args: argparse.Namespace, catalog: Catalog, *, context_tokens: int, sequences: int) -> Shape:
    """Return the shape that the options name. Raises InvalidInput."""
    variant = _choice("--variant", args.variant, Variant)
    checkpoint = _checkpoint(args, catalog, variant, _choice("--quantization", args.quantization, Quantization))
    model, engine = catalog.models[variant], _engine(args, catalog, checkpoint)
    device = _device(args, catalog)
    at_least("--context", context_tokens, 1)
    if context_tokens > model.max_context_tokens:
        raise InvalidInput(f"`--context` must be at most {model.max_context_tokens}, all that {variant} sees")
    if device.is_known:
        _require_runnable(checkpoint, engine, device)
    _require_divisible(args.gpus, model, engine, device)
    return Shape(
        model=model,
        checkpoint=checkpoint,
        engine=engine.engine,
        backend=engine.backend,
        backend_version=backend_version(engine, engine.version),
        device=device,
        gpus=args.gpus,
        context_tokens=context_tokens,
        kv_dtype=_kv_dtype(args.kv_dtype, engine, device),
        max_batched_tokens=_batched_tokens(args.max_batched_tokens, engine, device),
        max_sequences=sequences,
    )


def at_least(option: str, value: int, least: int) -> None:
    """Raise InvalidInput for a number that is too small."""
    if value < least:
        raise InvalidInput(f"`{option}` must be at least {least}, and is {shown(str(value), _SHOWN)}")


def between(option: str, value: int, least: int, most: int) -> None:
    """Raise InvalidInput for a number that is too small or too large."""
    at_least(option, value, least)
    if value > most:
        raise InvalidInput(f"`{option}` must be at most {most}, and is {shown(str(value), _SHOWN)}")


def _checkpoint(args: argparse.Namespace, catalog: Catalog, variant: Variant, quantization: Quantization) -> Checkpoint:
    if args.checkpoint is None:
        row = catalog.preferred(variant, quantization)
        if row is None:
            known = ", ".join(catalog.quantizations(variant))
            raise InvalidInput(f"`--quantization` must be one that the catalogue has of {variant}: {known}")
        return row
    rows = [row for row in catalog.checkpoints if row.repository == args.checkpoint]
    fitting = [row for row in rows if row.variant is variant and row.quantization is quantization]
    if fitting:
        return fitting[0]
    if rows:
        what = f"{rows[0].variant} in {rows[0].quantization}"
        raise InvalidInput(f"`--checkpoint` must hold {variant} in {quantization}, and {args.checkpoint} is {what}")
    own = ", ".join(
        dict.fromkeys(
            row.repository for row in catalog.checkpoints if (row.variant, row.quantization) == (variant, quantization)
        )
    )
    raise InvalidInput(f"`--checkpoint` must be a repository of the catalogue, such as {own or 'none in this format'}")


def _engine(args: argparse.Namespace, catalog: Catalog, checkpoint: Checkpoint) -> EngineImage:
    quantization = checkpoint.quantization
    form = Form.GGUF if quantization.is_gguf else Form.SAFETENSORS
    engine = catalog.engines[_choice("--engine", args.engine, EngineType)] if args.engine else catalog.reader(form)
    if quantization not in engine.formats:
        able = ", ".join(name for name, row in catalog.engines.items() if quantization in row.formats)
        raise InvalidInput(f"`--engine` must be one that reads {quantization}: {able}; {engine.engine} does not")
    return engine


def _device(args: argparse.Namespace, catalog: Catalog) -> Device:
    """Return the GPU; what is said of its memory counts more than the catalogue, and for an unknown one is needed."""
    memory_mib: int | None = args.gpu_memory_mib
    if memory_mib is not None:
        between("--gpu-memory-mib", memory_mib, 1, _MOST_MIB)
    elif args.gpu is None:
        raise InvalidInput("`--gpu` must be given, or `--gpu-memory-mib` for a GPU that the catalogue does not have")
    elif args.gpu.upper().endswith(_SHARED):
        raise InvalidInput(
            "`--gpu` must be a whole GPU or a slice, since no name says how many pods share one: "
            f"give what one pod has of '{args.gpu}' with `--gpu-memory-mib`"
        )
    gpu = catalog.gpu(args.gpu, memory_mib) if args.gpu is not None else None
    if gpu is None and memory_mib is not None:
        return unknown_device(args.gpu or UNNAMED, memory_mib=memory_mib)
    if gpu is None:
        known = [row.products[0] for row in catalog.gpus]
        names = ", ".join(dict.fromkeys(alike(args.gpu, known, most=_NAMED) or known[:_NAMED]))
        raise InvalidInput(
            f"`--gpu` must be a GPU of the catalogue, such as {names}; it has no '{args.gpu}': "
            "say what memory it has with `--gpu-memory-mib`"
        )
    _, is_slice, name = args.gpu.partition(_SLICE)
    profile = _profile(gpu, name) if is_slice else None
    device = device_of(gpu, profile=profile, memory_mib=memory_mib)
    is_odd = memory_mib is not None and not is_plausible(memory_mib, profile or gpu)
    return replace(device, memory_bytes=(memory_mib or 0) * _MIB, reserved_bytes=0) if is_odd else device


def _profile(gpu: Gpu, name: str) -> MigProfile:
    for profile in gpu.mig:
        if profile.name == name:
            return profile
    known = ", ".join(profile.name for profile in gpu.mig) or "none"
    raise InvalidInput(f"`--gpu` must name a slice that {gpu.products[0]} has ({known}), not '{name}'")


def _require_runnable(checkpoint: Checkpoint, engine: EngineImage, device: Device) -> None:
    quantization, has = checkpoint.quantization, device.compute_capability
    needed = engine.formats[quantization]
    if has < numbers(needed):
        raise InvalidInput(
            f"`--quantization` must be one that {device.product} can compute with: {quantization} on {engine.engine} "
            f"needs compute capability {needed}, and it has {has[0]}.{has[1]}"
        )
    if has in map(numbers, engine.unsupported_compute_capabilities):
        raise InvalidInput(
            f"`--engine` must be one that runs on {device.product}: {engine.engine} has no kernels for compute "
            f"capability {has[0]}.{has[1]}; take LlamaCpp with a GGUF format"
        )


def _require_divisible(gpus: int, model: Model, engine: EngineImage, device: Device) -> None:
    between("--gpus", gpus, 1, _MOST_GPUS)
    if gpus > 1 and device.is_slice:
        raise InvalidInput(f"`--gpus` must be 1: slices such as {device.product} cannot work together")
    if engine.backend is Backend.VLLM and model.query_heads % gpus:
        able = ", ".join(str(count) for count in range(1, model.query_heads + 1) if model.query_heads % count == 0)
        raise InvalidInput(
            f"`--gpus` must divide the {model.query_heads} attention heads of {model.variant} ({able}), and is {gpus}"
        )


def _kv_dtype(text: str, engine: EngineImage, device: Device) -> KvDtype:
    kv_dtype = _choice("--kv-dtype", text, KvDtype)
    if engine.backend is not Backend.VLLM:
        if kv_dtype is KvDtype.FP8:
            raise InvalidInput(f"`--kv-dtype` must be bf16 or q8_0 on {engine.engine}, and is fp8")
        return kv_dtype
    if kv_dtype is KvDtype.Q8_0:
        raise InvalidInput("`--kv-dtype` must be bf16 or fp8 on VLLM, and is q8_0")
    if kv_dtype is KvDtype.FP8 and device.is_known and not computes_fp8_cache(engine, device):
        least = engine.fp8_cache_compute_capability
        raise InvalidInput(f"`--kv-dtype` must be bf16 on {device.product}: fp8 needs compute capability {least}")
    return kv_dtype


def _batched_tokens(asked: int | None, engine: EngineImage, device: Device) -> int:
    if asked is not None:
        between("--max-batched-tokens", asked, 1, MOST_AT_ONCE)
        return asked
    if engine.backend is not Backend.VLLM:
        return UBATCH_TOKENS
    return BATCHED_TOKENS[0 if device.memory_bytes >= LARGE_MEMORY_BYTES else 1]


def _choice(option: str, text: str, kind: type[_Choice]) -> _Choice:
    """Return a choice, however it is capitalized. Raises InvalidInput."""
    for member in kind:
        if member.value.lower() == text.lower():
            return member
    raise InvalidInput(f"`{option}` must be one of {_all(kind)}, and is '{text}'")


def _all(kind: type[StrEnum]) -> str:
    return ", ".join(member.value for member in kind)
