"""A real browser, from Debian's package, that opens files and says what became of them, over its DevTools protocol."""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp

from tests.cluster import debian, process
from tests.cluster.errors import ClusterError
from tests.cluster.process import Program, Running
from tests.cluster.real import shell

PACKAGE = {"chromium": ("chromium",)}
_PATIENCE_SECONDS = 120.0


@dataclass(frozen=True, kw_only=True)
class Screen:
    """How a person looks at a page."""

    width: int
    height: int
    is_dark: bool = False
    is_phone: bool = False
    media: str = "screen"


@dataclass
class Tab:
    """One page of the browser; `complaints` is what its console and its log say, `asked` every address it fetched."""

    socket: aiohttp.ClientWebSocketResponse
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    _ids: Any = field(default_factory=count)
    _loaded: set[str] = field(default_factory=set)

    async def open(self, path: Path, screen: Screen) -> None:
        """Shows a file, and returns when it is loaded and drawn."""
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=screen.width,
            height=screen.height,
            deviceScaleFactor=1,
            mobile=screen.is_phone,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if screen.is_dark else "light"}
        await self.call("Emulation.setEmulatedMedia", media=screen.media, features=[scheme])
        # By its own number: the news of the page before may still be on their way.
        loader = (await self.call("Page.navigate", url=path.as_uri()))["loaderId"]
        while loader not in self._loaded:
            await self._receive()
        await self.value("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")

    async def value(self, expression: str) -> Any:
        """Returns what an expression of JavaScript is on this page; of a promise, what it promised."""
        answer = await self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise ClusterError(f"The page could not say {expression[:80]}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    async def picture(self) -> bytes:
        """Returns a PNG of the whole page, what must be scrolled to included."""
        answer = await self.call("Page.captureScreenshot", captureBeyondViewport=True)
        return base64.b64decode(answer["data"])

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._ids)
        await self.socket.send_json({"id": number, "method": method, "params": parameters})
        while (message := await self._receive()).get("id") != number:
            pass
        if "error" in message:
            raise ClusterError(f"Chromium refused {method}: {message['error']}")
        return dict(message["result"])

    async def _receive(self) -> dict[str, Any]:
        message: dict[str, Any] = await self.socket.receive_json(timeout=_PATIENCE_SECONDS)
        method, parameters = message.get("method", ""), message.get("params", {})
        match method:
            case "Page.lifecycleEvent" if parameters["name"] == "load":
                self._loaded.add(parameters["loaderId"])
            case "Log.entryAdded":
                self.complaints.append(parameters["entry"]["text"])
            case "Runtime.consoleAPICalled" | "Runtime.exceptionThrown":
                self.complaints.append(str(parameters))
            case "Network.requestWillBeSent":
                self.asked.append(parameters["request"]["url"])
        return message


@contextlib.asynccontextmanager
async def browsing(folder: Path) -> AsyncIterator[Tab]:
    """Yields a page of a browser that ends with its runner; it leaves what it writes in the folder."""
    debian.ensure(PACKAGE)
    command = (
        shell.find("chromium"),
        "--headless=new",
        "--no-sandbox",  # Tests may run as root, whom the sandbox refuses; only files of the test are opened.
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
        "--no-first-run",
        "--disable-background-networking",
        f"--user-data-dir={folder / 'profile'}",
        "--remote-debugging-port=0",
        "about:blank",
    )
    running = process.start(Program("chromium", command, log=folder / "chromium.log"), guarded=True)
    try:
        port = await _port(running, folder / "profile" / "DevToolsActivePort")
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(await _first_page(session, port), max_msg_size=0) as socket,
        ):
            tab = Tab(socket)
            for domain in ("Page", "Runtime", "Log", "Network"):
                await tab.call(f"{domain}.enable")
            await tab.call("Page.setLifecycleEventsEnabled", enabled=True)
            yield tab
    finally:
        running.stop()


async def _first_page(session: aiohttp.ClientSession, port: int) -> str:
    """Returns the address of the first page, which the browser may make only after it listens."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while True:
            async with session.get(f"http://127.0.0.1:{port}/json") as answer:
                pages = [one["webSocketDebuggerUrl"] for one in await answer.json() if one["type"] == "page"]
            if pages:
                return str(pages[0])
            await asyncio.sleep(0.05)


async def _port(running: Running, file: Path) -> int:
    """Returns where the browser listens, which it writes to a file when it does."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while True:
            running.require()
            lines = file.read_text().split() if file.exists() else []
            if len(lines) == 2:
                return int(lines[0])
            await asyncio.sleep(0.05)
