"""The places where engines read and write, since their root file system is read-only.

`cache` holds what is downloaded and is worth keeping; `scratch` and `tmp` hold the rest; `weights` is the user's claim.
"""

from gemma4_operator.engines.base import ClaimVolume, ClaimWeights, EnvVar, Mount, ScratchVolume, Volume, Weights

CACHE = Mount(volume="cache", path="/cache")
SCRATCH = Mount(volume="scratch", path="/scratch")
TMP = Mount(volume="tmp", path="/tmp")
WEIGHTS = Mount(volume="weights", path="/weights", read_only=True)
SHARED_MEMORY = Mount(volume="shm", path="/dev/shm")

_SHARED_MEMORY_BYTES = 4 * 2**30

HOME_ENV = (
    EnvVar(name="HOME", value=SCRATCH.path),
    EnvVar(name="USER", value="gemma4"),
    EnvVar(name="TMPDIR", value=TMP.path),
    EnvVar(name="XDG_CACHE_HOME", value=f"{SCRATCH.path}/cache"),
    EnvVar(name="XDG_CONFIG_HOME", value=f"{SCRATCH.path}/config"),
)
"""A home that can be written to, and a user name, which libraries look up and an image without our user lacks."""


def mounts(weights: Weights) -> tuple[Mount, ...]:
    """Return where an engine mounts what: a claim, or else the cache, and always scratch and tmp."""
    return (WEIGHTS if isinstance(weights, ClaimWeights) else CACHE, SCRATCH, TMP)


def volumes(weights: Weights) -> tuple[Volume, ...]:
    """Return the volumes behind `mounts`."""
    match weights:
        case ClaimWeights():
            first: Volume = ClaimVolume(name=WEIGHTS.volume, claim_name=weights.claim_name)
        case _:
            first = ScratchVolume(name=CACHE.volume)
    return (first, ScratchVolume(name=SCRATCH.volume), ScratchVolume(name=TMP.volume))


def shared_memory() -> ScratchVolume:
    """Return the memory that the processes of one pod exchange tensors through; the default of 64 MiB is too small."""
    return ScratchVolume(name=SHARED_MEMORY.volume, in_memory=True, size_bytes=_SHARED_MEMORY_BYTES)


def claim_path(weights: ClaimWeights) -> str:
    """Return where a claim's folder or file appears in the container."""
    return f"{WEIGHTS.path}/{weights.path}".rstrip("/")
