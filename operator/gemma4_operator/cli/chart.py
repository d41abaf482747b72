"""A picture of memory: what each model would take of the chosen GPU, against what the GPU has."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from gemma4_operator.cli.inputs import InvalidInput
from gemma4_operator.cli.situation import Situation
from gemma4_operator.engines.vllm_flags import MEMORY_UTILIZATION
from gemma4_operator.planner.budget import Memory
from gemma4_operator.planner.candidates import candidates
from gemma4_operator.planner.choose import Outcome
from gemma4_operator.planner.configure import leanest
from gemma4_operator.planner.device import Device
from gemma4_operator.planner.inventory import Inventory
from gemma4_operator.planner.levers import way
from gemma4_operator.planner.lost import Because

_GIB = 2**30
_COLOURS = {"weights": "#4269d0", "activations": "#efb118", "other": "#9c6b4e", "cache": "#3ca951"}
_RED = "#c22"
_WIDTH, _LEFT, _RIGHT = 960, 160, 176
"""Of the page, of the names before the bars, and of the figures and remarks behind them."""
_BAR, _GAP, _VARIANT_GAP, _TOP, _BOTTOM = 16, 6, 10, 104, 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One model on the GPU: the least it needs to start, part by part, in bytes of each GPU.

    Attributes:
        remark: Why it cannot be had, or that it was chosen; empty: it fits.
    """

    variant: str
    quantization: str
    parts: tuple[tuple[str, int], ...]
    fits: bool
    is_chosen: bool = False
    remark: str = ""

    @property
    def total(self) -> int:
        """All parts."""
        return sum(size for _, size in self.parts)


def write_chart(path: str, title: str, outcome: Outcome, where: Situation, found: Inventory) -> None:
    """Draw to a file whose ending says how. Raises InvalidInput."""
    if not path.endswith((".svg", ".html")):
        raise InvalidInput(f"`--chart` must be a file that ends in .svg or .html, and is '{path}'")
    if not found.classes:
        raise InvalidInput("`--chart` must have a GPU to draw, and the inventory has none: leave it away")
    best = outcome.result.best
    device, gpus = (best.gpus.device, best.option.shape.gpus) if best is not None else (found.classes[0].device, 1)
    bars = tuple(_bars(outcome, where, device, gpus))
    drawing = svg(bars, title=title, device=device, gpus=gpus)
    page = f"<!doctype html>\n<meta charset='utf-8'>\n<title>{escape(title)}</title>\n{drawing}"
    try:
        Path(path).write_text((page if path.endswith(".html") else drawing) + "\n", encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"`--chart` must be a file that can be written: {error.strerror}: '{path}'") from error


def _bars(outcome: Outcome, where: Situation, device: Device, gpus: int) -> Iterator[Bar]:
    best = outcome.result.best
    too_low = {id(lost.checkpoint) for lost in outcome.lost if lost.because is Because.QUALITY}
    for one in candidates(outcome.ask, catalog=where.catalog, image=None):
        budget = leanest(outcome.ask, way(one, device, gpus))
        is_chosen = best is not None and one.checkpoint is best.candidate.checkpoint
        has = device.compute_capability
        runs = has >= one.needed_capability and has not in one.unsupported_capabilities
        remarks = (
            ("chosen", is_chosen),
            ("does not fit", not budget.fits),
            ("no kernels", not runs),
            ("quality too low", id(one.checkpoint) in too_low),
        )
        yield Bar(
            variant=one.model.variant,
            quantization=one.checkpoint.quantization,
            parts=_parts(budget),
            fits=budget.fits and runs,
            is_chosen=is_chosen,
            remark=next((remark for remark, holds in remarks if holds), ""),
        )


def _parts(budget: Memory) -> tuple[tuple[str, int], ...]:
    return (
        ("weights", budget.weights_bytes),
        ("activations", budget.activations_bytes),
        ("other", budget.other_bytes),
        ("cache", budget.request_bytes),
    )


def svg(bars: Sequence[Bar], *, title: str, device: Device, gpus: int) -> str:
    """Return the drawing: a bar for each model, a line where the GPU ends, and one before it where vLLM does."""
    capacity = device.memory_bytes
    scale = (_WIDTH - _LEFT - _RIGHT) / max([capacity, *(bar.total for bar in bars)])
    places = tuple(_places(bars))
    height = (places[-1] + _BAR if places else _TOP) + _BOTTOM
    of = f"each of {gpus} GPUs" if gpus > 1 else "one GPU"
    lines = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {height}' width='{_WIDTH}' height='{height}' "
        "font-family='system-ui, sans-serif' font-size='12' fill='#222'>",
        f"<title>{escape(title)}</title>",
        f"<rect width='{_WIDTH}' height='{height}' fill='#fff'/>",
        f"<text x='16' y='26' font-size='16' font-weight='bold'>{escape(title)}</text>",
        f"<text x='16' y='46'>The least that {of} {escape(device.product)} must hold, in GiB, "
        "with one request of full length</text>",
        *_legend(),
        *(line for bar, y in zip(bars, places, strict=True) for line in _bar(bar, y, scale)),
        *_ends(capacity, scale, height),
        "</svg>",
    ]
    return "\n".join(lines)


def _places(bars: Sequence[Bar]) -> Iterator[int]:
    """Yield where each bar begins from above; variants stand a little apart."""
    y, before = _TOP, None
    for bar in bars:
        y += _VARIANT_GAP if before not in (None, bar.variant) else 0
        yield y
        y, before = y + _BAR + _GAP, bar.variant


def _legend() -> Iterator[str]:
    for index, (name, colour) in enumerate(_COLOURS.items()):
        x = 16 + index * 96
        yield f"<rect x='{x}' y='58' width='12' height='12' fill='{colour}'/>"
        yield f"<text x='{x + 17}' y='68'>{name}</text>"


def _bar(bar: Bar, y: int, scale: float) -> Iterator[str]:
    base, behind = y + _BAR - 4, _WIDTH - _RIGHT
    weight = " font-weight='bold'" if bar.is_chosen else ""
    if bar.is_chosen:
        yield f"<rect x='8' y='{y - 3}' width='{_WIDTH - 16}' height='{_BAR + 6}' rx='3' fill='#e8f3ea'/>"
    yield f"<text x='16' y='{base}'{weight}>{escape(bar.variant)}</text>"
    yield f"<text x='86' y='{base}'{weight}>{escape(bar.quantization)}</text>"
    x = float(_LEFT)
    opacity = "" if bar.fits else " opacity='0.4'"
    for name, size in bar.parts:
        width = size * scale
        yield f"<rect x='{x:.1f}' y='{y}' width='{width:.1f}' height='{_BAR}' fill='{_COLOURS[name]}'{opacity}/>"
        x += width
    yield f"<text x='{behind + 48}' y='{base}' text-anchor='end'{weight}>{bar.total / _GIB:.1f}</text>"
    yield f"<text x='{behind + 62}' y='{base}' fill='{'#222' if bar.is_chosen else '#777'}'{weight}>{bar.remark}</text>"


def _ends(capacity: int, scale: float, height: int) -> Iterator[str]:
    """Yield the ends, with their names above the bars, on the sides where they are not in each other's way."""
    vllm = capacity * MEMORY_UTILIZATION
    for size, dash, anchor, name in (
        (vllm, " stroke-dasharray='4 3'", "end", f"vLLM's end, {vllm / _GIB:.1f}"),
        (float(capacity), "", "start", f"the GPU's, {capacity / _GIB:.1f}"),
    ):
        x = _LEFT + size * scale
        y = f"y1='{_TOP - 10}' y2='{height - 8}'"
        yield f"<line x1='{x:.1f}' x2='{x:.1f}' {y} stroke='{_RED}' stroke-width='1.5'{dash}/>"
        start = f"x='{x + (-2 if anchor == 'end' else 2):.1f}' y='{_TOP - 14}' text-anchor='{anchor}'"
        yield f"<text {start} fill='{_RED}' font-size='11'>{name}</text>"
