"""What it costs to read engines' figures: `make bench-scrape`, or `python -m tests.bench.scraping`.

Pods are addresses of this machine's loopback network, all served by another process, which sends the recorded
exposition of a real vLLM. What is counted is the CPU time of this process alone: the reader's.
"""

import argparse
import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from gemma4_operator.engines import dialects
from gemma4_operator.runtime.direct import Direct
from gemma4_operator.runtime.sampler import PERIOD_SECONDS, Sampler, Target
from gemma4_operator.runtime.scrape import Scraper
from gemma4_operator.runtime.store import Key
from gemma4_operator.scaling import read
from tests.bench.machine import cores, foreign_share, machine_class, usage
from tests.bench.table import table

RECORDED = Path(__file__).parents[1] / "data" / "expositions" / "vllm-0.32.0.txt"
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "reading-engines.md"
PODS = 500
ROUNDS = 4
READS = 2000
AIM_MILLISECONDS = 1.0
AIM_SHARE = 0.15
FLEET = Key("bench", "fleet")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """CPU time: of one pod's figures in milliseconds, and of all pods as a share of one core."""

    parse_milliseconds: float
    whole_milliseconds: float
    read_milliseconds: float
    opened_milliseconds: float
    pods: int
    core_share: float
    round_seconds: float
    foreign: float


def targets(count: int) -> list[Target]:
    """Return so many pods, each with an address of its own."""
    return [
        Target(name=f"pod-{number}", address=f"127.1.{number // 250}.{number % 250 + 1}", dialects=(dialects.VLLM,))
        for number in range(count)
    ]


@contextlib.contextmanager
def serving(path: Path, *, ends: bool = False) -> Iterator[int]:
    """Yield the port on which another process serves a file, on every address of this machine's own network.

    It keeps connections for the next question, as vLLM does where the operator has started it, or ends each after one.
    """
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = int(listening.getsockname()[1])
    command = [
        sys.executable,
        "-m",
        __spec__.name,
        "--serve",
        str(path),
        "--port",
        str(port),
        "--parent",
        str(os.getpid()),
        *(["--ends"] if ends else []),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == "ready\n"
            yield port
        finally:
            server.kill()


async def serve(path: Path, port: int, parent: int, *, ends: bool) -> None:
    """Serve a file until the parent has ended: as little HTTP as there can be, so that the reader sets the pace."""
    body = path.read_bytes()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n\r\n".encode()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(head + body)
                await writer.drain()
                if ends:
                    break
        writer.close()

    async with await asyncio.start_server(answer, "0.0.0.0", port, backlog=1000):
        print("ready", flush=True)
        while os.getppid() == parent:
            await asyncio.sleep(0.5)


def of_parsing(text: bytes, how: Callable[[bytes], object], *, times: int) -> float:
    """Return the milliseconds of CPU time that one exposition takes, the least of some: others only make it more."""
    taken = []
    for _ in range(times):
        begun = time.process_time()
        how(text)
        taken.append(time.process_time() - begun)
    return min(taken) * 1000


def _whole(text: bytes) -> object:
    return [family.samples for family in text_string_to_metric_families(text.decode())]


@contextlib.asynccontextmanager
async def scraper() -> AsyncIterator[Scraper]:
    one = Scraper()
    yield one
    await one.close()


async def of_reading(port: int, *, reads: int) -> float:
    """Return the milliseconds of CPU time for one pod, with the connection, the answer and its figures.

    It is the least of several rounds: what others do on the machine, or beside it on its host, only makes it more.
    """
    async with scraper() as one:
        source = Direct(ask=one.ask, port=port, period_seconds=0.0)
        pods = targets(100)
        await source.read(FLEET, pods)
        taken = []
        for _ in range(reads // len(pods)):
            begun = time.process_time()
            said = await source.read(FLEET, pods)
            taken.append(time.process_time() - begun)
            assert len(said) == len(pods)
        return min(taken) / len(pods) * 1000


async def of_fleet(port: int, *, pods: int, rounds: int, period_seconds: float) -> tuple[float, float]:
    """Return the share of one core that many pods of one resource take, and how long their last round took."""
    ended: list[float] = []
    done = asyncio.Event()

    def on_round(_: Key) -> None:
        ended.append(time.monotonic())
        if len(ended) > rounds:
            done.set()

    async with scraper() as one:
        fleet, clock = targets(pods), time.monotonic
        source = Direct(ask=one.ask, port=port, period_seconds=period_seconds)
        sampler = Sampler(targets=lambda _: fleet, on_round=on_round, monotonic=clock, period_seconds=period_seconds)
        sampler.follow(FLEET, source)
        while not ended:
            await asyncio.sleep(0.05)
        begun, cpu = time.monotonic(), time.process_time()
        await done.wait()
        share = (time.process_time() - cpu) / (time.monotonic() - begun)
        heard = sampler.samples(FLEET)
        assert len(heard) == pods
        sampler.close()
    return share, ended[-1] - min(sample.at_seconds for sample in heard.values())


def measure(*, pods: int, rounds: int, reads: int, period_seconds: float = PERIOD_SECONDS) -> Measured:
    """Measure everything."""
    text = RECORDED.read_bytes()
    before = usage()
    with serving(RECORDED) as port:
        share, round_seconds = asyncio.run(of_fleet(port, pods=pods, rounds=rounds, period_seconds=period_seconds))
        read_milliseconds = asyncio.run(of_reading(port, reads=reads))
    with serving(RECORDED, ends=True) as port:
        opened_milliseconds = asyncio.run(of_reading(port, reads=reads))
    return Measured(
        parse_milliseconds=of_parsing(text, lambda data: read.counts(data, dialects.VLLM), times=500),
        whole_milliseconds=of_parsing(text, _whole, times=20),
        read_milliseconds=read_milliseconds,
        opened_milliseconds=opened_milliseconds,
        pods=pods,
        core_share=share,
        round_seconds=round_seconds,
        foreign=foreign_share(before, usage(), cores=cores()),
    )


def report(measured: Measured) -> str:
    """Return the figures for people."""
    text = RECORDED.read_bytes()
    return f"""\
{RECORDED.name}: {len(text.splitlines())} lines, {len(text)} bytes; {machine_class()};
others used {measured.foreign:.0%} of the machine meanwhile

{figures(measured)}"""


def page(measured: Measured, *, today: datetime) -> str:
    """Return the page."""
    text = RECORDED.read_bytes()
    return f"""<!-- Written by `python -m tests.bench.scraping --write-docs`; do not edit. -->

# What it costs to read engines

The operator's autoscaler asks the pods of each resource every {PERIOD_SECONDS:g} s, unless a Prometheus does. What one
pod answers here is the recorded exposition of a real vLLM, of {len(text.splitlines())} lines and {len(text)} bytes.
Figures are CPU time of the reader alone; pods are addresses of the loopback network, so there is no network in them.
Those in milliseconds are the least of many, since whoever else uses a machine or its host only makes them more; the
share of a core is that of all rounds.

* Command: `make bench-scrape`, on {today:%Y-%m-%d}.
* Machine: {machine_class()}; others used {measured.foreign:.0%} of it meanwhile, which makes CPU time longer as well,
  since cores share their caches.

{figures(measured)}
Few series are looked for by name and the rest is not read, which is the difference to a parser of all. Connections
are kept from one question to the next where the engine keeps them: vLLM does, since the operator's pods tell it to
([ADR 0032](../adr/0032-connections-may-rest.md)); one that has been closed is opened anew, at the price shown.
Where 15 % of a core is too much for a fleet, `metricsSource: Prometheus` ([scaling](../guides/scaling.md)) takes one
question for all pods of a resource.
"""


def figures(measured: Measured) -> str:
    """Return the table of both."""
    return table(
        ("CPU time of the reader", "measured", "aim"),
        [
            ("figures of one pod, from its answer", f"{measured.parse_milliseconds:.2f} ms", ""),
            ("the same by a parser of all", f"{measured.whole_milliseconds:.1f} ms", ""),
            ("one pod, with HTTP", f"{measured.read_milliseconds:.2f} ms", f"{AIM_MILLISECONDS:g} ms"),
            ("the same with a new connection for each question", f"{measured.opened_milliseconds:.2f} ms", ""),
            (
                f"{measured.pods} pods every {PERIOD_SECONDS:g} s, of one core",
                f"{measured.core_share:.1%}",
                f"{AIM_SHARE:.0%}",
            ),
            ("a round of them, from its first question to its end", f"{measured.round_seconds:.1f} s", ""),
        ],
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="tests.bench.scraping", description=__doc__)
    parser.add_argument("--pods", type=int, default=PODS, help=f"how many (default: {PODS})")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"how many to measure (default: {ROUNDS})")
    parser.add_argument("--reads", type=int, default=READS, help=f"for the figure of one pod (default: {READS})")
    for hidden in ("--serve", "--port", "--parent"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    parser.add_argument("--ends", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--write-docs", action="store_true", help=f"write {PAGE.relative_to(PAGE.parents[2])}")
    options = parser.parse_args(arguments)
    if options.serve:
        asyncio.run(serve(Path(options.serve), int(options.port), int(options.parent), ends=options.ends))
        return 0
    measured = measure(pods=options.pods, rounds=options.rounds, reads=options.reads)
    print(report(measured), end="")
    if options.write_docs:
        PAGE.write_text(page(measured, today=datetime.now(UTC)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
