"""A real browser for tests of the page: Debian's chromium without a window, told what to do over its DevTools protocol.

Invariant: the browser ends with the ``async with``, and its profile is the caller's folder.
"""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

CHROMIUM = shutil.which("chromium")
PATIENCE_S = 30.0
"""For one answer of the browser; on a busy machine it starts slowly."""


class Tab:
    """One page that is looked at; ``events`` holds what the browser told unasked, in order."""

    def __init__(self, connection: WebSocketClientConnection) -> None:
        self._connection = connection
        self._count = 0
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []

    async def open(self) -> None:
        """Make the tab, and have everything told that goes wrong in it or is fetched by it."""
        target = await self.call("Target.createTarget", url="about:blank")
        attached = await self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            await self.call(f"{domain}.enable")

    async def look(self, page: Path, width: int, scheme: str) -> None:
        """Load the page so wide, in ``light`` or ``dark``, and wait until it is there."""
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False
        )
        await self.call(
            "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}]
        )
        self.events.clear()
        await self.call("Page.navigate", url=page.as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(await self._next())

    async def evaluate(self, script: str) -> Any:
        """The value of an expression."""
        found = await self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """One command and its answer; what is told meanwhile is kept."""
        self._count += 1
        session = {"sessionId": self._session} if self._session else {}
        await self._connection.write_message(
            json.dumps({"id": self._count, "method": method, "params": params, **session})
        )
        while (message := await self._next()).get("id") != self._count:
            self.events.append(message)
        assert "error" not in message, (method, message["error"])
        result: dict[str, Any] = message["result"]
        return result

    async def _next(self) -> dict[str, Any]:
        text = await asyncio.wait_for(self._connection.read_message(), PATIENCE_S)
        assert text is not None, "the browser hung up"
        message: dict[str, Any] = json.loads(text)
        return message


@asynccontextmanager
async def tab(profile: Path) -> AsyncIterator[Tab]:
    """A browser with one tab."""
    assert CHROMIUM
    process = await asyncio.create_subprocess_exec(
        CHROMIUM,
        "--headless=new",
        "--no-sandbox",  # its sandbox needs a user that is not root
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--remote-debugging-port=0",
        f"--user-data-dir={profile}",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "HOME": str(profile)},
        start_new_session=True,
    )
    drained: asyncio.Task[bytes] | None = None
    connection: WebSocketClientConnection | None = None
    try:
        assert process.stderr
        address = await asyncio.wait_for(_address(process.stderr), PATIENCE_S)
        drained = asyncio.create_task(process.stderr.read())
        request = HTTPRequest(address, request_timeout=PATIENCE_S)
        connection = await websocket_connect(request, max_message_size=100 << 20)
        found = Tab(connection)
        await found.open()
        yield found
        found._session = None
        await found.call("Browser.close")
        await asyncio.wait_for(process.wait(), PATIENCE_S)
    finally:
        if process.returncode is None:
            os.killpg(process.pid, 9)
            await process.wait()
        while connection and await connection.read_message() is not None:
            pass  # it hangs up when it has ended
        if connection:
            connection.close()  # or tornado warns, once it is collected, that nobody did
        if drained:
            await drained


async def _address(stderr: asyncio.StreamReader) -> str:
    """Where it listens, which it writes when it does."""
    async for line in stderr:
        if line.startswith(b"DevTools listening on "):
            return line.split()[-1].decode()
    raise AssertionError("the browser ended before it listened")
