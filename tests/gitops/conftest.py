"""The real Helm as a judge of the values that samples give to the chart."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from hack.manifests import CHART
from tests.cluster.binaries import locate


@pytest.fixture
def helm_lint(tmp_path: Path) -> Callable[[Any], None]:
    """Fail with Helm's words if the chart's schema refuses values."""

    def lint(values: Any) -> None:
        file = tmp_path / "values.yaml"
        file.write_text(yaml.safe_dump(values))
        command = [str(locate("helm")["helm"]), "lint", str(CHART), "--values", str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    return lint
