"""`gemma4 doctor`: whether a cluster has all that the operator needs, and what to do where it has not."""

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from gemma4_operator.cli.access import access, add_access
from gemma4_operator.cli.examination import Finding, Verdict, examined
from gemma4_operator.cli.output import add_output, columns, emit, strong
from gemma4_operator.cli.verb import Exit, Verb


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_access(parser)
    add_output(parser)


def _run(args: argparse.Namespace) -> Exit:
    # The client takes most of a second to import, and so does what makes schemas: no other verb needs both.
    from gemma4_operator.api.crd import crds
    from gemma4_operator.cli.doctor_sources import seen

    (definition,) = crds()
    found = examined(seen(access(args)), definition=definition)
    is_healthy = all(one.verdict is not Verdict.PROBLEM for one in found)
    emit(_result(found, is_healthy=is_healthy), args.output, table=lambda: _table(found))
    return Exit.OK if is_healthy else Exit.INFEASIBLE


def _result(found: Sequence[Finding], *, is_healthy: bool) -> Mapping[str, Any]:
    checks = [{"check": one.check, "status": one.verdict.value, "message": one.message} for one in found]
    return {"healthy": is_healthy, "checks": checks}


def _table(found: Sequence[Finding]) -> str:
    return columns([(_shown(one.verdict), one.check, one.message) for one in found])


def _shown(verdict: Verdict) -> str:
    return verdict.value if verdict is Verdict.OK else strong(verdict.value)


VERB = Verb(
    name="doctor",
    summary="say whether a cluster has what the operator needs, and what to do where not",
    details=(
        "Look at the cluster: its version, the definition, the operator and its permissions, the\n"
        "GPUs and what the planner makes of them, and resources that are not Ready. Nothing is changed.\n"
        "What you may not read is told as unknown. The exit code is 3 where something must be mended.\n\n"
        "examples:\n"
        "  gemma4 doctor\n"
        "  gemma4 doctor -o json | jq '.checks[] | select(.status == \"problem\")'"
    ),
    add_arguments=_add_arguments,
    run=_run,
)
