"""Where downloaded weights are kept: on a claim of the deployment's own, or only as long as a pod lives."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from gemma4_operator.api.common import ApiModel, Name
from gemma4_operator.api.rules import Form, Unique


class AccessMode(StrEnum):
    """Who may mount a volume at once, as in a PersistentVolumeClaim."""

    READ_WRITE_ONCE = "ReadWriteOnce"
    READ_WRITE_ONCE_POD = "ReadWriteOncePod"
    READ_WRITE_MANY = "ReadWriteMany"


class CacheClaim(ApiModel):
    """A PersistentVolumeClaim that the operator makes and that goes with the deployment."""

    size: Annotated[
        str,
        Field(max_length=32),
        Form("[1-9][0-9]*(Mi|Gi|Ti|M|G|T)", "must be a size such as '100Gi', in Mi, Gi, Ti, M, G or T"),
    ]
    """How much room it has; 1.2 times the weights is enough, and less than the weights is told in `status.plan.notes`.
    It may grow where the StorageClass lets it. Less than the claim has changes nothing, since no volume shrinks."""
    storage_class_name: Name | None = None
    """The StorageClass; absent: the cluster's default. It cannot be changed later."""
    access_modes: Annotated[tuple[AccessMode, ...], Field(min_length=1, max_length=3), Unique()] = (
        AccessMode.READ_WRITE_ONCE,
    )
    """Who may mount it at once; several replicas need ReadWriteMany. It cannot be changed later."""

    @property
    def is_shared(self) -> bool:
        """Whether pods of several nodes may mount it at once."""
        return AccessMode.READ_WRITE_MANY in self.access_modes


class Cache(ApiModel):
    """Where downloads are kept."""

    claim: CacheClaim
    """A PersistentVolumeClaim of the deployment's own, named as it is."""
