"""What can go wrong in this room, as one sentence that a person can act on."""


class ClusterError(Exception):
    """The local cluster cannot do what was asked; the message says why and what would help."""
