"""The picture of memory: a drawing that a browser reads, with a bar for each model and nothing over its edge."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from gemma4_operator.cli.chart import Bar, svg
from gemma4_operator.cli.main import main
from gemma4_operator.planner.devices import device_of
from tests.rendering import CATALOG

INVENTORIES = Path(__file__).parents[2] / "data" / "inventories"
SVG = "{http://www.w3.org/2000/svg}"
GIB = 2**30
L40S = CATALOG.gpu("NVIDIA-L40S")
assert L40S is not None
DEVICE = device_of(L40S)


def bar(variant: str = "31B", *, weights: float = 10, fits: bool = True, **changes: Any) -> Bar:
    parts = (("weights", int(weights * GIB)), ("activations", GIB), ("other", GIB), ("cache", 2 * GIB))
    return Bar(variant=variant, quantization="BF16", parts=parts, fits=fits, **changes)


def drawn(*bars: Bar, title: str = "chat", gpus: int = 1) -> ET.Element:
    return ET.fromstring(svg(bars, title=title, device=DEVICE, gpus=gpus))


def texts(drawing: ET.Element) -> list[str]:
    return [one.text or "" for one in drawing.iter(f"{SVG}text")]


def stripes(drawing: ET.Element) -> list[ET.Element]:
    """Return the rectangles of the bars alone."""
    return [one for one in drawing.iter(f"{SVG}rect") if one.get("height") == "16"]


class TestDrawing:
    def test_a_bar_has_its_parts_one_after_the_other(self):
        parts = stripes(drawn(bar()))
        assert len(parts) == 4
        for left, right in pairwise(parts):
            assert float(left.get("x", 0)) + float(left.get("width", 0)) == pytest.approx(
                float(right.get("x", 0)), abs=0.2
            )

    def test_widths_are_in_proportion_to_bytes(self):
        weights, activations, *_ = stripes(drawn(bar(weights=10)))
        assert float(weights.get("width", 0)) == pytest.approx(10 * float(activations.get("width", 0)), rel=0.01)

    def test_the_total_and_the_name_are_told(self):
        assert {"31B", "BF16", "14.0"} <= set(texts(drawn(bar())))

    def test_what_does_not_fit_is_pale_and_says_so(self):
        drawing = drawn(bar(weights=100, fits=False, remark="does not fit"))
        assert all(one.get("opacity") == "0.4" for one in stripes(drawing))
        assert "does not fit" in texts(drawing)

    @pytest.mark.parametrize("weights", [1, 40, 1000], ids=str)
    def test_nothing_leaves_the_page(self, weights: int):
        drawing = drawn(bar(weights=weights), bar("12B"), bar("E2B"))
        width, height = (float(drawing.get(name, 0)) for name in ("width", "height"))
        for one in drawing.iter(f"{SVG}rect"):
            assert float(one.get("x", 0)) + float(one.get("width", 0)) <= width
            assert float(one.get("y", 0)) + float(one.get("height", 0)) <= height
        for line in drawing.iter(f"{SVG}line"):
            assert 160 <= float(line.get("x1", 0)) <= width

    def test_bars_do_not_lie_on_each_other(self):
        rows = sorted({float(one.get("y", 0)) for one in stripes(drawn(bar(), bar(), bar("12B"), bar("12B")))})
        assert len(rows) == 4
        assert all(below - above > 16 for above, below in pairwise(rows))

    def test_the_gpus_end_is_behind_vllms(self):
        vllm, whole = (float(line.get("x1", 0)) for line in drawn(bar()).iter(f"{SVG}line"))
        assert vllm < whole

    def test_names_of_people_are_text_and_nothing_else(self):
        assert "<b>&'\"" in texts(drawn(bar(), title="<b>&'\""))

    def test_of_several_gpus_one_is_drawn(self):
        assert any("each of 4 GPUs" in text for text in texts(drawn(bar(), gpus=4)))

    def test_without_models_the_page_is_still_one(self):
        assert stripes(drawn()) == []


@pytest.fixture
def chat(tmp_path: Path) -> str:
    metadata = {"name": "chat"}
    resource = {"apiVersion": "gemma4.dev/v1alpha1", "kind": "Gemma4Deployment", "metadata": metadata, "spec": {}}
    (tmp_path / "chat.yaml").write_text(yaml.safe_dump(resource))
    return str(tmp_path / "chat.yaml")


def explain(chat: str, target: Path, inventory: str = "mixed") -> int:
    return main(["explain", "-f", chat, "--inventory", str(INVENTORIES / f"{inventory}.json"), "--chart", str(target)])


class TestFile:
    def test_svg(self, chat: str, tmp_path: Path):
        assert explain(chat, tmp_path / "memory.svg") == 0
        drawing = ET.parse(tmp_path / "memory.svg").getroot()
        assert texts(drawing).count("chosen") == 1
        assert len(stripes(drawing)) > 60, "all that was considered, not only what fits"

    def test_what_the_gpu_cannot_compute_is_marked(self, chat: str, tmp_path: Path):
        explain(chat, tmp_path / "memory.svg")
        assert "no kernels" in texts(ET.parse(tmp_path / "memory.svg").getroot()), "FP8 on an A100"

    def test_html_is_the_same_drawing_in_a_page(self, chat: str, tmp_path: Path):
        explain(chat, tmp_path / "memory.html")
        explain(chat, tmp_path / "memory.svg")
        page = (tmp_path / "memory.html").read_text()
        assert page.startswith("<!doctype html>")
        assert (tmp_path / "memory.svg").read_text() in page

    def test_where_nothing_works_the_first_gpu_is_drawn(self, tmp_path: Path):
        model = {"variant": "E2B", "quantization": "BF16"}
        metadata, spec = {"name": "chat"}, {"model": model, "objectives": {"maximumHourlyCost": "0.01"}}
        resource = {"apiVersion": "gemma4.dev/v1alpha1", "kind": "Gemma4Deployment", "metadata": metadata, "spec": spec}
        (tmp_path / "poor.json").write_text(json.dumps(resource))
        assert explain(str(tmp_path / "poor.json"), tmp_path / "memory.svg", "spark") == 3
        drawing = ET.parse(tmp_path / "memory.svg").getroot()
        assert "chosen" not in texts(drawing)
        assert any("NVIDIA-GB10" in text for text in texts(drawing))

    def test_no_gpu(self, chat: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        (tmp_path / "cpu.json").write_text('{"kind": "Node", "metadata": {"name": "cpu-1"}}')
        target = str(tmp_path / "memory.svg")
        assert main(["explain", "-f", chat, "--inventory", str(tmp_path / "cpu.json"), "--chart", target]) == 2
        assert capsys.readouterr().err == (
            "gemma4: `--chart` must have a GPU to draw, and the inventory has none: leave it away\n"
        )

    def test_another_ending(self, chat: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        assert explain(chat, tmp_path / "memory.png") == 2
        assert capsys.readouterr().err == (
            f"gemma4: `--chart` must be a file that ends in .svg or .html, and is '{tmp_path / 'memory.png'}'\n"
        )

    def test_no_such_folder(self, chat: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        assert explain(chat, tmp_path / "none" / "memory.svg") == 2
        assert "`--chart` must be a file that can be written: No such file or directory" in capsys.readouterr().err

    def test_two_deployments_are_no_one_picture(self, chat: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        both = tmp_path / "both.yaml"
        text = Path(chat).read_text()
        both.write_text(f"{text}---\n{text.replace('name: chat', 'name: other')}")
        assert explain(str(both), tmp_path / "memory.svg") == 2
        assert capsys.readouterr().err == (
            "gemma4: `--chart` must be given with one Gemma4Deployment, and there are 2\n"
        )
        assert not (tmp_path / "memory.svg").exists()
