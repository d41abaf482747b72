"""`gemma4 doctor` as a command: what it prints, how it ends, and clusters that cannot be asked."""

import json
from dataclasses import replace

import pytest

from gemma4_operator.cli import doctor_sources
from gemma4_operator.cli.examination import Seen
from gemma4_operator.cli.main import main
from tests.unit.cli.test_examination import WELL


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> list[Seen]:
    """What the cluster shows, which a test may change; the real one is asked in tests/integration."""
    shown = [WELL]
    monkeypatch.setattr(doctor_sources, "seen", lambda _: shown[0])
    return shown


def test_people_see_one_line_for_each_check(cluster: list[Seen], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "ok  kubernetes   Kubernetes is v1.36.3."
    assert [line.split()[:2] for line in lines] == [
        ["ok", check] for check in ("kubernetes", "definition", "operator", "permissions", "gpus", "resources")
    ]


def test_a_problem_ends_with_three_and_a_warning_does_not(
    cluster: list[Seen], capsys: pytest.CaptureFixture[str]
) -> None:
    cluster[0] = replace(WELL, denied_diagnosis=["get pods/log"])
    assert main(["doctor"]) == 0
    assert "warning  permissions" in capsys.readouterr().out
    cluster[0] = replace(WELL, denied=["list pods"])
    assert main(["doctor"]) == 3
    assert "problem  permissions  The operator may not list pods" in capsys.readouterr().out


def test_programs_get_stable_keys(cluster: list[Seen], capsys: pytest.CaptureFixture[str]) -> None:
    cluster[0] = replace(WELL, version="v1.20.0")
    assert main(["doctor", "-o", "json"]) == 3
    told = json.loads(capsys.readouterr().out)
    assert told.keys() == {"healthy", "checks"}
    assert told["healthy"] is False
    assert all(one.keys() == {"check", "status", "message"} for one in told["checks"])
    assert told["checks"][0]["status"] == "problem"


def test_colour_is_for_terminals(
    cluster: list[Seen], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster[0] = replace(WELL, denied=["list pods"])
    monkeypatch.setattr("gemma4_operator.cli.output.has_colour", lambda: True)
    main(["doctor"])
    printed = capsys.readouterr().out
    assert "\033[1mproblem\033[0m" in printed
    assert "\033[1mok" not in printed
