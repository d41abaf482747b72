"""One chat request over the Service, as any client of the OpenAI API would send it."""

import json
import urllib.request
from dataclasses import dataclass

TIMEOUT_SECONDS = 120.0


@dataclass(frozen=True)
class Answer:
    """What came back."""

    text: str
    prompt_tokens: int
    completion_tokens: int


def ask(url: str, *, model: str, question: str) -> Answer:
    """Send a question to `<url>/chat/completions`."""
    body = {"model": model, "messages": [{"role": "user", "content": question}], "max_tokens": 48, "temperature": 0}
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
