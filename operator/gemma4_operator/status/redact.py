"""Text of others made fit to be shown: no secret, no colour, no more than is needed.

Logs and events can hold tokens: a client that prints its headers, a URL that was signed. A status is read by more
people than a Secret, so they are taken out before anything is kept or cut, lest a cut leave half of one.
"""

import re
from typing import Final

from gemma4_operator.status.secret_values import MARK, hide, in_prose

_SECRETS: Final = re.compile(
    # Hugging Face: hf_ and 34 letters and digits; words such as hf_transfer and hf_overrides are none.
    r"\b(?:hf_|api_org_)(?:[A-Za-z0-9]{20,}|(?=[a-z]*[A-Z0-9])[A-Za-z0-9]{8,})"
    # NGC's personal and service keys.
    r"|\bnvapi-[\w-]{6,}"
    # Keys by their makers' marks: AWS, GitHub, GitLab, OpenAI and those that imitate it, Google.
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[a-z]_\w{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}"
    r"|\bsk-[A-Za-z0-9][\w-]{15,}|\bAIza[\w-]{30,}"
    # Tokens that are signed, as a ServiceAccount's are, and private keys.
    r"|\beyJ[\w-]{8,300}+\.[\w-]{8,}+(?:\.[\w-]*)?"
    r"|-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----[^-]*(?:-----END [A-Z ]{0,20}PRIVATE KEY-----)?"
    # Who one is in a URL, and what signs one at AWS, Azure and Google; a digest is no password.
    r"|(?<=://)[^\s/?#\"'<>]{1,300}(?=@(?!sha\d))"
)
_PARAMETERS: Final = re.compile(
    r"(?i)((?:[?&]|u0026)(?:amp;)?(?:X-Amz-[A-Z-]+|X-Goog-[A-Z-]+|sig|signature|[a-z_]*token|key|code|api_?key"
    r"|client_secret|password|Key-Pair-Id|Policy|AWSAccessKeyId|GoogleAccessId)=)[^\s&'\"\\]+"
)
_SCHEMES: Final = re.compile(
    # Headers, as HTTP clients print them in their errors.
    r"(?i)(?:\bbearer[\s:=]{1,3}(?P<quote>\\*[\"'])?(?P<bearer>(?!realm=|error=|scope=)[^\s'\",;\\]+)"
    r"|\bbasic[ ]{1,3}(?P<basic>(?=\S+(?-i:[0-9A-Z=]))[a-z0-9+/_-]{8,}={0,2}))"
)
_ANSI: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_CONTROL: Final = re.compile(
    # Of ASCII and Latin-1, and what turns the direction of a line, breaks it or cannot be seen.
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
LINE_READ: Final = 4096
"""Letters of one text that are looked at; the kubelet itself cuts messages at 4096 (MaxPodTerminationMessageLog)."""


def clean(text: str, *, most: int = LINE_READ) -> str:
    """Return a text without secrets, colours and control characters."""
    readable = _CONTROL.sub(" ", _ANSI.sub("", text[:most]))
    return hide(_SCHEMES.sub(_hide_scheme, _PARAMETERS.sub(rf"\1{MARK}", _SECRETS.sub(MARK, readable))))


def _hide_scheme(found: re.Match[str]) -> str:
    of = "bearer" if found["bearer"] is not None else "basic"
    whole, start = found[0], found.start(of) - found.start()
    return whole if in_prose(whole, start) else whole[:start] + MARK


def one_line(text: str, *, most: int) -> str:
    """Return a text as it may stand in a status: clean, and in one line, so that it cannot look like more of them."""
    return " ".join(clean(text, most=most).split())


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
