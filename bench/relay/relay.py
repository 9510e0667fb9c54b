"""All lines of one deployment, and the orders that they follow.

Invariant: an order is followed whole or not at all; a key is imposed once, so that a tally is the doing of one fault.
"""

from random import Random

from bench.relay.line import Line
from bench.relay.orders import Count, Cut, Delay, Lift, Order, RelaySpec, Reset, Tally


class Relay:
    """Listens from ``open`` to ``close``."""

    def __init__(self, spec: RelaySpec) -> None:
        self._lines = [Line(each, Random(f"{spec.seed}/{number}")) for number, each in enumerate(spec.lines)]
        self._imposed: dict[str, tuple[tuple[int, ...], Tally]] = {}
        """Key to its lines, and what they had counted before."""

    async def open(self) -> None:
        """Listen on every line. Raises OSError."""
        for line in self._lines:
            await line.open()

    async def close(self) -> None:
        """Carry nothing any more."""
        for line in self._lines:
            await line.close()

    def follow(self, order: Order) -> Tally:
        """Do it, and tell what was counted."""
        match order:
            case Cut() | Delay():
                return self._impose(order)
            case Reset():
                return Tally(reset=sum(self._lines[number].reset() for number in order.lines))
        if order.key not in self._imposed:
            return Tally(problem=f"{order.key!r} is not imposed")
        tally = self._since(order.key)
        if isinstance(order, Lift):
            self._lift(order)
        else:
            assert isinstance(order, Count)
        return tally

    def _impose(self, order: Cut | Delay) -> Tally:
        if order.key in self._imposed:
            return Tally(problem=f"{order.key!r} is imposed already")
        self._imposed[order.key] = (order.lines, self._sum(order.lines))
        for number in order.lines:
            self._lines[number].impose(order)
        return self._since(order.key)

    def _lift(self, order: Lift) -> None:
        lines, _ = self._imposed.pop(order.key)
        for number in lines:
            self._lines[number].lift(order.key)

    def _since(self, key: str) -> Tally:
        lines, before = self._imposed[key]
        now = self._sum(lines)
        return Tally(
            connections=now.connections,
            held_bytes=now.held_bytes - before.held_bytes,
            delayed=now.delayed - before.delayed,
            delayed_s=now.delayed_s - before.delayed_s,
        )

    def _sum(self, numbers: tuple[int, ...]) -> Tally:
        lines = [self._lines[number] for number in numbers]
        return Tally(
            connections=sum(line.connections for line in lines),
            held_bytes=sum(line.held_bytes for line in lines),
            delayed=sum(line.delayed for line in lines),
            delayed_s=sum(line.delayed_s for line in lines),
        )
