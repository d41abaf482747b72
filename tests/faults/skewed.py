"""`python -m tests.faults.skewed`: the operator under a wall clock that a test moves, by the seconds in a file."""

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gemma4_operator import __main__ as operator
from gemma4_operator.runtime import app

SKEW_FILE = "FAULT_SKEW_FILE"


def _now() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=float(Path(os.environ[SKEW_FILE]).read_text()))


if __name__ == "__main__":
    app._now = _now
    sys.exit(operator.main(sys.argv[1:]))
