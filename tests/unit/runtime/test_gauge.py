"""What an engine has made of its plan: asked once of each pod, beside the passes, and kept."""

import asyncio
from typing import Any

import pytest

from gemma4_operator.engines import dialects
from gemma4_operator.runtime.gauge import TRIES, Gauge
from gemma4_operator.runtime.store import Key
from gemma4_operator.status.pods import PodView

CHAT = Key("team", "chat")
SAID = b'vllm:cache_config_info{block_size="16",num_gpu_blocks="4242",num_gpu_blocks_override="None"} 1.0\n'


class Engine:
    """Says the same to everybody, after a while, and remembers who was asked."""

    def __init__(self, said: bytes | None = SAID) -> None:
        self.said = said
        self.asked: list[tuple[str, int, str]] = []

    async def __call__(self, *, address: str, port: int, path: str) -> bytes | None:
        self.asked.append((address, port, path))
        await asyncio.sleep(0)
        return self.said


def pod(*, ready: bool = True, address: str = "10.0.0.7", **more: Any) -> PodView:
    return PodView(name="chat-1", ready=ready, address=address, **more)


def gauge(engine: Engine) -> tuple[Gauge, list[Key]]:
    news: list[Key] = []
    return Gauge(read=engine, on_answer=news.append), news


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_pod_that_serves_is_asked_once_and_its_answer_is_news() -> None:
    engine = Engine()
    one, news = gauge(engine)
    assert one.blocks(CHAT, [pod()], (dialects.VLLM,)) is None
    await settle()
    assert news == [CHAT]
    assert one.blocks(CHAT, [pod()], (dialects.VLLM,)) == 4242
    await settle()
    assert engine.asked == [("10.0.0.7", 8000, "/metrics")]


@pytest.mark.parametrize("other", [pod(ready=False), pod(deleting=True), pod(address="")])
async def test_one_that_does_not_serve_is_not_asked(other: PodView) -> None:
    engine = Engine()
    one, _ = gauge(engine)
    assert one.blocks(CHAT, [other], (dialects.VLLM,)) is None
    await settle()
    assert engine.asked == []


@pytest.mark.parametrize("tongues", [(), (dialects.LLAMA_CPP,)])
async def test_nor_is_an_engine_that_does_not_say(tongues: Any) -> None:
    engine = Engine()
    one, _ = gauge(engine)
    one.blocks(CHAT, [pod()], tongues)
    await settle()
    assert engine.asked == []


@pytest.mark.parametrize("said", [None, b"", b"vllm:other 1.0", b'vllm:cache_config_info{num_gpu_blocks="None"} 1.0'])
async def test_one_that_gives_no_answer_is_left_alone_after_a_few_tries(said: bytes | None) -> None:
    engine = Engine(said)
    one, news = gauge(engine)
    for _ in range(10):
        assert one.blocks(CHAT, [pod()], (dialects.VLLM,)) is None
        await settle()
    assert len(engine.asked) == TRIES
    assert news == []


async def test_another_pod_is_asked_anew() -> None:
    engine = Engine()
    one, _ = gauge(engine)
    one.blocks(CHAT, [pod()], (dialects.VLLM,))
    await settle()
    assert one.blocks(CHAT, [pod(address="10.0.0.8")], (dialects.VLLM,)) is None
    await settle()
    assert [address for address, _, _ in engine.asked] == ["10.0.0.7", "10.0.0.8"]


async def test_who_is_forgotten_is_asked_no_more() -> None:
    engine = Engine()
    one, news = gauge(engine)
    one.blocks(CHAT, [pod()], (dialects.VLLM,))
    one.close()
    await settle()
    assert news == []


async def test_nim_is_asked_in_its_own_way() -> None:
    engine = Engine()
    one, _ = gauge(engine)
    one.blocks(CHAT, [pod()], (dialects.NIM_2, dialects.NIM_1))
    await settle()
    assert engine.asked == [("10.0.0.7", 8000, "/v1/metrics")]
    assert one.blocks(CHAT, [pod()], (dialects.NIM_2, dialects.NIM_1)) == 4242
