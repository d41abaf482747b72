"""The cache's arithmetic beside vLLM's own answers."""

import csv
from dataclasses import dataclass

from gemma4_operator.api.common import Variant
from gemma4_operator.planner.kv_vllm import in_flight_tokens, layout
from gemma4_operator.planner.shape import KvDtype
from tests.accuracy.section import Section
from tests.accuracy.shapes import DATA, catalog

VERSION = (0, 32)
WITHIN = 0.01
_GIB = 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One row: what vLLM said, and what is computed; 0 for both: it does not start."""

    variant: Variant
    told_blocks: int
    told_concurrency: float
    blocks: int
    concurrency: float

    @property
    def off(self) -> float:
        """Return the larger error of the two, as a share."""
        return max(_off(self.blocks, self.told_blocks), _off(self.concurrency, self.told_concurrency))

    @property
    def is_equal(self) -> bool:
        """Whether the blocks are equal, and the concurrency in all four digits that vLLM printed."""
        return self.blocks == self.told_blocks and round(self.concurrency, 4) == self.told_concurrency


def _off(computed: float, told: float) -> float:
    return abs(computed / told - 1) if told else float(computed != told)


def points() -> tuple[Point, ...]:
    """Return all rows."""
    with (DATA / "vllm-0.32-kv.csv").open(encoding="utf-8") as file:
        return tuple(map(_point, csv.DictReader(file)))


def _point(row: dict[str, str]) -> Point:
    variant = Variant(row["variant"])
    plan = layout(catalog().models[variant], KvDtype(row["kv_dtype"]), int(row["tp"]))
    flight = in_flight_tokens(VERSION, int(row["mnbt"]))
    held = plan.num_blocks(float(row["pool_gib"]) * _GIB)
    needed = plan.request_blocks(int(row["ctx"]), in_flight_tokens=flight)
    starts = held >= needed
    return Point(
        variant=variant,
        told_blocks=int(row["num_blocks"]),
        told_concurrency=float(row["max_concurrency"]),
        blocks=held if starts else 0,
        concurrency=held / needed if starts else 0.0,
    )


def section() -> Section:
    """Return the part of the report."""
    found = points()
    equal, within = sum(one.is_equal for one in found), sum(one.off <= WITHIN for one in found)
    return Section(
        title="The cache of vLLM",
        intro=(
            "Blocks and full-length concurrency beside the answers of vLLM 0.32 itself, for a grid of variants, cache "
            "formats, GPUs, contexts, batched tokens and pools. Zero means that vLLM refuses to start."
        ),
        columns=("variant", "rows", "of these refused", "equal", "worst error"),
        rows=tuple(_row(variant, [one for one in found if one.variant is variant]) for variant in Variant),
        verdict=(
            f"Equal blocks and concurrency to four digits: {equal} of {len(found)} rows.",
            f"Within 1 %: {within} of {len(found)} rows.",
        ),
        passed=within == len(found),
    )


def _row(variant: Variant, found: list[Point]) -> tuple[str, ...]:
    refused, equal = sum(one.told_blocks == 0 for one in found), sum(one.is_equal for one in found)
    return (variant, str(len(found)), str(refused), str(equal), f"{max(one.off for one in found):.2%}")
