"""Why an engine must not run a configuration, however much memory there is: what the planner refuses on any GPU."""

from collections.abc import Iterator

from gemma4_operator.api.common import EngineType
from gemma4_operator.catalog.engines import EngineImage
from gemma4_operator.catalog.versions import version_of
from gemma4_operator.engines.vllm_flags import DRAFTER_FROM
from gemma4_operator.planner.candidates import unprojected, version_faults
from gemma4_operator.planner.levers import garbles_fp8_cache
from gemma4_operator.planner.shape import KvDtype, Shape


def refusals(shape: Shape, engine: EngineImage, version: str) -> tuple[str, ...]:
    """Return each reason as a sentence; `version` is the engine's own."""
    return tuple(_refusals(shape, engine, version))


def _refusals(shape: Shape, engine: EngineImage, version: str) -> Iterator[str]:
    known = version_of(version)
    for why in version_faults(engine, known, shape.model.variant, shape.checkpoint.quantization):
        yield f"{engine.engine} {version} cannot run it: {why}."
    for modality in unprojected(shape.checkpoint, shape.media):
        yield f"{engine.engine} cannot run it: the catalogue knows no projector for {modality} input with it."
    if shape.kv_dtype is KvDtype.FP8 and garbles_fp8_cache(shape.backend_version, shape.device, shape.media):
        yield f"{engine.engine} {version} answers wrongly from a cache in fp8 beside media on Hopper: take bf16."
    if not shape.drafter:
        return
    if engine.engine is not EngineType.VLLM:
        yield f"{engine.engine} is not run with a drafter: leave `--drafter` out, or take VLLM."
    elif known and known < DRAFTER_FROM:
        newer = ".".join(map(str, DRAFTER_FROM))
        yield f"VLLM {version} loses by a drafter: leave `--drafter` out, or take {newer} or newer."
