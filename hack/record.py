"""Record what `gemma4` prints into the guides: `python -m hack.record [--check]`.

A block of a guide that begins with `$ gemma4` is such a record. It runs in the guide's folder.
"""

import argparse
import io
import re
import shlex
import sys
from collections.abc import Sequence
from contextlib import chdir, redirect_stdout
from pathlib import Path

from gemma4_operator.cli.main import main as gemma4

GUIDES = (Path(__file__).resolve().parent.parent / "docs" / "guides" / "planning.md",)
_BLOCK = re.compile(r"^```console\n\$ gemma4 (?P<arguments>[^\n]*)\n.*?^```$", re.DOTALL | re.MULTILINE)


def recorded(guide: Path) -> str:
    """Return the guide's text with what its commands print today."""
    with chdir(guide.parent):
        return _BLOCK.sub(lambda block: _record(block["arguments"]), guide.read_text())


def _record(arguments: str) -> str:
    printed = io.StringIO()
    with redirect_stdout(printed):
        gemma4(shlex.split(arguments))
    lines = (line.rstrip() for line in printed.getvalue().splitlines())
    return "\n".join(["```console", f"$ gemma4 {arguments}", *lines, "```"])


def main(argv: Sequence[str] | None = None) -> int:
    """Write the records, or name the guides whose records are old."""
    parser = argparse.ArgumentParser(prog="python -m hack.record", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; name the guides that differ")
    check = parser.parse_args(argv).check
    stale = False
    for guide in GUIDES:
        text = recorded(guide)
        if text == guide.read_text():
            continue
        stale = True
        if check:
            print(f"{guide.name} is not what gemma4 prints; run `make generate`", file=sys.stderr)
        else:
            guide.write_text(text)
            print(f"recorded {guide.name}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
