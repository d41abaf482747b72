"""Which tests run in one process: those of a file, and all that need the machine's one node."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.sharing import Files

ROOT = Path(__file__).parents[2]


def _scope(nodeid: str) -> str:
    return Files._split_scope(Files.__new__(Files), nodeid)


def test_the_files_that_need_the_real_node_are_one_piece_of_work() -> None:
    demo = "tests/e2e/test_demo.py::test_a_resource_becomes_a_pod_that_answers"
    node = "tests/integration/test_node.py::test_the_node_is_ready_and_has_a_gpu"
    assert _scope(demo) == _scope(node)


def test_every_other_file_is_a_piece_of_its_own() -> None:
    truth = [f"tests/integration/test_truth.py::test_{one}" for one in "ab"]
    assert {_scope(one) for one in truth} == {"tests/integration/test_truth.py"}
    assert _scope("tests/integration/test_crd.py::test_a") == "tests/integration/test_crd.py"


def test_every_process_collects_the_same_names() -> None:
    """A name made of a set differs from process to process, and then the tests cannot be shared out."""
    with ThreadPoolExecutor() as threads:
        one, other = threads.map(_collected, ("1", "2"))
    assert len(one) > 1000
    assert one == other


def _collected(seed: str) -> list[str]:
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "tests/unit"]
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return [line for line in done.stdout.splitlines() if "::" in line]
