"""What verbs ask of the cluster that the current kubeconfig names; imported only when one is asked."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

import yaml
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.config.config_exception import ConfigException

from gemma4_operator.api.common import GROUP, VERSION
from gemma4_operator.api.deployment import KIND, PLURAL
from gemma4_operator.cli.inputs import InvalidInput, Object
from gemma4_operator.kube.api import Api
from gemma4_operator.kube.connect import NoCredentials, connect
from gemma4_operator.kube.errors import ApiError, ApiRejected, NotFound
from gemma4_operator.kube.events import about
from gemma4_operator.kube.kinds import EVENT, NODE, POD, Kind
from gemma4_operator.kube.retry import Backoff
from gemma4_operator.status.evidence import LOG_BYTES, LOG_LINES, Evidence, gather
from gemma4_operator.status.pods import PodView, pod_view
from gemma4_operator.status.subjects import subjects
from gemma4_operator.status.words import Wanted, Words, heard, wanted

RESOURCE = Kind(group=GROUP, version=VERSION, kind=KIND, plural=PLURAL)
_RETRIES = Backoff(first_seconds=0.2, maximum_seconds=0.5, attempts=1)
"""Somebody waits for the answer: one more attempt, and then the reason why there is none."""
_Answer = TypeVar("_Answer")


def nodes_and_pods() -> tuple[Sequence[Object], Sequence[Object]]:
    """Return all nodes, and all pods for what is free of them. Raises InvalidInput."""

    async def listed(api: Api) -> tuple[Sequence[Object], Sequence[Object]]:
        nodes, pods = await api.list(NODE), await api.list(POD)
        return nodes.items, pods.items

    return asked(listed, instead="`--inventory`")


def deployment(name: str, namespace: str) -> Object:
    """Return a Gemma4Deployment of the cluster. Raises InvalidInput."""

    async def got(api: Api) -> Object:
        try:
            return await api.get(RESOURCE, namespace=namespace, name=name)
        except NotFound as error:
            raise InvalidInput(
                f"`NAME` must be a Gemma4Deployment of the namespace '{namespace}', and it has no '{name}': "
                "name another namespace with `-n`"
            ) from error

    return asked(got, instead="`-f`")


def pod_evidence(name: str, namespace: str, *, doubt: Callable[[str], None]) -> Evidence:
    """Return what is known of a pod; of events and a log that cannot be read, `doubt` is told. Raises InvalidInput."""

    async def got(api: Api) -> Evidence:
        try:
            pod = await api.get(POD, namespace=namespace, name=name)
        except NotFound as error:
            raise InvalidInput(
                f"`POD` must be a pod of the namespace '{namespace}', and it has no '{name}': "
                "name another namespace with `-n`"
            ) from error
        now = datetime.now(UTC)
        view = pod_view(pod)
        happened = list(await events(api, "Pod", name, namespace))
        for one in subjects(view):
            happened += await events(api, one.kind, one.name, one.namespace or namespace)
        said = await words(api, view, now)
        return gather(pod, happened, said.text, silent_seconds=said.silent_seconds, read_at=now)

    async def events(api: Api, kind: str, one: str, where: str) -> Sequence[Object]:
        try:
            return (await api.list(EVENT, namespace=where, field_selector=about(kind, one))).items
        except ApiRejected as error:
            doubt(f"the events about the {kind} '{one}' do not count, since they cannot be read: {error.message}")
            return ()

    async def words(api: Api, pod: PodView, now: datetime) -> Words:
        one = wanted(pod, now=now)
        if one is None:
            return Words()
        try:
            said = await log(api, one)
        except ApiError as error:
            # Of a node that has gone the API server answers 500, and that node's pods are those people ask about.
            doubt(f"the log of container '{one.container}' does not count, since it cannot be read: {error.message}")
            return Words()
        if not one.is_met_by(said):
            with contextlib.suppress(ApiError):  # There is none before it: then it was not started again either.
                before = await log(api, replace(one, previous=True))
                said = before if one.is_met_by(before) else said
        return heard(said, one, now=now)

    async def log(api: Api, one: Wanted) -> str:
        return await api.log(
            namespace=namespace,
            pod=name,
            container=one.container,
            previous=one.previous,
            timestamps=True,
            lines=LOG_LINES,
            limit_bytes=LOG_BYTES,
        )

    return asked(got, instead="`--pod`")


def asked(question: Callable[[Api], Awaitable[_Answer]], *, instead: str) -> _Answer:
    """Return the cluster's answer, or say which option does without a cluster."""

    async def ask() -> _Answer:
        client = await _connected(instead)
        try:
            return await question(Api(client, jitter=random.random, retries=_RETRIES))
        finally:
            await client.close()

    try:
        return asyncio.run(ask())
    except ApiError as error:
        raise InvalidInput(f"{instead} must be given where the cluster cannot be asked: {error}") from error


async def _connected(instead: str) -> ApiClient:
    try:
        return await connect(user_agent="gemma4")
    except NoCredentials as error:
        raise InvalidInput(f"{instead} must be given where there is no cluster: {error}") from error
    except (ConfigException, yaml.YAMLError, OSError) as error:
        problem = " ".join(str(error).split())
        raise InvalidInput(f"{instead} must be given where the kubeconfig cannot be used: {problem}") from error
    except TypeError as error:  # What the client's reader makes of a file that is YAML and no kubeconfig.
        raise InvalidInput(f"{instead} must be given where the kubeconfig cannot be used: it is none") from error
