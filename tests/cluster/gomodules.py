"""Files out of published Go modules, such as the CRDs of other projects, as the module proxy has them."""

import json
import subprocess
import tempfile
from pathlib import Path

from tests.cluster.builder import build_environment
from tests.cluster.errors import ClusterError

_PATIENCE_SECONDS = 300


def module_folder(module: str, version: str) -> Path:
    """Returns the read-only folder with a module's files, from Go's cache or downloaded into it."""
    with tempfile.TemporaryDirectory() as elsewhere:
        # Outside of any module, whose own requirements would otherwise count.
        done = subprocess.run(
            ["go", "mod", "download", "-json", f"{module}@{version}"],
            cwd=elsewhere,
            env=build_environment(),
            capture_output=True,
            text=True,
            timeout=_PATIENCE_SECONDS,
            check=False,
        )
    told = json.loads(done.stdout or "{}")
    if done.returncode or "Dir" not in told:
        said = told.get("Error") or done.stderr.strip()
        raise ClusterError(f"The Go module {module}@{version} cannot be had: {said}")
    return Path(told["Dir"])
