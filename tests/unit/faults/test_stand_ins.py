"""Operators that tests start under a changed clock or haste: each still starts as the operator does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
STAND_INS = sorted(
    path
    for folder in ("faults", "integration", "soak", "e2e")
    for path in (ROOT / "tests" / folder).glob("*.py")
    if "__main__" in (text := path.read_text()) and "from gemma4_operator" in text and "sys.exit(" in text
)


def test_there_are_some() -> None:
    assert {path.name for path in STAND_INS} >= {"skewed.py", "hurried.py"}


@pytest.mark.parametrize("path", STAND_INS, ids=lambda path: path.stem)
def test_it_gets_as_far_as_the_operators_own_settings(path: Path) -> None:
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    environment = {**os.environ, "GEMMA4_RESYNC_SECONDS": "2", "FAULT_SKEW_FILE": os.devnull}
    done = subprocess.run(
        [sys.executable, "-m", module], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (
        2,
        "GEMMA4_RESYNC_SECONDS is '2'; it must be a whole number from 5 to 86400.\n",
    )
