"""The admin as a fast client: many objects created at once, and a watch that tells when the last one is there."""

import asyncio
import base64
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp
import yaml

from gemma4_operator.kube.kinds import POD, Kind

Object = dict[str, Any]
T = TypeVar("T")

_CONNECTIONS = 32
_LONGEST_LINE = 2**22


class BenchError(Exception):
    """The cluster or the operator did not do what a figure needs."""


class Admin:
    """Requests of the cluster's admin; synchronous, because the rest of the bench is."""

    def __init__(self, kubeconfig: Path) -> None:
        document = yaml.safe_load(kubeconfig.read_text())
        cluster, user = document["clusters"][0]["cluster"], document["users"][0]["user"]
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        self._server: str = cluster["server"]
        self._headers = {"Authorization": f"Bearer {user['token']}"}
        self._tls = ssl.create_default_context(cadata=authority)
        self._runner = asyncio.Runner()
        self._session = self._runner.run(self._connect())

    async def _connect(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            base_url=self._server,
            headers=self._headers,
            connector=aiohttp.TCPConnector(ssl=self._tls, limit=_CONNECTIONS),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=10),
            read_bufsize=_LONGEST_LINE,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._runner.run(self._session.close())
        self._runner.close()

    def get(self, kind: Kind, namespace: str, name: str) -> Object:
        """Return one object."""
        return self._run(self._request("GET", kind.path(namespace=namespace, name=name)))

    def patch(self, kind: Kind, namespace: str, name: str, patch: list[Object]) -> None:
        """Change one object by hand, with a JSON patch."""
        path = kind.path(namespace=namespace, name=name)
        self._run(self._request("PATCH", path, patch, content_type="application/json-patch+json"))

    def delete(self, kind: Kind, namespace: str, *names: str) -> None:
        """Delete objects, all at once."""
        self._run(_all(self._request("DELETE", kind.path(namespace=namespace, name=name)) for name in names))

    def create(self, objects: Sequence[tuple[Kind, Object]]) -> None:
        """Create objects, all at once."""
        self._run(_all(self._create(kind, obj) for kind, obj in objects))

    def create_and_await(
        self,
        objects: Sequence[tuple[Kind, Object]],
        *,
        kind: Kind,
        namespace: str | None,
        is_there: Callable[[Object], bool],
        timeout_seconds: float,
    ) -> tuple[float, list[float]]:
        """Create objects, all at once, and return when each of a kind was first seen to be there.

        Args:
            objects: What to create.
            kind: Which of them to wait for.
            namespace: Where they are, None for a kind without namespaces; nothing of this kind is there yet.
            is_there: Says so of an object.
            timeout_seconds: After this a `BenchError` is raised.

        Returns:
            Seconds until all were created, and for each of the kind the seconds until it was there, in that order;
            both from before the first request.
        """
        return self._run(self._create_and_await(objects, kind, namespace, is_there, timeout_seconds))

    def clear(self, namespace: str, *kinds: Kind, timeout_seconds: float) -> None:
        """Delete all objects of some kinds, and return when none is left of these nor any pod."""
        self._run(self._clear([kind.path(namespace=namespace) for kind in kinds], namespace, timeout_seconds))

    async def _create_and_await(
        self,
        objects: Sequence[tuple[Kind, Object]],
        kind: Kind,
        namespace: str | None,
        is_there: Callable[[Object], bool],
        timeout_seconds: float,
    ) -> tuple[float, list[float]]:
        path = kind.path(namespace=namespace)
        waiting = {obj["metadata"]["name"] for of, obj in objects if of == kind}
        version = (await self._request("GET", path))["metadata"]["resourceVersion"]
        started = time.monotonic()
        creating = asyncio.create_task(self._create_all(objects))
        seen: list[float] = []
        try:
            async with asyncio.timeout(timeout_seconds):
                async for obj in self._changes(path, version):
                    if obj["metadata"]["name"] in waiting and is_there(obj):
                        waiting.discard(obj["metadata"]["name"])
                        seen.append(time.monotonic() - started)
                    if not waiting:
                        break
                return await creating - started, seen
        except TimeoutError:
            problem = f"{len(waiting)} {kind.plural} are not there after {timeout_seconds:g} s"
            raise BenchError(problem) from None
        finally:
            creating.cancel()

    async def _changes(self, path: str, version: str) -> AsyncIterator[Object]:
        """Yield objects as they change, for ever; an API server under load may end a watch at any time."""
        while True:
            query = {"watch": "1", "resourceVersion": version}
            async with self._session.get(path, params=query) as answer:
                while line := await answer.content.readline():
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        break
                    yield event["object"]
            listing = await self._request("GET", path)
            version = listing["metadata"]["resourceVersion"]
            for obj in listing["items"]:
                yield obj

    async def _create_all(self, objects: Sequence[tuple[Kind, Object]]) -> float:
        await _all(self._create(kind, obj) for kind, obj in objects)
        return time.monotonic()

    async def _clear(self, paths: Sequence[str], namespace: str, timeout_seconds: float) -> None:
        for path in paths:
            await self._request("DELETE", path)
        for path in (*paths, POD.path(namespace=namespace)):
            async with asyncio.timeout(timeout_seconds):
                while (await self._request("GET", f"{path}?limit=1"))["items"]:
                    await asyncio.sleep(0.1)

    async def _create(self, kind: Kind, obj: Object) -> Object:
        return await self._request("POST", kind.path(namespace=obj["metadata"].get("namespace")), obj)

    async def _request(
        self, method: str, path: str, body: Any = None, *, content_type: str = "application/json"
    ) -> Object:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": content_type}
        async with self._session.request(method, path, data=data, headers=headers) as answer:
            found: Object = await answer.json()
            if not answer.ok:
                raise BenchError(f"{method} {path}: {found.get('message', answer.status)}")
            return found

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(coroutine)


async def _all(requests: Any) -> None:
    await asyncio.gather(*requests)
