"""Generated files: in step with the code, and named when they are not."""

from pathlib import Path

import pytest

from gemma4_operator.api.crd import crds
from hack import generate
from hack.api_reference import api_reference


def test_the_repository_holds_what_the_code_makes(capsys: pytest.CaptureFixture[str]):
    assert generate.main(["--check"]) == 0, capsys.readouterr().err


def test_check_names_what_differs_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(generate, "ROOT", tmp_path)
    monkeypatch.setattr(generate, "GENERATED", (("new/a.txt", lambda: "a"), ("b.txt", lambda: "b")))
    (tmp_path / "b.txt").write_text("b")
    assert generate.main(["--check"]) == 1
    assert capsys.readouterr().err == "new/a.txt is not what the code makes; run `make generate`\n"
    assert not (tmp_path / "new").exists()
    assert generate.main([]) == 0
    assert (tmp_path / "new" / "a.txt").read_text() == "a"
    assert generate.main(["--check"]) == 0


def test_reference_holds_every_field_once():
    page = api_reference(crds())
    sections = [line.removeprefix("### ") for line in page.splitlines() if line.startswith("### ")]
    assert len(sections) == len(set(sections))
    assert {"spec", "spec.engine.env[]", "spec.model.checkpoint.huggingFace", "status.plan"} <= set(sections)
    assert "| `requestsPerMinute`* | integer, 1 to 1000000 |" in page
    assert "| `contextTokens` | integer, 1024 to 262144 |" in page
    assert "* `engine.type` must be 'VLLM', 'NIM' or 'Auto'" in page


def test_reference_is_sound_markdown():
    columns = [line.count("|") for line in api_reference(crds()).splitlines() if line.startswith("|")]
    assert set(columns) == {3, 4}
