"""Play the scaling rules on the same traffic: `python -m tests.bench.scaling`, or `make scaling-bench`."""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.bench.scaling.book import PATH, load, rewrite
from tests.bench.scaling.page import tables, write
from tests.bench.scaling.run import Run
from tests.bench.scaling.work import fill, fresh

_EPILOG = """\
Results are kept, so that a second call only plays what is missing or what changed code makes stale.
Progress goes to stderr, the tables to stdout, the page to docs/reference. All of it takes hours on
one core: --minutes stops in good order, and the most telling runs come first.

  python -m tests.bench.scaling --minutes 30 --jobs 2
  python -m tests.bench.scaling --only llmd --only ramp
  python -m tests.bench.scaling --minutes 0              # plays nothing, writes the page
"""


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    made = argparse.ArgumentParser(
        prog="python -m tests.bench.scaling",
        description=__doc__,
        epilog=_EPILOG,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    made.add_argument(
        "--only", action="append", metavar="TEXT", help="runs or stages with that in them; may be repeated"
    )
    made.add_argument("--jobs", type=_count, default=1, metavar="N", help="runs at once (default: 1)")
    made.add_argument("--minutes", type=float, metavar="N", help="begin no more runs after that (default: play all)")
    made.add_argument("--results", type=Path, default=PATH, metavar="FILE", help=argparse.SUPPRESS)
    return made


def main(arguments: Sequence[str]) -> int:
    """Return the exit status."""
    options = parser().parse_args(arguments)
    say = _clock()
    kept = load(options.results)
    book = fresh(kept)
    say(f"{len(book)} results are kept, and {len(kept) - len(book)} are of code that has changed")
    try:
        with ProcessPoolExecutor(max_workers=options.jobs) as pool:
            fill(
                book,
                options.results,
                is_wanted=_wanted(options.only),
                jobs=options.jobs,
                minutes=options.minutes,
                say=say,
                pool=pool,
            )
    except KeyboardInterrupt:
        return 130
    everything = load(options.results)
    rewrite(options.results, everything)
    print(tables(everything))
    if options.results == PATH:
        say(f"wrote {write(everything)}")
    return 0


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _wanted(only: Sequence[str] | None) -> Callable[[str, Run], bool]:
    return lambda stage, run: only is None or any(text in f"{stage} {run.text}" for text in only)


def _clock() -> Callable[[str], None]:
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"scaling-bench {time.monotonic() - started:5.0f} s: {text}", file=sys.stderr, flush=True)

    return say


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
