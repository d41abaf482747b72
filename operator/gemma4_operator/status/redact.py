"""Text of others made fit to be shown: no secret, no colour, no more than is needed.

Logs and events can hold tokens: a client that prints its headers, a URL that was signed. A status is read by more
people than a Secret, so they are taken out before anything is kept or cut, lest a cut leave half of one.
"""

import re
from typing import Final

_SECRETS: Final = re.compile(
    # Hugging Face: hf_ and 34 letters and digits; words such as hf_transfer and hf_overrides are none.
    r"\b(?:hf_|api_org_)(?:[A-Za-z0-9]{20,}|(?=[a-z]*[A-Z0-9])[A-Za-z0-9]{8,})"
    # NGC's personal and service keys.
    r"|\bnvapi-[\w-]{6,}"
    # Headers, as HTTP clients print them in their errors.
    r"|(?<=\bBearer )[^\s'\",;]+|(?<=\bBasic )[A-Za-z0-9+/]{8,}={0,2}"
    # A password in a URL, and what signs one at AWS, Azure and Google.
    r"|(?<=://)[^\s/@:]{1,100}:[^\s/@]{1,200}(?=@)"
    r"|(?<=[?&])(?:X-Amz-[A-Za-z-]+|X-Goog-[A-Za-z-]+|sig|Signature|token|access_token|Key-Pair-Id|Policy)=[^\s&'\"]+",
)
_ANSI: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
# Also those of Unicode that turn the direction of writing, by which a log could say something else than it does.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_MOST_READ: Final = 4096
"""Letters of one text that are looked at; the kubelet itself cuts messages at 4096 (MaxPodTerminationMessageLog)."""


def clean(text: str) -> str:
    """Return a text without secrets, colours and control characters."""
    readable = _CONTROL.sub(" ", _ANSI.sub("", text[:_MOST_READ]))
    return _SECRETS.sub("[redacted]", readable)


def shorten(text: str, limit: int, *, keep: tuple[int, int] = (0, 0)) -> str:
    """Return a text in one line of at most `limit` letters; what lies in the span `keep` stays if it can."""
    flat = text
    if len(flat) <= limit:
        return " ".join(flat.split())
    start, end = keep
    head = limit // 4
    # The start names who speaks, the span says what.
    if end <= limit - 3:
        return " ".join(flat[: limit - 3].split()) + "..."
    room = limit - head - 6
    first = max(head, min(start, len(flat) - room), end - room if end - start <= room else start)
    first = min(first, len(flat) - room)
    tail = flat[first : first + room]
    more = "..." if first + room < len(flat) else ""
    return f"{' '.join(flat[:head].split())} ... {' '.join(tail.split())}{more}"
