"""Kubelets that give no logs in time: each question holds up a worker, and with it resources that are well."""

from collections.abc import Awaitable, Callable

from gemma4_operator.kube.errors import ApiUnavailable

SLOW_SECONDS = 1.0
"""What a question must have taken to count; one that is refused at once holds nobody up."""
REST_SECONDS = 60.0
"""For which such a kubelet is not asked again."""


class Kubelets:
    """Asks kubelets for logs, by way of the API server, and leaves those alone that do not answer.

    Args:
        monotonic: Seconds that only grow.
    """

    def __init__(self, *, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._silent: dict[str, float] = {}

    async def ask(self, node: str, question: Callable[[], Awaitable[str]]) -> str:
        """Return an answer of a node's kubelet; empty while it rests. Raises as the question does."""
        began = self._monotonic()
        self._silent = {name: at for name, at in self._silent.items() if began - at < REST_SECONDS}
        if node in self._silent:
            return ""
        try:
            return await question()
        except ApiUnavailable:
            if self._monotonic() - began >= SLOW_SECONDS:
                self._silent[node] = self._monotonic()
            raise
