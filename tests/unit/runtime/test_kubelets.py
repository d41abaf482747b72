"""Kubelets that do not answer: asked once a minute each, so that they hold up no worker for long."""

from contextlib import suppress

import pytest

from gemma4_operator.kube.errors import ApiError, ApiUnavailable, NotFound
from gemma4_operator.runtime.kubelets import REST_SECONDS, SLOW_SECONDS, Kubelets
from gemma4_operator.runtime.witness import Witness
from tests.unit.runtime.test_witness import NOW, Clock, FakeApi, crashed

TIMEOUT_SECONDS = 4.0


class Slow(FakeApi):
    """An API server that waits for kubelets, as long as each question may take."""

    def __init__(self, clock: Clock, *, error: ApiError, seconds: float = TIMEOUT_SECONDS) -> None:
        super().__init__(log=error)
        self.clock = clock
        self.seconds = seconds

    async def log(self, **options: object) -> str:
        self.clock.seconds += self.seconds
        return await super().log(**options)


async def test_many_failing_pods_of_a_lost_node_cost_one_wait() -> None:
    clock = Clock()
    api = Slow(clock, error=ApiUnavailable("dial tcp: i/o timeout"))
    witness = Witness(api, monotonic=clock, now=lambda: NOW)  # type: ignore[arg-type]
    for number in range(100):
        await witness.evidence(f"team-{number}", [crashed(f"chat-{pod}") for pod in range(3)])
    assert clock.seconds == TIMEOUT_SECONDS


@pytest.mark.parametrize(
    ("error", "seconds", "asked"),
    [
        (ApiUnavailable("i/o timeout"), SLOW_SECONDS, 1),
        (ApiUnavailable("connection refused"), SLOW_SECONDS / 2, 3),
        (NotFound("the pod is gone"), SLOW_SECONDS, 3),
    ],
    ids=["slow", "at once", "another answer"],
)
async def test_only_a_kubelet_that_is_waited_for_is_left_alone(error: ApiError, seconds: float, asked: int) -> None:
    clock = Clock()
    api = Slow(clock, error=error, seconds=seconds)
    kubelets = Kubelets(monotonic=clock)
    for _ in range(3):
        with suppress(ApiError):
            assert await kubelets.ask("one", api.log) == ""
    assert len(api.asked) == asked


async def test_it_is_asked_again_after_a_while_and_others_at_once() -> None:
    clock = Clock()
    api = Slow(clock, error=ApiUnavailable("i/o timeout"))
    kubelets = Kubelets(monotonic=clock)
    for node in ("one", "another"):
        with pytest.raises(ApiUnavailable):
            await kubelets.ask(node, api.log)
    clock.seconds += REST_SECONDS
    api.answers["log"] = "it speaks"
    assert await kubelets.ask("one", api.log) == "it speaks"
    assert kubelets._silent == {}
