"""Samples from Prometheus where it is not as it should be; tests/real/test_prometheus.py asks the real one."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from gemma4_operator.engines import dialects
from gemma4_operator.runtime import prometheus
from gemma4_operator.runtime.prometheus import Prometheus
from gemma4_operator.runtime.sampler import Target
from gemma4_operator.runtime.store import Key

CHAT = Key("team", "chat")
POD = Target(name="chat-1", address="10.0.0.1", dialects=(dialects.LLAMA_CPP,))
RUNNING, WAITING = dialects.LLAMA_CPP.running, dialects.LLAMA_CPP.waiting


def says(running: int, stamp: float, asked_at: float = 1000.0) -> bytes:
    rows = [
        {"metric": {"__name__": RUNNING, "pod": "chat-1"}, "value": [asked_at, str(running)]},
        {"metric": {"__name__": WAITING, "pod": "chat-1"}, "value": [asked_at, "0"]},
        {"metric": {"gemma4_moment_of": RUNNING, "pod": "chat-1"}, "value": [asked_at, str(stamp)]},
    ]
    return json.dumps({"status": "success", "data": {"result": rows}}).encode()


class Server:
    """Answers in turn, and remembers the questions."""

    def __init__(self, *answers: bytes | web.Response | float) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append((await request.post())["query"])
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        match answer:
            case float():
                await asyncio.sleep(answer)
                return web.Response(body=says(1, 999))
            case web.Response():
                return answer
            case _:
                return web.Response(body=answer)


@asynccontextmanager
async def source(server: Server, **more: Any) -> AsyncIterator[Prometheus]:
    app = web.Application()
    app.router.add_post("/api/v1/query", server.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    # Its clock stands at 50 s, while Prometheus' own is near 1000.
    made = Prometheus(url=f"http://127.0.0.1:{runner.addresses[0][1]}/", **{"monotonic": lambda: 50.0, **more})
    try:
        yield made
    finally:
        await made.close()
        await runner.cleanup()


async def test_no_clock_is_compared_with_another() -> None:
    """What counts is how long before the question a sample was taken, by Prometheus' clock alone."""
    async with source(Server(says(3, stamp=992.5))) as one:
        (sample,) = (await one.read(CHAT, [POD])).values()
    assert (sample.at_seconds, sample.counts.running) == (42.5, 3)


async def test_nor_does_waiting_for_others_questions_make_a_sample_older(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prometheus counts a sample's age from the question, and ours may wait here for those of many resources."""
    monkeypatch.setattr(prometheus, "AT_ONCE", 1)
    clock = [0.0]

    class Slow(Server):
        async def answer(self, request: web.Request) -> web.Response:
            said = await super().answer(request)
            clock[0] += 10.0
            return said

    async with source(Slow(says(3, stamp=999.0)), monotonic=lambda: clock[0]) as one:
        read = (one.read(Key("team", f"chat-{number}"), [POD]) for number in range(4))
        samples = [found["chat-1"] for found in await asyncio.gather(*read)]
    assert [sample.at_seconds for sample in samples] == [-1.0, 9.0, 19.0, 29.0]


async def test_the_same_scrape_is_the_same_sample() -> None:
    """Otherwise two questions between two scrapes would look like a moment in which nothing happened."""
    async with source(Server(says(3, 992, 1000), says(3, 992, 1002), says(3, 1003, 1004))) as one:
        first, again, new = [(await one.read(CHAT, [POD]))["chat-1"] for _ in range(3)]
    assert again is first
    assert new.at_seconds == 49


async def test_it_still_is_after_a_question_without_an_answer() -> None:
    async with source(Server(says(3, 992, 1000), b"", says(3, 992, 1010))) as one:
        first, none, again = [(await one.read(CHAT, [POD])).get("chat-1") for _ in range(3)]
    assert none is None
    assert again is first


async def test_who_is_forgotten_begins_anew() -> None:
    async with source(Server(says(3, 992, 1000), says(3, 992, 1002))) as one:
        first = (await one.read(CHAT, [POD]))["chat-1"]
        one.forget(CHAT)
        assert (await one.read(CHAT, [POD]))["chat-1"].at_seconds == 40 != first.at_seconds


async def test_trouble_is_told_until_it_is_over() -> None:
    async with source(Server(web.Response(status=503, text="busy"), says(3, 992))) as one:
        assert one.trouble(CHAT) == ""
        assert await one.read(CHAT, [POD]) == {}
        assert one.trouble(CHAT).endswith("/api/v1/query gives no figures: it answers with HTTP 503.")
        assert one.trouble(Key("team", "other")) == ""
        assert await one.read(CHAT, [POD]) != {}
        assert one.trouble(CHAT) == ""


NOTHING = json.dumps({"status": "success", "data": {"result": []}}).encode()


class TestAPrometheusThatKnowsNoneOfThePods:
    """It answers, so nothing seems wrong, and nothing is ever heard."""

    async def test_is_told_with_what_to_look_at_once_a_scrape_would_have_come(self) -> None:
        clock = [0.0]
        labels = {"namespace_label": "kubernetes_namespace", "pod_label": "pod_name"}
        async with source(Server(NOTHING), monotonic=lambda: clock[0], **labels) as one:
            await one.read(CHAT, [POD])
            assert one.trouble(CHAT) == "", "it may be scraped for the first time in a moment"
            clock[0] += 2 * prometheus.UNKNOWN_SECONDS
            assert await one.read(CHAT, [POD]) == {}
            told = one.trouble(CHAT)
            assert one.trouble(Key("team", "other")) == ""
        for what in (
            "`kubernetes_namespace`",
            "`pod_name`",
            "scrape job",
            "GEMMA4_PROMETHEUS_NAMESPACE_LABEL",
            "GEMMA4_PROMETHEUS_POD_LABEL",
        ):
            assert what in told
        assert told.endswith(".")

    @pytest.mark.parametrize("end", ["a pod is known", "no pod serves", "forgotten"])
    async def test_is_told_no_more_once_that_is_over(self, end: str) -> None:
        clock, server = [0.0], Server(NOTHING)
        async with source(server, monotonic=lambda: clock[0]) as one:
            await one.read(CHAT, [POD])
            clock[0] += 2 * prometheus.UNKNOWN_SECONDS
            assert one.trouble(CHAT) != ""
            if end == "forgotten":
                one.forget(CHAT)
            server.answers = [says(3, 992)]
            await one.read(CHAT, [] if end == "no pod serves" else [POD])
            assert one.trouble(CHAT) == ""
            server.answers = [NOTHING]
            await one.read(CHAT, [POD])
            assert one.trouble(CHAT) == ""

    async def test_is_no_trouble_beside_one_that_does_not_answer(self) -> None:
        clock = [0.0]
        async with source(Server(NOTHING, b""), monotonic=lambda: clock[0]) as one:
            await one.read(CHAT, [POD])
            clock[0] += 2 * prometheus.UNKNOWN_SECONDS
            await one.read(CHAT, [POD])
            assert "gives no figures" in one.trouble(CHAT)


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [
        (web.Response(status=302, headers={"Location": "http://169.254.169.254/"}), "it answers with HTTP 302"),
        (
            web.Response(status=422, body=b'{"status": "error", "error": "too many samples"}'),
            "it says 'too many samples'",
        ),
        (
            web.Response(body=b"\0" * (prometheus.MOST_BYTES + 1)),
            f"its answer has more than {prometheus.MOST_BYTES} bytes",
        ),
        (b"no JSON", "its answer is not one to an instant query"),
        (600.0, "it cannot be asked (TimeoutError)"),
    ],
    ids=["redirect", "refusal", "too long", "nonsense", "slow"],
)
async def test_what_is_no_answer_gives_no_samples(answer: Any, trouble: str) -> None:
    async with source(Server(answer), timeout_seconds=0.5 if isinstance(answer, float) else 60.0) as one:
        assert await one.read(CHAT, [POD]) == {}
        assert trouble in one.trouble(CHAT)


async def test_an_engine_that_publishes_nothing_is_not_asked_for() -> None:
    server = Server(says(3, 992))
    async with source(server) as one:
        assert await one.read(CHAT, [Target(name="chat-1", address="10.0.0.1", dialects=())]) == {}
        assert await one.read(CHAT, []) == {}
    assert server.asked == []


async def test_a_part_that_fails_costs_only_its_own_pods(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus, "PODS_AT_ONCE", 1)
    other = Target(name="chat-2", address="10.0.0.2", dialects=POD.dialects)
    async with source(Server(says(3, 992), b"")) as one:
        assert set(await one.read(CHAT, [POD, other])) == {"chat-1"}
        assert "gives no figures" in one.trouble(CHAT)


async def test_the_labels_are_those_that_it_is_told() -> None:
    server = Server(says(3, 992))
    async with source(server, namespace_label="kubernetes_namespace", pod_label="pod_name") as one:
        assert await one.read(CHAT, [POD]) == {}
    assert 'kubernetes_namespace="team",pod_name=~' in server.asked[0]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"url": "prometheus:9090"},
            "Prometheus' address is 'prometheus:9090'; it must begin with http:// or https://.",
        ),
        (
            {"url": "http://x", "pod_label": 'pod="a"'},
            "'pod=\"a\"' is no label of Prometheus; it must have letters, digits and _ only.",
        ),
        ({"url": "http://x", "namespace_label": ""}, "'' is no label of Prometheus"),
    ],
)
def test_what_cannot_be_is_refused(given: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011  # the message is compared whole
        Prometheus(monotonic=lambda: 0.0, **given)
    assert str(refused.value).startswith(message)
