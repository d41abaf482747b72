"""What else than the pod itself events may be about that say why it does not serve: what it hangs on just then."""

from typing import Final, NamedTuple

from gemma4_operator.status.pods import PodView

_OF_A_CLAIM: Final = "persistentvolumeclaim"


class Subject(NamedTuple):
    """An object that events are about; those of a node lie in the namespace `default`."""

    kind: str
    name: str

    @property
    def namespace(self) -> str:
        """Where its events are, if not beside the pod."""
        return "default" if self.kind == "Node" else ""


def subjects(pod: PodView) -> tuple[Subject, ...]:
    """Return a pod's node; before it has one, its claims, where the scheduler says that it waits for one."""
    if pod.node:
        return (Subject("Node", pod.node),)
    if _OF_A_CLAIM in pod.unschedulable.lower():
        return tuple(Subject("PersistentVolumeClaim", claim) for claim in pod.claims)
    return ()
