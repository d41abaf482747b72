"""The size of weights: files beside the catalogue, and what engines printed after loading beside the budget."""

import csv
from dataclasses import dataclass

from gemma4_operator.catalog.checkpoints import Checkpoint
from gemma4_operator.catalog.loader import size_of
from gemma4_operator.planner.budget import loaded_weights_bytes
from gemma4_operator.planner.memory_vllm import rotary_bytes
from tests.accuracy.cases import Json, cases
from tests.accuracy.section import Section
from tests.accuracy.shapes import DATA, catalog, shape

FILE, LOADED = 0.01, 0.025
"""How far sizes may be off; what is printed after loading counts what else was allocated meanwhile."""
_ALL_MEDIA = frozenset({"Image", "Video", "Audio"})
_KEYS = ("file_gib", "file_gb", "model_load_gib", "model_load_gb")
_UNITS = {"B": 1, "GB": 10**9, "GiB": 2**30}


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """One size that somebody told."""

    name: str
    what: str
    told_bytes: float
    computed_bytes: float
    source: str

    @property
    def off(self) -> float:
        """Return the error as a share."""
        return self.computed_bytes / self.told_bytes - 1

    @property
    def is_right(self) -> bool:
        """Whether it is as near as demanded."""
        return abs(self.off) <= (FILE if self.what == "file" else LOADED)


def sizes() -> tuple[Size, ...]:
    """Return all sizes that were told of checkpoints of the catalogue."""
    with (DATA / "checkpoint-sizes.csv").open(encoding="utf-8") as file:
        return tuple(map(_size, csv.DictReader(file)))


def _size(row: dict[str, str]) -> Size:
    checkpoint = catalog().find(row["repository"], row["file"] or None)
    assert checkpoint is not None, row
    media = frozenset[str]() if "without" in row["what"] else _ALL_MEDIA
    computed = float(checkpoint.bytes) if row["what"] == "file" else _loaded_bytes(checkpoint, media)
    return Size(
        name=row["file"] or row["repository"],
        what=row["what"],
        told_bytes=float(row["told"]) * _UNITS[row["unit"]],
        computed_bytes=computed,
        source=row["source"],
    )


def _loaded_bytes(checkpoint: Checkpoint, media: frozenset[str]) -> float:
    loaded = shape(variant=checkpoint.variant, checkpoint=checkpoint, product="NVIDIA-H200", media=media)
    return loaded_weights_bytes(loaded) + rotary_bytes(loaded.model)


def reported() -> tuple[Size, ...]:
    """Return the sizes in field reports of high confidence whose very weights are in the catalogue.

    A format's name alone does not tell a size, so that reports of other builds are left out.
    """
    found = []
    for case in cases():
        row = catalog().find(case["checkpoint"].split(" ")[0])
        told = next((name for name in _KEYS if name in case["outcome"]), None)
        is_same = row is not None and row.quantization.lower() in case["quantization"].lower()
        if case["kind"] == "weights_size" and case["confidence"] == "high" and row and told and is_same:
            found.append(_reported(case, row, told))
    return tuple(found)


def _reported(case: Json, row: Checkpoint, key: str) -> Size:
    """Return a report's size; GB without a definition may mean GiB, and the nearer one is taken."""
    what = "file" if key.startswith("file") else "loaded"
    computed = float(row.bytes) if what == "file" else _loaded_bytes(row, _ALL_MEDIA)
    units = (_UNITS["GiB"],) if key.endswith("gib") else (_UNITS["GB"], _UNITS["GiB"])
    told = min((case["outcome"][key] * unit for unit in units), key=lambda size: abs(size - computed))
    return Size(name=row.repository, what=what, told_bytes=told, computed_bytes=computed, source=f"case {case['id']}")


def parts() -> tuple[tuple[str, float], ...]:
    """Return for each checkpoint how far the sum of its parts misses its bytes."""
    rows = catalog().checkpoints
    return tuple(
        (row.file or row.repository, size_of(row, catalog().models[row.variant]) / row.resident_bytes - 1)
        for row in rows
    )


def section() -> Section:
    """Return the part of the report."""
    found, sums = (*sizes(), *reported()), parts()
    right, added = sum(one.is_right for one in found), sum(abs(off) <= FILE for _, off in sums)
    return Section(
        title="Weights",
        intro=(
            "Sizes that were told, beside the catalogue's bytes: a check of the copy, since these are its sources. "
            "What vLLM prints after loading is larger than the files by its rotary tables; where both are known, "
            f"that is a check of the budget. Files may be {FILE:.0%} off, loaded sizes {LOADED:.1%}."
        ),
        columns=("checkpoint", "what", "told", "computed", "off", "told by"),
        rows=tuple(
            (one.name, one.what, _gib(one.told_bytes), _gib(one.computed_bytes), f"{one.off:+.1%}", one.source)
            for one in found
        ),
        verdict=(
            f"Right: {right} of {len(found)}.",
            f"Parts that add up to the bytes within 1 %: {added} of {len(sums)} checkpoints.",
        ),
        passed=right == len(found) and added == len(sums),
    )


def _gib(size: float) -> str:
    return f"{size / 2**30:.2f} GiB"
