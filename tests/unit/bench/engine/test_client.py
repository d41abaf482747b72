"""Requests are sent at their moments, whatever became of those before, and their answers are timed."""

import asyncio
import json
import threading
from collections.abc import Iterator

import pytest
from aiohttp import web

from gemma4_operator.sim.request import Request
from tests.bench.engine.client import send


class Scripted:
    """An engine that takes so long for the first token and so long for each further one."""

    first_seconds, token_seconds = 0.2, 0.01

    def __init__(self) -> None:
        self.asked: list[dict[str, object]] = []
        self.says_nothing = False
        self.answers_once_asked = 1
        self._all_asked = asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        asked = json.loads(await request.read())
        self.asked.append(asked)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        if len(self.asked) >= self.answers_once_asked:
            self._all_asked.set()
        await asyncio.wait_for(self._all_asked.wait(), 60)
        if not self.says_nothing:
            await asyncio.sleep(self.first_seconds)
            await response.write(b'data: {"choices": []}\n\n')
            await asyncio.sleep(self.token_seconds * (asked["max_tokens"] - 1))
            await response.write(b"data: [DONE]\n\n")
        return response


@pytest.fixture
def engine() -> Iterator[tuple[Scripted, int]]:
    scripted = Scripted()
    loop = asyncio.new_event_loop()

    async def start() -> tuple[web.AppRunner, int]:
        app = web.Application()
        app.router.add_post("/v1/completions", scripted.answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner, runner.addresses[0][1]

    runner, port = loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield scripted, port
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def requests(*moments: float) -> tuple[Request, ...]:
    return tuple(Request(arrival_seconds=moment, input_tokens=5, output_tokens=11) for moment in moments)


def test_nobody_waits_for_those_before(engine: tuple[Scripted, int]) -> None:
    scripted, port = engine
    scripted.answers_once_asked = 3
    times = send(requests(0.0, 0.05, 0.1), port=port, model="timed")
    assert len(times) == 3
    for one in times:
        assert one.first_token_seconds >= scripted.first_seconds
        # Together: where the first token is seen late, the others seem to take less.
        seconds = one.first_token_seconds + 10 * one.token_seconds
        assert seconds >= scripted.first_seconds + 10 * scripted.token_seconds * 0.9


def test_each_asks_for_tokens_of_its_own_and_for_all_of_its_answer(engine: tuple[Scripted, int]) -> None:
    scripted, port = engine
    send(requests(0.0, 0.0), port=port, model="timed")
    one, other = scripted.asked
    assert one["prompt"] != other["prompt"]
    assert len(one["prompt"]) == 5  # type: ignore[arg-type]
    assert (one["max_tokens"], one["ignore_eos"], one["model"]) == (11, True, "timed")


def test_an_engine_that_says_nothing_is_no_measurement(engine: tuple[Scripted, int]) -> None:
    scripted, port = engine
    scripted.says_nothing = True
    with pytest.raises(RuntimeError, match="for 11 tokens with none"):
        send(requests(0.0), port=port, model="timed")
