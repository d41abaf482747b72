"""Why a way to serve lost: one reason each, with the figures that its sentence needs."""

from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from gemma4_operator.api.common import EngineType
from gemma4_operator.catalog.checkpoints import Checkpoint


class Because(StrEnum):
    """The one reason, in the order in which they are looked at; `sentence` has a field for each figure."""

    QUALITY = "QualityTooLow"
    LICENCE = "LicenceNotAllowed"
    MODALITY = "ModalityMissing"
    CONTEXT = "ContextTooLong"
    REQUEST = "RequestTooLong"
    VERSION = "EngineVersion"
    FORMAT = "FormatUnsupported"
    PROJECTOR = "NoProjector"
    REFUSED = "EngineRefuses"
    PRODUCT = "ProductNotAllowed"
    SHARED = "SharedNotAllowed"
    HARDWARE = "HardwareUnsupported"
    PROFILE = "NoProfile"
    SLICE = "OneSlicePerReplica"
    NODE = "TooFewGPUsInNode"
    MEMORY = "MemoryTooSmall"
    TOKEN_TIME = "TooSlowPerToken"
    FIRST_TOKEN = "TooSlowToFirstToken"
    BUDGET = "TooManyGPUs"
    STOCK = "NotEnoughGPUs"
    COST = "TooExpensive"
    RANKED = "Ranked"

    @property
    def sentence(self) -> str:
        """What a person is told, without its figures."""
        return _SENTENCES[self]


_SENTENCES = {
    Because.QUALITY: "has {score} points of quality, and {floor} asks for {needed}",
    Because.LICENCE: "{what} is under '{licence}', which `spec.objectives.allowedLicences` does not name",
    Because.MODALITY: "{variant} takes no {modality} input",
    Because.CONTEXT: "{variant} sees at most {limit} tokens, not {asked}",
    Because.REQUEST: "a usual request has {has} tokens with images, and `spec.capabilities.contextTokens` is {limit}",
    Because.VERSION: "{engine} {version} cannot run it: {why}",
    Because.FORMAT: "{engine} does not read {quantization}",
    Because.PROJECTOR: "the catalogue knows no projector for {modality} input with it",
    Because.REFUSED: "{message}",
    Because.PRODUCT: "`spec.placement.gpuProducts` does not name {product}",
    Because.SHARED: "{product} is a slice or shared, and `spec.placement.allowSharedGPUs` is false",
    Because.HARDWARE: "{product} has compute capability {has}, and {what} needs {needed}",
    Because.PROFILE: "its image runs {quantization} on {counts} GPUs of a node, and {has}",
    Because.SLICE: "a replica takes one {product} alone, and `spec.placement.gpusPerReplica` is {asked}",
    Because.NODE: "no node has {asked} {product}, the largest has {has}",
    Because.MEMORY: "needs {needed_gib} GiB of each {product}, which has {has_gib} GiB for it",
    Because.TOKEN_TIME: "takes at least {has_ms} ms per output token, and {asked_ms} ms are asked for",
    Because.FIRST_TOKEN: "takes at least {has_ms} ms to the first token, and {asked_ms} ms are asked for",
    Because.BUDGET: "takes {needed} GPUs, and `spec.placement.maximumGPUs` is {limit}",
    Because.STOCK: "takes {replicas} replicas of {gpus} GPUs, and the cluster has room for {has}",
    Because.COST: "costs {cost} an hour, and `spec.objectives.maximumHourlyCost` is {limit}",
    Because.RANKED: "{than}",
}


class Lost(NamedTuple):
    """One way that was not taken; `product` and `gpus` are empty where it lost on any GPU.

    A figure may be any value whose text is worked out when it is asked for, since few ways are ever told of.
    """

    checkpoint: Checkpoint
    engine: EngineType
    because: Because
    figures: tuple[tuple[str, object], ...] = ()
    product: str = ""
    gpus: int = 0
    hourly_cost: Decimal | None = None
    """Of all replicas, or the least it can be; None: not worked out."""
    place: tuple[object, ...] = ()
    """In the order of ways that work; empty: it does not."""

    @property
    def sentence(self) -> str:
        """The reason with its figures."""
        return self.because.sentence.format_map(dict(self.figures))


def name_of(lost: Lost) -> str:
    """Return what lost in a few words."""
    where = f" with {lost.gpus or 1}x {lost.product}" if lost.product else ""
    return f"{lost.checkpoint.variant} in {lost.checkpoint.quantization} on {lost.engine}{where}"


def nearness(lost: Lost) -> tuple[int, Decimal, float, tuple[object, ...]]:
    """Return how far a way got: those that work first, by cost and by rank; then the others, by how far they failed."""
    cost = _UNKNOWN if lost.hourly_cost is None else lost.hourly_cost
    return (-_PLACE[lost.because], cost, shortfall(lost.because, lost.figures), lost.place)


def shortfall(because: Because, figures: tuple[tuple[str, object], ...]) -> float:
    """Return how many times what there is would be enough; 0 where the reason has no figures to say so."""
    if because not in _MEASURED:
        return 0.0
    told = dict(figures)
    needed, has = (float(str(told[name])) for name in _MEASURED[because])
    return needed / max(has, _LEAST)


_LEAST = 1e-6
"""In place of nothing at all, so that of two ways that lack all of it the smaller is still the nearer."""
_MEASURED = {
    Because.QUALITY: ("needed", "score"),
    Because.CONTEXT: ("asked", "limit"),
    Because.REQUEST: ("has", "limit"),
    Because.NODE: ("asked", "has"),
    Because.MEMORY: ("needed_gib", "has_gib"),
    Because.TOKEN_TIME: ("has_ms", "asked_ms"),
    Because.FIRST_TOKEN: ("has_ms", "asked_ms"),
    Because.BUDGET: ("needed", "limit"),
    Because.STOCK: ("replicas", "has"),
    Because.COST: ("cost", "limit"),
}
"""The figures of what is needed and of what there is."""
_UNKNOWN = Decimal("Infinity")
_PLACE = {because: place for place, because in enumerate(Because)}
