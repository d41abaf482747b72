"""Figures as Markdown tables: readable in a terminal, and the body of docs/reference/figures.md."""

from collections.abc import Iterable, Iterator, Sequence

from tests.bench import peer
from tests.bench.counts import Requests
from tests.bench.figures import Figures, NoChange, Repair, Start
from tests.bench.peer import Peer
from tests.bench.repairs import PATIENCE_SECONDS

_PEER = "NIM operator"
_DISTURBED = """\
**The machine was not quiet in this run** (see "used by others"). Requests, writes and memory are not touched by that.
CPU seconds and all times, the floor's first of all, are longer than on a quiet machine, so that the multiple of the
floor comes out too small and must not be compared with the NIM operator's, which was measured on a quiet one."""
Row = tuple[str, ...]


def tables(figures: Figures) -> str:
    """Return all tables with their headings."""
    there = peer.PEERS.get(figures.run.deployments)
    parts = (
        ("Requests to the API server", ("", "here", _PEER), _request_rows(figures, there)),
        ("Requests for one custom resource until Ready", ("request", "each", "all"), _kind_rows(figures)),
        ("Speed", ("", "here", _PEER), _speed_rows(figures, there)),
        ("Cost", ("", "here", _PEER), _cost_rows(figures, there)),
        ("Start of a new process", ("", "no other resource", _many(figures)), _start_rows(figures)),
        ("Repair of a child", ("done by hand", "repaired after", _PEER), _repair_rows(figures)),
    )
    text = "\n".join(f"## {title}\n\n{table(head, rows)}" for title, head, rows in parts)
    return f"{_DISTURBED}\n\n{text}" if figures.is_disturbed else text


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table whose columns are aligned, numbers to the right."""
    body = [tuple(row) for row in rows]
    widths = [max(len(row[column]) for row in (tuple(head), *body)) for column in range(len(head))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "".join(_line(row, widths) for row in (head, rule, *body))


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
    return f"| {' | '.join(cells)} |\n"


def _request_rows(figures: Figures, there: Peer | None) -> Iterator[Row]:
    count, converged = figures.run.deployments, figures.converged
    ready, quiet = converged.until_ready, converged.until_quiet
    yield "each, until Ready", _each(ready.total, count), str(peer.REQUESTS_EACH)
    yield "each, until quiet", _each(quiet.total, count), _each(there.requests_until_quiet, count) if there else ""
    yield "of all these, refused", str(quiet.refused), ""
    yield "apart: lists, watches, leases", f"{quiet.lists}, {quiet.watches}, {quiet.leases}", ""
    yield "passes each, until quiet", _each(converged.passes, count), ""
    yield "writes in a listing without a change", _no_change(figures.resync), ""
    restart = f"{there.restart_writes}" if there and there.restart_writes is not None else ""
    yield "writes after a restart", _no_change(figures.restart), restart
    yield f"while idle for {figures.idle.seconds:g} s", _idle(figures.idle.requests), ""


def _kind_rows(figures: Figures) -> Iterator[Row]:
    for name, number in figures.converged.until_ready.by_verb.items():
        yield name, _each(number, figures.run.deployments), str(number)


def _speed_rows(figures: Figures, there: Peer | None) -> Iterator[Row]:
    floor, wave = figures.floor, figures.converged.wave
    there_floor = there.floor_seconds if there else None
    yield "all created (create answered)", _seconds(wave.created_seconds), ""
    yield "floor: all Deployments available", _seconds(floor.all_seconds), _seconds(there_floor)
    yield "half of all Ready", _seconds(wave.half_seconds), ""
    yield "all Ready", _seconds(wave.all_seconds), _seconds(there.ready_seconds if there else None)
    yield "**all Ready, as a multiple of the floor**", f"**{figures.ratio:.1f}**", f"{there.ratio:.1f}" if there else ""
    shares = f"{_percent(floor.foreign_cpu_share)}, {_percent(wave.foreign_cpu_share)}"
    yield "used by others meanwhile: floor, all Ready", shares, "0 to 1 %" if there else ""


def _cost_rows(figures: Figures, there: Peer | None) -> Iterator[Row]:
    converged, idle = figures.converged, figures.idle
    yield (
        "CPU until all Ready",
        _seconds(converged.cpu_until_ready_seconds),
        _seconds(there.cpu_until_ready_seconds if there else None),
    )
    yield (
        "CPU until quiet",
        _seconds(converged.cpu_until_quiet_seconds),
        _seconds(there.cpu_until_quiet_seconds if there else None),
    )
    there_idle = f"{there.idle_cpu_share:.1%}" if there and there.idle_cpu_share is not None else ""
    yield "CPU while idle, of one core", f"{idle.cpu_seconds / idle.seconds:.1%}", there_idle
    yield "memory with 0 resources", _mib(figures.memory_empty.resident_mib), _mib(peer.MEMORY_EMPTY_MIB)
    yield f"memory with {figures.run.deployments}", _mib(figures.memory_full.resident_mib), ""
    there_highest = there.memory_mib if there else None
    yield "memory at its highest until then", _mib(figures.memory_full.highest_mib), _mib(there_highest)


def _start_rows(figures: Figures) -> Iterator[Row]:
    starts = (figures.start_empty, figures.start_full)
    yield "first request", *(_seconds(start.first_request_seconds) for start in starts)
    yield "first child written", *(_seconds(start.first_write_seconds) for start in starts)
    yield "all missing children written", *(_last(start) for start in starts)


def _repair_rows(figures: Figures) -> Iterator[Row]:
    for repair in figures.repairs:
        yield repair.what, _repaired(repair), peer.REPAIRS.get(repair.what, "")


def _repaired(repair: Repair) -> str:
    if repair.seconds is None:
        return f"not in {PATIENCE_SECONDS:g} s: {repair.refused or 'no attempt'}"
    return f"{repair.seconds:.2f} s"


def _many(figures: Figures) -> str:
    return f"{figures.run.deployments} resources"


def _last(start: Start) -> str:
    return f"{start.last_write_seconds:.1f} s ({start.missing})"


def _no_change(done: NoChange) -> str:
    return f"{done.writes} in {done.passes} passes"


def _idle(requests: Requests) -> str:
    return f"{requests.total}, and {requests.leases} of the Lease"


def _each(number: int, count: int) -> str:
    return f"{number / count:.2f}".removesuffix(".00")


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f} s"


def _mib(value: float | None) -> str:
    return "" if value is None else f"{value:.0f} MiB"


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("%", " %")
