"""How changes reach the pods that run: which come first, and what an upgrade of the operator moves."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from gemma4_operator.api.common import ApiModel, Integer


class UpdateStrategy(StrEnum):
    """Whether a new pod comes before the old one goes."""

    AUTO = "Auto"
    """New pods first where GPUs are free for them, else in place within `spec.disruption`."""
    SURGE = "Surge"
    """New pods first, always: without a free GPU the rollout waits."""
    RECREATE = "Recreate"
    """In place, always: an old pod makes room for the new one."""


class OnOperatorUpgrade(StrEnum):
    """What a new version of the operator does to pods that it would render in another way."""

    KEEP = "Keep"
    ROLL = "Roll"


class Update(ApiModel):
    """How changes reach running pods."""

    strategy: UpdateStrategy = UpdateStrategy.AUTO
    """Whether new pods come first: Auto does so where a GPU is free now, and replaces in place otherwise."""
    on_operator_upgrade: OnOperatorUpgrade = OnOperatorUpgrade.KEEP
    """Whether pods stay as they are until the spec changes, or are replaced by what a new operator would make."""


class Disruption(ApiModel):
    """How much voluntary disruption the replicas take."""

    min_available_percent: Annotated[Integer, Field(ge=0, le=100)] = 50
    """The share of the replicas that rollouts and drains leave serving; below 100, one may always go."""

    def max_unavailable(self, replicas: int) -> int:
        """Return how many of the replicas may be away at once.

        It rounds in favour of progress: at least one may go, since with none a rollout or a drain would wait for ever.
        Only 100 % means what it says: none may go.
        """
        kept = -(-replicas * self.min_available_percent // 100)
        return 0 if self.min_available_percent == 100 else max(1, replicas - kept)
