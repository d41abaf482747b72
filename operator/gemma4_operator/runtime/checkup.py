"""Whether an installed operator does its work, asked of the API server with its own rights: what `helm test` runs."""

import asyncio
import random
from time import monotonic

from gemma4_operator.kube.api import Api
from gemma4_operator.kube.connect import connect
from gemma4_operator.kube.errors import ApiError, NotFound
from gemma4_operator.kube.kinds import LEASE
from gemma4_operator.kube.lease import LeaseTimes
from gemma4_operator.runtime.resync import advice
from gemma4_operator.runtime.settings import Settings
from gemma4_operator.runtime.world import GEMMA4_DEPLOYMENT

PATIENCE_SECONDS = 45.0
"""A new operator may have to wait until the Lease of one that was killed has run out."""


class NotWell(Exception):
    """No operator of these settings does its work; the message says what is missing and what to do."""


async def checkup(settings: Settings) -> str:
    """Connect and return one sentence about the operator that leads. Raises `NoCredentials`, `NotWell`."""
    client = await connect(user_agent="gemma4-operator-checkup")
    try:
        return await look(Api(client, jitter=random.random), settings, patience_seconds=PATIENCE_SECONDS)
    finally:
        await client.close()


async def look(api: Api, settings: Settings, *, patience_seconds: float, times: LeaseTimes | None = None) -> str:
    """Return who leads, and how many resources its rights let it see.

    An operator leads if it renews the Lease while we look, which needs no clock to agree with another.

    Raises:
        NotWell: If a kind or a right is missing, or nobody renews the Lease within the patience.
    """
    count = sum([await _count(api, namespace) for namespace in settings.watch_namespaces or (None,)])
    try:
        leader = await _leader(api, settings, patience_seconds, times or LeaseTimes())
    except ApiError as error:
        raise NotWell(f"The operator cannot work: {advice(error)}") from error
    where = ", ".join(settings.watch_namespaces) or "all namespaces"
    return f"'{leader}' leads; Gemma4Deployments in {where}: {count}."


async def _count(api: Api, namespace: str | None) -> int:
    try:
        return len((await api.list(GEMMA4_DEPLOYMENT, namespace=namespace)).items)
    except ApiError as error:
        where = "" if namespace is None else f" in the namespace '{namespace}'"
        raise NotWell(f"The operator cannot work{where}: {advice(error)}") from error


async def _leader(api: Api, settings: Settings, patience_seconds: float, times: LeaseTimes) -> str:
    deadline, first = monotonic() + patience_seconds, None
    while True:
        holder, renewed = await _renewal(api, settings)
        first = first or (holder, renewed)
        if holder and renewed and (holder, renewed) != first:
            return holder
        if monotonic() >= deadline:
            name = f"'{settings.lease_namespace}/{settings.lease_name}'"
            whose = f"'{holder}' is still named in it" if holder else "nobody holds it"
            raise NotWell(
                f"No operator has renewed the Lease {name} in {patience_seconds:.0f} s, and {whose}: look at the "
                f"operator's pods and their logs in the namespace '{settings.lease_namespace}'."
            )
        await asyncio.sleep(times.retry_seconds)


async def _renewal(api: Api, settings: Settings) -> tuple[str, str]:
    """Return who holds the Lease, and when it was renewed as that one says."""
    try:
        lease = await api.get(LEASE, namespace=settings.lease_namespace, name=settings.lease_name)
    except NotFound:
        return "", ""
    spec = lease.get("spec") or {}
    return str(spec.get("holderIdentity") or ""), str(spec.get("renewTime") or "")
