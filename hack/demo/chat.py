"""One chat request over the Service, as any client of the OpenAI API would send it."""

import json
import urllib.request
from collections.abc import Sequence
from dataclasses import asdict, dataclass

TIMEOUT_SECONDS = 120.0


@dataclass(frozen=True)
class Turn:
    """One message of a conversation."""

    role: str
    content: str


@dataclass(frozen=True)
class Answer:
    """What came back."""

    text: str
    prompt_tokens: int
    completion_tokens: int


def ask(url: str, *, model: str, conversation: Sequence[Turn]) -> Answer:
    """Send a conversation to `<url>/chat/completions`."""
    messages = [asdict(turn) for turn in conversation]
    body = {"model": model, "messages": messages, "max_tokens": 48, "temperature": 0, "stop": ["\n"]}
    request = urllib.request.Request(
        f"{url}/chat/completions", data=json.dumps(body).encode(), headers={"Content-Type": "application/json"}
    )
    # The Service's address is on this machine: no proxy of the environment can reach it.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=TIMEOUT_SECONDS) as response:
        answer = json.load(response)
    return Answer(
        text=answer["choices"][0]["message"]["content"].strip(),
        prompt_tokens=answer["usage"]["prompt_tokens"],
        completion_tokens=answer["usage"]["completion_tokens"],
    )
