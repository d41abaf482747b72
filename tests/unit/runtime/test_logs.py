"""Log lines: kopf's tracebacks are left out, our own are not."""

import logging
import sys

import pytest

from gemma4_operator.runtime.logs import Brevity


@pytest.mark.parametrize(("logger", "kept"), [("kopf._core.reactor.running", False), ("gemma4_operator.x", True)])
def test_a_traceback_of_kopfs_says_nothing_more_than_its_line(logger: str, kept: bool) -> None:
    try:
        raise ValueError("404 page not found")
    except ValueError:
        record = logging.LogRecord(logger, logging.ERROR, __file__, 1, "it has failed", None, sys.exc_info())
    assert Brevity().filter(record)
    said = logging.Formatter("%(message)s").format(record)
    assert said.startswith("it has failed")
    assert ("Traceback" in said) is kept
