"""What the proxy must not change: requests, answers and streams pass as they are, and it starts and stops cleanly."""

import asyncio
import io
import json
import logging
import socket
import sys
import threading
import time

import aiohttp
import pytest
from yarl import URL

from tests.cluster.faults import WRITES
from tests.cluster.proxy import FaultProxy
from tests.unit.proxy.conftest import Upstream

PODS = "/api/v1/namespaces/default/pods"


async def test_a_patch_passes_as_it_is(client, proxy, upstream):
    target = f"{PODS}/a%2Fb?fieldManager=gemma4&force=true&labelSelector=a%3Db"
    headers = {"Content-Type": "application/apply-patch+yaml"}
    body = json.dumps({"kind": "Pod"}).encode()

    async with client.patch(URL(proxy.server + target, encoded=True), data=body, headers=headers) as got:
        answer, warnings = await got.json(), got.headers.getall("Warning")

    (method, path, sent, seen) = upstream.seen[0]
    assert (method, path, sent) == ("PATCH", target, body)
    assert seen["Authorization"] == "Bearer t0ken"
    assert seen["Content-Type"] == "application/apply-patch+yaml"
    assert seen["User-Agent"] == "operator/1"
    assert answer == {"kind": "Pod"}
    assert warnings == ['299 - "one"', '299 - "two"']
    assert got.headers["Audit-Id"] == "a1"


async def test_a_large_body_passes(client, upstream):
    async with client.post(PODS, data=io.BytesIO(b"x" * 3_000_000)) as got:
        assert got.status == 201
    assert len(upstream.seen[0][2]) == 3_000_000


async def test_a_watch_flows_while_the_server_still_holds_it(client, upstream):
    async with client.get(PODS, params={"watch": "true"}) as watch:
        assert await watch.content.readline() == b'{"type":"ADDED"}\n'
        upstream.more.set()
        assert await watch.content.read() == b'{"type":"MODIFIED"}\n'


async def test_the_headers_of_a_silent_watch_come_at_once(client):
    async with client.get("/silent", params={"watch": "true"}) as watch:
        assert watch.status == 200


async def test_a_client_that_leaves_ends_the_watch_upstream(client, upstream):
    async with client.get(PODS, params={"watch": "true"}) as watch:
        await watch.content.readline()
        watch.close()
    await asyncio.wait_for(upstream.left.wait(), 60)


async def test_counts(client, proxy):
    await asyncio.gather(*(client.post(PODS) for _ in range(20)), *(client.get(f"{PODS}/a") for _ in range(10)))
    async with client.get(PODS, params={"watch": "true"}):
        assert proxy.count(watch=True) == 1
    assert proxy.count() == 31
    assert proxy.count(method=WRITES, path="/pods$", user_agent="^operator") == 20
    assert {record.status for record in proxy.log} == {200, 201}
    proxy.clear_log()
    assert proxy.log == []


async def test_an_upgrade_is_refused(client, upstream):
    async with client.get(PODS, headers={"Connection": "Upgrade", "Upgrade": "SPDY/3.1"}) as got:
        assert got.status == 501
    assert upstream.seen == []


async def test_a_server_that_is_gone_breaks_the_connection(client, proxy):
    proxy._upstream = "http://127.0.0.1:1"
    with pytest.raises(aiohttp.ClientError):
        await client.get(PODS)
    assert "Connect" in proxy.log[0].error


async def test_stop_breaks_open_watches_and_a_restart_keeps_address_and_trust(client, proxy, upstream):
    async with client.get(PODS, params={"watch": "true"}) as watch:
        await watch.content.readline()
        before = proxy.server
        proxy.stop()
        proxy.stop()
        assert "fault-proxy" not in {thread.name for thread in threading.enumerate()}
        with pytest.raises(aiohttp.ClientError):
            await watch.content.read()
    with pytest.raises(aiohttp.ClientError):
        await client.get(PODS)
    proxy.start()
    assert proxy.server == before
    async with client.get(f"{PODS}/a") as got:
        assert got.status == 200


def test_stop_does_not_wait_for_a_client_that_never_shakes_hands():
    proxy = FaultProxy(upstream="http://127.0.0.1:1").start()
    with socket.create_connection(("127.0.0.1", proxy._port)):
        time.sleep(0.1)  # the proxy must have accepted
        proxy.stop()  # or it raises, long before a handshake that does not come is given up


def test_a_start_that_fails_says_why(taken_port):
    proxy = FaultProxy(upstream="http://127.0.0.1:1")
    proxy._port = taken_port
    with pytest.raises(OSError, match=r"(?i)address already in use"):
        proxy.start()
    proxy.stop()


@pytest.fixture
def taken_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield taken.getsockname()[1]


async def test_stop_amid_clients_that_storm_it_is_silent(client, proxy, caplog):
    caplog.set_level(logging.INFO)

    async def storm() -> None:
        while True:
            try:
                async with client.get(PODS, params={"watch": "true"}) as watch:
                    await watch.content.readline()
            except aiohttp.ClientError:
                await asyncio.sleep(0)

    clients = [asyncio.create_task(storm()) for _ in range(8)]
    for round_number in range(1, 4):
        while proxy.count(watch=True, method="GET") < 8 * round_number:
            await asyncio.sleep(0.01)
        await asyncio.to_thread(proxy.stop)
        await asyncio.to_thread(proxy.start)
    for one in clients:
        one.cancel()
    await asyncio.gather(*clients, return_exceptions=True)
    await asyncio.to_thread(proxy.stop)
    assert caplog.records == []


CLIENT = """
import sys, kubernetes
configuration = kubernetes.client.Configuration(host=sys.argv[1])
configuration.ssl_ca_cert = sys.argv[2]
configuration.api_key = {"authorization": "Bearer t0ken"}
api = kubernetes.client.CoreV1Api(kubernetes.client.ApiClient(configuration))
api.list_namespaced_pod("default", _preload_content=False)
"""


async def test_the_kubernetes_client_in_a_subprocess_trusts_it(proxy: FaultProxy, upstream: Upstream):
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", CLIENT, proxy.server, str(proxy.ca))
    assert await asyncio.wait_for(process.wait(), 120) == 0
    assert upstream.seen[0][3]["Authorization"] == "Bearer t0ken"
