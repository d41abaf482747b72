"""What rules read off a view alike: who stands, who serves, how much there is to do."""

from gemma4_operator.scaling.sample import Stage
from gemma4_operator.sim.policy import Seen, View
from gemma4_operator.sim.setting import Setting


def standing(view: View) -> tuple[Seen, ...]:
    """Return the replicas that a Deployment counts: all but those told to go."""
    return tuple(seen for seen in view.replicas if seen.replica.stage is not Stage.LEAVING)


def serving(view: View) -> tuple[Seen, ...]:
    """Return the replicas that are ready."""
    return tuple(seen for seen in view.replicas if seen.replica.stage is Stage.SERVING)


def in_flight(view: View) -> int:
    """Return the requests at those that serve, in work and in their queues, and those held in front of them."""
    return sum(seen.running + seen.waiting for seen in serving(view)) + view.gateway_waiting


def bounded(count: int, setting: Setting) -> int:
    """Return the count within the setting's limits."""
    return max(setting.minimum, min(setting.maximum, count))
