"""A small model of what carries a rollout out: the Deployment's controller, the scheduler, a kubelet and other tenants.

The controller follows the algorithm of Kubernetes' rolling update in our own words: it adds new pods up to
`replicas + maxSurge`, and takes old ones away, those first that do not serve, as long as `replicas - maxUnavailable`
go on serving and every new pod that does not serve yet counts as away.
"""

from dataclasses import dataclass, field, replace
from random import Random

from gemma4_operator.api.update import UpdateStrategy
from gemma4_operator.rollout.strategy import Decision, Standing, decide, is_doubted


@dataclass(eq=False)
class Pod:
    """One pod: its template, the kind of GPU it asks for, and how far it has come."""

    template: str
    gpu: str
    placed: bool = False
    tried: bool = False
    serving: bool = False
    leaving: bool = False


@dataclass
class Fleet:
    """A deployment on GPUs of several kinds.

    Attributes:
        gpus: How many there are of each kind.
        others: How many of them other tenants hold.
        hidden: How many seem free and are of no use: their nodes lack memory, say.
        is_exclusive: Whether pods share a claim that each GPU's node can mount only alone.
        broken: Templates whose pods never serve.
    """

    random: Random
    gpus: dict[str, int]
    replicas: int
    max_unavailable: int
    strategy: UpdateStrategy
    template: str
    gpu: str
    others: dict[str, int] = field(default_factory=dict)
    hidden: int = 0
    is_exclusive: bool = False
    broken: set[str] = field(default_factory=set)
    pods: list[Pod] = field(default_factory=list)
    decision: Decision | None = None
    looks: int = 0
    doubted_since: int | None = None

    @property
    def old(self) -> list[Pod]:
        return [pod for pod in self.pods if not pod.leaving and pod.template != self.template]

    @property
    def new(self) -> list[Pod]:
        return [pod for pod in self.pods if not pod.leaving and pod.template == self.template]

    @property
    def serving(self) -> int:
        return sum(pod.serving for pod in self.pods if not pod.leaving)

    @property
    def done(self) -> bool:
        return not self.old and len(self.new) == self.replicas and all(pod.serving for pod in self.new)

    def free(self, gpu: str, *, without_old: bool = False) -> int:
        gone = self.old + [pod for pod in self.pods if pod.leaving] if without_old else []
        held = sum(pod.placed and pod.gpu == gpu for pod in self.pods if pod not in gone)
        return max(0, self.gpus.get(gpu, 0) - self.others.get(gpu, 0) - held)

    def standing(self) -> Standing:
        return Standing(
            replicas=self.replicas,
            max_unavailable=self.max_unavailable,
            most=None,
            old=len(self.old),
            old_serving=sum(pod.serving for pod in self.old),
            placed=sum(pod.placed for pod in self.new),
            unplaced=sum(pod.tried and not pod.placed for pod in self.new),
            leaving=sum(pod.leaving and pod.placed for pod in self.pods),
            room=self.free(self.gpu),
            room_without_old=self.free(self.gpu, without_old=True),
            is_exclusive=self.is_exclusive,
        )

    def operate(self) -> None:
        """A pass of the operator: the numbers it gives hold until its next one.

        What the scheduler has not used counts as of no use once it has had the time to look at it.
        """
        now = self.standing()
        if not is_doubted(now):
            self.doubted_since = None
        else:
            self.doubted_since = self.looks if self.doubted_since is None else self.doubted_since
            now = now if self.looks > self.doubted_since else replace(now, unplaced=0)
        self.decision = decide(now, self.strategy)

    def control(self) -> None:
        """A pass of the Deployment's controller."""
        assert self.decision is not None
        total = len(self.old) + len(self.new)
        for _ in range(min(self.replicas + self.decision.max_surge - total, self.replicas - len(self.new))):
            self.pods.append(Pod(template=self.template, gpu=self.gpu))
        least = self.replicas - self.decision.max_unavailable
        waiting = sum(not pod.serving for pod in self.new)
        may_go = len(self.old) + len(self.new) - least - waiting
        for pod in [pod for pod in self.old if not pod.serving][: max(0, may_go)]:
            self._end(pod)
            may_go -= 1
        spare = min(self.serving - least, may_go)
        for pod in self.old[: max(0, spare)]:
            self._end(pod)

    def schedule(self) -> None:
        for pod in self.pods:
            if not pod.placed and not pod.leaving:
                pod.placed, pod.tried = self.free(pod.gpu) > self.hidden, True
        self.looks += 1

    def run(self) -> None:
        """A pod that has a node serves some time later, and one that was told to go is gone some time later."""
        for pod in self.pods:
            if pod.placed and not pod.leaving and self._can_serve(pod) and self.random.random() < 0.5:
                pod.serving = True
        self.pods = [pod for pod in self.pods if not pod.leaving or (pod.placed and self.random.random() < 0.5)]

    def _can_serve(self, pod: Pod) -> bool:
        held = self.is_exclusive and any(other.placed for other in self.pods if other.template != pod.template)
        return pod.template not in self.broken and (pod.serving or not held)

    def _end(self, pod: Pod) -> None:
        pod.leaving, pod.serving = True, False

    def settle(self) -> None:
        """Bring the first template up."""
        for _ in range(200):
            self.operate()
            self.control()
            self.schedule()
            self.run()
            if self.done:
                return
        raise AssertionError("the first template never served")
