"""What verbs ask of the cluster that a kubeconfig names; imported only when one is asked."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.config.config_exception import ConfigException

from gemma4_operator.api.common import GROUP, VERSION
from gemma4_operator.api.deployment import KIND, PLURAL
from gemma4_operator.cli.access import Access
from gemma4_operator.cli.inputs import InvalidInput, Object
from gemma4_operator.cli.namespaces import DEFAULT
from gemma4_operator.kube.api import Api
from gemma4_operator.kube.connect import SERVICE_ACCOUNT, connect, in_cluster
from gemma4_operator.kube.errors import ApiError, ApiRejected, NotFound
from gemma4_operator.kube.events import about
from gemma4_operator.kube.kinds import EVENT, NODE, POD, Kind
from gemma4_operator.kube.kubeconfig import (
    Config,
    UnusableKubeconfig,
    context_of,
    merged,
    namespace_of,
    usual_paths,
)
from gemma4_operator.kube.retry import Backoff
from gemma4_operator.status.evidence import LOG_BYTES, LOG_LINES, Evidence, gather
from gemma4_operator.status.pods import pod_view
from gemma4_operator.status.subjects import subjects
from gemma4_operator.status.words import Wanted, last_words

RESOURCE = Kind(group=GROUP, version=VERSION, kind=KIND, plural=PLURAL)
_RETRIES = Backoff(first_seconds=0.2, maximum_seconds=0.5, attempts=1)
"""Somebody waits for the answer: one more attempt, and then the reason why there is none."""
_Answer = TypeVar("_Answer")


def nodes_and_pods(access: Access) -> tuple[Sequence[Object], Sequence[Object]]:
    """Return all nodes, and all pods for what is free of them. Raises InvalidInput."""

    async def listed(api: Api) -> tuple[Sequence[Object], Sequence[Object]]:
        nodes, pods = await api.list(NODE), await api.list(POD)
        return nodes.items, pods.items

    return asked(listed, access, instead="`--inventory`")


def deployment(name: str, namespace: str, access: Access) -> Object:
    """Return a Gemma4Deployment of the cluster. Raises InvalidInput."""

    async def got(api: Api) -> Object:
        try:
            return await api.get(RESOURCE, namespace=namespace, name=name)
        except NotFound as error:
            raise InvalidInput(
                f"`NAME` must be a Gemma4Deployment of the namespace '{namespace}', and it has no '{name}': "
                "name another namespace with `-n`"
            ) from error

    return asked(got, access, instead="`-f`")


def pod_evidence(name: str, namespace: str, access: Access, *, doubt: Callable[[str], None]) -> Evidence:
    """Return what is known of a pod; of events and a log that cannot be read, `doubt` is told. Raises InvalidInput."""

    async def got(api: Api) -> Evidence:
        try:
            pod = await api.get(POD, namespace=namespace, name=name)
        except NotFound as error:
            raise InvalidInput(
                f"`POD` must be a pod of the namespace '{namespace}', and it has no '{name}': "
                "name another namespace with `-n`"
            ) from error
        now = _now()
        view = pod_view(pod)
        happened = list(await events(api, "Pod", name, namespace))
        for one in subjects(view):
            happened += await events(api, one.kind, one.name, one.namespace or namespace)
        said = await last_words(view, lambda one: log(api, one), now=_now)
        return gather(pod, happened, said.text, silent_seconds=said.silent_seconds, read_at=now)

    async def events(api: Api, kind: str, one: str, where: str) -> Sequence[Object]:
        try:
            return (await api.list(EVENT, namespace=where, field_selector=about(kind, one))).items
        except ApiRejected as error:
            doubt(f"the events about the {kind} '{one}' do not count, since they cannot be read: {error.message}")
            return ()

    async def log(api: Api, one: Wanted) -> str:
        try:
            return await api.log(
                namespace=namespace,
                pod=name,
                container=one.container,
                previous=one.previous,
                timestamps=True,
                lines=LOG_LINES,
                limit_bytes=LOG_BYTES,
            )
        except ApiError as error:
            # Of a node that has gone the API server answers 500, and that node's pods are those people ask about.
            if not one.is_second:  # Without a second, the container was not started again: the first counts.
                doubt(
                    f"the log of container '{one.container}' does not count, since it cannot be read: {error.message}"
                )
            return ""

    return asked(got, access, instead="`--pod`")


def _now() -> datetime:
    return datetime.now(UTC)


def asked(question: Callable[[Api], Awaitable[_Answer]], access: Access, *, instead: str) -> _Answer:
    """Return the cluster's answer, or say which option does without a cluster."""

    async def ask() -> _Answer:
        client = await _connected(access, instead)
        try:
            return await question(Api(client, jitter=random.random, retries=_RETRIES))
        finally:
            await client.close()

    try:
        return asyncio.run(ask())
    except ApiError as error:
        raise _without(instead, f"the cluster cannot be asked: {error}") from error


async def _connected(access: Access, instead: str) -> ApiClient:
    config = _config(access, instead)
    try:
        context = _context(config, access) if config is not None else None
        return await connect(user_agent="gemma4", kubeconfig=config, context=context)
    except (ConfigException, UnusableKubeconfig, OSError) as error:
        raise _unusable(instead, error) from error
    except TypeError as error:  # What the client's reader makes of that, where the server speaks TLS.
        raise _unusable(instead, UnusableKubeconfig("its context names no user that it has")) from error


def usual_namespace(access: Access, *, instead: str) -> str:
    """Return the namespace that kubectl would take: the context's, or in a pod its own. Raises InvalidInput."""
    config = _config(access, instead)
    try:
        if config is not None:
            return namespace_of(config, _context(config, access)) or DEFAULT
        own = SERVICE_ACCOUNT.with_name("namespace")
        return own.read_text().strip() if own.exists() else DEFAULT
    except (UnusableKubeconfig, OSError) as error:
        raise _unusable(instead, error) from error


def _context(config: Config, access: Access) -> str:
    try:
        return context_of(config, access.context)
    except UnusableKubeconfig as error:
        if access.context is None:
            raise
        raise InvalidInput(f"`--context` must be one of the kubeconfig, and {error}") from error


def _config(access: Access, instead: str) -> Config | None:
    """Return the kubeconfig that counts; None: the ServiceAccount of this pod does. Raises InvalidInput."""
    if access.kubeconfig is None and access.context is None and in_cluster():
        return None
    paths = usual_paths() if access.kubeconfig is None else (Path(access.kubeconfig),)
    if not any(path.exists() for path in paths):
        files = " or ".join(f"'{path}'" for path in paths)
        if access.kubeconfig is not None:
            raise InvalidInput(f"`--kubeconfig` must be a file, and there is no file {files}")
        raise _without(
            instead,
            f"there is no cluster to ask, neither by a ServiceAccount token nor by the file {files}: set KUBECONFIG, "
            "or run in a cluster",
        )
    try:
        return merged(paths)
    except (UnusableKubeconfig, OSError) as error:
        raise _unusable(instead, error) from error


def _unusable(instead: str, error: Exception) -> InvalidInput:
    return _without(instead, f"the kubeconfig cannot be used: {' '.join(str(error).split())}")


def _without(instead: str, problem: str) -> InvalidInput:
    """Return the problem, and what does without a cluster."""
    return InvalidInput(f"{problem.rstrip('.')}. Or give {instead}.")
