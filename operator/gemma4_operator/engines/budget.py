"""How long engines may take to start and to end: the numbers behind probes and deadlines.

The start is dominated by moving the weights twice, from the network to disk and from disk to the GPU. Both rates are
deliberately slow ones, because the budget decides when a pod is given up, not how fast a good one is.
"""

from gemma4_operator.engines.base import ExecProbe, HttpProbe

DOWNLOAD_BYTES_PER_SECOND = 50_000_000
"""A shared 1 Gbit/s link, less than half used."""
LOAD_BYTES_PER_SECOND = 200_000_000
"""A network disk; local NVMe is ten times as fast."""
WARM_UP_SECONDS = 300
"""Imports, compilation and CUDA graphs, which do not depend on the size."""
MAX_START_SECONDS = 7200

DRAIN_SECONDS = 15
"""How long a pod that must end still takes requests, until every proxy has heard that it leaves."""
FINISH_SECONDS = 120
"""How long requests that run may take to finish after that."""
CLOSE_SECONDS = 15
"""How long a server may take to end by itself once nothing runs any more."""
GRACE_SECONDS = DRAIN_SECONDS + FINISH_SECONDS + CLOSE_SECONDS

LEAST_FINISH_SECONDS, ANSWERS = 15, 3
"""Where a server cuts requests off once it is told to end, they finish before: so many times a usual answer."""

_PERIOD_SECONDS = 10


def start_seconds(*, weights_bytes: int, downloads: bool) -> int:
    """Return the longest a healthy engine may take to serve: warm-up + load (+ download), at most two hours."""
    download = weights_bytes // DOWNLOAD_BYTES_PER_SECOND if downloads else 0
    return min(WARM_UP_SECONDS + weights_bytes // LOAD_BYTES_PER_SECOND + download, MAX_START_SECONDS)


def drain_seconds(answer_seconds: int) -> int:
    """Return how long a server that finishes nothing by itself goes on serving once it must end.

    Requests that have begun then end well, unless they take more than three times as long as a usual answer. It is no
    longer than that, because the next pod waits for this one's GPUs meanwhile.
    """
    return DRAIN_SECONDS + min(FINISH_SECONDS, max(LEAST_FINISH_SECONDS, ANSWERS * answer_seconds))


def startup_probe(path: str, *, seconds: int) -> HttpProbe:
    """Ask every ten seconds until the budget is spent, rounded up."""
    return HttpProbe(path=path, period_seconds=_PERIOD_SECONDS, failure_threshold=-(-seconds // _PERIOD_SECONDS))


def first_answer_probe(command: tuple[str, ...], *, seconds: int, answer_seconds: int) -> ExecProbe:
    """Ask for a first answer in the same rhythm; one that is on its way is waited for."""
    return ExecProbe(
        command=command,
        period_seconds=_PERIOD_SECONDS,
        failure_threshold=-(-seconds // _PERIOD_SECONDS),
        timeout_seconds=answer_seconds,
    )


def readiness_probe(path: str) -> HttpProbe:
    """Take an engine out of the Service after half a minute of silence."""
    return HttpProbe(path=path, period_seconds=_PERIOD_SECONDS, failure_threshold=3)


def liveness_probe(path: str) -> HttpProbe:
    """Restart an engine after three minutes of silence: a long prefill must not be taken for death."""
    return HttpProbe(path=path, period_seconds=30, failure_threshold=6, timeout_seconds=10)
