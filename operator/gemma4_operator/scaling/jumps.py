"""Jumps: traffic that rises faster than a replica comes, and that makes requests late before anything can be done.

What comes faster than a boot cannot be scaled for when it is there. It can be remembered: what has jumped may jump
again, so for an hour the number stays that would have served the highest jump. A jump is a load that needs half as many
replicas again as anything known a boot ago had asked for, whether or not so many were there; so the next jump of the
same height renews the memory although nobody was late in it, since those that were kept have served it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gemma4_operator.scaling.need import Need

REMEMBERED_SECONDS = 3600.0
"""As long as a forecast is compared with what came."""
_TIMES = 1.5
"""What a load needs beside what was asked for a boot ago. Less is what headroom and caution are for."""
_APART_SECONDS = 180.0
"""Between two moments of one jump."""
_SLACK_SECONDS = 60.0
"""Longer than a boot, for how long what was asked for is known: what came is a mean over a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Jump:
    """One jump.

    Attributes:
        at_seconds: Its latest moment.
        replicas: What its highest load needed.
        is_costly: Whether requests were late or piled up, or would have without those that were kept for it.
    """

    at_seconds: float
    replicas: int
    is_costly: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Jumps:
    """What is remembered, oldest first.

    Attributes:
        asked: What moments within about the last boot asked for, without any that are kept for jumps.
        known: Jumps.
    """

    asked: tuple[Need, ...] = ()
    known: tuple[Jump, ...] = ()

    @property
    def replicas(self) -> int:
        """How many are kept for the next jump; 0: there was none."""
        return max((jump.replicas for jump in self.known if jump.is_costly), default=0)


def kept(replicas: int, *, now_seconds: float) -> Jumps:
    """Return what is remembered where only the number is known that is kept."""
    known = (Jump(at_seconds=now_seconds, replicas=replicas, is_costly=True),) if replicas > 0 else ()
    return Jumps(known=known)


def unheard(jumps: Jumps, *, now_seconds: float) -> Jumps:
    """Return what is remembered after a moment that tells nothing: what would have been asked for is not known."""
    return Jumps(known=_fresh(jumps.known, now_seconds))


def noticed(jumps: Jumps, *, load: int, asked: int, is_late: bool, now_seconds: float, horizon_seconds: float) -> Jumps:
    """Return what is remembered with one more moment.

    Args:
        jumps: From the last time.
        load: Replicas that what comes now needs.
        asked: What the moment asks for, without any that are kept for jumps.
        is_late: Whether requests are late or pile up.
        now_seconds: By the clock of the samples.
        horizon_seconds: Until a replica that is asked for now serves.
    """
    oldest = now_seconds - horizon_seconds - _SLACK_SECONDS
    before = tuple(one for one in jumps.asked if one.at_seconds > oldest)
    ready = max((one.replicas for one in before if one.at_seconds <= now_seconds - horizon_seconds), default=None)
    known = _fresh(jumps.known, now_seconds)
    if ready is not None and load > _TIMES * ready:
        is_costly = is_late or jumps.replicas >= load
        known = _with(known, Jump(at_seconds=now_seconds, replicas=load, is_costly=is_costly))
    elif is_late and known and now_seconds - known[-1].at_seconds < _APART_SECONDS:
        # That requests of a jump were late is known only once they are answered.
        known = _with(known, Jump(at_seconds=known[-1].at_seconds, replicas=0, is_costly=True))
    return Jumps(asked=(*before, Need(now_seconds, asked)), known=known)


def _fresh(known: Sequence[Jump], now_seconds: float) -> tuple[Jump, ...]:
    return tuple(jump for jump in known if jump.at_seconds > now_seconds - REMEMBERED_SECONDS)


def _with(known: tuple[Jump, ...], moment: Jump) -> tuple[Jump, ...]:
    """Return the jumps with one more moment, of the last one or of another."""
    if not known or moment.at_seconds - known[-1].at_seconds >= _APART_SECONDS:
        return (*known, moment)
    last = known[-1]
    joined = Jump(
        at_seconds=moment.at_seconds,
        replicas=max(last.replicas, moment.replicas),
        is_costly=last.is_costly or moment.is_costly,
    )
    return (*known[:-1], joined)
