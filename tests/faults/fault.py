"""One row of the matrix."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from gemma4_operator.status.reasons import Reason

if TYPE_CHECKING:
    from tests.faults.ground import Ground


class Kind(StrEnum):
    """Where a fault lies: the headings of the page, in their order."""

    SCHEDULING = "Pods without a node"
    IMAGES = "Images"
    CREATION = "Pods and containers that cannot be made"
    ENGINES = "Engines that do not start"
    KILLED = "Pods that are killed"
    CAPACITY = "Nodes and quotas"
    API_SERVER = "The API server and the way to it"
    OPERATOR = "The operator itself"
    WRITERS = "Other writers"
    INSTALLATION = "What is installed"


HEALED = (
    "An edit mends it: Ready, children like an undisturbed twin's, no write after that; the twin's pod never stopped."
)


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a kubelet or the scheduler says of a pod, to be said again of a pod of ours.

    Attributes:
        status: The pod's.
        events: About it, as `reason` and `message`.
        scheduled: Whether the pod has a node; it has none while the scheduler speaks.
    """

    status: dict[str, Any]
    events: tuple[dict[str, Any], ...] = ()
    scheduled: bool = True


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A fault, and what is promised about it.

    Attributes:
        name: In words, and unique.
        reason: What `Ready` gives; None where the status does not speak of the fault.
        sees: What a user sees, in words, where there is more to say than the reason.
        mention: Words that the message has.
        proof: That nothing is lost.
        told: How a pod fails, if that is the fault; all such faults are played at once.
        play: Does it, proves it, and returns what was seen; for all other faults.
        tests: Tests elsewhere that do so, by their node ids.
        together: Faults that are played at once, and so by one process.
    """

    name: str
    kind: Kind
    proof: str
    reason: Reason | None = None
    sees: str = ""
    mention: tuple[str, ...] = ()
    told: Told | None = None
    play: "Callable[[Ground], str] | None" = None
    tests: tuple[str, ...] = ()
    together: str = ""

    @property
    def slug(self) -> str:
        """A name for objects."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")[:40].strip("-")
