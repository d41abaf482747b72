"""Put the simulator beside the real vLLM: `python -m tests.bench.engine`, about ten minutes.

A machine that is shared is not as fast at each minute. So the engine is timed before and after each level of load, and
each level is held against the model that these two rounds give.
"""

import argparse
import gzip
import sys
from collections.abc import Sequence
from pathlib import Path

from gemma4_operator.sim.traces import Log, read
from tests.bench.engine import client, compare, fit, page
from tests.bench.engine.server import MODEL, serving
from tests.bench.machine import cores, foreign_share, machine_class, usage
from tests.real.served import Server

TRACE = Path(__file__).parents[2] / "data" / "traces" / "AzureLLMInferenceTrace_conv.csv.gz"
PAGE = Path(__file__).parents[3] / "docs" / "reference" / "simulator.md"


def main(arguments: Sequence[str]) -> int:
    """Return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.engine", description=__doc__)
    parser.add_argument("--write-docs", action="store_true", help=f"write docs/reference/{PAGE.name}")
    options = parser.parse_args(arguments)
    log = compare.shortened(_recorded())
    before = usage()
    with serving() as server:
        _say("the engine serves; it is timed")
        cache_tokens = _cache_tokens(server)
        _round(server)  # The first of its life is slower.
        rounds = [_round(server)]
        most = compare.most_per_second(fit.fitted(rounds, cache_tokens=cache_tokens).model, log)
        loads = []
        for share in compare.SHARES:
            trace = compare.traffic(log, requests_per_second=share * most)
            real = client.send(trace, port=server.port, model=MODEL)
            rounds.append(_round(server))
            found = fit.fitted(rounds[-2:], cache_tokens=cache_tokens)
            loads.append(compare.compared(share, trace, real, found))
            _say(f"{share:.0%} load: {loads[-1]}")
    foreign = foreign_share(before, usage(), cores=cores())
    text = page.page(fit.fitted(rounds, cache_tokens=cache_tokens), loads, machine=machine_class(), foreign=foreign)
    print(text)
    if options.write_docs:
        PAGE.write_text(text, encoding="utf-8")
        _say(f"wrote {PAGE}")
    return 0


def _recorded() -> Log:
    log = read(gzip.decompress(TRACE.read_bytes()).decode(), where=TRACE.name)
    if not isinstance(log, Log):
        raise TypeError(f"{TRACE} has rates and no requests")
    return log


def _round(server: Server) -> fit.Round:
    return {trial.name: client.send(trial.trace, port=server.port, model=MODEL) for trial in fit.TRIALS}


def _cache_tokens(server: Server) -> int:
    """Return what the engine says that its cache holds."""
    for line in server.anonymous("/metrics").text.splitlines():
        if line.startswith("vllm:cache_config_info"):
            labels = dict(part.split("=", 1) for part in line[line.index("{") + 1 : line.rindex("}")].split(","))
            return int(labels["num_gpu_blocks"].strip('"')) * int(labels["block_size"].strip('"'))
    raise LookupError("the engine does not say how large its cache is")


def _say(text: str) -> None:
    print(f"engine-bench: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
