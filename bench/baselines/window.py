"""``bare-dealer``: a window of requests on one DEALER, and nothing else, towards Freelance workers.

What the client side costs at least: no machine, no liveness, no credit, no deadline. The request is that of a Freelance
client, so that the workers do the same work and the ledger holds.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Literal

import zmq
from msgspec.structs import replace

from common import wire
from common.link import Link
from common.machine import Machine
from common.settings import Settings
from common.topology import Deployment, Pairing, Part, Plan, Topology
from common.transaction import Answer, Fate, Transaction

DRAIN_BUDGET = 256


class BareDealer:
    """Round robin by libzmq, no more."""

    name = "bare-dealer"
    family: Literal["brokerless"] = "brokerless"
    summary = "baseline: a window on one DEALER, in the Freelance client's place"
    survives = frozenset[str]()

    def __init__(self, direct: Topology) -> None:
        self._direct = direct

    def plan(self, deployment: Deployment, settings: Settings, endpoint: Callable[[str], str]) -> Plan:
        """The plan of ``direct``, with room in the pipes and no pipe to an absent worker."""
        plan = self._direct.plan(deployment, settings, endpoint)
        return Plan(self.name, tuple(_with_room(part) for part in plan.parts))

    def broker(
        self, name: str, frontend: str, backend: str, settings: Settings, pairing: Pairing | None = None
    ) -> Part:
        """There is none. Raises ValueError."""
        return self._direct.broker(name, frontend, backend, settings, pairing)

    def worker(self, name: str, endpoints: Sequence[str], settings: Settings) -> Part:
        """That of ``direct``."""
        return self._direct.worker(name, endpoints, settings)

    def front(self, name: str, endpoints: Sequence[str], settings: Settings) -> Part:
        """That of ``direct``, with room in the pipes."""
        return _with_room(self._direct.front(name, endpoints, settings))

    def machine(self, part: Part, settings: Settings, random: Random) -> Machine:
        """That of ``direct``; ``Window`` does without."""
        return self._direct.machine(part, settings, random)


def _with_room(part: Part) -> Part:
    if part.role != "front":
        return part
    roomy = {"sndhwm": 1000, "rcvhwm": 1000, "immediate": 1}
    (workers,) = part.sockets
    return replace(part, sockets=(replace(workers, options={**workers.options, **roomy}),))


class Window:
    """The client that the load drives: as fast as pyzmq goes inside an asyncio loop."""

    def __init__(self, links: Mapping[str, Link], closed: Callable[[], None]) -> None:
        (link,) = links.values()
        self._socket = link.socket
        self._closed = closed
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[bytes, Callable[[Answer], None]] = {}
        self._loop.add_reader(self._socket.fileno(), self._drain)
        self._soon = False

    @property
    def ready(self) -> bool:
        """Whether libzmq would take a message now: a worker is connected."""
        events = self._socket.get(zmq.EVENTS)
        assert isinstance(events, int)
        return bool(events & zmq.POLLOUT)

    def submit(self, transaction: Transaction, answered: Callable[[Answer], None]) -> None:
        """Send it. A full pipe raises zmq.Again: a window never fills one."""
        control = wire.pack_header(transaction, time.monotonic())
        self._waiting[transaction.id] = answered
        self._socket.send(control, zmq.NOBLOCK | zmq.SNDMORE)
        self._socket.send(transaction.body[0], zmq.NOBLOCK)
        if not self._soon:
            self._soon = True
            self._loop.call_soon(self._drain)

    def close(self) -> None:
        """Close the socket."""
        self._loop.remove_reader(self._socket.fileno())
        self._closed()

    def _drain(self) -> None:
        self._soon = False
        if self._socket.closed:
            return
        for _ in range(DRAIN_BUDGET):
            try:
                control, _, body = self._socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            self._waiting.pop(control[wire.HEADER_SIZE :])(Answer(Fate.COMPLETED, (body,)))
        self._loop.call_soon(self._drain)
