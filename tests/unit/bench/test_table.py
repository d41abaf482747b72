"""How figures are shown."""

import dataclasses
import json

from tests.bench.__main__ import _json
from tests.bench.counts import Requests
from tests.bench.figures import Converged, Figures, Idle, NoChange, Repair, Run, Start, Wave
from tests.bench.machine import Memory
from tests.bench.page import page
from tests.bench.table import table, tables

REQUESTS = Requests(by_verb={"patch services": 400, "create events": 300}, leases=3, lists=5, watches=2, refused=0)
WAVE = Wave(created_seconds=0.2, half_seconds=5.0, all_seconds=8.0, foreign_cpu_share=0.02)
START = Start(first_request_seconds=1.0, first_write_seconds=1.4, last_write_seconds=1.5, missing=3)
FIGURES = Figures(
    run=Run(
        command="python -m tests.bench",
        date="2026-01-02",
        machine="2 cores",
        versions={"Kubernetes": "v1.36.3"},
        deployments=100,
        nodes=130,
    ),
    floor=dataclasses.replace(WAVE, all_seconds=4.0),
    converged=Converged(
        wave=WAVE,
        until_ready=REQUESTS,
        until_quiet=REQUESTS,
        passes=350,
        cpu_until_ready_seconds=2.0,
        cpu_until_quiet_seconds=2.5,
    ),
    memory_empty=Memory(resident_mib=70.0, highest_mib=71.0),
    memory_full=Memory(resident_mib=80.0, highest_mib=90.0),
    idle=Idle(seconds=20.0, cpu_seconds=0.1, requests=REQUESTS, foreign_cpu_share=0.0),
    resync=NoChange(passes=100, writes=0),
    restart=NoChange(passes=200, writes=0),
    start_empty=START,
    start_full=START,
    repairs=(
        Repair(what="Service deleted", seconds=0.25),
        Repair(what="Service's port changed", seconds=None, refused="Duplicate value"),
    ),
)


def row(text: str, title: str, figures: Figures = FIGURES) -> list[str]:
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {title} ")]
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def without_peer() -> Figures:
    return dataclasses.replace(FIGURES, run=dataclasses.replace(FIGURES.run, deployments=50))


class TestTable:
    def test_columns_are_as_wide_as_their_widest_cell(self):
        assert table(("", "here"), [("a", "1"), ("long", "12345")]).splitlines() == [
            "|      |  here |",
            "| ---- | ----: |",
            "| a    |     1 |",
            "| long | 12345 |",
        ]

    def test_a_table_without_rows_is_its_head(self):
        assert table(("a", "b"), []) == "| a | b |\n| - | : |\n".replace("| : |", "| : |")


class TestTables:
    def test_requests_stand_beside_the_peers(self):
        text = tables(FIGURES)
        assert row(text, "each, until Ready") == ["7", "16"]
        assert row(text, "each, until quiet") == ["7", "21.02"]
        assert row(text, "patch services") == ["4", "400"]

    def test_times_are_a_multiple_of_the_floor(self):
        assert row(tables(FIGURES), "**all Ready, as a multiple of the floor**") == ["**2.0**", "5.1"]

    def test_no_writes_are_said_with_the_passes_in_which_none_was_made(self):
        assert row(tables(FIGURES), "writes after a restart")[0] == "0 in 200 passes"

    def test_where_the_peer_was_not_measured_its_cell_is_empty(self):
        assert row(tables(without_peer()), "all Ready") == ["8.0 s", ""]

    def test_a_repair_that_did_not_come_says_why(self):
        text = tables(FIGURES)
        assert row(text, "Service deleted") == ["0.25 s", "0.02 s"]
        assert row(text, "Service's port changed") == ["not in 10 s: Duplicate value", "not in 30 s"]


def test_a_disturbed_run_says_so_first():
    disturbed = dataclasses.replace(FIGURES, floor=dataclasses.replace(WAVE, foreign_cpu_share=0.4))
    assert tables(disturbed).startswith("**The machine was not quiet in this run**")
    assert "not quiet" not in tables(FIGURES)


def test_the_page_says_how_it_was_made():
    text = page(FIGURES)
    for part in ("`python -m tests.bench`", "2026-01-02", "2 cores", "Kubernetes v1.36.3", "f63f74d7"):
        assert part in text


def test_json_holds_the_derived_figures_too():
    parsed = json.loads(_json(FIGURES))
    assert (parsed["requests_each"], parsed["ratio"]) == (7.0, 2.0)
    assert parsed["converged"]["until_ready"]["by_verb"]["patch services"] == 400
