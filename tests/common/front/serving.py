"""A front on a real port over a client that does as the test says, and a peer that speaks HTTP byte by byte."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple

import msgspec

from common.front.pages import About
from common.front.problem import Problem
from common.front.server import Front
from common.front.settings import HttpSettings
from common.settings import Limits, Settings
from common.transaction import Answer, Fate, Transaction

BOUND_S = 10.0
BODY_BYTES_MAX = 1000
SETTINGS = Settings(limits=Limits(body_bytes=BODY_BYTES_MAX, drain_s=3 * BOUND_S))


def echo(transaction: Transaction) -> Answer:
    return Answer(Fate.COMPLETED, transaction.body)


class FakeClient:
    """Answers at once by ``service``; holds what comes while that is None, until ``answer`` is called."""

    def __init__(self) -> None:
        self.service: Callable[[Transaction], Answer] | None = echo
        self.ready = True
        self.depths: Mapping[str, int] = {"queued": 3}
        self.submitted: list[Transaction] = []
        self._held: dict[bytes, Callable[[Answer], None]] = {}
        self._arrived = asyncio.Event()

    def submit(self, transaction: Transaction, answered: Callable[[Answer], None]) -> None:
        assert transaction.id not in self._held
        self.submitted.append(transaction)
        self._arrived.set()
        if self.service is not None:
            answered(self.service(transaction))
        else:
            self._held[transaction.id] = answered

    def gauges(self) -> Mapping[str, int]:
        return self.depths

    def answer(self, id: bytes, answer: Answer) -> None:
        self._held.pop(id)(answer)

    async def has(self, count: int) -> None:
        """Wait until ``count`` transactions were submitted."""
        async with asyncio.timeout(BOUND_S):
            while len(self.submitted) < count:
                self._arrived.clear()
                await self._arrived.wait()


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> Problem:
        assert self.headers["content-type"] == "application/problem+json"
        problem = msgspec.json.decode(self.body, type=Problem)
        assert problem.status == self.status
        return problem


class Peer:
    """One connection to a front."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def send(self, *data: bytes) -> None:
        self._writer.write(b"".join(data))

    async def sent(self) -> None:
        await self._writer.drain()

    async def send_forever(self) -> None:
        """Until the connection breaks."""
        async with asyncio.timeout(BOUND_S):
            while True:
                self.send(b"x" * 65536)
                await self.sent()

    async def reply(self, bodiless: bool = False) -> Reply:
        """Read the next response."""
        async with asyncio.timeout(BOUND_S):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            status_line, *lines = head[:-4].split("\r\n")
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
            length = 0 if bodiless else int(headers.get("content-length", 0))
            return Reply(int(status_line.split()[1]), headers, await self._reader.readexactly(length))

    async def ask(self, data: bytes, bodiless: bool = False) -> Reply:
        self.send(data)
        return await self.reply(bodiless)

    async def ended(self) -> bytes:
        """Wait until the front closes the connection; returns what it sent before that."""
        async with asyncio.timeout(BOUND_S):
            return await self._reader.read()

    async def hang_up(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()

    def reset(self) -> None:
        self._writer.transport.abort()


class Serving:
    """A front that listens."""

    def __init__(self, settings: Settings, http: HttpSettings) -> None:
        self.client = FakeClient()
        about = About("freelance", "brokerless", "front-1", ("tcp://127.0.0.1:1",), settings)
        self.front = Front(self.client, about, http)
        self.port = self.front.listen()
        self._peers: list[Peer] = []

    async def connect(self) -> Peer:
        peer = Peer(*await asyncio.open_connection("127.0.0.1", self.port))
        self._peers.append(peer)
        return peer

    async def ask(self, data: bytes, bodiless: bool = False) -> Reply:
        """One request over a connection of its own."""
        return await (await self.connect()).ask(data, bodiless)

    async def metric(self, sample: str) -> float:
        """The value of a line of ``/metrics``."""
        page = (await self.ask(request("GET", "/metrics"))).body.decode()
        return next(
            float(line.rsplit(" ", 1)[1]) for line in page.splitlines() if line.startswith(sample + " ")
        )

    async def metric_becomes(self, sample: str, value: float) -> None:
        async with asyncio.timeout(BOUND_S):
            while await self.metric(sample) != value:
                await asyncio.sleep(0)

    async def close(self) -> None:
        await self.front.close()
        for peer in self._peers:
            peer.reset()


@asynccontextmanager
async def serving(settings: Settings = SETTINGS, http: HttpSettings | None = None) -> AsyncIterator[Serving]:
    made = Serving(settings, http or HttpSettings(port=0))
    try:
        yield made
    finally:
        await made.close()


def request(method: str, target: str, *fields: str, body: bytes | None = None, version: str = "1.1") -> bytes:
    """A request as bytes; ``fields`` are whole lines."""
    lines = [f"{method} {target} HTTP/{version}", "Host: test", *fields]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")


def put(id: str, body: bytes = b"body", *fields: str) -> bytes:
    return request("PUT", f"/v1/transactions/{id}", *fields, body=body)


def post(body: bytes = b"body", *fields: str) -> bytes:
    return request("POST", "/v1/transactions", *fields, body=body)


def chunked(*chunks: bytes) -> bytes:
    """The body of a message in chunks, without its end."""
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
