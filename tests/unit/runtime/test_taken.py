"""Which GPUs are taken: one look for many resources, one's own pods apart, and no failure for want of a right."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gemma4_operator.kube.api import Object
from gemma4_operator.kube.errors import ApiUnavailable, Forbidden
from gemma4_operator.planner.uses import Use
from gemma4_operator.runtime.store import Key
from gemma4_operator.runtime.taken import FRESH_SECONDS, Taken

CHAT = Key("team", "chat")


def pod(name: str, *, gpus: int, owner: str | None = None, namespace: str = "team") -> dict[str, Any]:
    labels = {"gemma4.dev/deployment": owner} if owner else {}
    owners = [{"kind": "ReplicaSet", "name": f"{owner}-5f9c7d", "controller": True}] if owner else []
    return {
        "metadata": {"name": name, "namespace": namespace, "labels": labels, "ownerReferences": owners},
        "spec": {"nodeName": "one", "containers": [{"resources": {"limits": {"nvidia.com/gpu": str(gpus)}}}]},
        "status": {"phase": "Running"},
    }


class Lists:
    """An API server that has these pods, or fails."""

    def __init__(self, *pods: dict[str, Any], error: Exception | None = None, only_in: str | None = None) -> None:
        self.pods, self.error, self.only_in, self.selectors = pods, error, only_in, list[str]()

    async def pages(
        self, kind: Any, *, namespace: str | None, field_selector: str
    ) -> AsyncIterator[tuple[Object, ...]]:
        self.selectors.append(field_selector)
        await asyncio.sleep(0)
        if self.error is not None and self.only_in in (None, namespace):
            raise self.error
        for one in self.pods:
            if namespace in (None, one["metadata"]["namespace"]):
                yield (one,)


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


async def test_others_take_gpus_and_ones_own_pods_do_not() -> None:
    lists = Lists(
        pod("a", gpus=2),
        pod("b", gpus=4, owner="chat"),
        pod("c", gpus=1, owner="chat", namespace="other"),
    )
    taken = Taken(lists, monotonic=Clock())  # type: ignore[arg-type]
    assert await taken.by_others(CHAT) == (Use("one", "nvidia.com/gpu", 2), Use("one", "nvidia.com/gpu", 1))


async def test_of_some_namespaces_only_their_own_pods_are_seen() -> None:
    lists = Lists(pod("a", gpus=1), pod("b", gpus=2, namespace="other"), pod("c", gpus=4, namespace="third"))
    taken = Taken(lists, monotonic=Clock(), namespaces=("team", "third"))  # type: ignore[arg-type]
    assert [use.gpus for use in await taken.by_others(CHAT)] == [1, 4]


async def test_a_hundred_resources_at_once_cost_one_look() -> None:
    lists, clock = Lists(pod("a", gpus=2)), Clock()
    taken = Taken(lists, monotonic=clock)  # type: ignore[arg-type]
    for number in range(100):
        await taken.by_others(Key("team", f"g{number}"))
    assert len(lists.selectors) == 1
    clock.seconds = FRESH_SECONDS
    await taken.by_others(CHAT)
    assert len(lists.selectors) == 2


async def test_workers_that_ask_at_one_moment_wait_for_one_look_and_share_its_failure() -> None:
    lists = Lists(pod("a", gpus=2))
    taken = Taken(lists, monotonic=Clock())  # type: ignore[arg-type]
    said = await asyncio.gather(*(taken.by_others(Key("team", f"g{number}")) for number in range(8)))
    assert [len(uses) for uses in said] == [1] * 8
    assert len(lists.selectors) == 1
    lists = Lists(error=ApiUnavailable("away"))
    taken = Taken(lists, monotonic=Clock())  # type: ignore[arg-type]
    failed = await asyncio.gather(*(taken.by_others(CHAT) for _ in range(8)), return_exceptions=True)
    assert all(isinstance(one, ApiUnavailable) for one in failed)
    assert len(lists.selectors) == 1
    lists.error = None
    assert await taken.by_others(CHAT) == ()


async def test_only_pods_on_nodes_that_have_not_ended_are_asked_for() -> None:
    lists = Lists()
    await Taken(lists, monotonic=Clock()).by_others(CHAT)  # type: ignore[arg-type]
    assert lists.selectors == ["spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed"]


async def test_without_the_right_to_list_pods_nothing_counts_as_taken(caplog: pytest.LogCaptureFixture) -> None:
    taken = Taken(Lists(error=Forbidden("no")), monotonic=Clock())  # type: ignore[arg-type]
    assert await taken.by_others(CHAT) == ()
    assert "Pods may not be listed" in caplog.text


async def test_in_a_namespace_that_is_gone_nothing_counts_and_elsewhere_what_there_is(
    caplog: pytest.LogCaptureFixture,
) -> None:
    lists = Lists(pod("a", gpus=1), pod("b", gpus=4, namespace="third"), error=Forbidden("no"), only_in="gone")
    taken = Taken(lists, monotonic=Clock(), namespaces=("gone", "team", "third"))  # type: ignore[arg-type]
    assert [use.gpus for use in await taken.by_others(CHAT)] == [1, 4]
    assert "Pods may not be listed in the namespace 'gone'" in caplog.text


async def test_an_api_server_that_is_away_is_waited_for() -> None:
    taken = Taken(Lists(error=ApiUnavailable("away")), monotonic=Clock())  # type: ignore[arg-type]
    with pytest.raises(ApiUnavailable):
        await taken.by_others(CHAT)
