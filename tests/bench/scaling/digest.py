"""What code a run depends on, as a digest: the modules that its rule and the simulator import, without their comments.

A changed knob of one rule so lets the results of all others stand. The traffic is told by its definition, because
adding one must not make all others stale. What lies outside scaling/ and sim/ is not followed: they take from there
what engines call their series, which no run reads.
"""

import ast
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path

from gemma4_operator.sim import ours
from gemma4_operator.sim.workloads import ENGINE
from tests.bench.scaling.run import WORKLOADS, Run

PACKAGE = "gemma4_operator"
FOLLOWED = (f"{PACKAGE}.scaling.", f"{PACKAGE}.sim.")
ROOT = Path(__file__).parents[3] / "operator"
_SIMULATOR = ("world", "result", "need", "arrivals", "lengths", "traces", "peers.knobs")
_LENGTH = 16


def digest_of(run: Run) -> str:
    """Return the digest of all that a run's result depends on, besides the run itself."""
    name = run.policy.partition(":")[0]
    rule = f"{PACKAGE}.sim.ours" if name == ours.NAME else f"{PACKAGE}.sim.peers.{name}"
    modules = (rule, *(f"{PACKAGE}.sim.{one}" for one in _SIMULATOR))
    parts = (_code(modules, ROOT), repr(WORKLOADS[run.workload].make), repr(ENGINE))
    return sha256("\n".join(parts).encode()).hexdigest()[:_LENGTH]


@cache
def _code(modules: tuple[str, ...], root: Path) -> str:
    return code_digest(modules, root=root)


def code_digest(modules: tuple[str, ...], *, root: Path) -> str:
    """Return the digest of modules and of all that they import from the packages that are followed."""
    found: dict[str, str] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        tree = ast.parse(_path(name, root).read_text())
        found[name] = "".join(_canonical(tree))
        waiting += [imported for imported in _imports(tree) if imported not in found and _exists(imported, root)]
    return sha256("\n".join(f"{name} {text}" for name, text in sorted(found.items())).encode()).hexdigest()


def _path(name: str, root: Path) -> Path:
    path = root.joinpath(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _exists(name: str, root: Path) -> bool:
    return name.startswith(FOLLOWED) and _path(name, root).is_file()


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _canonical(node: object) -> Iterator[str]:
    """Yield a tree as text that is the same in every version of Python, and knows neither comments nor docstrings."""
    if isinstance(node, ast.AST):
        yield f"({type(node).__name__}"
        for name, value in ast.iter_fields(node):
            told = [one for one in value if not _is_docstring(one)] if isinstance(value, list) else value
            # Newer versions have fields that older ones lack; they are empty where the code is older.
            if told not in (None, []):
                yield f" {name}="
                yield from _canonical(told)
        yield ")"
    elif isinstance(node, list):
        for one in node:
            yield from _canonical(one)
            yield ","
    else:
        yield repr(node)


def _is_docstring(node: object) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
