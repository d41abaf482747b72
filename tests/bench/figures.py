"""What a run measured, as frozen values that go to JSON as they are."""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.bench.counts import Requests
from tests.bench.machine import Memory

QUIET_SHARE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Which run it was.

    Attributes:
        kubernetes: The API server's version.
    """

    command: str
    date: str
    machine: str
    versions: Mapping[str, str]
    deployments: int
    nodes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """Many things created at once, and when each was there, in seconds from before the first request.

    Attributes:
        created_seconds: When the last create was answered.
        half_seconds: When half of them were there.
        all_seconds: When the last was there.
        foreign_cpu_share: What others used of the machine meanwhile, 0 to 1.
    """

    created_seconds: float
    half_seconds: float
    all_seconds: float
    foreign_cpu_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Converged:
    """From the first create of a custom resource until the operator had nothing more to do.

    Attributes:
        until_ready: Requests until the last was seen Ready.
        until_quiet: Requests until nothing was written for a while.
        passes: Passes of the operator until then.
        cpu_until_ready_seconds: CPU time of the operator alone.
    """

    wave: Wave
    until_ready: Requests
    until_quiet: Requests
    passes: int
    cpu_until_ready_seconds: float
    cpu_until_quiet_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NoChange:
    """Passes over custom resources for which nothing is to be done.

    Attributes:
        passes: Passes in that time; at least one for each custom resource.
        writes: Writes in that time besides the Lease.
    """

    passes: int
    writes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """How a new process begins, in seconds from its start.

    Attributes:
        first_request_seconds: The interpreter runs and everything is imported.
        first_write_seconds: The first child is written.
        last_write_seconds: The last child that was missing is written.
        missing: How many children were missing.
    """

    first_request_seconds: float
    first_write_seconds: float
    last_write_seconds: float
    missing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """A while in which nothing happened."""

    seconds: float
    cpu_seconds: float
    requests: Requests
    foreign_cpu_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """What was done to a child by hand, and how long it stayed so; None: it was given up.

    Attributes:
        refused: What the API server said to the operator's attempt, if it said no.
    """

    what: str
    seconds: float | None
    refused: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Everything."""

    run: Run
    floor: Wave
    converged: Converged
    memory_empty: Memory
    memory_full: Memory
    idle: Idle
    resync: NoChange
    restart: NoChange
    start_empty: Start
    start_full: Start
    repairs: tuple[Repair, ...]

    @property
    def requests_each(self) -> float:
        """Requests for one custom resource until it is Ready."""
        return self.converged.until_ready.total / self.run.deployments

    @property
    def is_disturbed(self) -> bool:
        """Whether others used so much of the machine that times say little, and nothing beside those of others."""
        shares = (self.floor.foreign_cpu_share, self.converged.wave.foreign_cpu_share)
        return max(shares) > QUIET_SHARE

    @property
    def ratio(self) -> float:
        """How many times as long the operator needed as an admin who creates the children directly."""
        return self.converged.wave.all_seconds / self.floor.all_seconds
