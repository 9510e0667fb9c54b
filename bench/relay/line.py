"""One link as the relay carries it: a listening port, the connections through it, and what is imposed on them.

Invariant: several impositions add up: a line is cut as long as one of them cuts it, and late by the sum of the
delays. A connection that is made while it is cut is accepted, as the kernel's queue would, and taken on to the binder
only once nothing cuts the line; if its connector has given up by then, the binder never hears of it.
"""

import asyncio
from collections.abc import Callable
from random import Random

from bench.relay.end import End
from bench.relay.orders import Cut, Delay, LineSpec

BACKLOG = 1024
"""As our own sockets have."""


class Line:
    """One link. Implements ``bench.relay.end.State``."""

    def __init__(self, spec: LineSpec, random: Random) -> None:
        self._spec = spec
        self._random = random
        self._imposed: dict[str, Cut | Delay] = {}
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self.clear = True
        self.cut = False
        self._delays: list[Delay] = []
        self.held_bytes = 0
        self.delayed = 0
        self.delayed_s = 0.0

    async def open(self) -> None:
        """Listen, until the loop ends. Raises OSError."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            self._accept, self._spec.host, self._spec.port, reuse_address=True, backlog=BACKLOG
        )

    async def close(self) -> None:
        """Listen no more, carry no more."""
        if self._server:
            self._server.close()
        connections = list(self._connections)
        for connection in connections:
            connection.reset()
        await asyncio.gather(*(connection.ended() for connection in connections))
        await asyncio.sleep(0)  # the transports close in the loop's next round

    @property
    def connections(self) -> int:
        """Open through to the binder now."""
        return sum(connection.whole for connection in self._connections)

    def impose(self, order: Cut | Delay) -> None:
        """From now on."""
        self._imposed[order.key] = order
        self._update()

    def lift(self, key: str) -> None:
        """From now on no more; what was held is carried at once, what is late stays late."""
        del self._imposed[key]
        self._update()

    def reset(self) -> int:
        """RST both ways on every connection that is open through; returns how many."""
        whole = [connection for connection in self._connections if connection.whole]
        for connection in whole:
            connection.reset()
        return len(whole)

    def lateness_s(self) -> float:
        """A new draw for each chunk."""
        if not self._delays:
            return 0.0
        draws = (each.delay_s + each.jitter_s * self._random.uniform(-1, 1) for each in self._delays)
        return max(sum(draws), 0.0)

    def _update(self) -> None:
        self.clear = not self._imposed
        self.cut = any(isinstance(order, Cut) for order in self._imposed.values())
        self._delays = [order for order in self._imposed.values() if isinstance(order, Delay)]
        if not self.cut:
            for connection in list(self._connections):
                connection.go_on()

    def _accept(self) -> End:
        connection = Connection(self, self._spec, self._connections.discard)
        self._connections.add(connection)
        return connection.near


class Connection:
    """A connector's connection and the one that is made to the binder for it."""

    def __init__(self, line: Line, spec: LineSpec, gone: "Callable[[Connection], None]") -> None:
        """``gone`` is told when neither side is connected any more."""
        self._line = line
        self._spec = spec
        self._gone = gone
        self._dialling: asyncio.Task[None] | None = None
        self.near = End(line, self._changed)
        self.far = End(line, self._changed)
        self.near.other = self.far
        self.far.other = self.near

    @property
    def whole(self) -> bool:
        """Whether both sides are connected."""
        return self.near.connected and self.far.connected

    def go_on(self) -> None:
        """Nothing cuts the line any more: take it on to the binder, carry what waits."""
        self._changed()
        self.near.pump()
        self.far.pump()

    def reset(self) -> None:
        """RST on both sides."""
        if self._dialling:
            self._dialling.cancel()
        self.near.reset()
        self.far.reset()

    async def ended(self) -> None:
        """Wait until what ``reset`` broke off is through."""
        if self._dialling:
            await asyncio.gather(self._dialling, return_exceptions=True)

    def _changed(self) -> None:
        """One side is new, or has ended, or is gone. What it has left to say still reaches the other."""
        if self._dialling is None:
            if self.near.over:
                self.near.close()
                self._gone(self)
            elif not self._line.cut:
                self._dialling = asyncio.create_task(self._dial())
                self._dialling.add_done_callback(lambda _: self._changed())
        elif self._dialling.done() and not (self.near.connected or self.far.connected):
            self._gone(self)

    async def _dial(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: self.far, self._spec.to_host, self._spec.to_port)
        except OSError:
            self.near.reset()  # nobody is there: the nearest to a refusal that is left after accepting
