"""What a start says of a cluster that is less than models need; it goes on all the same, and serves what it can."""

import logging
from collections.abc import Sequence

from gemma4_operator.kube.api import Api
from gemma4_operator.kube.errors import ApiError
from gemma4_operator.kube.version import is_old, too_old
from gemma4_operator.planner.inventory import NOTHING_OFFERED
from gemma4_operator.planner.node_view import NodeView

log = logging.getLogger(__name__)


async def report(api: Api, nodes: Sequence[NodeView]) -> None:
    """Log what is wrong with the cluster; of a version that is not told nothing is said.

    Args:
        api: Where the API server says its version.
        nodes: All there are.
    """
    try:
        version = await api.version()
    except ApiError as error:
        log.debug("The API server's version is not known: %s", error.message)
    else:
        if is_old(version):
            log.warning(too_old(version))
    if not any(view.offers for view in nodes):
        log.warning(NOTHING_OFFERED)
