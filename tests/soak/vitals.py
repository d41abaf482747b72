"""What a process takes: memory, threads and open files, sampled over its life; its youth compared with its end."""

import time
from dataclasses import dataclass, field

import psutil

from tests.integration.operating import OperatorProcess

MOST_GROWTH = 1.5
"""Of memory after the warm-up: a leak of a few kilobytes in each pass would be far beyond it after thousands."""
MOST_THREADS_MORE = 20
"""Python's pool of threads for what takes long grows to a few more than there are cores, and stays."""
MOST_FILES_MORE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One look at a process."""

    pid: int
    at_seconds: float
    rss_mib: float
    threads: int
    files: int


@dataclass(slots=True)
class Vitals:
    """The samples of all lives of one operator, which is killed and started again."""

    samples: list[Sample] = field(default_factory=list)

    def look(self, operator: OperatorProcess) -> Sample | None:
        """Take a sample; None while no operator works: one that still starts has not loaded what it is made of."""
        try:
            if operator.readyz()[0] != 200:
                return None
            process = operator.process
            with process.oneshot():
                sample = Sample(
                    pid=process.pid,
                    at_seconds=time.monotonic(),
                    rss_mib=process.memory_info().rss / 2**20,
                    threads=process.num_threads(),
                    files=process.num_fds(),
                )
        except (psutil.Error, AssertionError, TimeoutError):
            return None
        self.samples.append(sample)
        return sample

    def last_life(self) -> list[Sample]:
        """Return the samples of the process that lives now: what was before it says nothing of it."""
        pid = self.samples[-1].pid if self.samples else 0
        return [sample for sample in self.samples if sample.pid == pid]


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """How a process was once it was warm, and how it is at the end."""

    warm: Sample
    end: Sample

    @property
    def ratio(self) -> float:
        """Memory at the end, in terms of that after the warm-up."""
        return self.end.rss_mib / self.warm.rss_mib

    def faults(self) -> list[str]:
        """Return what grew that should not have."""
        found = []
        if self.ratio > MOST_GROWTH:
            found.append(f"memory grew to {self.ratio:.2f} of what it was after the warm-up")
        if self.end.threads > self.warm.threads + MOST_THREADS_MORE:
            found.append(f"threads grew from {self.warm.threads} to {self.end.threads}")
        if self.end.files > self.warm.files + MOST_FILES_MORE:
            found.append(f"open files grew from {self.warm.files} to {self.end.files}")
        return found


def growth(samples: list[Sample]) -> Growth:
    """Compare the end of a life with its moment after the first third, by when caches are full."""
    return Growth(warm=samples[len(samples) // 3], end=samples[-1])
