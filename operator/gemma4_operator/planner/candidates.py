"""What could be served at all, before any GPU is looked at: checkpoints with their engines, and what lost already."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from gemma4_operator.api.common import Quantization, Variant
from gemma4_operator.catalog.checkpoints import Checkpoint
from gemma4_operator.catalog.engines import Backend, Denied, EngineImage, Form
from gemma4_operator.catalog.loader import Catalog
from gemma4_operator.catalog.models import Model
from gemma4_operator.catalog.versions import Version, version_of
from gemma4_operator.engines.base import ClaimWeights, HuggingFaceWeights, OllamaWeights, Weights
from gemma4_operator.planner.ask import Ask
from gemma4_operator.planner.lost import Because, Lost
from gemma4_operator.planner.own_weights import described
from gemma4_operator.planner.quality import score, words_above

_PROJECTED = frozenset({"Image", "Video", "Audio"})
"""What llama.cpp reads through a projector file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One checkpoint on one engine.

    Attributes:
        weights: Where the pods take it from.
        gpu_counts: How many GPUs its image runs on; empty: any count.
        image: What they run; `version` as its tag says, empty if it says none, and `backend_version` as far as known.
        assumed: What had to be assumed about the checkpoint, as a sentence; empty: nothing.
    """

    model: Model
    checkpoint: Checkpoint
    engine: EngineImage
    weights: Weights
    image: str
    version: Version
    backend_version: Version
    version_text: str
    score: float
    needed_capability: tuple[int, int]
    unsupported_capabilities: frozenset[tuple[int, int]]
    gpu_counts: tuple[int, ...]
    heads_to_divide: int
    """By the count of GPUs; 0: any count will do."""
    lost_points: float
    """Of quality, to 100; so are `lost_words`, to the best."""
    lost_words: int
    assumed: str = ""

    @property
    def least_bytes(self) -> int:
        """What of the weights lies on GPUs whatever is asked for: all but encoders and tables that are looked up."""
        parameters, bits = self.model.parameters, self.checkpoint.bits
        unused = parameters.vision * bits.vision + parameters.audio * bits.audio
        unused += parameters.per_layer_embeddings * bits.per_layer_embeddings
        return self.checkpoint.resident_bytes - math.ceil(unused / 8)

    @property
    def read_bytes(self) -> float:
        """What every step reads at least: the weights that are multiplied, without experts."""
        parameters, bits = self.model.parameters, self.checkpoint.bits
        return (parameters.attention * bits.attention + parameters.mlp * bits.mlp) / 8

    @property
    def active_parameters(self) -> float:
        """What every token is multiplied with; of an answer's the head comes on top."""
        parameters, model = self.model.parameters, self.model
        routed = parameters.experts * model.experts_per_token / model.experts if model.experts else 0.0
        return parameters.attention + parameters.mlp + parameters.other + routed


class _Runner(NamedTuple):
    """What is the same for all candidates on one image."""

    engine: EngineImage
    image: str
    version: Version
    backend_version: Version
    version_text: str
    unsupported: frozenset[tuple[int, int]]


def candidates(ask: Ask, *, catalog: Catalog, image: str | None) -> tuple[Candidate, ...]:
    """Return all that the ask allows by name, in the catalogue's order; `image` is the user's own."""
    found = _known(ask, catalog) if ask.weights is None else _named(ask, ask.weights, catalog)
    runners: dict[str, _Runner] = {}
    made = []
    for row, weights, assumed in found:
        engine = catalog.engines[ask.engine] if ask.engine is not None else catalog.reader(form_of(row, weights))
        chosen, counts = (image, ()) if image is not None else _image(engine, row, is_own=ask.weights is not None)
        runner = runners.get(chosen) or runners.setdefault(chosen, _runner(engine, chosen))
        made.append(_candidate(row, weights, catalog.models[row.variant], runner, counts, assumed))
    return tuple(made)


def unfit(candidate: Candidate, ask: Ask) -> Lost | None:
    """Return the first reason that holds on any GPU."""
    because = next(_reasons(candidate, ask), None)
    if because is None:
        return None
    return Lost(candidate.checkpoint, candidate.engine.engine, because[0], because[1])


_Reason = tuple[Because, tuple[tuple[str, object], ...]]


def _reasons(candidate: Candidate, ask: Ask) -> Iterator[_Reason]:
    model, checkpoint, engine = candidate.model, candidate.checkpoint, candidate.engine
    if ask.floor is not None and candidate.score < ask.floor.floor:
        figures = (("score", candidate.score), ("floor", ask.floor.value), ("needed", ask.floor.floor))
        yield Because.QUALITY, figures
    if ask.licences:
        for what, licence in (("the checkpoint", checkpoint.licence), (f"{engine.engine}'s image", engine.licence)):
            if licence not in ask.licences:
                yield Because.LICENCE, (("what", what), ("licence", licence))
    for modality in sorted(ask.media.difference(model.modalities)):
        yield Because.MODALITY, (("variant", model.variant), ("modality", modality.lower()))
    if ask.context_tokens > model.max_context_tokens:
        limits = (("variant", model.variant), ("limit", model.max_context_tokens), ("asked", ask.context_tokens))
        yield Because.CONTEXT, limits
    usual = ask.load.input_tokens + ask.load.output_tokens if ask.load is not None else 0
    if usual > ask.context_tokens:
        yield Because.REQUEST, (("has", round(usual)), ("limit", ask.context_tokens))
    faults = version_faults(engine, candidate.version, model.variant, checkpoint.quantization)
    for why in faults:
        yield (
            Because.VERSION,
            (("engine", engine.engine), ("version", candidate.version_text), ("why", why)),
        )
    if checkpoint.quantization not in engine.formats:
        yield Because.FORMAT, (("engine", engine.engine), ("quantization", checkpoint.quantization))
    # Whoever names weights or their format is told by the engine what to change.
    is_choice = ask.weights is None and ask.quantization is None
    if is_choice and form_of(checkpoint, candidate.weights) not in engine.reads:
        yield Because.FORMAT, (("engine", engine.engine), ("quantization", f"the files of {checkpoint.quantization}"))
    if ask.weights is None:
        for modality in unprojected(checkpoint, ask.media):
            yield Because.PROJECTOR, (("modality", modality),)


def unprojected(checkpoint: Checkpoint, media: frozenset[str]) -> tuple[str, ...]:
    """Return the modalities that a checkpoint of the catalogue takes only through a projector that nobody knows."""
    if not checkpoint.quantization.is_gguf or checkpoint.projector is not None:
        return ()
    return tuple(modality.lower() for modality in sorted(media & _PROJECTED))


def version_faults(
    engine: EngineImage, version: Version, variant: Variant, quantization: Quantization
) -> Iterator[str]:
    """Yield what speaks against an engine's version; one that nobody knows is the user's own responsibility."""
    if not version:
        return
    least = engine.minimum_version[variant]
    if version < version_of(least):
        yield f"{variant} needs {least} or newer"
    for denied in engine.denied:
        if version in map(version_of, denied.versions) and _concerns(denied, variant, quantization):
            yield denied.because


def _concerns(denied: Denied, variant: Variant, quantization: Quantization) -> bool:
    return (not denied.variants or variant in denied.variants) and (
        not denied.quantizations or quantization in denied.quantizations
    )


def _known(ask: Ask, catalog: Catalog) -> Iterator[tuple[Checkpoint, Weights, str]]:
    variants = tuple(Variant) if ask.variant is None else (ask.variant,)
    quantizations = tuple(Quantization) if ask.quantization is None else (ask.quantization,)
    for variant in variants:
        for quantization in quantizations:
            row = catalog.preferred(variant, quantization)
            if row is not None:
                yield row, HuggingFaceWeights(repository=row.repository, revision=row.revision, file=row.file), ""


def _named(ask: Ask, weights: Weights, catalog: Catalog) -> Iterator[tuple[Checkpoint, Weights, str]]:
    row, assumed = described(ask, catalog)
    yield row, weights, assumed


def form_of(row: Checkpoint, weights: Weights) -> Form:
    """Return in which form weights are kept."""
    match weights:
        case OllamaWeights():
            return Form.OLLAMA
        case ClaimWeights(path=path) if path.endswith(".gguf"):
            return Form.GGUF
        case _:
            return Form.GGUF if row.quantization.is_gguf else Form.SAFETENSORS


def _image(engine: EngineImage, row: Checkpoint, *, is_own: bool) -> tuple[str, tuple[int, ...]]:
    """Return the image that runs a checkpoint, and on how many GPUs; weights of the user's own need the general one."""
    dedicated = None if is_own else engine.dedicated.get(row.variant)
    if dedicated is None or row.quantization not in dedicated.profiles:
        return engine.image, ()
    return dedicated.image, dedicated.profiles[row.quantization]


def _runner(engine: EngineImage, image: str) -> _Runner:
    text = engine.version if image == engine.image else tag_of(image)
    is_version = _is_versioned_alike(text, engine.version)
    return _Runner(
        engine=engine,
        image=image,
        version=version_of(text) if is_version else (),
        backend_version=backend_version(engine, text) if is_version else (),
        version_text=text,
        unsupported=frozenset(map(numbers, engine.unsupported_compute_capabilities)),
    )


def backend_version(engine: EngineImage, version: str) -> Version:
    """Return the version of the inference code inside a version of an engine; empty: not known."""
    if engine.backend_versions is None:
        return version_of(version)
    return version_of(engine.backend_versions.get(version, ""))


def _candidate(
    row: Checkpoint, weights: Weights, model: Model, runner: _Runner, counts: tuple[int, ...], assumed: str
) -> Candidate:
    engine = runner.engine
    points = score(model, row)
    return Candidate(
        model=model,
        checkpoint=row,
        engine=engine,
        weights=weights,
        image=runner.image,
        version=runner.version,
        backend_version=runner.backend_version,
        version_text=runner.version_text,
        score=points,
        needed_capability=numbers(engine.formats.get(row.quantization, "0.0")),
        unsupported_capabilities=runner.unsupported,
        gpu_counts=counts,
        heads_to_divide=model.query_heads if engine.backend is Backend.VLLM else 0,
        lost_points=100.0 - points,
        lost_words=words_above(points),
        assumed=assumed,
    )


@lru_cache(maxsize=64)
def numbers(capability: str) -> tuple[int, int]:
    """Return a compute capability for comparison."""
    major, minor = capability.split(".")
    return (int(major), int(minor))


def _is_versioned_alike(tag: str, known: str) -> bool:
    """Whether a tag is a version as the engine's project numbers them; another tag says nothing of what is inside."""
    return tag.startswith("b") == known.startswith("b") and len(version_of(tag)) == len(version_of(known))


def tag_of(image: str) -> str:
    """Return what an image's tag says about the version, since nothing else does before it runs."""
    reference, _, digest = image.partition("@")
    tag = reference.rpartition("/")[2].partition(":")[2]
    return tag.removeprefix("v") or digest
