"""The metrics APIs that a HorizontalPodAutoscaler asks, served by the test: one load, which the pods share.

The API server passes requests on to it as it does to any extension (APIService). It answers for the pods that a request
names by their labels, so what is told hangs on the selector that the asked resource has published.
"""

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from tests.cluster import Cluster, wait_for
from tests.cluster.proxy import identity

CUSTOM, EXTERNAL = "custom.metrics.k8s.io", "external.metrics.k8s.io"
_VERSIONS = {CUSTOM: "v1beta2", EXTERNAL: "v1beta1"}
_SERVICE = "metrics-of-the-test"

Pods = Callable[[str, str], list[str]]
"""From a namespace and a label selector to the names of the pods."""


class MetricsApi:
    """Both APIs, for any metric's name; every pod has its share of `load`, and all together have all of it.

    Attributes:
        load: What is told.
        asked: Namespace, metric and label selector of each question.
    """

    def __init__(self, pods: Pods) -> None:
        self.load = 0
        self.asked: set[tuple[str, str, str]] = set()
        self._pods = pods
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*identity())
        # The handshake belongs to the thread of the request, or one silent client would stop all.
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def answer(self, url: str) -> dict[str, Any] | None:
        """Return the body for a request; None: there is nothing of that kind."""
        parts = urlsplit(url)
        selector = parse_qs(parts.query).get("labelSelector", [""])[0]
        match [unquote(part) for part in parts.path.strip("/").split("/")]:
            case ["apis", group, version] if _VERSIONS.get(group) == version:
                resource = {"name": "pods/any" if group == CUSTOM else "any", "namespaced": True, "verbs": ["get"]}
                kind = "MetricValueList" if group == CUSTOM else "ExternalMetricValueList"
                return {
                    "kind": "APIResourceList",
                    "apiVersion": "v1",
                    "groupVersion": f"{group}/{version}",
                    "resources": [resource | {"singularName": "", "kind": kind}],
                }
            case ["apis", group, _, "namespaces", namespace, "pods", "*", metric] if group == CUSTOM:
                self.asked.add((namespace, metric, selector))
                return _list(CUSTOM, "MetricValueList", self._of_pods(namespace, metric, selector))
            case ["apis", group, _, "namespaces", namespace, metric] if group == EXTERNAL:
                self.asked.add((namespace, metric, selector))
                item = {"metricName": metric, "metricLabels": {}, "timestamp": _now(), "value": str(self.load)}
                return _list(EXTERNAL, "ExternalMetricValueList", [item])
        return None

    def _of_pods(self, namespace: str, metric: str, selector: str) -> list[dict[str, Any]]:
        found = self._pods(namespace, selector)
        return [
            {
                "describedObject": {"kind": "Pod", "apiVersion": "/v1", "namespace": namespace, "name": name},
                "metric": {"name": metric},
                "timestamp": _now(),
                "value": f"{1000 * self.load // len(found)}m",
            }
            for name in found
        ]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = api.answer(self.path)
                content = json.dumps(body if body is not None else {"kind": "Status", "code": 404}).encode()
                self.send_response(200 if body is not None else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler


def _list(group: str, kind: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"kind": kind, "apiVersion": f"{group}/{_VERSIONS[group]}", "metadata": {}, "items": items}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@contextmanager
def offered(cluster: Cluster, api: MetricsApi, *, namespace: str) -> Iterator[None]:
    """Have the API server pass both groups on, and forget them: a group that nobody serves stops namespaces' ends."""
    names = [f"{version}.{group}" for group, version in _VERSIONS.items()]
    cluster.apply(
        [
            # The API server stands on the machine itself, and no program of a node routes the addresses of Services.
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": _SERVICE, "namespace": namespace},
                "spec": {"type": "ExternalName", "externalName": "127.0.0.1"},
            },
            *(_api_service(group, version, api.port, namespace) for group, version in _VERSIONS.items()),
        ]
    )
    try:
        cluster.kubectl("wait", "apiservice", *names, "--for=condition=Available", "--timeout=240s")
        yield
    finally:
        cluster.kubectl("delete", "apiservice", *names, "--wait=true")
        groups = [*_VERSIONS]
        wait_for(
            lambda: not any(group in cluster.kubectl("api-versions").stdout for group in groups),
            20,
            f"the API server to forget {groups}",
        )


def _api_service(group: str, version: str, port: int, namespace: str) -> dict[str, Any]:
    return {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": f"{version}.{group}"},
        "spec": {
            "group": group,
            "version": version,
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "insecureSkipTLSVerify": True,
            "service": {"name": _SERVICE, "namespace": namespace, "port": port},
        },
    }
