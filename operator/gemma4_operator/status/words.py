"""Whose last words count: which container's log is to be read, of which of its runs, and whether what came is of that.

A pod's status is some moments old, and a container that crashes is started again in a second: its log is then that of
a run that has said nothing yet. The times that the kubelet puts before each line tell the runs apart.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from gemma4_operator.status.pods import PodView, loader, moment, speaker
from gemma4_operator.status.unready import silent

_TICK: Final = timedelta(seconds=1)
"""Times in a pod's status are whole seconds, rounded down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The log that is to be read.

    Attributes:
        container: Its container's name.
        previous: Whether it is that of the run before the one that goes on.
        goes_on: Whether its run does.
        began_at: When its run began, of one that has ended and is not known to have been followed by another.
        ended_at: When that run ended.
    """

    container: str
    previous: bool = False
    goes_on: bool = False
    began_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def is_second(self) -> bool:
        """Whether it is read because the log that was read first is of another run."""
        return self.previous and self.ended_at is not None

    def is_met_by(self, said: str) -> bool:
        """Whether a log has words of the run that is wanted, or nobody knows when that was."""
        if self.began_at is None or self.ended_at is None:
            return True
        return any(stamp is None or self.began_at <= stamp < self.ended_at + _TICK for stamp in _stamps(said))

    def is_outdated_by(self, said: str) -> bool:
        """Whether a log has words of a run that came after the one that is wanted."""
        return self.ended_at is not None and any(stamp and stamp >= self.ended_at + _TICK for stamp in _stamps(said))


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What a log says, without the kubelet's times, and for how long a run that goes on has said nothing more."""

    text: str = ""
    silent_seconds: float = 0.0


def wanted(pod: PodView, *, now: datetime) -> Wanted | None:
    """Return which log of a pod tells why it does not serve; None: there is none."""
    container = speaker(pod) or loader(pod)
    if container is None:
        return None
    ended = container.ended
    if ended is None:
        return Wanted(container=container.name, goes_on=True)
    if container.running:
        return Wanted(container=container.name, previous=container not in silent(pod, now=now))
    return Wanted(container=container.name, began_at=ended.began_at, ended_at=ended.at)


async def last_words(pod: PodView, read: Callable[[Wanted], Awaitable[str]], *, now: Callable[[], datetime]) -> Words:
    """Return what a pod's container said last that tells why it does not serve.

    Args:
        pod: As it was some moments ago.
        read: Gives a log with the kubelet's times; empty where it cannot be read.
        now: The time of day, which goes on while logs are read.
    """
    one = wanted(pod, now=now())
    if one is None:
        return Words()
    said = await read(one)
    if not one.is_met_by(said):
        before = await read(replace(one, previous=True))
        # One that came later and has ended too, tells more than one that goes on.
        said = before if one.is_met_by(before) or one.is_outdated_by(before) else said
    return heard(said, one, now=now())


def _stamps(said: str) -> list[datetime | None]:
    return [moment(line.partition(" ")[0]) for line in said.splitlines()]


def heard(said: str, one: Wanted, *, now: datetime) -> Words:
    """Return what a log says that was read with the kubelet's times."""
    lines, last = [], None
    for line in said.splitlines():
        stamp, _, rest = line.partition(" ")
        when = moment(stamp)
        last = when or last
        lines.append(line if when is None else rest)
    silent_seconds = (now - last).total_seconds() if last is not None and one.goes_on else 0.0
    return Words(text="\n".join(lines), silent_seconds=max(0.0, silent_seconds))
