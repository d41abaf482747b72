"""Answers, for as long as it is asked, whether ``vllm serve`` takes a list of arguments, and how it reads them.

Run as a script of its own by the Python of ``tests.cluster.vllm``, with PYTHONPATH on the sources of the version that
is asked: its parser takes longer to import than to answer a thousand questions. Each line of stdin is a JSON list of
arguments, or null; each line of stdout is a JSON object, with ``values`` or with ``error``, or to null with ``names``:
a list for each flag of all that it is called.
"""

import contextlib
import dataclasses
import io
import json
import sys


def _parser():
    from vllm.entrypoints.common.cli_args import make_arg_parser
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    # As the command does it: the flags belong to the subcommand, and validation asks for its name.
    parser = FlexibleArgumentParser(prog="vllm")
    serve = make_arg_parser(parser.add_subparsers(dest="subparser").add_parser("serve"))
    return parser, [list(action.option_strings) for action in serve._actions if action.option_strings]


def _values(parser, arguments: list[str]) -> dict:
    from vllm.config import CacheConfig
    from vllm.engine.arg_utils import AsyncEngineArgs
    from vllm.entrypoints.common.cli_args import validate_parsed_serve_args
    from vllm.reasoning import ReasoningParserManager
    from vllm.tool_parsers import ToolParserManager

    args = parser.parse_args(["serve", *arguments])
    validate_parsed_serve_args(args)
    AsyncEngineArgs.from_cli_args(args)
    # The flag takes any word, and the server judges it later; so it does with the parsers.
    CacheConfig(cache_dtype=args.kv_cache_dtype)
    if args.tool_call_parser and args.tool_call_parser not in ToolParserManager.list_registered():
        raise ValueError(f"no tool parser {args.tool_call_parser}")
    if args.reasoning_parser and args.reasoning_parser not in ReasoningParserManager.list_registered():
        raise ValueError(f"no reasoning parser {args.reasoning_parser}")
    return vars(args)


def _answer(parser, arguments: list[str]) -> dict:
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            return {"values": _values(parser, arguments)}
    except SystemExit:
        # argparse prints its usage first, and says last what is wrong.
        return {"error": said.getvalue().strip().splitlines()[-1]}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def _plain(value):
    return dataclasses.asdict(value) if dataclasses.is_dataclass(value) else str(value)


def main() -> None:
    answers = sys.stdout
    sys.stdout = sys.stderr
    parser, names = _parser()
    for line in sys.stdin:
        asked = json.loads(line)
        answer = {"names": names} if asked is None else _answer(parser, asked)
        print(json.dumps(answer, default=_plain), file=answers, flush=True)


if __name__ == "__main__":
    main()
