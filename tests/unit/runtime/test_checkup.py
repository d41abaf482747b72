"""The checkup: who leads is who renews the Lease while it looks; else one sentence says what to do."""

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from gemma4_operator.__main__ import main
from gemma4_operator.kube.api import Listing
from gemma4_operator.kube.errors import ApiError, ApiUnavailable, Forbidden, NotFound
from gemma4_operator.kube.kinds import Kind
from gemma4_operator.kube.lease import LeaseTimes
from gemma4_operator.runtime.checkup import NotWell, look
from gemma4_operator.runtime.settings import Settings

SETTINGS = Settings(lease_namespace="ops", lease_name="second")
AT_ONCE = LeaseTimes(retry_seconds=0.0)


def lease(holder: str, renewed: str) -> dict[str, Any]:
    return {"spec": {"holderIdentity": holder, "renewTime": renewed}}


class Cluster:
    """An API server whose Lease looks like this, one look after the other, the last look for ever."""

    def __init__(self, *looks: dict[str, Any] | ApiError, error: ApiError | None = None) -> None:
        self.looks, self.error = list(looks), error
        self.listed: list[str | None] = []

    async def list(self, kind: Kind, *, namespace: str | None) -> Listing:
        if self.error is not None:
            raise self.error
        self.listed.append(namespace)
        return Listing(items=({"metadata": {"name": "chat"}},), resource_version=1)

    async def get(self, kind: Kind, *, namespace: str, name: str) -> dict[str, Any]:
        assert (kind.kind, namespace, name) == ("Lease", "ops", "second")
        seen = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(seen, ApiError):
            raise seen
        return seen


async def looked(cluster: Cluster, settings: Settings = SETTINGS, *, patience_seconds: float = 0.05) -> str:
    return await look(cluster, settings, patience_seconds=patience_seconds, times=AT_ONCE)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "looks",
    [
        [lease("pod-1", "t1"), lease("pod-1", "t1"), lease("pod-1", "t2")],
        [NotFound("none yet"), lease("pod-1", "t1")],
        [lease("pod-0", "t1"), lease("", "t2"), lease("pod-1", "t3")],
        [{"spec": None}, {}, lease("pod-1", "t1")],
    ],
    ids=["renewed", "taken", "handed-over", "empty"],
)
async def test_who_renews_the_lease_leads(looks: list[dict[str, Any] | ApiError]) -> None:
    said = await looked(Cluster(*looks), patience_seconds=60)
    assert said == "'pod-1' leads; Gemma4Deployments in all namespaces: 1."


async def test_of_some_namespaces_each_is_looked_at() -> None:
    cluster = Cluster(lease("pod-1", "t1"), lease("pod-1", "t2"))
    settings = Settings(lease_namespace="ops", lease_name="second", watch_namespaces=("a", "b"))
    assert await looked(cluster, settings) == "'pod-1' leads; Gemma4Deployments in a, b: 2."
    assert cluster.listed == ["a", "b"]


@pytest.mark.parametrize(
    ("looks", "said"),
    [
        ([lease("pod-1", "t1")], "and 'pod-1' is still named in it: look at the operator's pods"),
        ([lease("pod-1", "t1"), lease("", "t2")], "and nobody holds it: look at the operator's pods"),
        ([NotFound("no lease")], "No operator has renewed the Lease 'ops/second' in 0 s, and nobody holds it"),
    ],
    ids=["dead", "released", "never-taken"],
)
async def test_a_lease_that_nobody_renews_is_told(looks: list[dict[str, Any] | ApiError], said: str) -> None:
    with pytest.raises(NotWell) as told:
        await looked(Cluster(*looks))
    assert said in str(told.value)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NotFound("no such kind"), "The operator cannot work: the kind Gemma4Deployment is not known: install the CRD"),
        (Forbidden("pods is forbidden"), "a permission is missing: pods is forbidden"),
        (ApiUnavailable("away"), "the API server is not available: away"),
    ],
)
async def test_what_the_operator_lacks_is_told(error: ApiError, said: str) -> None:
    with pytest.raises(NotWell) as told:
        await looked(Cluster(error=error))
    assert said in str(told.value)


async def test_a_namespace_that_is_gone_is_named() -> None:
    """With it its Role is gone, and the operator goes on in the others."""
    settings = Settings(lease_namespace="ops", lease_name="second", watch_namespaces=("a", "b"))
    with pytest.raises(NotWell, match="The operator cannot work in the namespace 'a': a permission is missing: no"):
        await looked(Cluster(error=Forbidden("no")), settings)


async def test_it_pauses_between_two_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    cluster = Cluster(lease("pod-1", "t1"), lease("pod-1", "t1"), lease("pod-1", "t2"))
    await look(cluster, SETTINGS, patience_seconds=60)  # type: ignore[arg-type]
    assert pauses == [2.0, 2.0]


@pytest.mark.parametrize("arguments", [["check"], ["checkup", "now"], ["--help"]])
def test_other_words_are_refused(arguments: Iterable[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(list(arguments)) == 2
    refused = capsys.readouterr().err
    assert "there must be none, or `checkup` alone." in refused
    assert "`gemma4`" in refused, "who looks for the command line is told where it is"
