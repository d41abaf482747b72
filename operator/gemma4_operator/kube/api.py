"""A thin client: raw objects over `kubernetes.aio`'s authenticated transport.

Typed models are avoided on purpose: they cost ten times the CPU and drop fields that a newer API server knows.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from time import monotonic
from typing import Any
from urllib.parse import urlencode

import aiohttp
from kubernetes.aio.client.api_client import ApiClient

from gemma4_operator.kube.errors import ApiError, ApiUnavailable, from_response
from gemma4_operator.kube.kinds import POD, Kind
from gemma4_operator.kube.retry import Backoff
from gemma4_operator.kube.shallow import shallow

Object = dict[str, Any]

_APPLY = "application/apply-patch+yaml"
_JSON_PATCH = "application/json-patch+json"
_MERGE = "application/merge-patch+json"
_VERSION = Kind(group="", version="", kind="Version", plural="version", namespaced=False)
"""No object: what the API server says of itself, at a path of its own."""
LOG_READ_BYTES = 1 << 20
"""What one request for a log may bring. A kubelet counts it from the first of the lines, so one that is short of them
cuts the end off, and that is what is wanted.
"""
PAGE_OBJECTS = 500
"""How many objects of a kind of which there may be any number are held at once: a pod takes some fifty kilobytes."""
RETRIES = Backoff(first_seconds=0.2, maximum_seconds=2.0, attempts=4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One finished request, for metrics. `code` is 0 when there was no answer."""

    verb: str
    kind: Kind
    code: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The objects of a kind at one moment of the API server's history."""

    items: tuple[Object, ...]
    resource_version: int


def _nothing(_: Request) -> None:
    return None


def _always() -> None:
    return None


class Api:
    """Reads and writes objects as the JSON they are.

    Args:
        client: The authenticated transport, owned by the caller.
        jitter: A number in [0, 1) for each retry delay.
        may_write: Called before each write; raises `LeadershipLost` to prevent it.
        observer: Told of each finished request.
        timeout_seconds: For one attempt of one request; well below the Lease's duration, so that no write of a lost
            leader is still under way when another begins.
        retries: Delays between attempts of an idempotent request.
    """

    def __init__(
        self,
        client: ApiClient,
        *,
        jitter: Callable[[], float],
        may_write: Callable[[], None] = _always,
        observer: Callable[[Request], None] = _nothing,
        timeout_seconds: float = 4.0,
        retries: Backoff = RETRIES,
    ) -> None:
        self._client = client
        self._jitter = jitter
        self._may_write = may_write
        self._observer = observer
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._list_timeout = aiohttp.ClientTimeout(total=10 * timeout_seconds)
        self._retries = retries

    async def version(self) -> str:
        """Return the API server's own version, such as v1.36.3. Raises as `get`."""
        answer = await self._retried("get", _VERSION, "GET", "/version")
        return str(answer.get("gitVersion", ""))

    async def get(self, kind: Kind, *, namespace: str, name: str) -> Object:
        """Return one object as it is now. Raises `NotFound`, `Forbidden`, `ApiUnavailable`."""
        answer = await self._retried("get", kind, "GET", kind.path(namespace=namespace, name=name))
        return {"apiVersion": kind.api_version, "kind": kind.kind, **answer}

    async def list(
        self, kind: Kind, *, namespace: str | None = None, label_selector: str = "", field_selector: str = ""
    ) -> Listing:
        """Return every object of a kind in the cluster or a namespace, consistently. Raises as `get`."""
        selectors = {"labelSelector": label_selector, "fieldSelector": field_selector}
        query = {name: selector for name, selector in selectors.items() if selector}
        answer = await self._retried(
            "list", kind, "GET", kind.path(namespace=namespace), query=query, within=self._list_timeout
        )
        return Listing(
            items=tuple({"apiVersion": kind.api_version, "kind": kind.kind, **item} for item in answer["items"]),
            resource_version=int(answer["metadata"]["resourceVersion"]),
        )

    async def pages(
        self, kind: Kind, *, namespace: str | None = None, field_selector: str = ""
    ) -> AsyncIterator[tuple[Object, ...]]:
        """Yield every object of a kind in the cluster or a namespace, a part at a time. Raises as `get`.

        For kinds of which there may be more than memory holds: what is kept of a part is the caller's choice. All parts
        are of one moment; an `ApiRejected` says that it was too long ago for another.
        """
        query = {"limit": str(PAGE_OBJECTS)} | ({"fieldSelector": field_selector} if field_selector else {})
        path = kind.path(namespace=namespace)
        while True:
            answer = await self._retried("list", kind, "GET", path, query=query, within=self._list_timeout)
            yield tuple({"apiVersion": kind.api_version, "kind": kind.kind, **item} for item in answer["items"])
            if not (rest := answer["metadata"].get("continue")):
                return
            query["continue"] = rest

    async def log(
        self,
        *,
        namespace: str,
        pod: str,
        container: str,
        previous: bool,
        lines: int,
        limit_bytes: int,
        timestamps: bool = False,
    ) -> str:
        """Return the end of a container's log, of its run before this one with `previous`. Not retried.

        It is whole lines, unless the last is longer than `limit_bytes`, and fewer than `lines` where they are longer
        together. With `timestamps` each begins with its time and a space.

        Raises:
            NotFound: If the pod is gone.
            ApiRejected: If there is no such run.
        """
        path = POD.path(namespace=namespace, name=pod, subresource="log")
        query = {"container": container, "tailLines": "", "limitBytes": str(LOG_READ_BYTES)}
        flags = {"previous": previous, "timestamps": timestamps}
        query |= {name: "true" for name, wanted in flags.items() if wanted}
        data = b""
        for count in _ever_fewer(lines):
            data = await self._sent("log", POD, "GET", path, query={**query, "tailLines": str(count)})
            if len(data) < LOG_READ_BYTES:
                break
        return _end(data, limit_bytes).decode(errors="replace")

    async def apply(self, kind: Kind, obj: Object, *, manager: str, force: bool) -> Object:
        """Server-side apply; unknown fields are errors. Returns what is stored now.

        With `force` fields of other managers are taken over; without, they make it a `Conflict`.
        """
        return await self._apply(kind, obj, manager=manager, force=force, subresource=None)

    async def apply_status(self, kind: Kind, obj: Object, *, manager: str) -> Object:
        """Server-side apply of the status subresource alone."""
        return await self._apply(kind, obj, manager=manager, force=True, subresource="status")

    async def create(self, kind: Kind, obj: Object) -> Object:
        """Create once, without a retry: an attempt whose answer was lost may have created it."""
        path = kind.path(namespace=obj["metadata"].get("namespace"))
        return await self._once("create", kind, "POST", path, body=obj)

    async def replace(self, kind: Kind, obj: Object) -> Object:
        """Replace the object of this resourceVersion; `Conflict` if it has changed since. Not retried."""
        metadata = obj["metadata"]
        path = kind.path(namespace=metadata["namespace"], name=metadata["name"])
        return await self._once("update", kind, "PUT", path, body=obj)

    async def merge(self, kind: Kind, patch: Object, *, namespace: str, name: str) -> Object:
        """Merge-patch some fields. Not retried."""
        path = kind.path(namespace=namespace, name=name)
        return await self._once("patch", kind, "PATCH", path, body=patch, content_type=_MERGE)

    async def remove_status(self, kind: Kind, live: Object, pointers: Sequence[str]) -> Object:
        """Take parts of a status away, whoever owns them; an apply takes only what is ours. Not retried.

        Args:
            kind: The object's.
            live: The object as it is known; `Conflict` or a rejection if it has changed since.
            pointers: Of the parts (RFC 6901), in an order in which each is still where it was.
        """
        metadata = live["metadata"]
        path = kind.path(namespace=metadata["namespace"], name=metadata["name"], subresource="status")
        same = {"op": "test", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]}
        steps = [same, *({"op": "remove", "path": pointer} for pointer in pointers)]
        return await self._once("patch", kind, "PATCH", path, body=steps, content_type=_JSON_PATCH)

    async def _apply(self, kind: Kind, obj: Object, *, manager: str, force: bool, subresource: str | None) -> Object:
        metadata = obj["metadata"]
        path = kind.path(namespace=metadata["namespace"], name=metadata["name"], subresource=subresource)
        query = {"fieldManager": manager, "force": str(force).lower(), "fieldValidation": "Strict"}
        return await self._retried("apply", kind, "PATCH", path, query=query, body=obj, content_type=_APPLY)

    async def _retried(self, verb: str, kind: Kind, method: str, path: str, **options: Any) -> Object:
        """Try again while the server is merely unavailable; the last error is raised."""
        delays = self._retries.delays_seconds(jitter=self._jitter)
        while True:
            try:
                return await self._once(verb, kind, method, path, **options)
            except ApiUnavailable as error:
                delay = next(delays, None)
                if delay is None:
                    raise
                await asyncio.sleep(max(delay, min(error.retry_after_seconds or 0.0, 30.0)))

    async def _once(self, verb: str, kind: Kind, method: str, path: str, **options: Any) -> Object:
        data = await self._sent(verb, kind, method, path, **options)
        try:
            parsed: Object = json.loads(shallow(data))
        except ValueError as error:
            raise ApiUnavailable(f"no answer from the API server: {error}") from error
        return parsed

    async def _sent(
        self,
        verb: str,
        kind: Kind,
        method: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        body: Object | Sequence[Object] | None = None,
        content_type: str = "application/json",
        within: aiohttp.ClientTimeout | None = None,
    ) -> bytes:
        started = monotonic()
        code = 0
        if method != "GET":
            self._may_write()
        try:
            url = f"{self._client.configuration.host}{path}" + (f"?{urlencode(query)}" if query else "")
            headers = await self._headers(method, content_type)
            response = await self._client.call_api(
                method, url, header_params=headers, body=body, _request_timeout=within or self._timeout
            )
            data: bytes = await response.read()
            code = response.status
            if code >= HTTPStatus.BAD_REQUEST:
                raise from_response(status=code, body=data, retry_after=response.getheader("Retry-After"))
            return data
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise ApiUnavailable(f"no answer from the API server: {error or type(error).__name__}") from error
        finally:
            self._observer(Request(verb=verb, kind=kind, code=code, seconds=monotonic() - started))

    async def _headers(self, method: str, content_type: str) -> dict[str, str]:
        headers = {"Accept": "application/json", "User-Agent": self._client.user_agent}
        if method != "GET":
            headers["Content-Type"] = content_type
        await self._client.update_params_for_auth(headers, [], ["BearerToken"], "", method, None)
        return headers


def _ever_fewer(lines: int) -> Iterator[int]:
    """Yield a number of lines, and after it an eighth each time, down to one."""
    yield lines
    while lines > 1:
        lines = max(1, lines // 8)
        yield lines


def _end(data: bytes, limit_bytes: int) -> bytes:
    """Return the last bytes, from the beginning of a line on if there is one in them."""
    if len(data) <= limit_bytes:
        return data
    kept = data[-limit_bytes:]
    return kept.partition(b"\n")[2] or kept


__all__ = ["Api", "ApiError", "Listing", "Object", "Request"]
