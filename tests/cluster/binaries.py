"""Finds the cluster's programs: in KUBEBUILDER_ASSETS, on PATH, in the cache, and builds what is nowhere.

The order is that of the ecosystem's envtest: who sets KUBEBUILDER_ASSETS has chosen and is not second-guessed; a
program on PATH is taken only if its version fits, since distributions ship old ones under the same name.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.cluster import builder
from tests.cluster.recipes import RECIPES, Recipe, recipe_of

CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")


def locate(*names: str, environ: Mapping[str, str] = os.environ) -> dict[str, Path]:
    """Returns a path for each program, building the missing ones; progress goes to stderr."""
    found = {name: path for name in names if (path := find_ready(name, environ=environ))}
    missing = [name for name in names if name not in found]
    needed = [recipe for recipe in RECIPES if set(recipe.names) & set(missing)]
    folders = builder.ensure(needed, cache=cache_root(environ=environ)) if needed else {}
    return found | {name: folders[recipe_of(name).module] / name for name in missing}


def cache_root(*, environ: Mapping[str, str] = os.environ) -> Path:
    """Where this user's built programs are kept."""
    base = environ.get("XDG_CACHE_HOME") or str(Path(environ.get("HOME", "~")).expanduser() / ".cache")
    return Path(base) / "gemma4-operator" / "bin"


def find_ready(name: str, *, environ: Mapping[str, str] = os.environ) -> Path | None:
    """Returns a program that others have put on this machine, or None."""
    if assets := environ.get("KUBEBUILDER_ASSETS"):
        chosen = Path(assets).resolve() / name
        if os.access(chosen, os.X_OK):
            return chosen
    return _on_path(recipe_of(name), name, environ.get("PATH", ""))


def _on_path(recipe: Recipe, name: str, search_path: str) -> Path | None:
    # Every folder is tried, because a fitting program may stand behind an old one of the same name.
    for folder in filter(None, search_path.split(os.pathsep)):
        hit = shutil.which(name, path=folder)
        if hit and _fits(recipe, Path(hit)):
            return Path(hit).absolute()
    return None


def _fits(recipe: Recipe, program: Path) -> bool:
    if recipe.required_version is None:
        return True
    try:
        answer = subprocess.run(
            recipe.version_command(program), capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and recipe.required_version in answer.stdout
