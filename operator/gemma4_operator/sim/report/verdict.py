"""Who keeps the objective, by what the others miss it, and in which order that is told."""

from collections.abc import Sequence

from gemma4_operator.sim.report import words
from gemma4_operator.sim.report.shown import Shown
from gemma4_operator.sim.result import Result

_SLACK = 1e-9


def attains(result: Result, objective_percent: float) -> bool:
    """Whether as many requests kept their objectives as should."""
    return result.attainment_percent >= objective_percent - _SLACK


def verdict(result: Result, objective_percent: float) -> str:
    """Return what became of the objective: that it was kept, or by how much it was missed, and what most ran into."""
    if attains(result, objective_percent):
        return f"keeps {words.brief_percent(objective_percent)}"
    gap = words.points(objective_percent - result.attainment_percent)
    return f"misses by {gap}, mostly {_cause(result)}"


def _cause(result: Result) -> str:
    first = result.missed_first_token - result.lost
    causes = ((first, "late first tokens"), (result.missed_token, "slow tokens"), (result.lost, "lost requests"))
    return max(causes, key=lambda cause: cause[0])[1]


def keepers(shown: Sequence[Shown], objective_percent: float) -> tuple[Shown, ...]:
    """Return the policies that keep the objective, the cheapest first; the reference is none of them."""
    kept = (one for one in shown if not one.is_reference and attains(one.result, objective_percent))
    return tuple(sorted(kept, key=lambda one: (one.result.average_replicas, -one.result.attainment_percent)))


def missers(shown: Sequence[Shown], objective_percent: float) -> tuple[Shown, ...]:
    """Return the policies that miss the objective, the nearest first; the reference is none of them."""
    missed = (one for one in shown if not one.is_reference and not attains(one.result, objective_percent))
    return tuple(sorted(missed, key=lambda one: (-one.result.attainment_percent, one.result.average_replicas)))


def headline(shown: Sequence[Shown], *, reference: Result, objective_percent: float) -> str:
    """Return what there is to know if one reads a single sentence."""
    objective = words.brief_percent(objective_percent)
    kept, missed = keepers(shown, objective_percent), missers(shown, objective_percent)
    if kept:
        return _about_the_cheapest(kept, reference, objective)
    if not missed:
        return "Only the reference was played, which knows what will come."
    nearest = missed[0].result
    missing = f"No policy keeps {objective}" if len(missed) > 1 else f"{missed[0].policy} does not keep {objective}"
    if len(missed) == 1:
        return (
            f"{missing}: {words.percent(nearest.attainment_percent)} of requests keep their objectives, "
            f"with {nearest.average_replicas:.2f} replicas on average."
        )
    return (
        f"{missing}: the nearest is {missed[0].policy} with {words.percent(nearest.attainment_percent)}, "
        f"for {nearest.average_replicas:.2f} replicas on average."
    )


def _about_the_cheapest(kept: Sequence[Shown], reference: Result, objective: str) -> str:
    best = kept[0].result.average_replicas
    how = "at the lowest cost: " if len(kept) > 1 else "with "
    sentence = f"{kept[0].policy} keeps {objective} {how}{best:.2f} replicas on average"
    if reference.average_replicas:
        sentence += f", {words.ratio(best, reference.average_replicas)} times as many as by knowing what will come"
    if len(kept) > 1 and best:
        more = 100 * (kept[1].result.average_replicas / best - 1)
        sentence += f". Next is {kept[1].policy}, which takes {more:.0f} % more"
    return f"{sentence}."
