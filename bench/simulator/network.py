"""Fake links: as much of libzmq's ROUTER and DEALER, over TCP, as the machines rely on.

* A connecting DEALER tries until somebody is bound, ``reconnect_ivl`` to twice that after each failure; it is told
  Connected and Disconnected. A bound ROUTER is told Disconnected of a peer that it has heard.
* A message arrives after the latency, in order, unless one end has gone meanwhile. What a dead part had sent before
  still arrives (the kernel sends it), and only then is its loss noticed, unless the fault says otherwise.
* IMMEDIATE=0: each endpoint has a pipe from the beginning, which holds SNDHWM messages while it is not connected
  and outlives connections. IMMEDIATE=1: there is a pipe while there is a connection, and what was in it goes with
  it. A connected pipe is never full: TCP's buffers swallow tens of thousands of small messages (facts, 2012 column).
* Between two parts whose link is cut nothing arrives, and nobody connects: what was sent is delivered when it heals, as
  TCP does, unless ZMTP heartbeats have broken the connection before (the script's part, simulation.py).
* A DEALER takes turns among its pipes in libzmq's order (turns.py).
"""

from collections import deque
from collections.abc import Callable, Sequence
from random import Random
from typing import Protocol

from bench.simulator.agenda import Agenda
from bench.simulator.turns import Turns
from common.machine import Connected, Disconnected, Event, Received, Unroutable
from common.topology import Socket

Frames = Sequence[bytes]


class Host(Protocol):
    """The process that a socket belongs to."""

    @property
    def name(self) -> str:
        """Of its part."""

    @property
    def frozen(self) -> bool:
        """Whether it can't even shake hands."""

    def take(self, event: Event, socket: "Dealer | Router") -> None:
        """Something happened at one of its sockets."""


class Network:
    """What all sockets share. ``latency_s``: one way, of every link; may be changed as long as it does not fall
    while something is under way.
    """

    def __init__(self, agenda: Agenda, latency_s: float) -> None:
        if not latency_s >= 0:
            raise ValueError(f"latency_s must be at least 0 s, got {latency_s}")
        self.agenda = agenda
        self.latency_s = latency_s
        self.bound: dict[str, Router] = {}
        """{endpoint: the socket that is bound to it}"""
        self.cuts: set[frozenset[str]] = set()
        """Pairs of parts between which nothing arrives."""
        self.overheard: Callable[[str, str, Frames], None] | None = None
        """Called with sender, receiver and frames, routing ids of neither among them, of all that arrives."""

    def is_cut(self, one: Host, other: Host) -> bool:
        """Whether nothing arrives between the two."""
        return bool(self.cuts) and frozenset((one.name, other.name)) in self.cuts

    @property
    def arrival(self) -> float:
        """When what is sent now arrives."""
        return self.agenda.now + self.latency_s


class Connection:
    """Between a pipe of a DEALER and a ROUTER. Each end is open until it knows better."""

    __slots__ = ("dealer", "dealer_open", "heard", "held", "pipe", "router", "router_open", "routing_id")

    def __init__(self, pipe: "Pipe", router: "Router") -> None:
        self.pipe = pipe
        self.dealer = pipe.dealer
        self.router = router
        self.routing_id = pipe.dealer.routing_id or router.name_for_a_stranger()
        self.heard = False
        """Whether the router has had a message from it."""
        self.dealer_open = self.router_open = True
        self.held: list[tuple[Callable[..., None], tuple[object, ...]]] = []
        """What would have arrived, were the link not cut."""

    @property
    def cut(self) -> bool:
        """Whether nothing arrives."""
        return self.router.network.is_cut(self.dealer.host, self.router.host)

    def healed(self) -> None:
        """The link is whole again: what was sent meanwhile arrives."""
        agenda = self.router.network.agenda
        for arrive, arguments in self.held:
            agenda.at(self.router.network.arrival, arrive, *arguments)
        self.held.clear()

    def to_router(self, frames: Frames) -> None:
        """A message arrives."""
        if self.cut:
            self.held.append((self.to_router, (frames,)))
        elif self.router_open:
            self.heard = True
            router = self.router
            self._tell(self.dealer.host, router.host, frames)
            router.host.take(Received(router.name, [self.routing_id, *frames]), router)

    def to_dealer(self, frames: Frames) -> None:
        """A message arrives, its first frame the routing id that brought it here."""
        if self.cut:
            self.held.append((self.to_dealer, (frames,)))
        elif self.dealer_open:
            dealer = self.dealer
            self._tell(self.router.host, dealer.host, frames[1:])
            dealer.host.take(Received(dealer.name, [*frames[1:]]), dealer)

    def _tell(self, sender: Host, receiver: Host, frames: Frames) -> None:
        if (overheard := self.router.network.overheard) is not None:
            overheard(sender.name, receiver.name, frames)

    def close_at_dealer(self, after_s: float) -> None:
        """The DEALER has gone; the ROUTER is told ``after_s`` from now."""
        self.dealer_open = False
        agenda = self.router.network.agenda
        agenda.at(agenda.now + after_s, self._lose, self.router)

    def close_at_router(self, after_s: float) -> None:
        """The ROUTER has gone; the DEALER is told ``after_s`` from now."""
        self.router_open = False
        agenda = self.router.network.agenda
        agenda.at(agenda.now + after_s, self._lose, self.dealer)

    def _lose(self, end: "Dealer | Router") -> None:
        """The news of the other's end arrives."""
        if self.cut:
            self.held.append((self._lose, (end,)))
        else:
            end.lose(self)


class Router:
    """A bound ROUTER with MANDATORY set."""

    def __init__(self, spec: Socket, host: Host, network: Network, random: Random) -> None:
        self.name = spec.name
        self.host = host
        self.network = network
        self.heartbeat_s = _heartbeat_s(spec)
        self.session = 0
        self._endpoints = spec.endpoints
        self._peers: dict[bytes, Connection] = {}
        self._strangers = random.getrandbits(32)

    def open(self) -> None:
        """Bind.

        Raises:
            ValueError: an endpoint is in use.
        """
        for endpoint in self._endpoints:
            if endpoint in self.network.bound:
                raise ValueError(f"{endpoint} must be bound once, and is in use")
            self.network.bound[endpoint] = self

    def close(self, noticed_s: float) -> None:
        """Unbind, and leave all peers, who notice ``noticed_s`` from now."""
        for endpoint in self._endpoints:
            del self.network.bound[endpoint]
        peers, self._peers = self._peers, {}
        for connection in peers.values():
            connection.close_at_router(noticed_s)

    def connections(self) -> list[Connection]:
        """Those of now."""
        return list(self._peers.values())

    def name_for_a_stranger(self) -> bytes:
        """A routing id for a connection of a peer that has none: 0 and a number, as libzmq makes it."""
        self._strangers = (self._strangers + 1) % (1 << 32)
        return b"\0" + self._strangers.to_bytes(4, "big")

    def accept(self, connection: Connection) -> None:
        """A handshake succeeded (HANDOVER: a peer of the same routing id is replaced)."""
        self._peers[connection.routing_id] = connection

    def send(self, frames: Frames) -> Unroutable | None:
        """Send to the peer that the first frame names."""
        connection = self._peers.get(frames[0])
        if connection is None:
            return Unroutable(self.name, frames, gone=True)
        network = self.network
        network.agenda.at(network.arrival, connection.to_dealer, frames)
        return None

    def lose(self, connection: Connection) -> None:
        """The connection broke."""
        if not connection.router_open:
            return
        connection.router_open = False
        if self._peers.get(connection.routing_id) is connection:
            del self._peers[connection.routing_id]
        if connection.heard:
            self.host.take(Disconnected(self.name, connection.routing_id), self)


class Pipe:
    """A DEALER's way to one endpoint."""

    __slots__ = ("connection", "dealer", "endpoint", "queue")

    def __init__(self, dealer: "Dealer", endpoint: str) -> None:
        self.dealer = dealer
        self.endpoint = endpoint
        self.connection: Connection | None = None
        self.queue: deque[Frames] = deque()
        """What waits for a connection (IMMEDIATE=0)."""

    def write(self, frames: Frames) -> bool:
        """Take a message; False if the pipe is full."""
        if self.connection is not None:
            network = self.dealer.network
            network.agenda.at(network.arrival, self.connection.to_router, frames)
            return True
        if len(self.queue) < self.dealer.hwm:
            self.queue.append(frames)
            return True
        return False


class Dealer:
    """A connecting DEALER. ``random`` completes its routing ids and spreads its attempts to reconnect."""

    def __init__(self, spec: Socket, host: Host, network: Network, random: Random) -> None:
        options = spec.options
        self.name = spec.name
        self.host = host
        self.network = network
        self.heartbeat_s = _heartbeat_s(spec)
        self.hwm = int(options["sndhwm"])
        self.routing_id = b""
        """Empty where the spec has none: then each connection gets one from the ROUTER."""
        self.session = 0
        """Changes whenever it is closed: what is under way for an earlier one finds nobody."""
        self._endpoints = spec.endpoints
        self._immediate = bool(options["immediate"])
        self._reconnect_s = int(options["reconnect_ivl"]) / 1e3
        self._routing_id = str(options.get("routing_id", ""))
        self._random = random
        self._pipes: list[Pipe] = []
        self._turns: Turns[Pipe] = Turns()

    def open(self) -> None:
        """Begin to connect to every endpoint."""
        name = self._routing_id
        if name.endswith(".*"):
            name = f"{name[:-1]}{self._random.getrandbits(32):08x}"
        self.routing_id = name.encode()
        self._pipes = [Pipe(self, endpoint) for endpoint in self._endpoints]
        self._turns = Turns()
        for pipe in self._pipes:
            if not self._immediate:
                self._turns.join(pipe)
            self._connect(pipe, self.session)

    def close(self, noticed_s: float) -> None:
        """Leave every peer, who notice ``noticed_s`` from now; what waits unsent is gone."""
        self.session += 1
        for connection in self.connections():
            connection.close_at_dealer(noticed_s)
        self._pipes.clear()

    def connections(self) -> list[Connection]:
        """Those of now."""
        return [pipe.connection for pipe in self._pipes if pipe.connection is not None]

    def send(self, frames: Frames) -> Unroutable | None:
        """Send to the peer whose turn it is."""
        if self._turns.write(frames):
            return None
        return Unroutable(self.name, frames, gone=False)

    def lose(self, connection: Connection) -> None:
        """The connection broke."""
        if not connection.dealer_open:
            return
        connection.dealer_open = False
        pipe = connection.pipe
        pipe.connection = None
        if self._immediate:
            self._turns.leave(pipe)
        self._retry(pipe, self.session)
        self.host.take(Disconnected(self.name, pipe.endpoint.encode()), self)

    def _connect(self, pipe: Pipe, session: int) -> None:
        if session != self.session:
            return
        router = self.network.bound.get(pipe.endpoint)
        if (
            router is None
            or router.host.frozen
            or self.host.frozen
            or self.network.is_cut(self.host, router.host)
        ):
            self._retry(pipe, session)
        else:
            agenda = self.network.agenda
            handshake_s = 2 * self.network.latency_s
            agenda.at(agenda.now + handshake_s, self._connected, pipe, session, router)

    def _retry(self, pipe: Pipe, session: int) -> None:
        pause_s = self._reconnect_s * (1 + self._random.random())
        agenda = self.network.agenda
        agenda.at(agenda.now + pause_s, self._connect, pipe, session)

    def _connected(self, pipe: Pipe, session: int, router: Router) -> None:
        if session != self.session:
            return
        if self.network.bound.get(pipe.endpoint) is not router or self.network.is_cut(self.host, router.host):
            self._retry(pipe, session)
            return
        connection = pipe.connection = Connection(pipe, router)
        router.accept(connection)
        self._turns.join(pipe)
        while pipe.queue:
            self.network.agenda.at(self.network.arrival, connection.to_router, pipe.queue.popleft())
        self.host.take(Connected(self.name, pipe.endpoint.encode()), self)


def _heartbeat_s(spec: Socket) -> float:
    """Silence of the peer's ZMTP engine that makes this socket break the connection, s; 0: none does."""
    if "heartbeat_ivl" not in spec.options:
        return 0.0
    return (int(spec.options["heartbeat_ivl"]) + int(spec.options["heartbeat_timeout"])) / 1e3


def open_socket(spec: Socket, host: Host, network: Network, random: Random) -> Router | Dealer:
    """Make and open a socket as its part's spec describes it.

    Raises:
        ValueError: an endpoint is in use, or the simulator has no such socket.
    """
    kinds: dict[tuple[str, bool], type[Router | Dealer]] = {
        ("ROUTER", True): Router,
        ("DEALER", False): Dealer,
    }
    kind = kinds.get((spec.kind, spec.bind))
    if kind is None:
        raise ValueError(
            f"the simulator knows bound ROUTERs and connecting DEALERs, got {spec.kind} {spec.name!r},"
            f" bind={spec.bind}"
        )
    socket = kind(spec, host, network, random)
    socket.open()
    return socket
