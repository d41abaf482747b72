"""A picture of memory: what each model would take of the chosen GPU, against what the GPU has."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from gemma4_operator.cli.inputs import InvalidInput
from gemma4_operator.cli.situation import Situation
from gemma4_operator.engines.vllm import MEMORY_UTILIZATION
from gemma4_operator.planner.budget import Memory
from gemma4_operator.planner.candidates import candidates
from gemma4_operator.planner.choose import Outcome
from gemma4_operator.planner.configure import Way, leanest
from gemma4_operator.planner.device import Device
from gemma4_operator.planner.inventory import Inventory

_GIB = 2**30
_COLOURS = {"weights": "#4269d0", "activations": "#efb118", "other": "#9c6b4e", "cache": "#3ca951"}
_WIDTH, _LABELS, _BAR, _GAP, _TOP = 960, 230, 20, 10, 84


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One model on the GPU: the least it needs to start, part by part, in bytes of each GPU."""

    name: str
    parts: tuple[tuple[str, int], ...]
    fits: bool
    is_chosen: bool

    @property
    def total(self) -> int:
        """All parts."""
        return sum(size for _, size in self.parts)


def write_chart(path: str, title: str, outcome: Outcome, where: Situation, found: Inventory) -> None:
    """Draw to a file whose ending says how. Raises InvalidInput."""
    if not path.endswith((".svg", ".html")):
        raise InvalidInput(f"--chart: must end in .svg or .html, not '{path}'")
    if not found.classes:
        raise InvalidInput("--chart: must have a GPU to draw, and the inventory has none")
    best = outcome.result.best
    device, gpus = (best.gpus.device, best.option.shape.gpus) if best is not None else (found.classes[0].device, 1)
    bars = tuple(_bars(outcome, where, device, gpus))
    drawing = svg(bars, title=title, device=device, gpus=gpus)
    page = f"<!doctype html>\n<meta charset='utf-8'>\n<title>{escape(title)}</title>\n{drawing}\n"
    try:
        Path(path).write_text(page if path.endswith(".html") else drawing + "\n", encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"--chart: must be a file that can be written: {error.strerror}: '{path}'") from error


def _bars(outcome: Outcome, where: Situation, device: Device, gpus: int) -> Iterator[Bar]:
    best = outcome.result.best
    for one in candidates(outcome.ask, catalog=where.catalog, image=None):
        way = Way(
            model=one.model,
            checkpoint=one.checkpoint,
            engine=one.engine,
            version=one.version,
            device=device,
            gpus=gpus,
        )
        budget = leanest(outcome.ask, way)
        yield Bar(
            name=f"{one.model.variant} {one.checkpoint.quantization}",
            parts=_parts(budget),
            fits=budget.fits,
            is_chosen=best is not None and one.checkpoint is best.candidate.checkpoint,
        )


def _parts(budget: Memory) -> tuple[tuple[str, int], ...]:
    return (
        ("weights", budget.weights_bytes),
        ("activations", budget.activations_bytes),
        ("other", budget.other_bytes),
        ("cache", budget.request_bytes),
    )


def svg(bars: Sequence[Bar], *, title: str, device: Device, gpus: int) -> str:
    """Return the drawing: a bar for each model, a line where the GPU ends."""
    capacity = device.memory_bytes
    most = max([capacity, *(bar.total for bar in bars)])
    scale = (_WIDTH - _LABELS - 90) / most
    height = _TOP + len(bars) * (_BAR + _GAP) + 50
    of = f"each of {gpus} GPUs" if gpus > 1 else "one GPU"
    heading = f"{title}: the least that {of} {device.product} must hold, with one request of full length"
    lines = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {height}' width='{_WIDTH}' height='{height}' "
        "font-family='sans-serif' font-size='13'>",
        f"<rect width='{_WIDTH}' height='{height}' fill='#fff'/>",
        f"<text x='16' y='26' font-size='16' font-weight='bold'>{escape(heading)}</text>",
        *_legend(),
        *(line for index, bar in enumerate(bars) for line in _bar(bar, index, scale)),
        *_capacity(capacity, scale, height),
        "</svg>",
    ]
    return "\n".join(lines)


def _legend() -> Iterator[str]:
    for index, (name, colour) in enumerate(_COLOURS.items()):
        x = 16 + index * 120
        yield f"<rect x='{x}' y='42' width='12' height='12' fill='{colour}'/>"
        yield f"<text x='{x + 18}' y='53'>{name}</text>"


def _bar(bar: Bar, index: int, scale: float) -> Iterator[str]:
    y = _TOP + index * (_BAR + _GAP)
    weight = " font-weight='bold'" if bar.is_chosen else ""
    mark = "chosen" if bar.is_chosen else "" if bar.fits else "does not fit"
    yield f"<text x='16' y='{y + 15}'{weight}>{escape(bar.name)}</text>"
    yield f"<text x='{_LABELS - 84}' y='{y + 15}' fill='#666' font-size='11'>{mark}</text>"
    x = float(_LABELS)
    for name, size in bar.parts:
        width = size * scale
        opacity = "" if bar.fits else " opacity='0.45'"
        yield f"<rect x='{x:.1f}' y='{y}' width='{width:.1f}' height='{_BAR}' fill='{_COLOURS[name]}'{opacity}/>"
        x += width
    yield f"<text x='{x + 6:.1f}' y='{y + 15}'>{bar.total / _GIB:.1f}</text>"


def _capacity(capacity: int, scale: float, height: int) -> Iterator[str]:
    """Yield where the GPU ends, and before it where vLLM does."""
    for size, dash, name in (
        (capacity * MEMORY_UTILIZATION, " stroke-dasharray='5 4'", f"vLLM {MEMORY_UTILIZATION:.0%}"),
        (float(capacity), "", f"{capacity / _GIB:.1f} GiB"),
    ):
        x = _LABELS + size * scale
        y = height - (12 if not dash else 26)
        ends = f"x1='{x:.1f}' x2='{x:.1f}' y1='{_TOP - 12}' y2='{height - 40}'"
        yield f"<line {ends} stroke='#c00' stroke-width='2'{dash}/>"
        yield f"<text x='{x:.1f}' y='{y}' text-anchor='middle' fill='#c00' font-size='11'>{name}</text>"
