"""What in a text is secret by what it is called: the values of keys, tokens and passwords, however they are printed.

A program prints its arguments as a command line, a list or a dictionary; a client its headers; a template its YAML.
So a name is looked for first, then what stands between it and a value, and then where the value ends. Where a text
leaves open whether a word is a value, it is taken for one: a word too few is a smaller harm than a key too many.
"""

import re
import string
from typing import Final

MARK: Final = "[redacted]"

_NAME: Final = re.compile(
    r"(?i)(?:key|token|secret|password|passwd|passphrase|credential|authorization|cookie|accesssignature"
    r"|(?<=[_-])(?:pass|pwd|auth))(?P<plural>s?)(?:[_-]?\d{1,2})?(?!\w)"
)
_OF_NAMES: Final = string.ascii_letters + string.digits + "_-"
_JOINED: Final = (
    *("api", "access", "secret", "private", "auth", "account", "service", "shared", "signing", "encryption"),
    *("master", "license", "sas", "client", "admin", "user", "session", "bearer", "refresh", "hf", "hub"),
)
"""What makes a key or tokens of a word that alone may be any: `apikey`, `API key`, `auth_tokens`."""
_SPOKEN: Final = ("api", "access", "auth", "bearer", "invalid", "incorrect", "wrong", "bad", "expired")
"""After which a sentence names a key or token itself: `API key abc1 is invalid`."""
_HARMLESS: Final = re.compile(
    r"(?:\A|[_-])(?:"
    # Letters of a model's alphabet, and counts of them.
    r"[ebs]os|eo[tmgiatr]|bo[ia]|pad|unk|sep|cls|mask|image|img|audio|video|vision|fim|pre|suf|mid|special|control|stop"
    r"|next|end|start|turn|max|min|num|n|first|last|per|inter|nl|lf|newline|prompt|draft|sampled|output|input|context"
    r"|chat|tool|think|thinking|reasoning|unexpected|expected|unknown|added|additional|current|previous|each|one|single"
    # Keys by which something is found, and not opened.
    r"|cache|public|sort|primary|foreign|partition|routing|idempotency|label|annotation|dict|hash|group|topology|taint"
    r"|toleration|lookup|config|data|object|field|map|index|state|param|parameter|missing|duplicate|extra|weight|json"
    r"|yaml|query|kv|row|column|registry"
    # Names of Secrets.
    r"|imagepull|image-pull|image_pull|existing)[_-]?\Z"
)
_IN_PROSE: Final = re.compile(
    r"(?i)(?:must|may|can|cannot|could|couldn't|should|would|will|is|isn't|was|wasn't|are|were|be|been|has|have|had|does"
    r"|doesn't|did|do|not|no|none|null|nil|true|false|missing|required|requires|require|needs|need|invalid|valid|empty"
    r"|unset|set|unknown|unexpected|expected|expects|expired|expires|denied|forbidden|unauthorized|unauthenticated"
    r"|authentication|auth|authorization|duplicate|unsupported|too|found|wrong|bad|incorrect|rejected|failed|failure"
    r"|fails|error|errors|timeout|timed|dial|lookup|eof|context|get|post|put|head|http|rpc|code|connection|server"
    r"|request|client|unable|open|read|stat|tls|secret|secrets|configmap|configmaps|key|keys|token|tokens|password"
    r"|passwords|credential|credentials|the|a|an|and|or|of|for|in|to|from|with|without|by|at|on|if|as|when|then|this"
    r"|that|it|its|your|you|please|use|used|uses|using|given|provided|field|value|values|string|str|int|bool|bytes"
    r"|optional|any|option|flag|argument|header|headers|scheme|realm|file|object|references|internal|insufficient"
    r"|permission|access|login|user|there|only|both|either|because|but|so|via|letters|about|traceback)"
    r"(?=\s|[:,.;!?)\]`]+(?:\s|\Z)|\[|\Z)"
)
_CLOSED: Final = r"\\*[\"'`]?"
# A value in the next line is indented.
_ASSIGNED: Final = re.compile(_CLOSED + r"\]?[ \t]{0,3}(?:=>|:=|->|==?|:(?!:))[ \t]{0,3}(?:\n[ \t]{1,40})?")
_AS_ARGUMENT: Final = re.compile(_CLOSED + r"(?:[ \t]{0,3}[=:,]\s{0,40}|[ \t]{1,40})")
_IN_LINES: Final = re.compile(_CLOSED + r"[ \t]{0,3}\n[ \t]{0,40}(?:-[ ]{1,3})?")
_IN_ITEMS: Final = re.compile(_CLOSED + r"[ \t]{0,3}\n[ \t]{0,40}-[ ]{1,3}")
_ALONE: Final = re.compile(r"(?:\A|\n)[ \t]*(?:-[ ]{1,3})?[bu]?\\*[\"']?\Z")
"""Before an argument that has a line for itself."""
_AS_PAIR: Final = re.compile(r"\\*[\"'],\s{0,3}(?=[bu]?\\*[\"'])")
_AS_ENTRY: Final = re.compile(r"(?i)\\*[\"']?\s{0,3}[,;]?\s{0,20}\\*[\"']?value\\*[\"']?\s{0,3}[:=]\s{0,3}")
_AS_TOLD: Final = re.compile(
    r"(?i)(?: (?:was|is|you|that|has|been|provided|given|supplied|received|sent|used)){1,4}:? "
)
_OPENED: Final = re.compile(r"(\\*[\"'])\Z")
_OPENS_PAIR: Final = re.compile(r"[(\[][bu]?\\*[\"']\Z")
_QUOTE: Final = re.compile(r"[bu]?(\\*)([\"'])")
_WRAPPED: Final = re.compile(r"\w{0,20}([\[({])")
_RUN: Final = re.compile(r"[^\s\"']+")
_NUMBER: Final = re.compile(r"[\"']?-?\d{1,9}(?:\.\d{1,9})?(?:%|[num]?s)?(?![\w-])")
_SPECIAL: Final = re.compile(r"[\"']?<[^\s<>]{1,30}>")
_NOT_A_VALUE: Final = re.compile(
    # A reference, or what kubectl says in its place.
    r"\$\(\w+\)|\$\{\w+\}|[\"']?\$[A-Z_][A-Z0-9_]*(?=[\"'\s]|\Z)|<set to the key"
    r"|(?:None|null|nil|[Tt]rue|[Ff]alse)(?![\w-])"
    # A file.
    r"|[\"']?(?:~|\.{1,2}|/(?:etc|var|run|tmp|home|root|opt|mnt|usr|srv|data|models|secrets|certs|workspace|app|dev))"
    r"/[\w./-]*(?=[\s\"',;)\]}]|\Z)"
    # Where the value is kept: the name of a Secret, and its key.
    r"|\{\s{0,9}\\*[\"']?(?:name|key|path|secretName|secretKeyRef|valueFrom)\\*[\"']?\s{0,3}[:=]"
    # Another argument.
    r"|--?[A-Za-z]"
)
_A_NAMESPACED_NAME: Final = re.compile(r"[\"']?[a-z0-9-]{1,63}/[a-z0-9.-]{1,253}(?![\w/+=])")
_SCHEME: Final = re.compile(r"(?i)(?:bearer|basic|token|apikey|api-key|key|negotiate|ntlm)[ ]{1,3}(?=\S)")
_CLOSING: Final = {"[": "]", "(": ")", "{": "}"}
_NEXT_ITEM: Final = re.compile(r"(\\*[\"']),?\s{1,3}[bu]?(\\*[\"'])(?!-)")


def hide(text: str) -> str:
    """Return a text in whose place of secret values stands a mark."""
    parts, at = [], 0
    for found in _NAME.finditer(text):
        if found.start() < at:
            continue
        span = _secret_after(text, found)
        if span is not None and span[0] < span[1]:
            parts += [text[at : span[0]], MARK]
            at = span[1]
    return "".join([*parts, text[at:]])


def in_prose(text: str, at: int) -> bool:
    """Whether a word goes on with a sentence, as in `token: not found`."""
    return _IN_PROSE.match(text, at) is not None


def _secret_after(text: str, found: re.Match[str]) -> tuple[int, int] | None:
    """Return where the value of a name stands, if it is the name of a secret and has one."""
    end = found.end()
    before = text[max(0, found.start() - 80) : found.start()]
    joined = before[len(before.rstrip(_OF_NAMES)) :]
    before = before[: len(before) - len(joined)]
    # A dash alone is a list's in YAML.
    is_flag = joined.startswith("-") and (joined + found[0])[1:2] != ""
    word = _word(found)
    if not _is_secret(found, word, joined, before, is_flag=is_flag):
        return None
    if word in ("authorization", "cookie"):
        return _header(text, end, before)
    if is_flag and (told := _as_argument(text, end, before)):
        return _value(text, told.end(), word, before=before, joined=joined, separator=told[0], is_flag=True)
    if told := _AS_ENTRY.match(text, end) or _ASSIGNED.match(text, end) or _pair(text, end, before, joined):
        return _value(text, told.end(), word, before=before, joined=joined, separator=told[0])
    return _told(text, end, before, joined)


def _spoken(before: str) -> str:
    """Return the word that stands before a name, with a space between."""
    word = before.removesuffix(" ")
    return "" if word == before else word[len(word.rstrip(string.ascii_letters)) :].lower()


def _word(found: re.Match[str]) -> str:
    word = re.sub(r"[_\d-]+\Z", "", found[0].lower())
    return word.removesuffix("s") if found["plural"] else word


def _is_secret(found: re.Match[str], word: str, joined: str, before: str, *, is_flag: bool) -> bool:
    plural, is_camel = bool(found["plural"]), found[0].startswith("Ke") and joined[-1:].islower()
    prefix = joined.lower().lstrip("-")
    alone = prefix in ("", "_")
    if alone:
        prefix = _spoken(before) or prefix
    if _HARMLESS.search(prefix):
        return False
    known = prefix.rstrip("_-").endswith(_JOINED)
    if word == "key":
        if alone:
            # The keys of Secrets are named where one of them is missing.
            return (is_flag and not plural) or (known and not before.lower().endswith("existent secret "))
        return known or (not plural and (prefix.endswith(("_", "-")) or is_camel))
    if plural and word in ("token", "secret"):
        return word == "token" and known
    return True


def _as_argument(text: str, end: int, before: str) -> re.Match[str] | None:
    lines = _IN_LINES if _ALONE.search(before[-40:]) else _IN_ITEMS
    return lines.match(text, end) or _AS_ARGUMENT.match(text, end)


def _pair(text: str, end: int, before: str, joined: str) -> re.Match[str] | None:
    opens = _OPENS_PAIR.search(before[-20:])
    if opens is None or (opens[0][0] == "[" and not joined.lower().startswith("x-")):
        return None
    return _AS_PAIR.match(text, end)


def _header(text: str, end: int, before: str) -> tuple[int, int] | None:
    """Return the value of a header that may have several words: up to a quote, or the end of the line."""
    told = _ASSIGNED.match(text, end) or _AS_ENTRY.match(text, end)
    if told is None and _OPENS_PAIR.search(before[-20:]):
        told = _AS_PAIR.match(text, end)
    if told is None or in_prose(text, told.end()) or _NOT_A_VALUE.match(text, told.end()):
        return None
    at = told.end()
    if quoted := _quoted(text, at):
        return quoted
    if wrapped := _wrapped(text, at):
        return wrapped
    if text.startswith(MARK, at):
        return _run(text, at, before)
    if scheme := _SCHEME.match(text, at):
        _, stop = _quoted(text, scheme.end()) or _run(text, scheme.end(), before)
        return at, stop
    stop = _end_of_line(text, at)
    opened = _OPENED.search(before[-20:])
    if opened is not None and (close := text.find(opened[1], at, stop)) >= 0:
        stop = close
    return at, stop


def _value(
    text: str, at: int, word: str, *, before: str, joined: str, separator: str, is_flag: bool = False
) -> tuple[int, int] | None:
    """Return where a value begins and ends that stands after a name and a separator."""
    if _NOT_A_VALUE.match(text, at) and not (text[at] == "-" and "=" in separator):
        return None
    if word == "token" and (_NUMBER.match(text, at) or _SPECIAL.match(text, at)):
        return None
    if (
        word == "secret"
        and joined.strip("-") == ""
        and (_A_NAMESPACED_NAME.match(text, at) or text[at : at + 1] == "{")
    ):
        return None
    if quoted := _quoted(text, at):
        return _further(text, quoted) if is_flag else quoted
    # What is assigned is a value, whatever it reads like.
    if separator.rstrip(" ") != "=" and separator[-1:].isspace() and in_prose(text, at):
        return None
    return _wrapped(text, at) or _run(text, at, before)


def _told(text: str, end: int, before: str, joined: str) -> tuple[int, int] | None:
    """Return what a sentence gives away: `Incorrect API key provided: abc`, `API key abc1 is invalid`."""
    if told := _AS_TOLD.match(text, end):
        if not told[0].endswith(": ") or in_prose(text, told.end()):
            return None
        return _quoted(text, told.end()) or _run(text, told.end(), before)
    if joined or text[end : end + 1] != " " or _spoken(before) not in _SPOKEN:
        return None
    start, stop = _quoted(text, end + 1) or _run(text, end + 1, before)
    value = text[start:stop]
    return (start, stop) if len(value) >= 8 and any(letter.isdigit() for letter in value) else None


def _quoted(text: str, at: int) -> tuple[int, int] | None:
    """Return what stands between quotes, which may be escaped; without a second one, all up to the line's end."""
    opened = _QUOTE.match(text, at)
    if opened is None:
        return None
    start, stop = opened.end(), _end_of_line(text, opened.end())
    mark = opened[1] + opened[2]
    close = start
    while (close := text.find(opened[2], close, stop)) >= 0:
        escapes = 0
        while close - escapes > start and text[close - escapes - 1] == "\\":
            escapes += 1
        # A quote that is written twice is one of the value's own letters.
        doubled = text.startswith(opened[2], close + 1) and close > start
        if escapes == len(opened[1]) and not doubled:
            return start, close - len(opened[1])
        close += 2 if doubled else 1
    return (start, stop) if text[start:stop] != mark else None


def _further(text: str, span: tuple[int, int]) -> tuple[int, int]:
    """Return all values of an argument in a list: vLLM takes several keys."""
    start, stop = span
    while following := _NEXT_ITEM.match(text, stop):
        if following[1] != following[2] or (next_one := _quoted(text, following.start(2))) is None:
            break
        stop = next_one[1]
    return start, stop


def _wrapped(text: str, at: int) -> tuple[int, int] | None:
    """Return what stands in brackets, as in `['abc']` and `Some("abc")`."""
    opened = _WRAPPED.match(text, at)
    if opened is None or text.startswith(MARK, at):
        return None
    start, stop = opened.end(), _end_of_line(text, opened.end())
    closing, depth, here = _CLOSING[opened[1]], 1, opened.end()
    while here < stop:
        if quoted := _quoted(text, here):
            here = quoted[1] + 1
            continue
        depth += (text[here] == opened[1]) - (text[here] == closing)
        if depth == 0:
            return start, here
        here += 1
    return start, stop


def _run(text: str, at: int, before: str) -> tuple[int, int]:
    """Return what has no quotes around it: up to a space, without the marks that end a sentence or a list."""
    opened = _OPENED.search(before[-20:])
    if opened is not None and (close := text.find(opened[1], at, _end_of_line(text, at))) >= 0:
        return at, close
    run = _RUN.match(text, at)
    if run is None:
        return at, at
    stop = run.end()
    if before.endswith(("?", "&", "u0026")) and (more := re.search(r"&|\\u0026", run[0])):
        stop = at + more.start()
    kept = at + len(MARK) if text.startswith(MARK, at) else at + 1
    while stop > kept and text[stop - 1] in ",;.)]}>\\`":
        stop -= 1
    return at, stop


def _end_of_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return end if end >= 0 else len(text)
