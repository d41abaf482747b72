"""What the log of an engine or a download says: the root cause, not the last line.

Tables are tried in the order of how much they explain. A GPU that fell off the bus explains an error of NCCL; a full
/dev/shm explains it too; a download that was refused explains that files are missing. "Engine core initialization
failed. See root cause above" and its like explain nothing, and no table knows them.
"""

from collections.abc import Sequence
from typing import Final

from gemma4_operator.status.diagnosis.log_config import CONFIG, MODEL_UNKNOWN, PROFILES
from gemma4_operator.status.diagnosis.log_download import ACCESS, NETWORK, STORAGE
from gemma4_operator.status.diagnosis.log_files import FILES, OFFLINE
from gemma4_operator.status.diagnosis.log_gpu import DEVICES, FAULTS, INTERCONNECT
from gemma4_operator.status.diagnosis.log_memory import MEMORY
from gemma4_operator.status.diagnosis.rules import Diagnosis, Found, Rule, first
from gemma4_operator.status.evidence import Evidence

RULES: Final[tuple[Rule, ...]] = (
    *FAULTS,
    *MEMORY,
    *DEVICES,
    *STORAGE,
    *ACCESS,
    *OFFLINE,
    *NETWORK,
    *FILES,
    *MODEL_UNKNOWN,
    *PROFILES,
    *INTERCONNECT,
    *CONFIG,
)


def cause(lines: Sequence[str]) -> Found | None:
    """Return the root cause that lines of a log name."""
    return first(RULES, lines)


def without_pod(evidence: Evidence) -> Diagnosis | None:
    """Return what the log says of a pod of which nothing else is left, such as the last one of a Job."""
    if evidence.pod is not None and any(item.running for item in evidence.pod.containers):
        return None
    found = cause(evidence.log)
    return None if found is None else Diagnosis(reason=found.reason, message=f"{found.quote.rstrip('.')}.")
