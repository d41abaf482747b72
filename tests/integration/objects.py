"""Objects as the JSON they are, over one connection: a look costs milliseconds, where kubectl costs a process."""

import base64
import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import urllib3
import yaml

from gemma4_operator.kube.kinds import Kind
from gemma4_operator.kube.shallow import shallow

Object = dict[str, Any]

NAMESPACE_PATH = "/api/v1/namespaces"
_MERGE = "application/merge-patch+json"
_STRATEGIC = "application/strategic-merge-patch+json"
_APPLY = "application/apply-patch+yaml"


class Refused(Exception):
    """The API server said no.

    Attributes:
        code: The HTTP status.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Objects:
    """What the owner of a kubeconfig with a token can read and write."""

    def __init__(self, kubeconfig: Path) -> None:
        document = yaml.safe_load(kubeconfig.read_text())
        cluster, user = document["clusters"][0]["cluster"], document["users"][0]["user"]
        self._server = cluster["server"]
        self._headers = {"Authorization": f"Bearer {user['token']}"}
        authority = kubeconfig.with_suffix(".ca")
        authority.write_bytes(base64.b64decode(cluster["certificate-authority-data"]))
        # The API server is restarted by some tests: a connection that has gone is no news.
        self._pool = urllib3.PoolManager(
            ca_certs=str(authority), retries=urllib3.Retry(3, backoff_factor=0.2), maxsize=4
        )

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def get(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """Return an object, or None if there is none."""
        try:
            return self.request("GET", kind.path(namespace=namespace, name=name))
        except Refused as refusal:
            if refusal.code == 404:
                return None
            raise

    def list(self, kind: Kind, namespace: str) -> list[Object]:
        """Return the objects of a namespace."""
        items = self.request("GET", kind.path(namespace=namespace))["items"]
        return [{"apiVersion": kind.api_version, "kind": kind.kind, **item} for item in items]

    def create(self, kind: Kind, namespace: str, obj: Object) -> Object:
        """Create an object."""
        return self.request("POST", kind.path(namespace=namespace), body=obj)

    def patch(self, kind: Kind, namespace: str, name: str, patch: Object, *, strategic: bool = False) -> Object:
        """Patch an object as `kubectl patch --type=merge` does, or `--type=strategic`, which knows items by name."""
        path = kind.path(namespace=namespace, name=name)
        query = urlencode({"fieldManager": "somebody"})
        return self.request("PATCH", f"{path}?{query}", body=patch, content_type=_STRATEGIC if strategic else _MERGE)

    def apply(self, kind: Kind, namespace: str, obj: Object, *, manager: str) -> Object:
        """Apply an object server-side, without force."""
        query = {"fieldManager": manager, "fieldValidation": "Strict"}
        path = kind.path(namespace=namespace, name=obj["metadata"]["name"])
        return self.request("PATCH", f"{path}?{urlencode(query)}", body=obj, content_type=_APPLY)

    def delete(self, kind: Kind, namespace: str, name: str, *, propagation: str = "Background") -> None:
        """Delete an object; its dependents before it with the propagation `Foreground`."""
        path = kind.path(namespace=namespace, name=name)
        self.request("DELETE", path, body={"propagationPolicy": propagation})

    broken = (urllib3.exceptions.HTTPError,)
    """What a watch raises when it is stopped."""

    def watch(self, kind: Kind, namespace: str, version: str) -> tuple[Iterator[bytes], Callable[[], None]]:
        """Return what happens from a version on, an event in each line, and how to stop."""
        query = urlencode({"watch": "true", "resourceVersion": version, "timeoutSeconds": 3600})
        url = f"{self._server}{kind.path(namespace=namespace)}?{query}"
        response = self._pool.request("GET", url, headers=self._headers, preload_content=False)

        def stop() -> None:
            # Closing alone does not wake who reads.
            connection = response.connection
            if connection is not None and connection.sock is not None:
                connection.sock.shutdown(socket.SHUT_RDWR)

        return _lines(response), stop

    def request(
        self, method: str, path: str, *, body: Object | None = None, content_type: str = "application/json"
    ) -> Object:
        """Return the answer's JSON. Raises `Refused`."""
        headers = self._headers | ({"Content-Type": content_type} if body is not None else {})
        data = json.dumps(body).encode() if body is not None else None
        response = self._pool.request(method, self._server + path, body=data, headers=headers, timeout=60.0)
        # What some tests store nests deeper than Python reads.
        answer: Object = json.loads(shallow(response.data))
        if response.status >= 400:
            raise Refused(response.status, answer.get("message", ""))
        return answer

    def send(self, method: str, path: str, content: bytes, *, content_type: str) -> int:
        """Send bytes as they are, which need not be JSON, and return the HTTP status."""
        headers = self._headers | {"Content-Type": content_type}
        response = self._pool.request(method, self._server + path, body=content, headers=headers, timeout=60.0)
        return int(response.status)


def _lines(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    """Yield each line as soon as it is whole."""
    rest = b""
    for chunk in response.stream(2**16):
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole
