"""Measure the operator on a local cluster of its own: `python -m tests.bench`, or `make bench`."""

import argparse
import dataclasses
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.bench import page
from tests.bench.admin import BenchError
from tests.bench.figures import Figures
from tests.bench.measure import measure
from tests.bench.stage import stage
from tests.bench.table import tables
from tests.cluster import ClusterError

_EPILOG = """\
Progress goes to stderr, figures to stdout. 100 resources take about two minutes. Let nothing else
run meanwhile: how much of the machine others used is printed beside the times.
"""


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    made = argparse.ArgumentParser(
        prog="python -m tests.bench", description=__doc__, epilog=_EPILOG, formatter_class=argparse.RawTextHelpFormatter
    )
    made.add_argument("--deployments", type=_count, default=100, metavar="N", help="Gemma4Deployments (default: 100)")
    made.add_argument("--json", action="store_true", help="print JSON and no table")
    made.add_argument("--write-docs", action="store_true", help=f"write {page.PAGE.name} in docs/reference too")
    return made


def main(arguments: Sequence[str]) -> int:
    """Return the exit status."""
    options = parser().parse_args(arguments)
    say = _clock()
    try:
        with (
            tempfile.TemporaryDirectory(prefix="gemma4-bench-") as folder,
            stage(deployments=options.deployments, folder=Path(folder), say=say) as ready,
        ):
            figures = measure(ready, command=" ".join(("python -m tests.bench", *arguments)), say=say)
    except (BenchError, ClusterError, TimeoutError) as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    print(_json(figures) if options.json else f"{_headline(figures)}\n\n{tables(figures)}", end="")
    if options.write_docs:
        say(f"wrote {page.write(figures)}")
    return 0


def _json(figures: Figures) -> str:
    derived = {"requests_each": figures.requests_each, "ratio": figures.ratio}
    return json.dumps(dataclasses.asdict(figures) | derived, indent=2) + "\n"


def _headline(figures: Figures) -> str:
    run = figures.run
    return f"{run.deployments} Gemma4Deployments on {run.nodes} fake nodes; {run.machine}; {run.date}"


def _count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 2000:
        raise argparse.ArgumentTypeError("must be from 1 to 2000")
    return number


def _clock() -> Callable[[str], None]:
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"bench {time.monotonic() - started:5.1f} s: {text}", file=sys.stderr, flush=True)

    return say


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
