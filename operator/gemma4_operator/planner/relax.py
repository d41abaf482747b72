"""When nothing serves a spec: the smallest single changes, or pairs of them, after which something does.

Each is proved by choosing again with the change applied, so a relaxation is never advice that does not work.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import combinations
from typing import Any

from gemma4_operator.api.capabilities import DEFAULT_CONTEXT_TOKENS
from gemma4_operator.api.workload import DEFAULT_INPUT_TOKENS, DEFAULT_OUTPUT_TOKENS
from gemma4_operator.planner.ask import IMAGE_TOKENS
from gemma4_operator.planner.plan import Plan, Rejection, Relaxation

Json = Any
Try = Callable[[Mapping[str, Json]], Plan | Rejection | None]
"""Chooses for a changed spec; None: the change makes it invalid."""

MAXIMUM = 8
_QUALITIES = ("High", "Standard", "Basic")
_CONTEXTS = (131072, 65536, 32768, 16384, 8192, 4096, 2048, 1024)
_CONTEXT_STEP = 1024
"""To whose multiple a context is raised where a usual request is longer."""
_GROWTH = 1.25
"""Between two values of a limit that are tried first."""
_STEPS = 40
_HALVES = 6
"""How often the gap between the largest value that does not work and the smallest that does is halved: to 0.4 %."""


def relaxations(spec: Mapping[str, Json], attempt: Try) -> tuple[Relaxation, ...]:
    """Return changes of one field each that make the spec feasible; if none does alone, the first pair that does."""
    singles = tuple(_singles(spec, attempt))
    if singles:
        return singles[:MAXIMUM]
    return _pair(spec, attempt)


def applied(spec: Mapping[str, Json], *changes: Relaxation) -> dict[str, Json]:
    """Return the spec with the changes made; a value of None takes the field away."""
    for change in changes:
        spec = _with(spec, change.field.removeprefix("spec.").split("."), change.value)
    return dict(spec)


def _singles(spec: Mapping[str, Json], attempt: Try) -> Iterator[Relaxation]:
    for field, values in _ladders(spec):
        found = _smallest(spec, field, values, attempt)
        if found is not None:
            value, plan = found
            yield Relaxation(field=field, value=value, message=f"{_set(field, value)}: {plan.why}")


def _smallest(spec: Mapping[str, Json], field: str, values: tuple[Json, ...], attempt: Try) -> tuple[Json, Plan] | None:
    """Return the smallest change that works: what works for a change works for every larger one, so halves suffice."""

    def choose(value: Json) -> Plan | None:
        outcome = attempt(applied(spec, Relaxation(field=field, value=value, message="")))
        return outcome if isinstance(outcome, Plan) else None

    plan = choose(values[-1]) if values else None
    if plan is None:
        return None
    low, high = -1, len(values) - 1
    while high - low > 1:
        middle = (low + high) // 2
        found = choose(values[middle])
        low, high, plan = (low, middle, found) if found is not None else (middle, high, plan)
    exact = _exactly(field, plan)
    if exact is not None and (found := choose(exact)) is not None:
        return exact, found
    if field not in _COUNTED:
        return values[high], plan
    return _between(values[low] if low >= 0 else _at(spec, field), values[high], plan, choose)


def _between(bad: int, good: Json, plan: Plan, choose: Callable[[Json], Plan | None]) -> tuple[Json, Plan]:
    """Return the nearest value to one that does not work, with its plan; `good`, with `plan`, does."""
    for _ in range(_HALVES if good is not None else 0):
        middle = (bad + good) // 2
        if middle in (bad, good):
            break
        found = choose(middle)
        if found is None:
            bad = middle
        else:
            good, plan = middle, found
    return good, plan


def _at(spec: Mapping[str, Json], field: str) -> Json:
    """Return what a field is."""
    value: Json = spec
    for name in field.split(".")[1:]:
        value = value[name]
    return value


def _exactly(field: str, plan: Plan) -> Json:
    """Return what a plan needs of a limit, where it says so itself."""
    match field:
        case "spec.objectives.maximumHourlyCost":
            return plan.hourly_cost
        case "spec.placement.maximumGPUs":
            return plan.replicas * plan.gpus_per_replica
        case _:
            return None


def _pair(spec: Mapping[str, Json], attempt: Try) -> tuple[Relaxation, ...]:
    """Return the first two changes that work together, each the smallest beside the other."""
    ladders = [(field, values) for field, values in _ladders(spec) if values]
    for (first, most), (second, values) in combinations(ladders, 2):
        at_most = applied(spec, Relaxation(field=first, value=most[-1], message=""))
        found = _smallest(at_most, second, values, attempt)
        if found is None:
            continue
        beside = applied(spec, Relaxation(field=second, value=found[0], message=""))
        least, plan = _smallest(beside, first, most, attempt) or (most[-1], found[1])
        both = f"only together with the other change: {plan.why}"
        return tuple(
            Relaxation(field=field, value=value, message=f"{_set(field, value)}, {both}")
            for field, value in ((first, least), (second, found[0]))
        )
    return ()


_COUNTED = (
    "spec.objectives.timeToFirstTokenMilliseconds",
    "spec.objectives.timePerOutputTokenMilliseconds",
    "spec.workload.requestsPerMinute",
)
"""Of which any number between two may do."""


_Ladder = tuple[str, tuple[Json, ...]]
"""A field that holds a spec back, and what it may be instead, the smallest change first."""


def _ladders(spec: Mapping[str, Json]) -> Iterator[_Ladder]:
    """Yield each field that holds the spec back, what is wished for first, and what is named last."""
    yield from _wishes(spec)
    yield from _limits(spec.get("objectives", {}), spec.get("placement", {}))
    yield from _load(spec.get("workload"))
    yield from _choices(spec)
    model, modalities = spec.get("model", {}), spec.get("capabilities", {}).get("modalities", ())
    for name in ("drafter", "adapters"):
        if model.get(name):
            yield f"spec.model.{name}", (None,)
    for one in modalities:
        if one != "Text":
            yield "spec.capabilities.modalities", ([kind for kind in modalities if kind != one],)


def _wishes(spec: Mapping[str, Json]) -> Iterator[_Ladder]:
    """Yield the quality and the context: a shorter one, or where a usual request is longer, one that holds it."""
    is_auto = spec.get("model", {}).get("variant", "Auto") == "Auto"
    floor = spec.get("objectives", {}).get("minimumQuality", "Standard" if is_auto else None)
    if floor is not None:
        yield "spec.objectives.minimumQuality", _lower(floor)
    context = spec.get("capabilities", {}).get("contextTokens", DEFAULT_CONTEXT_TOKENS)
    least = _usual_tokens(spec.get("workload"))
    shorter = tuple(size for size in _CONTEXTS if least <= size < context)
    longer = -(-least // _CONTEXT_STEP) * _CONTEXT_STEP
    yield "spec.capabilities.contextTokens", shorter if least <= context else (longer,)


def _limits(objectives: Mapping[str, Json], placement: Mapping[str, Json]) -> Iterator[_Ladder]:
    if "maximumGPUs" in placement:
        yield "spec.placement.maximumGPUs", _higher(placement["maximumGPUs"], at_most=10_000)
    for name in ("timeToFirstTokenMilliseconds", "timePerOutputTokenMilliseconds"):
        if name in objectives:
            yield f"spec.objectives.{name}", (*_higher(objectives[name], at_most=60_000), None)
    if "maximumHourlyCost" in objectives:
        cents = round(float(objectives["maximumHourlyCost"]) * 100)
        yield (
            "spec.objectives.maximumHourlyCost",
            tuple(f"{value / 100:.2f}" for value in _higher(cents, at_most=10**9)),
        )


def _load(workload: Mapping[str, Json] | None) -> Iterator[_Ladder]:
    if workload is not None:
        yield "spec.workload.requestsPerMinute", _fewer(workload["requestsPerMinute"])
        yield "spec.workload.imagesPerRequest", tuple(range(workload.get("imagesPerRequest", 0) - 1, -1, -1))


def _choices(spec: Mapping[str, Json]) -> Iterator[_Ladder]:
    """Yield what is named and might be left open: whom a field allows, the engine, the format, the variant."""
    fields = ("objectives.allowedLicences", "placement.gpuProducts", "placement.gpusPerReplica", "engine.image")
    for path in fields:
        section, name = path.split(".")
        if spec.get(section, {}).get(name):
            yield f"spec.{path}", (None,)
    if not spec.get("placement", {}).get("allowSharedGPUs", False):
        yield "spec.placement.allowSharedGPUs", (True,)
    if spec.get("engine", {}).get("type", "Auto") != "Auto":
        yield "spec.engine.type", ("Auto",)
    model = spec.get("model", {})
    if "checkpoint" not in model:
        for name in ("quantization", "variant"):
            if model.get(name, "Auto") != "Auto":
                yield f"spec.model.{name}", ("Auto",)


def _usual_tokens(workload: Mapping[str, Json] | None) -> int:
    """Return what a usual request takes of the context, which may not be less."""
    if workload is None:
        return 0
    images = workload.get("imagesPerRequest", 0) * IMAGE_TOKENS
    prompt = workload.get("inputTokens", DEFAULT_INPUT_TOKENS) + images
    return int(prompt + workload.get("outputTokens", DEFAULT_OUTPUT_TOKENS))


def _lower(floor: str) -> tuple[str, ...]:
    return _QUALITIES[_QUALITIES.index(floor) + 1 :] if floor in _QUALITIES else _QUALITIES


def _higher(value: int, *, at_most: int) -> tuple[int, ...]:
    # From nothing, nothing grows.
    grown = (max(value + 1, round(max(value, 1) * _GROWTH**step)) for step in range(1, _STEPS))
    return (*dict.fromkeys(number for number in grown if number < at_most), at_most) if value < at_most else ()


def _fewer(value: int) -> tuple[int, ...]:
    return tuple(dict.fromkeys(max(1, int(value / _GROWTH**step)) for step in range(1, _STEPS)))


def _with(spec: Mapping[str, Json], path: list[str], value: Json) -> dict[str, Json]:
    name, *rest = path
    if rest:
        return {**spec, name: _with(spec.get(name, {}), rest, value)}
    if value is None:
        return {key: kept for key, kept in spec.items() if key != name}
    return {**spec, name: value}


def _set(field: str, value: Json) -> str:
    return f"drop `{field}`" if value is None else f"set `{field}` to {written_value(value)}"


def written_value(value: Json) -> str:
    """Return a value as people write it into a resource."""
    return value if isinstance(value, str) else json.dumps(value)
