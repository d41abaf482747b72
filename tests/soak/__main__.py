"""Soak the operator on a local cluster of its own: `python -m tests.soak`, or `make soak`."""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from tests.cluster import Cluster, ClusterError
from tests.integration.objects import Objects
from tests.integration.operating import install
from tests.soak.run import Outcome, Plan, soak
from tests.soak.table import table

_EPILOG = """\
Progress goes to stderr, a closing table to stdout. Exit status 1: something was lost, grew or is not quiet.
"""
_RESOURCES_ON_A_NODE = 2
"""Of eight GPUs: each resource runs two replicas at most, and so does its twin."""


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    made = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__, epilog=_EPILOG)
    made.add_argument("--minutes", type=float, default=10.0, metavar="N", help="how long faults go on (default: 10)")
    made.add_argument("--resources", type=int, default=100, metavar="N", help="Gemma4Deployments (default: 100)")
    made.add_argument("--seed", type=int, default=6, metavar="N", help="of all that is left to luck (default: 6)")
    return made


def main(arguments: Sequence[str]) -> int:
    """Return the exit status."""
    options = parser().parse_args(arguments)
    say = _clock()
    plan = Plan(seconds=60 * options.minutes, resources=options.resources, seed=options.seed)
    try:
        outcome = _alone(plan, say)
    except (ClusterError, TimeoutError) as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    print(table(outcome, plan), end="")
    return 1 if outcome.faults else 0


def _alone(plan: Plan, say: Callable[[str], None]) -> Outcome:
    """Soak on a cluster that is there for nothing else, and ends with it."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gemma4-soak-")))
        say("starting a control plane")
        cluster = stack.enter_context(Cluster.start(name="soak", root=folder))
        cluster.add_fake_nodes(-(-plan.resources // _RESOURCES_ON_A_NODE) + 2)
        install(cluster)
        objects = stack.enter_context(closing(Objects(cluster.kubeconfig)))
        return soak(cluster, objects, folder / "operators", plan, say=say)


def _clock() -> Callable[[str], None]:
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"soak {time.monotonic() - started:5.0f} s: {text}", file=sys.stderr, flush=True)

    return say


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
