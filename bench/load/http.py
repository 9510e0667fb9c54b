"""The carrier of level rest: persistent HTTP/1.1 connections to every front, one transaction on each at a
time.

Invariant: an exchange is held by at most one connection, and ends exactly once: by its whole answer, by the
loss of its connection, or by ``abandon``. A transaction goes to the front that its index names and to no
other. Bytes that nobody asked for end their connection.

An open loop never waits for a connection: if none is idle, one is opened for it, up to ``CONCURRENCY_MAX`` a
target, beyond which the transaction is dropped: the generator's failure, not the system's. A connection that
the server has closed meanwhile may still be picked; the transaction is then broken, not refused: it may have
been received.
"""

import asyncio
import errno
import resource
import socket
import time
from contextlib import suppress
from math import ceil

from bench.load.connection import Connection, Request
from bench.load.exchange import Ended, Ending, Exchange
from bench.load.spec import CONCURRENCY_MAX, LoadSpec, address

PREPARED_MIN = 8
"""Connections per target opened before a step, at least."""
PREPARE_BATCH = 64
"""Opened at a time: half of Tornado's listen backlog."""
PREPARE_S = 2.0
"""How long that may take per batch; a front that is down does not hold up the others' test."""

OUR_OWN = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL))
"""Errors of connect() that are the generator's trouble and say nothing of the front."""


class Pool:
    """The connections to one target; the one used last is used first."""

    def __init__(self, spec: LoadSpec, target: str, number: int, ended: Ended) -> None:
        self.target = target
        self.method = spec.method
        self.check = spec.check
        self.answered = ended
        self.idle: list[Connection] = []
        self.opened = 0
        self._number = number
        self._request = Request(spec, target)
        self._address = resolve(target)
        self._size = 0
        """Connections open or being opened."""
        self._opening: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        return f"<Pool {self.target} {self._size} connections, {len(self.idle)} idle>"

    def send(self, exchange: Exchange) -> None:
        """Send on an idle connection, or on a new one; drop it if there may be no more."""
        exchange.front = self._number
        while self.idle:
            connection = self.idle.pop()
            if connection.usable:
                connection.send(exchange, self._request.octets(exchange))
                return
        if self._size >= CONCURRENCY_MAX:
            self.end(exchange, Ending.DROPPED)
        else:
            self._open(exchange)

    async def prepare(self, connections: int) -> None:
        """Have so many idle connections, if the target answers."""
        missing = min(connections, CONCURRENCY_MAX - self._size) - len(self.idle)
        while missing > 0:
            batch = [self._open(None) for _ in range(min(missing, PREPARE_BATCH))]
            await asyncio.wait(batch, timeout=PREPARE_S)
            if len(self.idle) < len(batch):
                return
            missing -= len(batch)

    def end(self, exchange: Exchange, ending: Ending) -> None:
        """End an exchange that got no answer."""
        exchange.ending = ending
        exchange.done_ns = time.monotonic_ns()
        self.answered(exchange)

    def take_back(self, connection: Connection) -> None:
        """It is idle again."""
        self.idle.append(connection)

    def lost(self, connection: Connection) -> None:
        """It is closed."""
        self._size -= 1
        with suppress(ValueError):
            self.idle.remove(connection)

    async def close(self) -> None:
        """Close every connection, the opening ones too."""
        for task in self._opening:
            task.cancel()
        await asyncio.gather(*self._opening, return_exceptions=True)
        while self.idle:
            self.idle.pop().transport.abort()

    def _open(self, exchange: Exchange | None) -> asyncio.Task[None]:
        self._size += 1
        task = asyncio.get_running_loop().create_task(self._connect(exchange))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)
        return task

    async def _connect(self, exchange: Exchange | None) -> None:
        try:
            _, connection = await asyncio.get_running_loop().create_connection(
                lambda: Connection(self), *self._address
            )
        except BaseException as error:
            self._size -= 1
            if not isinstance(error, OSError):
                raise
            if exchange is not None and not exchange.done_ns:
                self.end(exchange, Ending.DROPPED if error.errno in OUR_OWN else Ending.REFUSED)
            return
        self.opened += 1
        if exchange is None or exchange.done_ns:
            self.idle.append(connection)
        elif connection.usable:
            connection.send(exchange, self._request.octets(exchange))
        else:
            self.end(exchange, Ending.REFUSED)  # lost again before a byte was sent


class HttpCarrier:
    """Targets in turn, by a transaction's index."""

    def __init__(self, spec: LoadSpec, ended: Ended) -> None:
        self._pools = [Pool(spec, target, number, ended) for number, target in enumerate(spec.targets)]
        self._named = spec.method == "PUT"

    @property
    def connections(self) -> int:
        """Opened so far."""
        return sum(pool.opened for pool in self._pools)

    async def prepare(self, parallel: int) -> None:
        """Open connections for ``parallel`` transactions at a time, at each target (a stall gathers them
        at one).
        """
        each = max(PREPARED_MIN, ceil(parallel))
        await asyncio.gather(*(pool.prepare(each) for pool in self._pools))

    def send(self, exchange: Exchange) -> None:
        """Hand it to its target's pool."""
        exchange.named = self._named
        self._pools[exchange.index % len(self._pools)].send(exchange)

    def abandon(self, exchange: Exchange) -> None:
        """Broken if any of it was sent; refused if it never got a connection."""
        if exchange.hang_up is not None:
            exchange.hang_up()
        self._pools[exchange.front].end(exchange, Ending.BROKEN if exchange.sent_ns else Ending.REFUSED)

    async def close(self) -> None:
        """Close all connections."""
        for pool in self._pools:
            await pool.close()
        await asyncio.sleep(0)  # lets the transports close their sockets


def resolve(target: str) -> tuple[str, int]:
    """The target's numeric address, looked up once.

    Raises:
        OSError: its host has none.
    """
    host, port = address(target)
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4]
    return str(found[0]), port


def raise_file_limit() -> None:
    """Take all the file descriptors that this process may have: a connection is one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
