"""Real sockets for tests: links of ours on loopback, raw peers for them, waiting with a bound."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any, Literal

import zmq

from common.link import Link
from common.machine import Event
from common.network import socket
from common.settings import Network, Settings

BOUND_S = 5.0
"""The longest that anything here is waited for."""

SETTINGS = Settings(network=Network(zmtp_heartbeat_ms=0, reconnect_ms=10))


def wait_until(condition: Callable[[], Any], what: str = "", bound_s: float = BOUND_S) -> Any:
    """Poll a condition until it holds; returns its value."""
    deadline = time.monotonic() + bound_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {bound_s} s: {what or condition}"
        time.sleep(0.001)
    return value


class Wires:
    """Sockets that are closed at the end."""

    def __init__(self) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.strangers: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.links: list[Link] = []
        self._opened: list[zmq.Socket[bytes]] = []

    def link(
        self,
        kind: Literal["ROUTER", "DEALER"],
        endpoint: str = "tcp://127.0.0.1:*",
        name: str = "here",
        **options: Any,
    ) -> Link:
        """A link of ours: a ROUTER binds, a DEALER connects."""
        options = {"bind": kind == "ROUTER"} | options
        link = Link(self.context, socket(name, kind, [endpoint], SETTINGS, **options), Random(7))
        self.links.append(link)
        return link

    def peer(self, link: Link, id: bytes | None = None) -> "zmq.Socket[bytes]":
        """A stranger's DEALER, connected to a bound link, handshake done."""
        dealer = self._stranger(zmq.DEALER)
        dealer.reconnect_ivl = -1
        if id is not None:
            dealer.routing_id = id
        monitor = dealer.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
        dealer.connect(endpoint_of(link))
        assert monitor.poll(BOUND_S * 1e3), "no connection in time"
        dealer.disable_monitor()
        monitor.close()
        return dealer

    def router(self, endpoint: str = "tcp://127.0.0.1:*") -> "zmq.Socket[bytes]":
        """A stranger's ROUTER for links to connect to."""
        router = self._stranger(zmq.ROUTER)
        router.router_mandatory = 1
        wait_until(lambda: _bind(router, endpoint), "its endpoint to be free")
        return router

    def _stranger(self, kind: int) -> "zmq.Socket[bytes]":
        stranger = self.strangers.socket(kind)
        stranger.linger = 0
        stranger.rcvtimeo = stranger.sndtimeo = int(BOUND_S * 1e3)
        self._opened.append(stranger)
        return stranger

    def close(self) -> None:
        for link in self.links:
            if not link.socket.closed:
                link.close()
        for stranger in self._opened:
            stranger.close()
        self.context.destroy(linger=0)
        self.strangers.destroy(linger=0)


def _bind(router: "zmq.Socket[bytes]", endpoint: str) -> bool:
    """Whether it could: who closed it before may need a moment to let go."""
    try:
        router.bind(endpoint)
    except zmq.ZMQError as error:
        if error.errno != zmq.EADDRINUSE:
            raise
        return False
    return True


@contextmanager
def wires() -> Iterator[Wires]:
    made = Wires()
    try:
        yield made
    finally:
        made.close()


def endpoint_of(link: Link) -> str:
    """Where it is bound."""
    return last_endpoint(link.socket)


def last_endpoint(bound: "zmq.Socket[bytes]") -> str:
    return bound.get(zmq.LAST_ENDPOINT).rstrip(b"\0").decode()  # type: ignore[union-attr]


def receive(link: Link) -> list[bytes]:
    """The next message, waited for."""
    assert link.socket.poll(BOUND_S * 1e3), "no message in time"
    frames = link.receive()
    assert frames is not None
    return frames


def event(link: Link) -> Event:
    """The next event of its monitor, waited for; the only one."""
    assert link.monitor.poll(BOUND_S * 1e3), "no event in time"
    (found,) = wait_until(link.events)
    return found
