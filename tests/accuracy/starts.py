"""Field reports of what started, and of what the engine said it had room for."""

from collections.abc import Iterator
from dataclasses import dataclass

from gemma4_operator.api.common import EngineType
from gemma4_operator.planner.memory import Memory, memory
from gemma4_operator.planner.memory_vllm import longest_context_tokens_of, printed_tokens
from gemma4_operator.planner.shape import Shape
from tests.accuracy.cases import Json, cases, shape_of_case, why_not
from tests.accuracy.section import Section

DEMANDED = 0.95
"""The share of reports of high confidence that must come out right."""
STATED = 0.01
"""How far figures may be off that follow from a pool that the report states."""
POOL, POOL_GIB = 0.05, 0.5
"""How far the pool itself may be off, the larger of the two; tokens may be off as much as their pool."""
USED = 0.10
"""How far all of a GPU's memory may be off, which reports round."""
_GIB, _GB, _MIB = 2**30, 10**9, 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One figure of a report beside the computed one."""

    case: Json
    figure: str
    told: float
    computed: float
    allowed: float
    """As a share of what was told."""

    @property
    def off(self) -> float:
        """Return the error as a share of what was told."""
        return self.computed / self.told - 1 if self.told else self.computed - self.told

    @property
    def is_right(self) -> bool:
        """Whether it is as near as demanded."""
        return abs(self.off) <= self.allowed

    @property
    def counts(self) -> bool:
        """Whether the report is one of high confidence."""
        return bool(self.case["confidence"] == "high")


def checks() -> tuple[Check, ...]:
    """Return every figure of every report that is compared."""
    compared = (case for case in cases() if case["kind"] != "weights_size" and why_not(case) is None)
    return tuple(check for case in compared for check in _checks(case))


def _checks(case: Json) -> Iterator[Check]:
    shape, told, flags = shape_of_case(case), case["outcome"], case["flags"]
    budget = memory(shape)
    stated = (
        flags.get("kv-cache-memory-bytes_gib") or told.get("available_kv_gib") or told.get("available_kv_gib_approx")
    )
    pool = _pool_bytes(shape, budget, is_eager=bool(flags.get("enforce-eager")))
    if "started" in told:
        given = stated * _GIB if "kv-cache-memory-bytes_gib" in flags else pool
        starts = budget.fits if shape.engine is not EngineType.VLLM else given >= budget.request_bytes
        yield Check(case=case, figure="starts", told=float(told["started"]), computed=float(starts), allowed=0.0)
    if shape.engine is not EngineType.VLLM:
        yield from _used(case, shape, budget)
        return
    if stated is not None and "kv-cache-memory-bytes_gib" not in flags:
        yield Check(case=case, figure="pool, GiB", told=stated, computed=pool / _GIB, allowed=_allowed(stated))
    if "kv_needed_gib" in told:
        needed = budget.request_bytes / _GIB
        yield Check(case=case, figure="a request, GiB", told=told["kv_needed_gib"], computed=needed, allowed=STATED)
    if "estimated_max_model_len" in told:
        longest = longest_context_tokens_of(shape, stated * _GIB if stated else pool)
        yield Check(
            case=case, figure="longest context", told=told["estimated_max_model_len"], computed=longest, allowed=STATED
        )
    yield from _tokens(case, shape, pool, stated)


def _tokens(case: Json, shape: Shape, pool: float, stated: float | None) -> Iterator[Check]:
    told = case["outcome"]
    for figure in ("gpu_kv_cache_tokens", "gpu_kv_cache_tokens_approx"):
        if figure not in told:
            continue
        if stated is not None:
            # A pool is printed with two digits behind the point, so small ones are known less exactly.
            exact = STATED + 0.005 / stated if figure == "gpu_kv_cache_tokens" else POOL
            of_stated = printed_tokens(shape, stated * _GIB)
            yield Check(case=case, figure="tokens of that pool", told=told[figure], computed=of_stated, allowed=exact)
        else:
            computed = printed_tokens(shape, pool)
            allowed = _allowed(pool / _GIB)
            yield Check(case=case, figure="tokens", told=told[figure], computed=computed, allowed=allowed)
    for figure in ("estimated_max_tokens", "serviceable_tokens_ceiling_approx"):
        if figure in told:
            computed = longest_context_tokens_of(shape, pool)
            allowed = _allowed(pool / _GIB)
            yield Check(case=case, figure="longest context", told=told[figure], computed=computed, allowed=allowed)


def _used(case: Json, shape: Shape, budget: Memory) -> Iterator[Check]:
    """Yield all that llama.cpp takes of a GPU; what it projects itself is without CUDA's own.

    GB without a definition may mean GiB, and the nearer one is taken.
    """
    lines = {line.name: line.bytes for line in budget.lines}
    total = sum(lines.values()) + budget.request_bytes * shape.max_sequences
    projected = total - lines["context"]
    for figure, sizes in (
        ("projected_mib", (projected / _MIB,)),
        ("peak_vram_gb", (total / _GB, total / _GIB)),
        ("vram_used_gb", (total / _GB, total / _GIB)),
    ):
        told = case["outcome"].get(figure)
        if told is not None:
            nearest = min(sizes, key=lambda size, told=told: abs(size - told))
            yield Check(case=case, figure=figure, told=told, computed=nearest, allowed=USED)


def _pool_bytes(shape: Shape, budget: Memory, *, is_eager: bool) -> float:
    """Return the cache; a server that was told to do without CUDA graphs has their room too."""
    graphs = sum(line.bytes for line in budget.lines if line.name == "CUDA graphs")
    return budget.cache_bytes + (graphs if is_eager and shape.engine is EngineType.VLLM else 0)


def _allowed(pool_gib: float) -> float:
    return max(POOL, POOL_GIB / pool_gib)


def section() -> Section:
    """Return the part of the report."""
    found = checks()
    high = [check for check in found if check.counts]
    right = {check.case["id"] for check in high} - {check.case["id"] for check in high if not check.is_right}
    all_high = {check.case["id"] for check in high}
    share = len(right) / len(all_high)
    left_out = [(case, why_not(case)) for case in cases() if case["kind"] != "weights_size" and why_not(case)]
    wrong = ", ".join(sorted(all_high - right)) or "none"
    return Section(
        title="What starts, and the cache that is left",
        intro=(
            "Field reports (`tests/data/fit-and-speed.json`) beside the whole budget. From a pool that a report "
            f"states, tokens must follow within {STATED:.0%}; a pool itself, and tokens without one, within {POOL:.0%} "
            f"or {POOL_GIB} GiB. What a report does not tell is the engine's default. A report is right if all of its "
            "figures are. The constants of planner/memory_vllm.py rest on these reports: that few of them serve all is "
            "what the table shows, not how new reports would be met."
        ),
        columns=("case", "confidence", "what", "figure", "told", "computed", "off", "right"),
        rows=tuple(_row(check) for check in found),
        verdict=(
            f"Reports of high confidence that come out right: {len(right)} of {len(all_high)} ({share:.0%}); "
            f"wrong: {wrong}.",
            *(f"{case['id']} is left out: it {why}." for case, why in left_out),
        ),
        passed=share >= DEMANDED,
    )


def _row(check: Check) -> tuple[str, ...]:
    case = check.case
    gpus = f"{case['gpu_count']}x {case['gpu']}" if case["gpu"] else ""
    what = f"{case['variant']} {case['quantization']}, {gpus}, {case['engine']} {case['engine_version']}"
    off = f"{check.off:+.1%}" if check.figure != "starts" else ""
    told, computed = (_number(check.figure, number) for number in (check.told, check.computed))
    right = "yes" if check.is_right else "no"
    return (case["id"], case["confidence"], what, check.figure, told, computed, off, right)


def _number(figure: str, number: float) -> str:
    if figure == "starts":
        return "yes" if number else "no"
    return f"{number:.2f}" if number < 1000 else f"{number:.0f}"
