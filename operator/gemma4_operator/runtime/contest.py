"""Whether somebody else keeps undoing what we write: then we write it again less and less often.

A slip of the hand is repaired at once. Two controllers that each repair what the other does would write for ever, as
fast as the API server lets them. What is remembered here only slows that down: a process that has forgotten it repairs
a few times more, and then slows down again.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from gemma4_operator.kube.retry import Backoff

FREE = 5
"""So many repairs of one object in a row are made at once."""
WINDOW_SECONDS = 600.0
"""After which a repair no longer counts."""
DELAYS = Backoff(first_seconds=10.0, maximum_seconds=300.0)
_WITHOUT_JITTER = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Contest:
    mark: str
    repairs: int
    last_seconds: float
    about: tuple[str, ...] = ()
    told: str = ""


class Contests:
    """Counts the repairs of each object.

    An object is named by the uid of its custom resource and its kind, since one that was deleted comes back with
    another uid; a `mark` stands for what was written. To write the same once more is a repair.

    Args:
        monotonic: Seconds that only grow.
    """

    def __init__(self, *, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._known: dict[str, dict[str, _Contest]] = {}

    def holds(self, uid: str, what: str, mark: str) -> bool:
        """Whether a write would be one repair too many, and has to wait."""
        known = self._known.get(uid, {}).get(what)
        return known is not None and known.mark == mark and self._rests(known)

    def wrote(self, uid: str, what: str, mark: str, *, repair: bool = False) -> None:
        """Count a write.

        Args:
            uid: The custom resource's.
            what: Which of its objects.
            mark: What was written.
            repair: Whether it is known to be one although this process wrote nothing before.
        """
        of_resource, now = self._known.setdefault(uid, {}), self._monotonic()
        known = of_resource.get(what)
        if known is None or known.mark != mark or now - known.last_seconds > WINDOW_SECONDS:
            again = repair or (known is not None and known.mark == mark)
            of_resource[what] = _Contest(mark=mark, repairs=int(again), last_seconds=now)
            return
        of_resource[what] = replace(known, repairs=known.repairs + 1, last_seconds=now)

    def tell(self, uid: str, what: str, about: tuple[str, ...], message: str) -> None:
        """Remember what is said of a contest, about some fields, for as long as it lasts."""
        self._known[uid][what] = replace(self._known[uid][what], about=about, told=message)

    def is_told(self, uid: str, what: str, about: tuple[str, ...]) -> bool:
        """Whether something is said about these fields already."""
        known = self._known[uid][what]
        return bool(known.told) and known.about == about

    def told(self, uid: str) -> tuple[str, ...]:
        """Return what is to be said of a custom resource; a repair ends no contest before it has held for a while.

        Otherwise each repair would look like the end until it is undone.
        """
        of_resource = self._known.get(uid, {}).values()
        return tuple(known.told for known in of_resource if known.told and self._rests(known))

    def forget(self, uid: str) -> None:
        """Drop what is remembered of a custom resource that is gone."""
        self._known.pop(uid, None)

    def _rests(self, known: _Contest) -> bool:
        extra = known.repairs - FREE
        if extra < 0:
            return False
        delay = DELAYS.delay_seconds(extra + 1, jitter=lambda: _WITHOUT_JITTER)
        return self._monotonic() - known.last_seconds < delay
