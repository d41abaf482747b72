"""How many replicas may be away at once, in a rollout and in a node drain.

Both round in favour of progress: at least one replica may go, since with none a rollout or a drain would wait for
ever. Only 100 % means what it says for drains: none may go. A rollout still replaces one at a time then, because the
alternative is a spare GPU that may not exist.
"""


def rollout_max_unavailable(*, replicas: int, min_available_percent: int) -> int:
    """Return how many replicas a rollout may take away at once: at least one."""
    return max(1, replicas - _kept(replicas, min_available_percent))


def drain_max_unavailable(*, replicas: int, min_available_percent: int) -> int:
    """Return how many replicas drains may evict at once: at least one, unless all must stay."""
    return 0 if min_available_percent == 100 else max(1, replicas - _kept(replicas, min_available_percent))


def _kept(replicas: int, percent: int) -> int:
    return -(-replicas * percent // 100)
