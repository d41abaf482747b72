"""docs/reference/threat-model.md and the tests agree: no row without its proof, no proof without its row."""

import ast
import re
from pathlib import Path

import pytest

from gemma4_operator.api.common import EngineType
from gemma4_operator.catalog.overrides import override
from gemma4_operator.engines.base import HuggingFaceWeights
from gemma4_operator.planner.choose import choose
from gemma4_operator.planner.plan import Plan
from tests.rendering import ANY, CATALOG, ENGINES, a_serving, spec_of

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "threat-model.md").read_text()
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py::[\w:]+)`", PAGE)))
MARKED = (
    "tests/chart/test_admission_policy.py",
    "tests/integration/test_threats.py",
    "tests/property/test_hostile_patches.py",
    "tests/property/test_structure.py",
    "tests/unit/render/test_fences.py",
    "tests/unit/kube/test_shallow.py",
    "tests/unit/runtime/test_strangers.py",
    "tests/unit/status/test_redact.py",
)
"""Modules that hold nothing but threats."""
ROW = re.compile(r"^\|(?! ---)(?P<cells>.+)\|$", re.MULTILINE)


def proofs_in(path: str) -> set[str]:
    """Return the names of a module's tests, as pytest writes them."""
    found = set()
    for node in ast.parse((ROOT / path).read_text()).body:
        functions = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{path}::{node.name}::" if isinstance(node, ast.ClassDef) else f"{path}::"
        names = [one.name for one in functions if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
        found |= {prefix + name for name in names if name.startswith("test_")}
    return found


@pytest.mark.parametrize("name", NAMED)
def test_a_row_names_a_test_that_exists(name: str) -> None:
    assert name in proofs_in(name.partition("::")[0])


@pytest.mark.parametrize("path", MARKED)
def test_a_test_of_a_threat_has_a_row(path: str) -> None:
    assert proofs_in(path) - set(NAMED) == set()


def test_every_attempt_has_a_test() -> None:
    tables = [table for table in PAGE.split("\n\n") if table.startswith(("| attempt", "| promise"))]
    rows = [match["cells"] for table in tables for match in list(ROW.finditer(table))[1:]]
    assert len(tables) == 5
    assert [row for row in rows if "`tests/" not in row] == []


def test_the_operator_has_three_clients() -> None:
    """Nothing but `kube` and what asks our own pods or Prometheus opens a connection: not to what a resource names."""
    networks = {"aiohttp", "http", "kubernetes", "requests", "socket", "urllib", "urllib3"}
    package = ROOT / "operator" / "gemma4_operator"
    found = {
        (path.relative_to(package).as_posix(), module)
        for path in package.rglob("*.py")
        for module in _imported(path)
        if module.partition(".")[0] in networks and path.parent.name not in ("kube", "cli")
    }
    assert found == {
        # The operator's own port, for kubelets and Prometheus.
        ("runtime/health.py", "aiohttp"),
        ("runtime/health.py", "socket"),
        # Asks pods that are ours, at the addresses that their kubelets write.
        ("runtime/scrape.py", "aiohttp"),
        # Asks the Prometheus of the operator's own settings.
        ("runtime/prometheus.py", "aiohttp"),
        ("runtime/app.py", "kubernetes.aio.client.api_client"),
        # The host's name, for the Lease.
        ("runtime/app.py", "socket"),
        # Codes of answers.
        ("runtime/converge.py", "http"),
    }


def test_what_is_said_of_weights_is_so() -> None:
    """No row is pinned; a resource and the catalogue's overrides can, and then vLLM alone takes it."""
    said = " ".join(PAGE.partition("## What is not defended")[2].split())
    assert "Weights are trusted as their repository serves them" in said
    assert {row.revision for row in CATALOG.checkpoints} == {"main"}
    commit = "0123456789abcdef0123456789abcdef01234567"
    row = next(one for one in CATALOG.checkpoints if one.preferred and one.file is None)
    text = f"checkpoints: [{{repository: {row.repository}, revision: {commit}}}]"
    catalog, faults = override(CATALOG, text)
    assert faults == ()
    for spec, known in (
        ({"model": {"variant": row.variant, "quantization": row.quantization}}, catalog),
        (
            {
                "model": {
                    "variant": row.variant,
                    "quantization": row.quantization,
                    "checkpoint": {"huggingFace": {"repository": row.repository, "revision": commit}},
                }
            },
            CATALOG,
        ),
    ):
        plan = choose(spec_of(spec), catalog=known, engines=ENGINES, classes=(ANY,))
        assert isinstance(plan, Plan), plan
        assert plan.weights == HuggingFaceWeights(repository=row.repository, revision=commit)
    for engine in (EngineType.NIM, EngineType.LLAMA_CPP, EngineType.OLLAMA):
        quantization = "BF16" if engine is EngineType.NIM else "Q4_K_M"
        weights = HuggingFaceWeights(repository="a/b", revision=commit)
        refusal = ENGINES[engine].refuses(a_serving(weights=weights, quantization=quantization))
        assert "put that revision on a claim to pin it" in str(refusal)


def _imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names
