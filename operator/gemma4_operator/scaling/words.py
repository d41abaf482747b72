"""The sentences in which a decision is told."""

import math

from gemma4_operator.scaling.change import Change
from gemma4_operator.scaling.meter import Reading
from gemma4_operator.scaling.staffing import ROOM

NO_GPU = "no GPU"
"""What limits a number that no node takes, where a field would stand."""


ALONE = "one request takes"
"""Whose time per token is meant."""


def count(number: int) -> str:
    """Return so many replicas in words."""
    return "1 replica" if number == 1 else f"{number} replicas"


def demand(
    *,
    now: float,
    then: float,
    horizon_seconds: float,
    needs: int,
    change: Change | None,
    waiting: float,
    backlog: int,
    first_token_seconds: float,
    token_seconds: float,
) -> str:
    """Return what comes and what it needs."""
    comes = f"{_rate(now)} requests a minute come, and {_rate(then)} are expected in {horizon_seconds:.0f} s"
    if change is not None:
        how = "rising" if change.is_ramp else "higher"
        comes += f", because they have been {how} for {change.since_seconds:.0f} s"
    verb = "keeps" if needs == 1 else "keep"
    times = f"{_time(first_token_seconds)} to the first token"
    if math.isfinite(token_seconds):
        times += f" and {_time(token_seconds)} for each"
    text = f"{comes}: {count(needs)} {verb} {times}."
    if waiting > 0:
        text += f" {waiting:.0f} requests wait, which {count(backlog)} work off."
    return text


def longest_alone(attainment: float) -> str:
    """Return whose first token is meant where the promise is for that share of requests."""
    return f"of the longest {100 * (1 - attainment):g} % of prompts each takes"


def lost(replicas: int) -> str:
    """Return that others are asked for in the place of those that do not serve."""
    return f"{count(replicas).capitalize()} more than that, in the place of as many that do not serve and are overdue."


def out_of_reach(field: str, *, alone: str, asked_seconds: float, kept_seconds: float) -> str:
    """Return that an objective is staffed for as near as it can be reached, and what would help."""
    return (
        f"`{field}` allows {_time(asked_seconds)}, and {alone} {_time(kept_seconds / ROOM)} alone. "
        f"Near to that more replicas gain little: {_time(kept_seconds)} is kept. Take a faster GPU or allow more time."
    )


def jumped(replicas: int) -> str:
    """Return that more are kept than come to be needed."""
    verb = "serves" if replicas == 1 else "serve"
    return (
        f"Within the last hour traffic jumped to what {count(replicas)} {verb}, faster than a replica comes, so as "
        "many stay."
    )


def spared(replicas: int, share: float) -> str:
    """Return that more are kept than traffic needs, for those that will be lost."""
    verb = "stays" if replicas == 1 else "stay"
    return (
        f"Replicas that had served were lost for {100 * share:.2g} % of their time in the last hours, so "
        f"{replicas} more than now needed {verb}: look at their nodes."
    )


def starting(wanted: int) -> str:
    """Return that nothing serves yet."""
    return f"None of {count(wanted)} serves yet, so nothing can be measured and the number stays."


def begun(wanted: int) -> str:
    """Return that there is no earlier word of the engines to compare with."""
    verb = "stays" if wanted == 1 else "stay"
    return f"{count(wanted).capitalize()} {verb}: the next word of the engines will be the first to tell what comes."


def no_data(reading: Reading) -> str:
    """Return that nothing is heard."""
    serving = count(reading.serving).capitalize()
    return f"{serving} should serve, and none says what it does: the number stays until one does."


def partial(silent: int, serving: int) -> str:
    """Return that some are not heard."""
    return f"{silent} of {count(serving)} do not say what they do, so the number does not go down."


def sleeping(idle_seconds: float) -> str:
    """Return that the last replica goes."""
    return f"Nobody has asked for {idle_seconds:.0f} s (`spec.autoscaling.idleSeconds`), so the last replica goes."


def asleep() -> str:
    """Return that none runs."""
    return "Nobody asks, so none runs."


def asked_ahead(annotation: str, ahead_seconds: float) -> str:
    """Return that a wish of later is not heard, and what to do."""
    return (
        f"The annotation `{annotation}` names a time more than {ahead_seconds / 60:.0f} minutes ahead, so it is not "
        "heard: set it to the time of the wish."
    )


def waking() -> str:
    """Return that somebody asked."""
    return "Somebody asked, so a replica starts."


def at_minimum(minimum: int) -> str:
    """Return that fewer are not allowed."""
    if minimum == 0:
        return "The last replica stays for `spec.autoscaling.idleSeconds` after the last request."
    return f"`spec.autoscaling.minReplicas` is {minimum}."


def at_most(most: int, field: str) -> str:
    """Return that more are not allowed."""
    return f"`{field}` allows {most}."


def stabilizing(need: int, highest: int) -> str:
    """Return that more was needed a moment ago."""
    return f"Now {need} would do, and {highest} were needed within the stabilization time."


def not_long_enough(seconds: float) -> str:
    """Return that it was not watched for long enough."""
    return f"The number goes down once all replicas were heard for {seconds:.0f} s."


def step_by_step(seconds: float) -> str:
    """Return that a step down was taken a moment ago."""
    return f"The number goes down in steps, one in {seconds:.0f} s."


def waiting(requests: float) -> str:
    """Return that something waits."""
    return f"The number does not go down while {requests:.0f} requests wait."


def survivors(running: float, fewer: int) -> str:
    """Return that those that stay could not hold what runs."""
    return f"The number does not go down while {running:.0f} requests run, more than {count(fewer)} hold."


def lowering(wanted: int, lowest: int) -> str:
    """Return that it goes down."""
    return f"{count(wanted).capitalize()} run, so the number goes down to {lowest}."


def unplaceable(stuck: int, need: int) -> str:
    """Return that what was asked for has no place."""
    verb = "waits" if stuck == 1 else "wait"
    return (
        f"{stuck} of those asked for {verb} for a node with free GPUs, so no more are asked for although {need} are "
        "needed: add such a node, or lower `spec.autoscaling.maxReplicas` to what there is."
    )


def limited(need: int, most: int, field: str) -> str:
    """Return by which limit more are not asked for."""
    return f"`{field}` allows {most}, so {need - most} of them are not asked for."


def _rate(per_second: float) -> str:
    minute = per_second * 60
    if 0 < minute < 1:
        return f"{minute:.1g}"
    return f"{minute:.1f}" if 0 < minute < 10 else f"{minute:.0f}"


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 0.9995 else f"{seconds:.1f} s"
