"""What a rule is: a kind of text that programs print, and the cause for which it stands."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from gemma4_operator.status.reasons import Reason
from gemma4_operator.status.redact import shorten

QUOTE_LIMIT: Final = 420
"""Letters of another program's text in a message."""
_MORE_LIMIT: Final = 180
_MOST_MORE: Final = 2
_CHATTER: Final = re.compile(
    # A frame of a traceback names places, which may be called like anything.
    r"^.{0,80}?\bFile \"[^\"]*\", line \d"
    # llama.cpp writes the level as one letter behind the time.
    r"|^\d+\.\d\d\.\d{3}\.\d{3} [IDT] "
    # What goes well is not the cause of a failure; Ollama, though, tells failures at the level INFO, with `error=`.
    r"|^(?!.*\berror=).{0,60}?(?:(?<![=\w])(?:INFO|DEBUG|TRACE)\b|\blevel=(?:INFO|DEBUG|TRACE|info|debug)\b)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One cause. The message quotes what decides, and holds no advice: that is the reason's."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of text.

    Attributes:
        says: Who prints it, and where that can be looked up.
        also: Other lines of the same text that a person needs to act: which file, which model.
        unless: What makes a line that matches mean something else.
        holds: A condition that a pattern cannot state.
        chatter: Whether lines of the levels INFO and DEBUG count as well.
    """

    reason: Reason
    says: str
    pattern: re.Pattern[str]
    also: re.Pattern[str] | None = None
    unless: re.Pattern[str] | None = None
    holds: Callable[[re.Match[str]], bool] | None = None
    chatter: bool = False

    def match(self, line: str) -> re.Match[str] | None:
        """Return where a line is of this kind."""
        found = self.pattern.search(line)
        if found is None or (self.unless is not None and self.unless.search(line)):
            return None
        if not self.chatter and _CHATTER.search(line):
            return None
        return found if self.holds is None or self.holds(found) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A line that a rule knows."""

    rule: Rule
    index: int
    quote: str

    @property
    def reason(self) -> Reason:
        """The cause."""
        return self.rule.reason


def text_like(pattern: str) -> re.Pattern[str]:
    """Return a pattern for what programs print, in small and capital letters alike."""
    return re.compile(pattern, re.IGNORECASE)


def first(rules: Iterable[Rule], lines: Sequence[str]) -> Found | None:
    """Return what the first rule that knows any line finds: rules are in the order of what explains more."""
    for rule in rules:
        for index, line in enumerate(lines):
            match = rule.match(line)
            if match is not None:
                return Found(rule=rule, index=index, quote=_quote(rule, lines, index, match))
    return None


def _quote(rule: Rule, lines: Sequence[str], index: int, match: re.Match[str]) -> str:
    said = quote(lines[index], match)
    if rule.also is None:
        return said
    nearest = sorted(range(len(lines)), key=lambda other: (abs(other - index), other))
    more: list[str] = []
    for other in nearest:
        found = rule.also.search(lines[other]) if other != index else None
        part = quote(lines[other], found, limit=_MORE_LIMIT) if found is not None else ""
        if part and part not in said and part not in more:
            more.append(part)
    return " | ".join([said, *more[:_MOST_MORE]])


_PREFIX: Final = re.compile(
    # The process and its rank (vLLM), the level and the time (Python, vLLM, NIM), the place in the source.
    r"^\s*(?:\d+\.\d\d\.\d{3}\.\d{3} [EWIDT] )?(?:\([\w ]{1,60}=\d+\)\s*|\[rank\d+\]:?\s*)*"
    r"(?:(?:DEBUG|INFO|WARNING|WARN|ERROR|CRITICAL|FATAL)\b:?\s+(?:[\d-]{5,10}[ T][\d:.,]{5,15}Z?\s+)?)?"
    r"(?:\[?[\w./-]{1,120}:\d+\]\s*)?"
)


def quote(line: str, match: re.Match[str] | None = None, *, limit: int = QUOTE_LIMIT) -> str:
    """Return a line without what a logger put before it, cut around what decides."""
    prefix = _PREFIX.match(line)
    cut = prefix.end() if prefix is not None else 0
    if match is not None:
        cut = min(cut, match.start())
        return shorten(line[cut:], limit, keep=(match.start() - cut, match.end() - cut))
    return shorten(line[cut:], limit)
