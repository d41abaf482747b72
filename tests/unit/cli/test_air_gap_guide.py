"""The guide to clusters without the internet: what it shows is taken, and pods of it ask nobody outside."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from gemma4_operator.api.common import EngineType
from gemma4_operator.catalog.loader import builtin_catalog
from gemma4_operator.catalog.overrides import override
from gemma4_operator.cli.main import main
from tests.unit.cli.calls import MIXED

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "air-gap.md"
VALUES, CHAT = (yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", GUIDE.read_text(), re.DOTALL))
OVERRIDES = yaml.safe_dump(VALUES["catalog"]["overrides"])
OUTSIDE = re.compile(r"https?://(?!127\.0\.0\.1)")


@pytest.fixture
def container(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The engine's container, as it is rendered of the guide's resource with the guide's overrides."""
    (tmp_path / "overrides.yaml").write_text(OVERRIDES)
    (tmp_path / "chat.yaml").write_text(yaml.safe_dump(CHAT))
    files = ("-f", str(tmp_path / "chat.yaml"), "--catalog", str(tmp_path / "overrides.yaml"))
    assert main(["render", *files, "--inventory", MIXED]) == 0
    objects = list(yaml.safe_load_all(capsys.readouterr().out))
    (deployment,) = [item for item in objects if item["kind"] == "Deployment"]
    (only,) = deployment["spec"]["template"]["spec"]["containers"]
    return dict(only)


def test_the_overrides_are_taken_and_keep_the_catalogues_versions() -> None:
    catalog, problems = override(builtin_catalog(), OVERRIDES)
    assert list(problems) == []
    for row in VALUES["catalog"]["overrides"]["engines"]:
        engine = EngineType(row["engine"])
        mine, usual = (known.engines[engine].image for known in (catalog, builtin_catalog()))
        assert mine == row["image"]
        assert mine.partition("/")[2] == usual.partition("/")[2]


def test_the_image_is_the_mirrors(container: dict[str, Any]) -> None:
    assert container["image"].startswith("registry.example.com/")


def test_the_pod_is_told_to_ask_nobody(container: dict[str, Any]) -> None:
    environ = {item["name"]: item.get("value", "") for item in container["env"]}
    assert environ["HF_HUB_OFFLINE"] == "1"
    assert environ["VLLM_NO_USAGE_STATS"] == "1"
    said = [*container["command"], *container["args"], *environ.values(), *container["startupProbe"]["exec"]["command"]]
    assert [word for word in said if OUTSIDE.search(word)] == []
    assert container["args"][0] == "/weights/gemma-4-31b-fp8"
