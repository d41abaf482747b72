"""Calls of planning verbs: deployments in files, the two clusters of the tests' data, and what is printed."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from gemma4_operator.cli.main import main

DATA = Path(__file__).parents[2] / "data" / "inventories"
MIXED, SPARK = str(DATA / "mixed.json"), str(DATA / "spark.json")
UNPAYABLE = {"model": {"variant": "E2B", "quantization": "BF16"}, "objectives": {"maximumHourlyCost": "0.01"}}
"""With a model that is named, so that little has to be tried to say what would help."""


def deployment(name: str = "chat", spec: dict[str, Any] | None = None, **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "gemma4.dev/v1alpha1",
        "kind": "Gemma4Deployment",
        "metadata": {"name": name, "namespace": "team-a", **metadata},
        "spec": spec or {},
    }


def written(folder: Path, *objects: dict[str, Any]) -> str:
    path = folder / "chat.yaml"
    path.write_text(yaml.safe_dump_all(objects))
    return str(path)


def told(arguments: list[str], capsys: pytest.CaptureFixture[str], *, code: int = 0) -> Any:
    """Run with `-o json` and return what was printed."""
    assert main([*arguments, "-o", "json"]) == code
    printed = capsys.readouterr()
    assert printed.err == ""
    return json.loads(printed.out)
