"""The page: all of it in one text, which a browser shows without asking anything of anybody."""

from collections.abc import Sequence

import jinja2

from gemma4_operator.sim.report import overtime, tables
from gemma4_operator.sim.report.frontier import frontier
from gemma4_operator.sim.report.overtime import Drawing
from gemma4_operator.sim.report.paths import place
from gemma4_operator.sim.report.shown import REFERENCE, About, Shown
from gemma4_operator.sim.report.verdict import attains, headline, keepers, missers, verdict
from gemma4_operator.sim.report.words import brief_percent, percent
from gemma4_operator.sim.result import Result

_SIZES = {"wide": (620.0, 480.0), "narrow": (360.0, 400.0)}
"""The frontier is there twice: letters that a desk can read are too small on a phone if they shrink with it."""


def page(about: About, shown: Sequence[Shown], *, reference: Result) -> str:
    """Return the HTML.

    Args:
        about: What the policies were played in.
        shown: Each policy with its run, all of the same traffic.
        reference: The run of the rule that knows what will come.
    """
    known = Shown(policy=REFERENCE, result=reference)
    drawing = Drawing(about, [one.result for one in shown], reference=reference)
    objective = about.objective_percent
    in_order = (
        *keepers(shown, objective),
        *missers(shown, objective),
        *(one for one in shown if one.is_reference),
    )
    everyone = [*shown, *([] if REFERENCE in [one.policy for one in shown] else [known])]
    return _ENVIRONMENT.get_template("report.html.j2").render(
        about=about,
        objective=brief_percent(objective),
        headline=headline(shown, reference=reference, objective_percent=objective),
        policy_head=tables.POLICY_HEAD,
        policies=tables.policies(shown, about, reference=known),
        frontiers={
            name: frontier(everyone, about, width=width, height=height) for name, (width, height) in _SIZES.items()
        },
        frontier_head=tables.FRONTIER_HEAD,
        frontier_rows=tables.frontier_rows(everyone),
        room=overtime,
        stage=drawing.stage(),
        multiples=[
            {
                "policy": one.policy,
                "verdict": verdict(one.result, objective),
                "attains": attains(one.result, objective),
                "result": one.result,
                "drawing": drawing.multiple(one.result),
                "rows": tables.over_time(one.result, about, reference=reference),
            }
            for one in in_order
        ],
        hours_head=tables.HOURS_HEAD,
    )


_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.PackageLoader("gemma4_operator.sim.report"),
    undefined=jinja2.StrictUndefined,
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_ENVIRONMENT.filters |= {"place": place, "percent": percent}
