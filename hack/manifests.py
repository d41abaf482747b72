"""Write manifests/base from the chart's default values: `python -m hack.manifests [--check]`.

Apart from hack.generate because it needs Helm, which the test cluster's tools bring.
"""

import argparse
import difflib
import re
import subprocess
import sys
from pathlib import Path

from tests.cluster.binaries import locate

ROOT = Path(__file__).resolve().parent.parent
CHART = ROOT / "charts" / "gemma4-operator"
BASE = ROOT / "manifests" / "base"
NAMESPACE = "gemma4-system"
RELEASE = "gemma4-operator"

_HEADER = "# Generated from charts/gemma4-operator by `make generate`; do not edit.\n"
_SOURCE = re.compile(r"^# Source: gemma4-operator/templates/(?P<path>\S+)$", re.MULTILINE)
_HELMS_OWN = re.compile(r"^ *(app\.kubernetes\.io/managed-by: Helm|helm\.sh/chart: .*)\n", re.MULTILINE)
# Kept by hand: what kustomize needs and the chart has not.
_BY_HAND = frozenset({"kustomization.yaml", "namespace.yaml"})


def render(helm: Path) -> dict[str, str]:
    """Return the text of each generated file by its name."""
    options = ("--namespace", NAMESPACE, "--set", "crds.enabled=false", "--skip-tests")
    command = [str(helm), "template", RELEASE, str(CHART), *options]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    files = {}
    for document in re.split(r"^---\n", output, flags=re.MULTILINE):
        if source := _SOURCE.search(document):
            body = _HELMS_OWN.sub("", _SOURCE.sub("", document)).strip()
            files[source["path"]] = f"{_HEADER}{body}\n"
    return files


def differences(helm: Path) -> list[str]:
    """Return one unified diff for each file that is not as the chart renders it."""
    wanted = render(helm)
    names = {path.name for path in BASE.glob("*.yaml")} - _BY_HAND | wanted.keys()
    texts = {name: (_stored(name), wanted.get(name, "")) for name in sorted(names)}
    return [_diff(name, old=old, new=new) for name, (old, new) in texts.items() if old != new]


def write(helm: Path) -> None:
    """Make manifests/base what the chart renders."""
    wanted = render(helm)
    for path in BASE.glob("*.yaml"):
        if path.name not in wanted.keys() | _BY_HAND:
            path.unlink()
    for name, text in wanted.items():
        (BASE / name).write_text(text)


def _stored(name: str) -> str:
    path = BASE / name
    return path.read_text() if path.exists() else ""


def _diff(name: str, *, old: str, new: str) -> str:
    path = f"manifests/base/{name}"
    return "".join(difflib.unified_diff(old.splitlines(True), new.splitlines(True), path, f"{path} (from the chart)"))


def main() -> int:
    """Write, or check and say what differs."""
    parser = argparse.ArgumentParser(prog="python -m hack.manifests", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if something would change")
    check = parser.parse_args().check
    helm = locate("helm")["helm"]
    if not check:
        write(helm)
        return 0
    found = differences(helm)
    sys.stdout.writelines(found)
    if found:
        print("manifests/base differs from the chart: run `make generate`.", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
