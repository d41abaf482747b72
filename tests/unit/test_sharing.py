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


def test_no_file_that_needs_it_is_left_out() -> None:
    """Two processes that each want the one node: the second is told that it is taken."""
    mark = "pytest.mark." + "node"
    needing = [path for path in sorted((ROOT / "tests").rglob("test_*.py")) if mark in path.read_text()]
    assert len(needing) > 3
    assert {_scope(f"{path.relative_to(ROOT)}::test_it") for path in needing} == {"the real node"}


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
    # Options for the run that this is part of, such as -v, would change what is printed.
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTEST_ADDOPTS": ""}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return [line for line in done.stdout.splitlines() if "::" in line]
