"""The entry of the command line: run the chosen verb, and end with an exit code and at most one sentence."""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any

from gemma4_operator.api.read import InvalidResource
from gemma4_operator.api.shown import shown
from gemma4_operator.cli import completion, crds, diagnose, doctor, explain, fit, kv, plan, predict, render, simulate
from gemma4_operator.cli.inputs import InvalidInput
from gemma4_operator.cli.verb import Exit, Verb

VERBS = (
    plan.VERB,
    explain.VERB,
    fit.VERB,
    kv.VERB,
    predict.VERB,
    render.VERB,
    diagnose.VERB,
    doctor.VERB,
    simulate.VERB,
    crds.VERB,
    completion.VERB,
)

_INTERRUPTED = 130
"""What shells report of a program that Ctrl-C ended."""
_MOST_SHOWN = 2000
"""Of an error, which names keys and values as they were given."""
_EPILOG = """\
exit codes:
  0  done
  1  something unexpected went wrong
  2  the command or its input is not valid; the message says what must be
  3  nothing serves what is asked for, it does not fit, or doctor found a problem

Each verb explains itself: gemma4 VERB --help"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    try:
        args = parser(VERBS).parse_args(argv)
    except SystemExit as done:  # argparse ends by itself after --help, --version and a usage error
        return Exit(int(done.code or 0))
    try:
        verb: Verb = args.verb
        code = verb.run(args)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Who reads has had enough, as `head` has; what is left must not be written when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    except KeyboardInterrupt:
        return _INTERRUPTED
    except (InvalidResource, InvalidInput) as error:
        return _fail(error, Exit.INVALID)
    except Exception as error:
        if args.debug:
            raise
        return _fail(error, Exit.UNEXPECTED)


def _fail(error: Exception, code: Exit) -> Exit:
    print(f"gemma4: {shown(str(error) or type(error).__name__, _MOST_SHOWN)}", file=sys.stderr)
    return code


def parser(verbs: Sequence[Verb]) -> argparse.ArgumentParser:
    """Return the parser of the command with its verbs."""
    whole = argparse.ArgumentParser(
        prog="gemma4",
        description="Gemma 4 on Kubernetes: what the operator knows, without a cluster.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whole.add_argument("--version", action=_Version, nargs=0, help="say which version this is")
    whole.add_argument("--debug", action="store_true", help="show the traceback of an unexpected error")
    choice = whole.add_subparsers(title="verbs", metavar="VERB", required=True)
    for verb in verbs:
        own = choice.add_parser(
            verb.name,
            help=verb.summary,
            description=verb.details,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        own.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        own.register("action", None, _Once)
        verb.add_arguments(own)
        own.set_defaults(verb=verb, parser=whole)
    return whole


class _Once(argparse.Action):
    """Takes a value, and refuses a second one: argparse would forget the first without a word."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: str | None = None
    ) -> None:
        given = vars(namespace).setdefault("given", set())
        if self.dest in given and option is not None:
            raise argparse.ArgumentError(self, f"must be given once, and '{values}' is the second")
        given.add(self.dest)
        setattr(namespace, self.dest, values)


class _Version(argparse.Action):
    """Looks the version up only when it is asked for: reading it takes a tenth of what a verb takes."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import version

        print(f"{parser.prog} {version('gemma4-operator')}")
        parser.exit()
