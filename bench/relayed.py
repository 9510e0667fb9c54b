"""A deployment's links carried by the relay: the network that needs neither root nor namespaces.

Invariant: every link of the plan has a line of its own, whatever the topology; a part's connect endpoints change, and
nothing else about it.
"""

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from bench.faults.fault import NoEffect
from bench.faults.network import Effect, Mechanism, peers
from bench.relay.orders import Count, Cut, Delay, Lift, LineSpec, Order, RelaySpec, Reset, Tally
from bench.relay_process import RelayFailed, RelayProcess
from common.topology import Link, Part, Plan, Role, Socket


class Lines:
    """Which line carries which link, and where it listens."""

    def __init__(self, plan: Plan, host: str, port: Callable[[str], int]) -> None:
        """``host``: where the relay listens. ``port``: one for a name, always the same."""
        self._host = host
        self._plan = plan
        self._port = {
            (link.connector, link.endpoint): port(f"relay/{link.connector}/{link.endpoint}")
            for link in plan.links
        }

    def spec(self, seed: str) -> RelaySpec:
        """What the relay is told; it numbers the lines in the order of the plan's links."""
        return RelaySpec(tuple(map(self._line, self._plan.links)), control=0, seed=seed)

    def part(self, part: Part) -> Part:
        """The same part, connecting through the relay."""
        return replace(part, sockets=tuple(self._socket(part.name, socket) for socket in part.sockets))

    def between(self, part: str, peers: Sequence[str]) -> tuple[int, ...]:
        """The lines of the links that the part has with any of ``peers``."""
        ends = [{link.connector, link.binder} for link in self._plan.links]
        return tuple(
            number for number, pair in enumerate(ends) if part in pair and pair & set(peers) - {part}
        )

    def peers(self, part: str, role: Role | None = None) -> Sequence[str]:
        """Whom the part has links with."""
        return peers(self._plan, part, role)

    def _line(self, link: Link) -> LineSpec:
        host, port = link.endpoint.removeprefix("tcp://").rsplit(":", 1)
        return LineSpec(self._host, self._port[link.connector, link.endpoint], host, int(port))

    def _socket(self, part: str, socket: Socket) -> Socket:
        if socket.bind:
            return socket
        through = (f"tcp://{self._host}:{self._port[part, endpoint]}" for endpoint in socket.endpoints)
        return replace(socket, endpoints=tuple(through))


class Relayed:
    """Implements ``bench.faults.network.Network``."""

    mechanism: Mechanism = "relay"

    def __init__(self, lines: Lines, relay: RelayProcess) -> None:
        self._lines = lines
        self._relay = relay
        self._delays: set[str] = set()

    def peers(self, part: str, role: Role | None = None) -> Sequence[str]:
        return self._lines.peers(part, role)

    async def cut(self, key: str, part: str, peers: Sequence[str]) -> None:
        await self._follow(Cut(key=key, lines=self._lines.between(part, peers)))

    async def delay(self, key: str, part: str, peers: Sequence[str], delay_s: float, jitter_s: float) -> None:
        lines = self._lines.between(part, peers)
        await self._follow(Delay(key=key, lines=lines, delay_s=delay_s, jitter_s=jitter_s))
        self._delays.add(key)

    async def effect(self, key: str) -> Effect:
        return self._effect(key, await self._follow(Count(key=key)))

    async def lift(self, key: str) -> Effect:
        return self._effect(key, await self._follow(Lift(key=key)))

    async def reset(self, part: str, peers: Sequence[str]) -> int:
        return (await self._follow(Reset(lines=self._lines.between(part, peers)))).reset

    def _effect(self, key: str, tally: Tally) -> Effect:
        if key not in self._delays:
            return Effect(tally.held_bytes, f"{tally.held_bytes} bytes were held")
        mean_ms = tally.delayed_s / max(tally.delayed, 1) * 1e3
        return Effect(tally.delayed, f"{tally.delayed} chunks were late, by {mean_ms:.1f} ms on average")

    async def _follow(self, order: Order) -> Tally:
        try:
            return await self._relay.follow(order)
        except RelayFailed as failure:
            raise NoEffect(str(failure)) from None
