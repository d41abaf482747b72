"""A result is stale when the code that it depends on has changed, and only then."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.scaling.digest import FOLLOWED, ROOT, code_digest, digest_of
from tests.bench.scaling.run import Run

MODULES = {
    "sim/rule.py": "from gemma4_operator.scaling.step import go\n\n\ndef rule() -> int:\n    return go(1)\n",
    "scaling/step.py": (
        '"""Steps."""\n\nfrom gemma4_operator.api import names\nfrom gemma4_operator.scaling.deep import base\n'
        "\n\ndef go(n: names.N):\n    return base + n\n"
    ),
    "scaling/deep/__init__.py": "base = 4\n",
    "scaling/other.py": "x = 1\n",
    "api/names.py": "N = int\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in MODULES.items():
        path = tmp_path / "gemma4_operator" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def digest(root: Path) -> str:
    return code_digest(("gemma4_operator.sim.rule",), root=root)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("sim/rule.py", "go(1)", "go(2)"),
        ("sim/rule.py", "rule()", "rule(n=None)"),
        ("scaling/step.py", "base + n", "base - n"),
        ("scaling/deep/__init__.py", "4", "5"),
    ],
)
def test_a_change_of_what_is_imported_makes_it_stale(root: Path, name: str, old: str, new: str):
    before, path = digest(root), root / "gemma4_operator" / name
    path.write_text(path.read_text().replace(old, new))
    assert digest(root) != before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("scaling/step.py", "Steps.", "One step."),
        ("scaling/step.py", "    return", "    # Because.\n    return"),
        ("scaling/step.py", "base + n", "(base+n)"),
        ("scaling/other.py", "1", "2"),
        ("api/names.py", "int", "float"),
    ],
)
def test_words_layout_and_other_modules_leave_it_as_it_is(root: Path, name: str, old: str, new: str):
    before, path = digest(root), root / "gemma4_operator" / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    assert digest(root) == before


def test_a_constant_that_only_differs_in_kind_is_a_change(root: Path):
    path = root / "gemma4_operator" / "scaling" / "deep" / "__init__.py"
    found = set()
    for text in ("base = 4", "base = 4.0", "base = '4'", "base = None", "base = False", "base = 0"):
        path.write_text(text)
        found.add(digest(root))
    assert len(found) == 6


def test_rules_of_others_do_not_depend_on_ours():
    ours, theirs = (Run(workload="conv8", policy=policy) for policy in ("gemma4", "keda:target=5"))
    assert digest_of(ours) != digest_of(theirs)
    decide = ROOT / "gemma4_operator" / "scaling" / "decide.py"
    assert decide.exists()
    # What a rule sees is made of our samples; how ours decides is no business of theirs.
    assert "gemma4_operator.scaling.decide" not in reached("gemma4_operator.sim.peers.keda")
    assert "gemma4_operator.scaling.decide" in reached("gemma4_operator.sim.ours")


def test_what_is_not_followed_is_what_engines_call_their_series():
    """A rule that came to depend on anything else there would have results that never go stale."""
    of_package = {f"gemma4_operator.{path.stem}" for path in (ROOT / "gemma4_operator").iterdir()}
    beyond = {name for name in reached("gemma4_operator.sim.ours") if not name.startswith(FOLLOWED)} - of_package
    assert beyond == {
        "gemma4_operator",
        "gemma4_operator.engines.base",
        "gemma4_operator.api.common",
        "gemma4_operator.api.docstrings",
        "gemma4_operator.api.rules",
    }


def reached(name: str) -> set[str]:
    """Return the package's modules that a fresh interpreter loads with one, as Python itself sees it."""
    code = f"import sys, {name}; print(*(n for n in sys.modules if n.startswith('gemma4_operator')))"
    return set(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split())


def test_knobs_and_circumstances_are_the_key_and_not_the_digest():
    runs = [Run(workload="conv8", policy="keda:target=5"), Run(workload="conv8", policy="keda", seed=3)]
    assert len({digest_of(run) for run in runs}) == 1


def test_traffic_is_told_by_what_it_is():
    assert len({digest_of(Run(workload=name, policy="keda")) for name in ("conv8", "ramp", "steps")}) == 3
