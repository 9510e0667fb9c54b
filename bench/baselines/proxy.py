"""``bare-proxy``: libzmq's own proxy, in C, where the broker stands; Paranoid Pirate workers and client around it.

The workers' READYs and HEARTBEATs end in the proxy, which sends none: so both sides are told to expect nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Literal

import zmq
from msgspec.structs import replace

from common.link import Link
from common.machine import Machine
from common.settings import Settings
from common.topology import Deployment, Pairing, Part, Plan, Topology

UNHEARD_S = 3600.0
"""The cadence that a peer is held to where nobody beats: longer than any run."""


class BareProxy:
    """Round robin, no ready list, no heartbeats, no table."""

    name = "bare-proxy"
    family: Literal["brokered"] = "brokered"
    summary = "baseline: zmq.proxy, in C, in the broker's place"
    survives = frozenset[str]()

    def __init__(self, pirate: Topology) -> None:
        self._pirate = pirate

    def plan(self, deployment: Deployment, settings: Settings, endpoint: Callable[[str], str]) -> Plan:
        """The Paranoid Pirate's, with a DEALER where the broker's backend is."""
        plan = self._pirate.plan(deployment, settings, endpoint)
        return Plan(self.name, tuple(_with_proxy(part) for part in plan.parts))

    def broker(
        self, name: str, frontend: str, backend: str, settings: Settings, pairing: Pairing | None = None
    ) -> Part:
        """The proxy alone."""
        return _with_proxy(self._pirate.broker(name, frontend, backend, settings, pairing))

    def worker(self, name: str, endpoints: Sequence[str], settings: Settings) -> Part:
        """The Paranoid Pirate's."""
        return self._pirate.worker(name, endpoints, settings)

    def front(self, name: str, endpoints: Sequence[str], settings: Settings) -> Part:
        """The Paranoid Pirate's."""
        return self._pirate.front(name, endpoints, settings)

    def machine(self, part: Part, settings: Settings, random: Random) -> Machine:
        """The Paranoid Pirate's, deaf to silence. The proxy itself has none: see ``run``."""
        deaf = replace(settings, beats=replace(settings.beats, plain_interval_s=UNHEARD_S))
        return self._pirate.machine(part, deaf, random)


def _with_proxy(part: Part) -> Part:
    """A broker's backend becomes a DEALER: it takes turns among the workers, and knows no routing ids."""
    if part.role != "broker":
        return part
    frontend, backend = part.sockets
    options = {key: value for key, value in backend.options.items() if not key.startswith("router_")}
    return replace(part, sockets=(frontend, replace(backend, kind="DEALER", options=options)))


def run(links: Mapping[str, Link]) -> None:
    """Proxy between ``frontend`` and ``backend``. It never returns: a signal handler calls ``stop``."""
    frontend, backend = links.values()
    zmq.proxy(frontend.socket, backend.socket)


def stop() -> None:
    """The way out of libzmq's own loop: there is nothing to drain."""
    raise SystemExit(0)
