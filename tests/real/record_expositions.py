"""What real engines publish while they work, for the tests that read it: ``python -m tests.real.record_expositions``.

vLLM runs three engines in one server (``--data-parallel-size 3``), so that each figure comes in parts, as it does where
one pod serves from several groups of GPUs. Both servers are recorded while requests run and others wait, after some
were answered, one prompt twice, and one was given up.
"""

import argparse
import contextlib
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from gemma4_operator.engines import dialects
from gemma4_operator.engines.base import Dialect
from gemma4_operator.scaling import read
from gemma4_operator.scaling.sample import Counts
from tests.cluster import engines, ports, vllm
from tests.cluster.waiting import wait_for
from tests.real import test_llamacpp_server, test_vllm_server
from tests.real.prompts import LIKE_GEMMA_4
from tests.real.served import Machine, Server, serving

FOLDER = Path(__file__).parents[1] / "data" / "expositions"
ENGINES = 3
LINES = 1000
"""vLLM's file is only worth recording if it is as long as those of pods with several engines."""
_REPEATED = "Read this once more. " * 40


def main(arguments: Sequence[str]) -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.real.record_expositions", description=__doc__)
    parser.add_argument("engine", nargs="?", choices=RECORDERS, help="record only this one")
    only = parser.parse_args(arguments).engine
    FOLDER.mkdir(exist_ok=True)
    for name, record in RECORDERS.items():
        if only in (None, name):
            path = FOLDER / f"{name}.txt"
            path.write_text(record(), encoding="utf-8")
            print(f"{path.relative_to(Path.cwd())}: {len(path.read_text().splitlines())} lines")
    return 0


def of_vllm() -> str:
    arguments = ("--data-parallel-size", str(ENGINES))
    with test_vllm_server.started(vllm.checkpoint(), *arguments) as server:
        long = test_vllm_server.LONG | {"max_tokens": 1500}
        exposition = under_load(server, dialects.VLLM, at_once=ENGINES * test_vllm_server.SEQUENCES + 3, long=long)
    assert len(exposition.splitlines()) > LINES, exposition
    return exposition


def of_llama_server() -> str:
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "weights"
        weights.mkdir()
        test_llamacpp_server.with_chat_template(engines.weights(), weights / test_llamacpp_server.FILE, LIKE_GEMMA_4)
        machine = Machine(Path(folder), {"/app/llama-server": engines.llama_server()}, weights)
        (reserved,) = ports.reserve(1)
        container = test_llamacpp_server.pod(port=reserved.port).container
        with serving(machine, container, model=test_llamacpp_server.MODEL, key=None) as server:
            slots = test_llamacpp_server.SLOTS
            return under_load(server, dialects.LLAMA_CPP, at_once=slots + 1, long=test_llamacpp_server.LONG)


def under_load(server: Server, dialect: Dialect, *, at_once: int, long: dict[str, Any]) -> str:
    """Returns what a server publishes while some requests run and others wait."""
    for _ in range(4):
        assert server.chat(_REPEATED, max_tokens=8).status == 200
    with server.stream("Never mind.", **long) as events:
        next(events)
    last = ""

    def busy() -> bool:
        nonlocal last
        last = server.get(dialect.path).text
        said = read.counts(last.encode(), dialect)
        return said is not None and said.running > 0 and said.waiting > 0 and is_whole(said, dialect)

    with talking(server, at_once, long):
        wait_for(busy, 120, lambda: f"requests that run and wait:\n{last}")
    return last


def is_whole(said: Counts, dialect: Dialect) -> bool:
    """Whether something was counted under each name: one prompt was found in a cache, and answers have come."""
    totals = [said.prompt_tokens, said.cached_tokens, said.generation_tokens]
    totals += [said.finished] if dialect.finished else []
    totals += [said.first_token.count if said.first_token else None] if dialect.first_token_seconds else []
    totals += [said.output_token.count if said.output_token else None] if dialect.output_token_seconds else []
    return all(totals)


@contextlib.contextmanager
def talking(server: Server, at_once: int, long: dict[str, Any]) -> Iterator[None]:
    enough = threading.Event()

    def talk(number: int) -> None:
        with contextlib.suppress(OSError), server.stream(f"Story {number}:", **long) as events:
            next(events)
            enough.wait(120)

    with ThreadPoolExecutor(at_once) as pool:
        for number in range(at_once):
            pool.submit(talk, number)
        try:
            yield
        finally:
            enough.set()


RECORDERS: dict[str, Callable[[], str]] = {
    f"vllm-{vllm.VERSION}": of_vllm,
    f"llama-server-{engines.LLAMA_CPP_VERSION.partition('.')[0]}": of_llama_server,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
