"""A watch that sees every state of a namespace's pods, for what must hold at every moment and not when one looks."""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

from gemma4_operator.kube.kinds import POD
from tests.cluster import wait_for
from tests.integration.home import condition
from tests.integration.objects import Object, Objects


@dataclass(frozen=True, kw_only=True)
class Moment:
    """The pods of a namespace after one change of them.

    Attributes:
        serving: Those that are ready and have not been told to go.
        waiting: Those without a node.
        total: All that have not been told to go.
    """

    serving: frozenset[str]
    waiting: frozenset[str]
    total: frozenset[str]


class PodWatch:
    """Follows the pods of a namespace from the first moment to the last one; a context manager."""

    def __init__(self, objects: Objects, namespace: str) -> None:
        self._objects = objects
        self._namespace = namespace
        self._pods: dict[str, Object] = {}
        self.moments: list[Moment] = []
        self._version = 0
        self._stop: Callable[[], None] = lambda: None
        self._thread = threading.Thread(target=self._follow, name=f"pods of {namespace}", daemon=True)
        self._error: BaseException | None = None

    def __enter__(self) -> Self:
        listed = self._objects.request("GET", POD.path(namespace=self._namespace))
        self._pods = {pod["metadata"]["name"]: pod for pod in listed["items"]}
        self.moments.append(self._moment())
        self._version = int(listed["metadata"]["resourceVersion"])
        self._events, self._stop = self._objects.watch(POD, self._namespace, listed["metadata"]["resourceVersion"])
        self._thread.start()
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        try:
            if failure is None:
                self._catch_up()
        finally:
            self._stop()
            self._thread.join(30)
        assert self._error is None, self._error

    def _catch_up(self) -> None:
        """Return once all that there is now has been seen, however late the news of it come."""
        newest = [int(pod["metadata"]["resourceVersion"]) for pod in self._objects.list(POD, self._namespace)]
        wait_for(
            lambda: self._version >= max(newest, default=0) or not self._thread.is_alive(),
            20,
            "the watch to tell of the newest pod",
            interval_seconds=0.02,
        )

    @property
    def fewest_serving(self) -> int:
        """How many served when fewest did."""
        return min(len(moment.serving) for moment in self.moments)

    @property
    def most_pods(self) -> int:
        """How many stood when most did."""
        return max(len(moment.total) for moment in self.moments)

    def _follow(self) -> None:
        try:
            for line in self._lines():
                event = json.loads(line)
                pod = event["object"]
                if event["type"] == "DELETED":
                    self._pods.pop(pod["metadata"]["name"], None)
                else:
                    self._pods[pod["metadata"]["name"]] = pod
                self.moments.append(self._moment())
                self._version = int(pod["metadata"]["resourceVersion"])
        except BaseException as error:  # It is raised where the test can see it.
            self._error = error

    def _lines(self) -> Iterator[bytes]:
        # Whoever stops the watch closes the connection under it.
        with contextlib.suppress(OSError, ValueError, self._objects.broken):
            yield from self._events

    def _moment(self) -> Moment:
        stand = {name: pod for name, pod in self._pods.items() if "deletionTimestamp" not in pod["metadata"]}
        return Moment(
            serving=frozenset(name for name, pod in stand.items() if condition(pod, "Ready").get("status") == "True"),
            waiting=frozenset(name for name, pod in stand.items() if not pod["spec"].get("nodeName")),
            total=frozenset(stand),
        )
