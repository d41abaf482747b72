"""The places where engines read and write, since their root file system is read-only.

`cache` holds what is downloaded and is worth keeping; `scratch` and `tmp` hold the rest; `weights` is the user's claim,
and adapters come from claims too, each in a folder of its name.
"""

from collections.abc import Iterator

from gemma4_operator.engines.base import (
    Adapter,
    CacheVolume,
    ClaimVolume,
    ClaimWeights,
    EnvVar,
    Mount,
    ScratchVolume,
    Serving,
    Volume,
)

CACHE = Mount(volume="cache", path="/cache")
SCRATCH = Mount(volume="scratch", path="/scratch")
TMP = Mount(volume="tmp", path="/tmp")
WEIGHTS = Mount(volume="weights", path="/weights", read_only=True)
SHARED_MEMORY = Mount(volume="shm", path="/dev/shm")
ADAPTERS_PATH = "/adapters"

SHARED_MEMORY_BYTES = 4 * 2**30
"""Of one node's GPUs; NCCL takes about 0.4 GiB of it, and the rest is the engine's own processes."""

HOME_ENV = (
    EnvVar(name="HOME", value=SCRATCH.path),
    EnvVar(name="USER", value="gemma4"),
    EnvVar(name="TMPDIR", value=TMP.path),
    EnvVar(name="XDG_CACHE_HOME", value=f"{SCRATCH.path}/cache"),
    EnvVar(name="XDG_CONFIG_HOME", value=f"{SCRATCH.path}/config"),
)
"""A home that can be written to, and a user name, which libraries look up and an image without our user lacks."""


def mounts(serving: Serving) -> tuple[Mount, ...]:
    """Return where an engine mounts what: a claim, or else the cache, always scratch and tmp, and each adapter."""
    first = WEIGHTS if isinstance(serving.weights, ClaimWeights) else CACHE
    folders = (
        Mount(
            volume=_volume_of(serving, adapter),
            path=adapter_path(adapter),
            read_only=True,
            sub_path=adapter.path,
        )
        for adapter in serving.adapters
    )
    return (first, SCRATCH, TMP, *folders)


def volumes(serving: Serving) -> tuple[Volume, ...]:
    """Return the volumes behind `mounts`; a claim is one volume, however many ask for it."""
    match serving.weights:
        case ClaimWeights(claim_name=claim_name):
            first: Volume = ClaimVolume(name=WEIGHTS.volume, claim_name=claim_name)
        case _:
            first = cache(serving.weights_bytes)
    claims = (ClaimVolume(name=name, claim_name=claim) for claim, name in _adapter_volumes(serving))
    return (first, ScratchVolume(name=SCRATCH.volume), ScratchVolume(name=TMP.volume), *claims)


def cache(holds_bytes: int) -> CacheVolume:
    """Return the volume behind `CACHE`."""
    return CacheVolume(name=CACHE.volume, holds_bytes=holds_bytes)


def shared_memory(size_bytes: int = SHARED_MEMORY_BYTES) -> ScratchVolume:
    """Return the memory that the processes of one pod exchange tensors through; the default of 64 MiB is too small."""
    return ScratchVolume(name=SHARED_MEMORY.volume, in_memory=True, size_bytes=size_bytes)


def claim_path(weights: ClaimWeights) -> str:
    """Return where a claim's folder or file appears in the container."""
    return f"{WEIGHTS.path}/{weights.path}".rstrip("/")


def adapter_path(adapter: Adapter) -> str:
    """Return where an adapter appears in the container."""
    return f"{ADAPTERS_PATH}/{adapter.name}"


def _volume_of(serving: Serving, adapter: Adapter) -> str:
    is_weights = isinstance(serving.weights, ClaimWeights) and serving.weights.claim_name == adapter.claim_name
    return WEIGHTS.volume if is_weights else dict(_adapter_volumes(serving))[adapter.claim_name]


def _adapter_volumes(serving: Serving) -> Iterator[tuple[str, str]]:
    """Yield the claims that hold only adapters, each with the name of its volume."""
    own = serving.weights.claim_name if isinstance(serving.weights, ClaimWeights) else None
    names = dict.fromkeys(adapter.claim_name for adapter in serving.adapters if adapter.claim_name != own)
    yield from ((name, f"adapters-{number}") for number, name in enumerate(names))
