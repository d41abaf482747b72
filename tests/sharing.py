"""How the tests are shared out to processes: a file stays together, and so do all that need the machine's one node."""

import pytest
from xdist.scheduler import LoadFileScheduling

_ONE_NODE = ("tests/e2e/", "tests/integration/test_node.py")


class Files(LoadFileScheduling):
    """Files in the order of their collection: those that wait for a cluster come before the many that compute."""

    def _split_scope(self, nodeid: str) -> str:
        return "the real node" if nodeid.startswith(_ONE_NODE) else super()._split_scope(nodeid)


@pytest.hookimpl
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Files:
    """Returns the scheduler of a run with several processes."""
    return Files(config, log)
