"""The catalogue of a process: built in, overridden by a file, and never a reason not to start."""

import logging
from pathlib import Path

import pytest

from gemma4_operator.runtime import facts


def test_without_a_file_it_is_the_built_in_one() -> None:
    catalog, faults = facts.known("")
    assert faults == ()
    assert catalog.gpu("NVIDIA-L40S") is not None


def test_a_price_of_the_teams_own(tmp_path: Path) -> None:
    file = tmp_path / "catalog.yaml"
    file.write_text('prices: {NVIDIA-L40S: "0.99"}\n')
    catalog, faults = facts.known(str(file))
    row = catalog.gpu("NVIDIA-L40S")
    assert faults == ()
    assert row is not None
    assert row.hourly_price == "0.99"


def test_a_bad_entry_is_told_and_the_rest_applies(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "catalog.yaml"
    file.write_text('prices: {NVIDIA-L40S: "0.99", NVIDIA-NONE: "1.00"}\n')
    catalog, faults = facts.known(str(file))
    row = catalog.gpu("NVIDIA-L40S")
    assert row is not None
    assert row.hourly_price == "0.99"
    assert len(faults) == 1
    with caplog.at_level(logging.WARNING):
        facts.report(faults)
    assert "NVIDIA-NONE" in caplog.text


@pytest.mark.parametrize("name", ["missing.yaml", "."])
def test_a_file_that_cannot_be_read_is_told_and_passed_over(tmp_path: Path, name: str) -> None:
    catalog, faults = facts.known(str(tmp_path / name))
    assert catalog.checkpoints
    assert "must be a file that can be read" in faults[0]
