"""A raw TCP server that does what a test scripts, byte by byte, and an echo in the front's manner."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from bench.load.spec import ClosedStep, LoadSpec, OpenStep, PacedStep

Script = Callable[["Peer"], Awaitable[None]]


class Peer:
    """One connection, seen from the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.head = b""

    async def request(self) -> tuple[bytes, bytes]:
        """The next request's id, or for a POST its X-Request-ID, and its body."""
        self.head = await self.reader.readuntil(b"\r\n\r\n")
        body = await self.reader.readexactly(int(field(self.head, b"Content-Length")))
        method, target, _ = self.head.split(b" ", 2)
        return (field(self.head, b"X-Request-ID") if method == b"POST" else target.rsplit(b"/", 1)[1]), body

    def say(self, octets: bytes) -> None:
        self.writer.write(octets)

    def reset(self) -> None:
        """Close by RST."""
        self.writer.transport.abort()


def field(head: bytes, name: bytes) -> bytes:
    """A request's header field."""
    for line in head.split(b"\r\n"):
        if line.lower().startswith(name.lower() + b": "):
            return line[len(name) + 2 :]
    raise AssertionError(f"a request must have {name!r}, got {head!r}")


def answer(status: int, id: bytes, body: bytes, more: bytes = b"") -> bytes:
    """A response as the front writes it; ``more`` are header lines."""
    return (
        b"HTTP/1.1 %d Whatever\r\nTransaction-Id: %b\r\nContent-Length: %d\r\n" % (status, id, len(body))
        + b"server-timing: queue;dur=1.500, work;dur=10.000, slot;dur=11.250, net;dur=0.100\r\n"
        + more
        + b"\r\n"
        + body
    )


async def echo(peer: Peer) -> None:
    """Answer every request with its own body, at once."""
    while True:
        id, body = await peer.request()
        peer.say(answer(200, id, body))


@contextlib.asynccontextmanager
async def serving(script: Script) -> AsyncIterator[str]:
    """``host:port`` of a server that plays ``script`` for each connection and then closes it."""
    failures: list[BaseException] = []
    playing: set[asyncio.Task[Any]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        playing.add(task)
        try:
            await script(Peer(reader, writer))
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the client hung up, or the test is over
        except Exception as error:
            failures.append(error)
        finally:
            writer.close()
            playing.discard(task)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        yield f"{host}:{port}"
    finally:
        server.close()
        for task in list(playing):
            task.cancel()
        await asyncio.gather(*playing, return_exceptions=True)
        await server.wait_closed()
        assert not failures, failures


def spec(folder: Path, steps: tuple[OpenStep | ClosedStep | PacedStep, ...], **more: Any) -> LoadSpec:
    """A spec that writes into ``folder``."""
    told: dict[str, Any] = {"id_prefix": "quick.1", "check": "echo", "seed": 7, **more}
    return LoadSpec(
        steps=steps,
        record_file=str(folder / "load.bin"),
        report_file=str(folder / "load.jsonl"),
        **told,
    )
