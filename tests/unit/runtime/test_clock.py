"""The wall clock is read in one place of each program, and only for what people read; waits have a monotonic clock."""

import ast
from pathlib import Path

import gemma4_operator

PACKAGE = Path(gemma4_operator.__file__).parent
WALL = {("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"), ("time", "time")}
ALLOWED = {("runtime/app.py", "_now"), ("cli/cluster.py", "_now")}
"""Where it is read: by the operator, where `skewed` in tests/faults moves it, and by `gemma4 diagnose POD`, which tells
how long a log has been silent."""


def readings(path: Path) -> set[tuple[str, str]]:
    """Return the functions of a module that read the wall clock."""
    module = path.relative_to(PACKAGE).as_posix()
    found = set()
    for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            found |= {(module, function.name) for node in ast.walk(function) if _reads(node)}
    return found


def _reads(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and (node.value.id, node.attr) in WALL


def test_only_one_function_of_each_program_reads_the_wall_clock() -> None:
    assert {reading for path in PACKAGE.rglob("*.py") for reading in readings(path)} == ALLOWED
