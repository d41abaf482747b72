"""The closing table of a soak."""

from tests.soak.run import Outcome, Plan


def table(outcome: Outcome, plan: Plan) -> str:
    """Return the table in Markdown, and the faults below it."""
    warm, end = outcome.growth.warm, outcome.growth.end
    rows = [
        ("Resources", f"{outcome.resources}"),
        ("Disturbed for", f"{plan.seconds:.0f} s, seed {plan.seed}"),
        *((f"... {what}", f"{count}") for what, count in sorted(outcome.disturbances.items())),
        ("Restarts of the operator", f"{outcome.restarts}"),
        ("Requests through the proxy", f"{outcome.requests}"),
        ("Passes of the last life", f"{outcome.passes}"),
        ("Settled after the last fault", f"{outcome.settled_seconds:.0f} s"),
        ("Memory, warm and at the end", f"{warm.rss_mib:.1f} MiB, {end.rss_mib:.1f} MiB ({outcome.growth.ratio:.2f})"),
        ("Threads", f"{warm.threads}, {end.threads}"),
        ("Open files", f"{warm.files}, {end.files}"),
        ("Faults", f"{len(outcome.faults) or 'none'}"),
    ]
    width = max(len(name) for name, _ in rows)
    lines = [f"| {name.ljust(width)} | {value} |" for name, value in (("", ""), ("---", "---"), *rows)]
    return "\n".join([*lines, *(f"fault: {fault}" for fault in outcome.faults)]) + "\n"
