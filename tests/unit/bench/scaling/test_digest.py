"""A result is stale when the code that it depends on has changed, and only then."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.scaling.digest import ROOT, code_digest, digest_of
from tests.bench.scaling.run import Run

MODULES = {
    "rule.py": "from gemma4_operator.step import go\n\n\ndef rule() -> int:\n    return go(1)\n",
    "step.py": '"""Steps."""\n\nfrom gemma4_operator.deep import base\n\n\ndef go(n):\n    return base + n\n',
    "deep/__init__.py": "base = 4\n",
    "other.py": "x = 1\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in MODULES.items():
        path = tmp_path / "gemma4_operator" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def digest(root: Path) -> str:
    return code_digest(("gemma4_operator.rule",), root=root)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("rule.py", "go(1)", "go(2)"),
        ("rule.py", "rule()", "rule(n=None)"),
        ("step.py", "base + n", "base - n"),
        ("deep/__init__.py", "4", "5"),
    ],
)
def test_a_change_of_what_is_imported_makes_it_stale(root: Path, name: str, old: str, new: str):
    before, path = digest(root), root / "gemma4_operator" / name
    path.write_text(path.read_text().replace(old, new))
    assert digest(root) != before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("step.py", "Steps.", "One step."),
        ("step.py", "    return", "    # Because.\n    return"),
        ("step.py", "base + n", "(base+n)"),
        ("other.py", "1", "2"),
    ],
)
def test_words_layout_and_other_modules_leave_it_as_it_is(root: Path, name: str, old: str, new: str):
    before, path = digest(root), root / "gemma4_operator" / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    assert digest(root) == before


def test_a_constant_that_only_differs_in_kind_is_a_change(root: Path):
    path = root / "gemma4_operator" / "deep" / "__init__.py"
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


def reached(name: str) -> set[str]:
    """Return the package's modules that a fresh interpreter loads with one, as Python itself sees it."""
    code = f"import sys, {name}; print(*(n for n in sys.modules if n.startswith('gemma4_operator')))"
    return set(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split())


def test_knobs_and_circumstances_are_the_key_and_not_the_digest():
    runs = [Run(workload="conv8", policy="keda:target=5"), Run(workload="conv8", policy="keda", seed=3)]
    assert len({digest_of(run) for run in runs}) == 1


def test_traffic_is_told_by_what_it_is():
    assert len({digest_of(Run(workload=name, policy="keda")) for name in ("conv8", "ramp", "steps")}) == 3
