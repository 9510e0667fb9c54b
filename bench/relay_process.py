"""The relay as the bench sees it: started, given orders, ended.

Invariant: an order is answered within a bound or the relay counts as failed; after ``kill`` there is no process.
"""

import asyncio
import os
import socket
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec.structs import replace

from bench import launch
from bench.child import Child, last_line
from bench.errors import PartFailed
from bench.relay.orders import Order, RelaySpec, Tally

START_S = 15.0
"""How long it may take to listen: as the load process may to start."""
ANSWER_S = 2.0
"""How long to an order's answer: a millisecond where a processor is free."""


class RelayFailed(Exception):
    """The relay did not follow an order; says why."""


class RelayProcess:
    """Carries one deployment's links. Needs a running asyncio loop."""

    def __init__(self, spec: RelaySpec, path: Path, log: Path) -> None:
        """Start it; what it is told is written to ``path``."""
        self._log = log
        self._ours, theirs = socket.socketpair()
        with theirs:
            spec = replace(spec, control=theirs.fileno(), guard_pid=os.getpid())
            self.child = Child(launch.relay(spec, path), log)
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._turn = asyncio.Lock()
        self._orders = 0

    async def listening(self) -> None:
        """Wait until every line can be connected to.

        Raises:
            PartFailed: it cannot.
        """
        self._reader, self._writer = await asyncio.open_connection(sock=self._ours)
        try:
            await self._answer(0, START_S)
        except RelayFailed as failure:
            raise PartFailed(str(failure)) from None

    async def follow(self, order: Order) -> Tally:
        """Have an order followed.

        Raises:
            RelayFailed: it was not.
        """
        assert self._writer is not None, "listening() comes first"
        async with self._turn:
            self._orders += 1
            self._writer.write(msgspec.json.encode(replace(order, number=self._orders)) + b"\n")
            tally = await self._answer(self._orders, ANSWER_S)
        if tally.problem:
            raise RelayFailed(f"the relay did not follow: {tally.problem}")
        return tally

    def kill(self) -> None:
        """End it at once; harmless where it has ended."""
        if self._writer:
            self._writer.close()
        else:
            self._ours.close()
        self.child.kill()

    async def _answer(self, number: int, within_s: float) -> Tally:
        try:
            async with asyncio.timeout(within_s):
                while (tally := await self._next()).number != number:
                    pass  # whoever asked for that one was cancelled
                return tally
        except TimeoutError:
            raise RelayFailed(f"the relay did not answer within {within_s:g} s") from None

    async def _next(self) -> Tally:
        assert self._reader is not None
        line = b""
        with suppress(ConnectionError):
            line = await self._reader.readline()
        if not line:
            await self.child.wait(ANSWER_S)  # its last words come after
            raise RelayFailed(f"the relay has ended: {last_line(self._log) or 'it said nothing'}")
        return msgspec.json.decode(line, type=Tally)
