"""What a start says of a cluster that is less than models need; a cluster that has it all is worth no line."""

import logging
from typing import Any

import pytest

from gemma4_operator.kube.errors import ApiError, ApiUnavailable, Forbidden
from gemma4_operator.planner.node_view import node_view
from gemma4_operator.runtime.surroundings import report
from tests.nodes import gpu_node, node

GPUS = [gpu_node("gpu-0")]
NONE = [node("plain-0")]


class Server:
    """An API server of some version."""

    def __init__(self, said: str | ApiError) -> None:
        self.said = said

    async def version(self) -> str:
        if isinstance(self.said, ApiError):
            raise self.said
        return self.said


async def told(said: str | ApiError, nodes: list[dict[str, Any]], caplog: pytest.LogCaptureFixture) -> list[str]:
    with caplog.at_level(logging.INFO):
        await report(Server(said), [node_view(one) for one in nodes])  # type: ignore[arg-type]
    assert {record.levelname for record in caplog.records} <= {"WARNING"}
    return [record.getMessage() for record in caplog.records]


async def test_a_cluster_that_has_it_all_is_worth_no_line(caplog: pytest.LogCaptureFixture) -> None:
    assert await told("v1.36.3", GPUS, caplog) == []


async def test_an_old_kubernetes_is_told(caplog: pytest.LogCaptureFixture) -> None:
    (line,) = await told("v1.29.0", GPUS, caplog)
    assert line.startswith("Kubernetes is v1.29.0 and must be 1.30 or newer: ")


@pytest.mark.parametrize("nodes", [[], NONE], ids=["no node", "nodes without GPUs"])
async def test_a_cluster_without_gpus_is_told(nodes: list[dict[str, Any]], caplog: pytest.LogCaptureFixture) -> None:
    (line,) = await told("v1.36.3", nodes, caplog)
    assert line.startswith("No node offers GPUs to pods, so nothing can be placed: add nodes with GPUs")


async def test_one_node_with_gpus_is_enough(caplog: pytest.LogCaptureFixture) -> None:
    assert await told("v1.36.3", [*NONE, *GPUS], caplog) == []


@pytest.mark.parametrize("said", [Forbidden("no"), ApiUnavailable("gone"), "", "nightly"], ids=str)
async def test_a_version_that_is_not_told_keeps_nobody_from_starting(
    said: str | ApiError, caplog: pytest.LogCaptureFixture
) -> None:
    assert await told(said, GPUS, caplog) == []
