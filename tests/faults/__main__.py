"""Make every fault on a real control plane: `python -m tests.faults`, or `make faults`."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.faults.matrix import FAULTS
from tests.faults.page import PAGE, page, read_seen, shown

_ALL = Path(__file__).with_name("all.py")


class Progress:
    """Says how far a run is, and keeps what was seen."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self.seen: dict[str, str] = {}
        self.failed = 0
        self.done = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take one result."""
        if report.when != "call" and not report.failed:
            return
        self.done += report.when == "call"
        self.failed += report.failed
        self.seen |= {name: shown(str(value)) for name, value in report.user_properties}
        said = "  ".join(str(value) for _, value in report.user_properties)
        word = "FAILED" if report.failed else "ok"
        at = f"{time.monotonic() - self._started:5.0f} s"
        print(f"faults {at}: {word:6} {_name(report.nodeid)}  {said[:160]}", flush=True)
        if report.failed:
            print(report.longreprtext, flush=True)


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    made = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    made.add_argument("-k", metavar="EXPRESSION", default="", help="only those whose names match, as in pytest")
    made.add_argument("--workers", type=int, default=2, help="processes, each with a control plane (default: 2)")
    made.add_argument("--write-docs", action="store_true", help=f"write {PAGE.name} in docs/reference if all hold")
    return made


def main(arguments: Sequence[str]) -> int:
    """Return the exit status."""
    options = parser().parse_args(arguments)
    elsewhere = sorted({test for fault in FAULTS for test in fault.tests})
    progress = Progress()
    # This says itself how it goes on, so pytest's own reporter and its options are left out.
    quiet = ["-p", "no:terminal", "-o", "addopts=--strict-markers --strict-config --import-mode=importlib"]
    chosen = ["-k", options.k] if options.k else []
    shared = ["-n", str(options.workers), "--dist", "loadgroup"]
    status = pytest.main([str(_ALL), *elsewhere, *quiet, *shared, *chosen], plugins=[progress])
    print(f"faults: {progress.done} tests for {len(FAULTS)} faults, {progress.failed} failed")
    if status or not options.write_docs:
        return int(status)
    if options.k:
        progress.seen = read_seen(PAGE.read_text(encoding="utf-8")) | progress.seen
    PAGE.write_text(page(progress.seen), encoding="utf-8")
    print(f"faults: wrote {PAGE}")
    return 0


def _name(node: str) -> str:
    """Return a fault's name, or a test's elsewhere; a group's name may stand at the end of a fault's."""
    fault = node.partition("::test_fault[")[2]
    return fault.rpartition("]")[0] or node.rpartition("/")[2]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
