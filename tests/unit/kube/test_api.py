"""The client against a small HTTP server: what goes over the wire, what is tried again, and what is not."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration

from gemma4_operator.kube.api import LOG_READ_BYTES, PAGE_OBJECTS, Api, Request
from gemma4_operator.kube.errors import ApiRejected, ApiUnavailable, Conflict, LeadershipLost, NotFound
from gemma4_operator.kube.kinds import DEPLOYMENT, LEASE, SERVICE
from gemma4_operator.kube.retry import Backoff

SERVICE_OBJECT = {"apiVersion": "v1", "kind": "Service", "metadata": {"namespace": "team", "name": "chat"}}
LEASE_OBJECT = {"metadata": {"namespace": "team", "name": "lease", "resourceVersion": "3"}}


class Kubelet:
    """Gives logs as a kubelet does: it goes back so many lines, and gives so many bytes from there on."""

    def __init__(self, *lines: str) -> None:
        self.lines = lines
        self.asked: list[int] = []

    def log(self, request: web.Request) -> web.StreamResponse:
        count, limit = int(request.query["tailLines"]), int(request.query["limitBytes"])
        self.asked.append(count)
        said = b""
        for line in self.lines[-count:]:
            if len(said) >= limit:
                break
            said += f"{line}\n".encode()
        return web.Response(body=said[:limit])


class Server:
    """Answers from a script, one answer a request, and keeps the requests. The last answer is repeated."""

    def __init__(self) -> None:
        self.script: list[tuple[int, Any, dict[str, str]]] = [(200, {}, {})]
        self.requests: list[dict[str, Any]] = []
        self.drop_next = 0
        self.kubelet: Kubelet | None = None

    def answer(self, *answers: tuple[int, Any] | tuple[int, Any, dict[str, str]]) -> None:
        self.script = [(*answer, {})[:3] for answer in answers]  # type: ignore[misc]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if self.kubelet is not None:
            return self.kubelet.log(request)
        self.requests.append(
            {
                "method": request.method,
                "path": request.path,
                "query": dict(request.query),
                "type": request.headers.get("Content-Type", ""),
                "token": request.headers.get("Authorization", ""),
                "agent": request.headers.get("User-Agent", ""),
                "body": await request.text(),
            }
        )
        if self.drop_next:
            self.drop_next -= 1
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        code, body, headers = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        return web.Response(status=code, text=body if isinstance(body, str) else json.dumps(body), headers=headers)


@pytest.fixture
async def server() -> AsyncIterator[tuple[Server, str]]:
    script = Server()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", script.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield script, f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
async def client(server: tuple[Server, str]) -> AsyncIterator[ApiClient]:
    configuration = Configuration(host=server[1], api_key={"BearerToken": "Bearer secret"})
    configuration.proxy = None
    client = ApiClient(configuration=configuration)
    client.user_agent = "gemma4-operator"
    yield client
    await client.close()


@pytest.fixture
def script(server: tuple[Server, str]) -> Server:
    return server[0]


def quick(client: ApiClient, **options: Any) -> Api:
    retries = Backoff(first_seconds=0.001, maximum_seconds=0.002, attempts=3)
    return Api(client, jitter=lambda: 0.0, retries=retries, timeout_seconds=60.0, **options)


async def test_an_apply_names_its_manager_and_lets_no_unknown_field_pass(script: Server, client: ApiClient) -> None:
    await quick(client).apply(SERVICE, SERVICE_OBJECT, manager="gemma4-operator", force=True)
    (request,) = script.requests
    assert (request["method"], request["path"]) == ("PATCH", "/api/v1/namespaces/team/services/chat")
    assert request["query"] == {"fieldManager": "gemma4-operator", "force": "true", "fieldValidation": "Strict"}
    assert request["type"] == "application/apply-patch+yaml"
    assert json.loads(request["body"]) == SERVICE_OBJECT
    assert request["token"] == "Bearer secret"
    assert request["agent"] == "gemma4-operator"


async def test_a_conflict_is_told_in_the_servers_words_and_not_tried_again(script: Server, client: ApiClient) -> None:
    script.answer((409, {"message": "conflict with kubectl"}))
    with pytest.raises(Conflict, match="conflict with kubectl"):
        await quick(client).apply(SERVICE, SERVICE_OBJECT, manager="m", force=False)
    assert script.requests[0]["query"]["force"] == "false"
    assert len(script.requests) == 1


async def test_a_status_goes_to_its_subresource(script: Server, client: ApiClient) -> None:
    await quick(client).apply_status(DEPLOYMENT, SERVICE_OBJECT, manager="m")
    assert script.requests[0]["path"] == "/apis/apps/v1/namespaces/team/deployments/chat/status"


async def test_a_listing_knows_its_moment_and_completes_its_items(script: Server, client: ApiClient) -> None:
    script.answer((200, {"metadata": {"resourceVersion": "41"}, "items": [{"metadata": {"name": "a"}}]}))
    listing = await quick(client).list(DEPLOYMENT, label_selector="a=b")
    assert listing.resource_version == 41
    assert listing.items == ({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}},)
    assert script.requests[0]["query"] == {"labelSelector": "a=b"}


@pytest.mark.parametrize("code", [401, 429, 500, 502, 503, 504])
async def test_what_may_pass_is_tried_again(script: Server, client: ApiClient, code: int) -> None:
    script.answer((code, {"message": "later"}), (code, {"message": "later"}), (200, {"ok": True}))
    assert (await quick(client).apply(SERVICE, SERVICE_OBJECT, manager="m", force=True))["ok"]
    assert len(script.requests) == 3


async def test_a_lost_connection_is_tried_again(script: Server, client: ApiClient) -> None:
    script.drop_next = 2
    await quick(client).get(SERVICE, namespace="team", name="chat")
    assert len(script.requests) >= 3


async def test_after_the_last_attempt_the_error_is_the_servers(script: Server, client: ApiClient) -> None:
    script.answer((503, {"message": "etcd is away"}))
    with pytest.raises(ApiUnavailable, match="etcd is away"):
        await quick(client).get(SERVICE, namespace="team", name="chat")
    assert len(script.requests) == 4


@pytest.mark.parametrize(("code", "kind"), [(400, ApiRejected), (404, NotFound), (422, ApiRejected)])
async def test_what_will_be_refused_again_is_not_tried_again(
    script: Server, client: ApiClient, code: int, kind: type[ApiRejected]
) -> None:
    script.answer((code, {"message": "no"}))
    with pytest.raises(kind):
        await quick(client).apply(SERVICE, SERVICE_OBJECT, manager="m", force=True)
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    "write",
    [
        lambda api: api.create(LEASE, LEASE_OBJECT),
        lambda api: api.replace(LEASE, LEASE_OBJECT),
        lambda api: api.merge(LEASE, {}, namespace="team", name="lease"),
    ],
    ids=["create", "replace", "merge"],
)
async def test_what_may_have_happened_already_is_not_done_twice(script: Server, client: ApiClient, write: Any) -> None:
    script.answer((500, {"message": "perhaps"}))
    with pytest.raises(ApiUnavailable):
        await write(quick(client))
    assert len(script.requests) == 1


async def test_a_busy_server_is_given_the_time_it_asks_for(script: Server, client: ApiClient) -> None:
    script.answer((429, {"message": "busy"}, {"Retry-After": "0.2"}), (200, {}))
    seen: list[Request] = []
    await quick(client, observer=seen.append).get(SERVICE, namespace="team", name="chat")
    assert [request.code for request in seen] == [429, 200]


async def test_no_write_leaves_once_the_lease_is_lost(script: Server, client: ApiClient) -> None:
    def lost() -> None:
        raise LeadershipLost("lost")

    api = quick(client, may_write=lost)
    for write in (
        api.apply(SERVICE, SERVICE_OBJECT, manager="m", force=True),
        api.apply_status(SERVICE, SERVICE_OBJECT, manager="m"),
    ):
        with pytest.raises(LeadershipLost):
            await write
    assert script.requests == []
    await api.get(SERVICE, namespace="team", name="chat")  # reading needs no lease


async def test_the_lease_is_asked_again_before_each_attempt(script: Server, client: ApiClient) -> None:
    script.answer((500, {"message": "later"}))
    allowed = iter([True, False])

    def may_write() -> None:
        if not next(allowed):
            raise LeadershipLost("lost while waiting")

    with pytest.raises(LeadershipLost):
        await quick(client, may_write=may_write).apply(SERVICE, SERVICE_OBJECT, manager="m", force=True)
    assert len(script.requests) == 1


async def test_every_request_is_observed_even_without_an_answer(client: ApiClient) -> None:
    client.configuration.host = "http://127.0.0.1:1"
    seen: list[Request] = []
    with pytest.raises(ApiUnavailable, match="no answer from the API server"):
        await quick(client, observer=seen.append).get(SERVICE, namespace="team", name="chat")
    assert [(request.verb, request.kind.kind, request.code) for request in seen] == [("get", "Service", 0)] * 4
    assert all(request.seconds >= 0 for request in seen)


async def test_an_answer_that_is_no_json_is_no_traceback(script: Server, client: ApiClient) -> None:
    script.answer((200, "<html>"))
    with pytest.raises(ApiUnavailable):
        await quick(client).get(SERVICE, namespace="team", name="chat")


async def test_a_slow_answer_ends_at_the_time_out(client: ApiClient) -> None:
    api = Api(
        client,
        jitter=lambda: 0.0,
        retries=Backoff(first_seconds=0.001, maximum_seconds=0.001, attempts=0),
        timeout_seconds=0.0001,
    )
    assert isinstance(api._timeout, aiohttp.ClientTimeout)
    with pytest.raises(ApiUnavailable, match="no answer"):
        await api.get(SERVICE, namespace="team", name="chat")


async def test_the_end_of_a_log_is_asked_for_and_is_text(script: Server, client: ApiClient) -> None:
    script.answer((200, "first line\nCUDA out of memory\n"))
    api = quick(client)
    said = await api.log(namespace="team", pod="chat-1", container="vllm", previous=True, lines=100, limit_bytes=4096)
    assert said == "first line\nCUDA out of memory\n"
    (request,) = script.requests
    assert (request["method"], request["path"]) == ("GET", "/api/v1/namespaces/team/pods/chat-1/log")
    wanted = {"container": "vllm", "tailLines": "100", "limitBytes": str(LOG_READ_BYTES), "previous": "true"}
    assert request["query"] == wanted


async def test_a_log_of_the_run_that_goes_on(script: Server, client: ApiClient) -> None:
    script.answer((200, "loading"))
    api = quick(client)
    await api.log(namespace="team", pod="chat-1", container="vllm", previous=False, lines=10, limit_bytes=100)
    assert "previous" not in script.requests[0]["query"]


LAST = "torch.OutOfMemoryError: CUDA out of memory."
LENGTHS = {
    "short lines": (100, [200], 201),
    "lines in JSON": (2_000, [200], 33),
    "lines as long as a runtime lets them be": (16_384, [200, 25], 4),
    "lines longer than all that is kept": (200_000, [200, 25, 3], 1),
    "one line longer than a request brings": (2 * LOG_READ_BYTES, [200, 25, 3, 1], 1),
}


@pytest.mark.parametrize("case", LENGTHS)
async def test_the_last_words_of_a_log_are_kept_however_long_its_lines(
    case: str, script: Server, client: ApiClient
) -> None:
    length, asked, most = LENGTHS[case]
    kubelet = script.kubelet = Kubelet(*["x" * length] * 300, LAST)
    said = await quick(client).log(
        namespace="team", pod="a", container="b", previous=False, lines=200, limit_bytes=65536
    )
    assert kubelet.asked == asked
    assert said.splitlines()[-1] == LAST
    assert len(said.splitlines()) <= most
    assert len(said.encode()) <= 65536
    assert set(map(len, said.splitlines()[:-1])) <= {length}, "no line is cut"


async def test_a_last_line_that_no_request_brings_is_cut(script: Server, client: ApiClient) -> None:
    kubelet = script.kubelet = Kubelet("ä" * LOG_READ_BYTES)
    said = await quick(client).log(namespace="team", pod="a", container="b", previous=False, lines=8, limit_bytes=99)
    assert kubelet.asked == [8, 1]
    assert len(said) == 50


async def test_a_run_that_never_was_has_no_log(script: Server, client: ApiClient) -> None:
    script.answer((400, {"message": "previous terminated container not found"}))
    api = quick(client)
    with pytest.raises(ApiRejected, match="previous terminated container"):
        await api.log(namespace="team", pod="a", container="b", previous=True, lines=1, limit_bytes=1)
    assert len(script.requests) == 1


async def test_one_namespace_is_listed(script: Server, client: ApiClient) -> None:
    script.answer((200, {"items": [], "metadata": {"resourceVersion": "7"}}))
    await quick(client).list(SERVICE, namespace="team", field_selector="metadata.name=chat")
    assert script.requests[0]["path"] == "/api/v1/namespaces/team/services"
    assert script.requests[0]["query"] == {"fieldSelector": "metadata.name=chat"}


async def test_a_listing_in_parts_goes_on_until_nothing_is_left(script: Server, client: ApiClient) -> None:
    parts = [(name, {"continue": rest}) for name, rest in (("a", "x/1"), ("b", "x/2"), ("c", ""))]
    script.answer(*((200, {"metadata": about, "items": [{"metadata": {"name": name}}]}) for name, about in parts))
    found = [part async for part in quick(client).pages(SERVICE, namespace="team", field_selector="a=b")]
    assert [[one["metadata"]["name"] for one in part] for part in found] == [["a"], ["b"], ["c"]]
    assert found[0][0]["kind"] == "Service"
    asked = {"limit": str(PAGE_OBJECTS), "fieldSelector": "a=b"}
    assert [request["query"] for request in script.requests] == [
        asked,
        {**asked, "continue": "x/1"},
        {**asked, "continue": "x/2"},
    ]


async def test_the_servers_version_is_asked_for_like_all_else(script: Server, client: ApiClient) -> None:
    script.answer((503, {}), (200, {"gitVersion": "v1.36.3", "major": "1"}))
    told: list[Request] = []
    assert await quick(client, observer=told.append).version() == "v1.36.3"
    assert [request["path"] for request in script.requests] == ["/version", "/version"]
    assert [(one.verb, one.kind.plural, one.code) for one in told] == [("get", "version", 503), ("get", "version", 200)]


async def test_a_server_that_tells_no_version_has_none(script: Server, client: ApiClient) -> None:
    assert await quick(client).version() == ""
