"""A real Prometheus that scrapes scripted pods: what is read there is what the pods say, with its own age.

A pod is an address of this machine's loopback network, and the labels are those that the discovery of Kubernetes gives.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from aiohttp import web

from gemma4_operator.engines import dialects
from gemma4_operator.engines.base import Dialect
from gemma4_operator.runtime.prometheus import Prometheus
from gemma4_operator.runtime.sampler import Target
from gemma4_operator.runtime.store import Key
from gemma4_operator.scaling import read
from gemma4_operator.scaling.sample import Sample
from tests.cluster import prometheus
from tests.cluster.prometheus import Scraped, Server

pytestmark = pytest.mark.engine

Scraping = Callable[..., AbstractContextManager[Server]]
Reading = Callable[..., Prometheus]

CHAT = Key("team", "chat")
REAL = (Path(__file__).parents[1] / "data" / "expositions" / "vllm-0.32.0.txt").read_text()
NIM = (dialects.NIM_2, dialects.NIM_1)


SCRAPE = "SCRAPE"
"""In what a pod says, where the number of the scrape is put."""


def work(running: float | str) -> str:
    return f"vllm:num_requests_running {running}\nvllm:num_requests_waiting 0\n"


@dataclass
class Pods:
    """Serves what each pod says, and notes when it was asked."""

    port: int = 0
    says: dict[str, str | None] = field(default_factory=dict)
    asked: dict[str, list[float]] = field(default_factory=dict)

    async def answer(self, request: web.Request) -> web.Response:
        host = request.host.partition(":")[0]
        said = self.says.get(host)
        if said is None:
            return web.Response(status=503)
        moments = self.asked.setdefault(host, [])
        moments.append(time.monotonic())
        return web.Response(text=said.replace(SCRAPE, str(len(moments))))

    def scraped(self, number: int, **labels: str) -> Scraped:
        named = {"namespace": "team", "pod": f"chat-{number}"} | labels
        return Scraped(f"127.0.1.{number}:{self.port}", named)


@pytest.fixture
async def pods() -> AsyncIterator[Pods]:
    one = Pods()
    app = web.Application()
    app.router.add_get("/metrics", one.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "0.0.0.0", 0).start()
    one.port = runner.addresses[0][1]
    yield one
    await runner.cleanup()


@pytest.fixture
def scraping(tmp_path: Path) -> Scraping:
    """A function that runs a Prometheus which scrapes these."""

    @contextmanager
    def run(*targets: Scraped, interval: str = "200ms", **jobs: list[Scraped]) -> Iterator[Server]:
        with prometheus.scraping({"pods": targets, **jobs}, folder=tmp_path, interval=interval) as server:
            yield server

    return run


@pytest.fixture
async def reading() -> AsyncIterator[Reading]:
    """A function that makes a source of samples, which ends with the test."""
    made = []

    def make(url: str, **labels: str) -> Prometheus:
        made.append(Prometheus(url=url, monotonic=time.monotonic, **labels))
        return made[-1]

    yield make
    for source in made:
        await source.close()


def target(number: int, *spoken: Dialect) -> Target:
    return Target(name=f"chat-{number}", address=f"127.0.1.{number}", dialects=spoken or (dialects.VLLM,))


async def samples(source: Prometheus, *targets: Target) -> Mapping[str, Sample]:
    """What is read once all of them are there."""
    async with asyncio.timeout(120):
        while len(found := await source.read(CHAT, targets)) < len(targets):
            await asyncio.sleep(0.1)
    return found


async def test_what_is_there_is_what_the_engine_says(pods: Pods, scraping: Scraping, reading: Reading) -> None:
    """All of a real vLLM's figures, as if it had been asked directly."""
    pods.says = {"127.0.1.1": REAL, "127.0.1.2": work(4)}
    with scraping(pods.scraped(1), pods.scraped(2)) as server:
        source = reading(server.url)
        found = await samples(source, target(1), target(2))
        assert found["chat-1"].counts == read.counts(REAL.encode(), dialects.VLLM)
        assert found["chat-2"].counts == read.counts(work(4).encode(), dialects.VLLM)
        assert source.trouble(CHAT) == ""


async def test_a_sample_is_as_old_as_the_scrape(pods: Pods, scraping: Scraping, reading: Reading) -> None:
    """And not as young as the question. What was scraped once is one sample, however often it is asked for."""
    pods.says = {"127.0.1.1": work(SCRAPE)}
    found: dict[int, Sample] = {}
    oldest_seconds = 0.0
    with scraping(pods.scraped(1), interval="3s") as server:
        source = reading(server.url)
        while len(found) < 3 or oldest_seconds <= 1:
            asked_seconds = time.monotonic()
            read = await source.read(CHAT, [target(1)])
            took_seconds = time.monotonic() - asked_seconds
            for sample in read.values():
                number = int(sample.counts.running)
                assert found.setdefault(number, sample) is sample
                # A pod hears of its scrape after it has begun, and that it has not taken longer than the interval; a
                # question that takes long makes what it finds older, and never younger.
                begun_seconds = pods.asked["127.0.1.1"][number - 1]
                assert begun_seconds - 3 - took_seconds <= sample.at_seconds <= begun_seconds + 0.1
                oldest_seconds = max(oldest_seconds, asked_seconds - sample.at_seconds)
            await asyncio.sleep(0.1)


async def test_who_does_not_answer_is_missing_and_never_0(pods: Pods, scraping: Scraping, reading: Reading) -> None:
    pods.says = {"127.0.1.1": work(1), "127.0.1.2": None}
    with scraping(pods.scraped(1), pods.scraped(2)) as server:
        source = reading(server.url)
        # A scrape that takes too long makes a gap, in which nothing is there.
        async with asyncio.timeout(120):
            while not (found := await source.read(CHAT, [target(1), target(2)])):
                await asyncio.sleep(0.1)
        assert set(found) == {"chat-1"}
        pods.says = {"127.0.1.1": None}
        while found := await source.read(CHAT, [target(1)]):
            assert found["chat-1"].counts.running == 1
            await asyncio.sleep(0.1)
        assert source.trouble(CHAT) == ""


async def test_only_the_pods_that_are_asked_for_count(pods: Pods, scraping: Scraping, reading: Reading) -> None:
    """Others have been there before, or are in another namespace, or have a longer name."""
    pods.says = {f"127.0.1.{number}": work(number) for number in range(1, 6)}
    others = [pods.scraped(2), pods.scraped(3, namespace="other", pod="chat-1"), pods.scraped(4, pod="chat-11")]
    with scraping(pods.scraped(1), *others, pods.scraped(5, pod="chatx1")) as server:
        source = reading(server.url)
        await samples(source, target(1), target(2))
        for _ in range(5):
            found = await samples(source, target(1))
            assert {name: sample.counts.running for name, sample in found.items()} == {"chat-1": 1}
            await asyncio.sleep(0.2)


async def test_a_pod_that_two_jobs_scrape_counts_once(pods: Pods, scraping: Scraping, reading: Reading) -> None:
    pods.says = {"127.0.1.1": REAL}
    with scraping(pods.scraped(1), again=[pods.scraped(1)]) as server:
        source = reading(server.url)
        for _ in range(10):
            found = await samples(source, target(1))
            assert found["chat-1"].counts == read.counts(REAL.encode(), dialects.VLLM)
            await asyncio.sleep(0.2)


async def test_labels_may_have_other_names(pods: Pods, scraping: Scraping, reading: Reading) -> None:
    pods.says = {"127.0.1.1": work(1)}
    scraped = Scraped(pods.scraped(1).address, {"kubernetes_namespace": "team", "pod_name": "chat-1"})
    with scraping(scraped) as server:
        named = {"namespace_label": "kubernetes_namespace", "pod_label": "pod_name"}
        source = reading(server.url, **named)
        assert (await samples(source, target(1)))["chat-1"].counts.running == 1
        source = reading(server.url)
        assert await source.read(CHAT, [target(1)]) == {}


async def test_engines_of_two_tongues_are_asked_for_at_once(pods: Pods, scraping: Scraping, reading: Reading) -> None:
    pods.says = {"127.0.1.1": "num_requests_running 5\nnum_requests_waiting 0\n", "127.0.1.2": work(2)}
    with scraping(pods.scraped(1), pods.scraped(2)) as server:
        source = reading(server.url)
        found = await samples(source, target(1, *NIM), target(2, *NIM))
        assert {name: sample.counts.running for name, sample in found.items()} == {"chat-1": 5, "chat-2": 2}


async def test_many_pods_are_more_than_one_question(pods: Pods, scraping: Scraping, reading: Reading) -> None:
    numbers = range(1, 121)
    pods.says = {f"127.0.1.{number}": work(number) for number in numbers}
    with scraping(*(pods.scraped(number) for number in numbers), interval="5s") as server:
        source = reading(server.url)
        found = await samples(source, *(target(number) for number in numbers))
        assert {name: sample.counts.running for name, sample in found.items()} == {
            f"chat-{number}": number for number in numbers
        }


async def test_a_prometheus_that_has_ended_says_nothing_of_pods(
    pods: Pods, scraping: Scraping, reading: Reading
) -> None:
    pods.says = {"127.0.1.1": work(1)}
    with scraping(pods.scraped(1)) as server:
        source = reading(server.url)
        before = (await samples(source, target(1)))["chat-1"]
        server.running.kill()
        assert await source.read(CHAT, [target(1)]) == {}
        assert source.trouble(CHAT).startswith(
            f"Prometheus at {server.url}/api/v1/query gives no figures: it cannot be"
        )
        assert before.counts.running == 1


async def test_what_prometheus_refuses_is_told(pods: Pods, scraping: Scraping, reading: Reading) -> None:
    with scraping(pods.scraped(1)) as server:
        source = reading(f"{server.url}/nowhere")
        assert await source.read(CHAT, [target(1)]) == {}
        assert "it answers with HTTP 404" in source.trouble(CHAT)
        source = reading(server.url)
        wrong = replace(dialects.VLLM, running="not a name")
        assert await source.read(CHAT, [target(1, wrong)]) == {}
        assert "it says 'invalid parameter" in source.trouble(CHAT)
