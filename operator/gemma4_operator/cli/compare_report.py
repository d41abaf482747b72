"""The comparison of two plans as Markdown: a comment on a pull request.

Whatever comes from a file stands in a code span, so that a name or a message can be no link, mention or HTML.
"""

import html
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Result = Mapping[str, Any]
Tell = Callable[[Result], str]
_NONE = "-"
_ARROW = "→"


def report(result: Result) -> str:
    """Return the comment: a row for each deployment that changes, the sum, and both plans in a fold."""
    return "\n".join(_lines(result))


def _lines(result: Result) -> Iterator[str]:
    changed = [one for one in result["deployments"] if one["change"] != "Unchanged"]
    yield "### What this change does to Gemma 4"
    yield ""
    if changed:
        yield "| deployment | change | model | GPUs of a replica | replicas | cost an hour |"
        yield "| --- | --- | --- | --- | --- | --- |"
        yield from map(_row, changed)
    else:
        yield "No Gemma4Deployment changes."
    yield ""
    yield _sum(result)
    for one in result["deployments"]:
        if one["after"] is not None and not one["after"]["fits"]:
            yield ""
            what = "not all run" if one["after"]["feasible"] else "not be served"
            when = " once it is resumed" if one["suspended"] else ""
            yield f"**{code(_name(one))} would {what}{when}.** {code(one['after']['message'])}"
    for one in changed:
        for note in _notes(one):
            yield ""
            yield f"**{code(_name(one))}:** {note}"
    for one in changed:
        if one["after"] is not None and one["after"]["feasible"]:
            yield from _fold(one)


def _notes(one: Result) -> Iterator[str]:
    if one["note"] is not None:
        yield one["note"]
    plan = one["after"] and one["after"]["plan"]
    if plan:
        yield from map(code, plan.get("notes", ()))


def _row(one: Result) -> str:
    cells = (
        code(_name(one)),
        one["change"].lower() + _effect(one),
        _both(one, _model),
        _both(one, _gpus),
        _both(one, _replicas),
        _both(one, lambda side: side["hourlyCost"]) + _difference(one),
    )
    return f"| {' | '.join(cells)} |"


def _effect(one: Result) -> str:
    if one["suspended"]:
        return ", suspended"
    return ", pods are replaced" if one["replacesPods"] else ""


def _difference(one: Result) -> str:
    difference = one["hourlyCostDifference"]
    if difference is None:
        return ""
    return f" ({difference} while suspended)" if one["suspended"] else f" ({difference})"


def _sum(result: Result) -> str:
    before, after, currency = result["hourlyCostBefore"], result["hourlyCostAfter"], result["currency"]
    if currency is None:
        return "Nothing of it is served, before or after."
    # Replicas without room are paid for once they have some, and are counted as the table above counts them.
    waits = any(one["after"] and one["after"]["feasible"] and not one["after"]["fits"] for one in result["deployments"])
    what = "All that is planned costs" if waits else "What is served costs"
    if before == after:
        return f"{what} {after} {currency} an hour, as before."
    difference = result["hourlyCostDifference"]
    return f"{what} **{after} {currency}** an hour instead of {before}: **{difference}**."


def _fold(one: Result) -> Iterator[str]:
    yield ""
    yield f"<details><summary>{html.escape(_name(one))}</summary>"
    yield ""
    yield "| | before | after |"
    yield "| --- | --- | --- |"
    yield from _rows(one)
    for note in one["after"]["nodes"]:
        yield ""
        yield code(note)
    yield ""
    yield "</details>"


def _rows(one: Result) -> Iterator[str]:
    for name, tell in _FIGURES.items():
        before, after = _told(one, tell)
        if before != after:
            yield f"| {name} | {before} | {after} |"
    yield f"| why | | {code(one['after']['plan']['why'])} |"


def _model(side: Result) -> str:
    plan = side["plan"]
    return f"{plan['variant']} {plan['quantization']}, {plan['engine']}"


def _gpus(side: Result) -> str:
    return str(side["plan"]["gpu"])


def _replicas(side: Result) -> str:
    runs, needed = side["runs"], side["needs"]
    return f"{runs}, and the workload needs {needed}" if needed is not None and runs < needed else str(runs)


def _of_plan(tell: Tell) -> Tell:
    return lambda side: tell(side["plan"])


_FIGURES: Mapping[str, Tell] = {
    "model": _model,
    "quality": _of_plan(lambda plan: plan["quality"]),
    "weights": _of_plan(lambda plan: plan["checkpoint"]),
    "image": _of_plan(lambda plan: plan["image"]),
    "GPUs of a replica": _gpus,
    "replicas": _replicas,
    "longest request": _of_plan(lambda plan: f"{plan['contextTokens']} tokens"),
    "requests at once": _of_plan(lambda plan: str(plan["maxConcurrentRequests"])),
    "tokens in a step": _of_plan(lambda plan: str(plan["maxBatchedTokens"])),
    "cache": _of_plan(lambda plan: f"{plan['kvCacheDtype']}, {plan['memory']['kvCacheMiB']} MiB"),
    "memory of a GPU": _of_plan(lambda plan: f"{plan['memory']['totalMiB']} of {plan['memory']['capacityMiB']} MiB"),
    "time per token": _of_plan(lambda plan: f"{plan['predicted']['timePerOutputTokenMicroseconds'] / 1000:.1f} ms"),
    "time to the first token": _of_plan(lambda plan: f"{plan['predicted']['timeToFirstTokenMilliseconds']} ms"),
    "requests a minute": _of_plan(lambda plan: f"{plan['predicted']['requestsPerMinutePerReplica']} for each replica"),
    "cost an hour": lambda side: f"{side['hourlyCost']} {side['plan']['currency']}",
}
"""What the fold tells of a side with a plan, by the words of its rows."""


def _both(one: Result, tell: Tell) -> str:
    before, after = _told(one, tell)
    return after if before == after else f"{before} {_ARROW} {after}"


def _told(one: Result, tell: Tell) -> tuple[str, str]:
    before, after = (code(tell(side)) if side and side["plan"] else _NONE for side in (one["before"], one["after"]))
    return before, after


def _name(one: Result) -> str:
    return f"{one['namespace']}/{one['name']}"


def code(text: str) -> str:
    """Return a text as a code span that also holds in a table's cell."""
    whole = " ".join(text.split()).replace("`", "'").replace("|", "\\|")
    return f"`{whole}`"
