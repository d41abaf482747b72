"""docs/reference/faults.md: the rows of the matrix, and what was seen in the run that wrote it."""

import re
from collections.abc import Mapping
from pathlib import Path

from tests.faults.fault import Fault, Kind
from tests.faults.matrix import FAULTS, NOT_PLAYED

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "faults.md"
_LONGEST = 240
_CHANCE = (
    (re.compile(r"fault-[0-9a-f]{8}"), "fault-…"),
    (re.compile(r"-[0-9a-f]{8,10}-[a-z0-9]{5}\b"), "-…"),
)

_HEAD = """\
<!-- Written by `python -m tests.faults --write-docs`; do not edit. -->

# Faults

Each row is a fault that is made on a real control plane, what a user sees of it, and the proof that nothing is lost.
`make faults` makes them all; a row whose proof fails, fails the run. Pods fail in the words of real kubelets, on
simulated nodes; the scheduler, the quotas, the evictions and the API server are Kubernetes' own. The message is an
excerpt of what was seen in the run that wrote this page; names given by chance are left out.

"""


def page(seen: Mapping[str, str]) -> str:
    """Return the page.

    Args:
        seen: What was seen, by the fault's name; already as the page shows it.
    """
    parts = [_HEAD, f"{len(FAULTS)} faults.\n"]
    for kind in Kind:
        rows = [_row(fault, seen.get(fault.name, "")) for fault in FAULTS if fault.kind is kind]
        parts += [
            f"\n## {kind.value}\n\n| fault | what a user sees | seen | proof |\n| --- | --- | --- | --- |\n",
            *rows,
        ]
    parts.append("\n## Not played\n\n")
    parts += [f"* `{reason.value}`: {why}.\n" for reason, why in NOT_PLAYED.items()]
    return "".join(parts)


def _row(fault: Fault, seen: str) -> str:
    sees = fault.sees or (f"`{fault.reason.value}`" if fault.reason is not None else "")
    proof = fault.proof + "".join(f" `{test.rpartition('/')[2]}`" for test in fault.tests)
    return f"| {fault.name} | {sees} | {seen} | {proof} |\n"


def shown(text: str) -> str:
    """Return what was seen as the page shows it: one line, no names given by chance, and not too long."""
    for pattern, instead in _CHANCE:
        text = pattern.sub(instead, text)
    flat = " ".join(text.split()).replace("|", "\\|")
    return flat if len(flat) <= _LONGEST else f"{flat[: _LONGEST - 1]}…"


def read_seen(text: str) -> dict[str, str]:
    """Return what a page says was seen, by fault."""
    rows = [re.split(r"(?<!\\) ?\| ?", line)[1:-1] for line in text.splitlines() if line.startswith("| ")]
    return {cells[0]: cells[2] for cells in rows if len(cells) == 4}
