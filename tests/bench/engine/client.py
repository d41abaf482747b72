"""Sends requests when a trace has them, waits for none, and takes the times of each answer."""

import asyncio
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp

from gemma4_operator.sim.request import Request

_TOKENS = (100, 200)
"""Of the tiny vocabulary: letters, none of which ends an answer."""
_PATIENCE_SECONDS = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Of one request: until its first token, and the mean of each further one; 0 where there is none."""

    first_token_seconds: float
    token_seconds: float


def send(requests: Sequence[Request], *, port: int, model: str) -> list[Times]:
    """Return the times of each request, which is sent at its moment whatever became of those before."""
    return asyncio.run(_all(requests, port, model))


async def _all(requests: Sequence[Request], port: int, model: str) -> list[Times]:
    url = f"http://127.0.0.1:{port}/v1/completions"
    timeout = aiohttp.ClientTimeout(total=_PATIENCE_SECONDS)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=timeout) as session:
        bodies = [_body(request, model, number) for number, request in enumerate(requests)]
        began = time.monotonic()
        return await asyncio.gather(
            *(
                _one(session, url, body, request, began + request.arrival_seconds)
                for body, request in zip(bodies, requests, strict=True)
            )
        )


def _body(request: Request, model: str, number: int) -> bytes:
    chance = random.Random(number)
    prompt = [chance.randrange(*_TOKENS) for _ in range(request.input_tokens)]
    asked = {"max_tokens": request.output_tokens, "ignore_eos": True, "temperature": 0, "stream": True}
    return json.dumps({"model": model, "prompt": prompt, **asked}).encode()


async def _one(session: aiohttp.ClientSession, url: str, body: bytes, request: Request, due_seconds: float) -> Times:
    await asyncio.sleep(max(0.0, due_seconds - time.monotonic()))
    sent = time.monotonic()
    first = None
    async with session.post(url, data=body, headers={"Content-Type": "application/json"}) as response:
        response.raise_for_status()
        async for line in response.content:
            if first is None and line.startswith(b"data:"):
                first = time.monotonic()
    ended = time.monotonic()
    if first is None:
        raise RuntimeError(f"The engine answered a request for {request.output_tokens} tokens with none.")
    further = request.output_tokens - 1
    return Times(first_token_seconds=first - sent, token_seconds=(ended - first) / further if further else 0.0)
