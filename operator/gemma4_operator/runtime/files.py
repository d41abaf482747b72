"""How many files and connections this process may have open at once: as many as the system lets it.

A connection to each autoscaled pod rests between two questions. Since containerd 2 a process begins with 1024, of which
it may make more by itself (containerd#8924); whoever runs out can reach the API server no more either.
"""

import resource


def raise_limit() -> None:
    """Raise the soft limit to the hard one, as programs in Go do when they start."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
