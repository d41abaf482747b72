"""What GitOps tools make of objects, by their own code: kstatus and the kinds of Flux, and Argo CD's Lua.

The program behind it is modules/gitops. Neither tool runs here: it only asks the functions that they ask.
"""

import json
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.cluster.binaries import locate
from tests.cluster.errors import ClusterError

Object = dict[str, Any]
_PATIENCE_SECONDS = 300


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What each tool says of one object: Flux by `kstatus`, Argo CD by `health` and its message."""

    kstatus: str
    health: str
    message: str


def verdicts(objects: Iterable[Object], *, script: str) -> list[Verdict]:
    """Returns what kstatus and a health script of Argo CD make of each object."""
    answers = _ask([{"object": one, "health": script} for one in objects])
    for answer in answers:
        if "error" in answer:
            raise ClusterError(f"The health script or kstatus failed: {answer['error']}")
    return [
        Verdict(kstatus=one["kstatus"], health=one["health"]["status"], message=one["health"]["message"])
        for one in answers
    ]


def flux_health(objects: Iterable[Object], *, expressions: Object) -> list[str]:
    """Returns what Flux makes of each object by the `healthCheckExprs` of a Kustomization for its kind."""
    answers = _ask([{"object": one, "expressions": expressions} for one in objects])
    for answer in answers:
        if "error" in answer:
            raise ClusterError(f"The health expressions failed: {answer['error']}")
    return [str(answer["flux"]) for answer in answers]


def refusal(resource: Object) -> str:
    """Returns what Flux's own types refuse of an object of Flux, such as an unknown field; empty: nothing."""
    (answer,) = _ask([{"object": resource, "strict": True}])
    return str(answer.get("error", ""))


def _ask(requests: Sequence[Object]) -> list[Object]:
    done = subprocess.run(
        [str(locate("gitops-judge")["gitops-judge"])],
        input="".join(f"{json.dumps(request)}\n" for request in requests),
        capture_output=True,
        text=True,
        timeout=_PATIENCE_SECONDS,
        check=False,
    )
    if done.returncode:
        raise ClusterError(f"gitops-judge failed: {done.stderr.strip()}")
    return [json.loads(line) for line in done.stdout.splitlines()]
