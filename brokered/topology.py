"""The brokered topologies as data: parts, sockets, links; and a machine for each part."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Literal

from brokered.broker import BACKEND, FRONTEND, Broker
from brokered.client import Client
from brokered.worker import Worker
from common.machine import Machine
from common.network import socket
from common.settings import Settings
from common.topology import Deployment, Part, Plan, Socket


class ParanoidPirate:
    """RFC 6: every front and every worker connects to every broker."""

    name = "paranoid-pirate"
    family: Literal["brokered"] = "brokered"
    summary = "a broker with a ready list, heartbeats both ways, and a table of what each worker holds"
    survives = frozenset({"kill-worker"})

    def plan(self, deployment: Deployment, settings: Settings, endpoint: Callable[[str], str]) -> Plan:
        """Brokers ``broker-1`` ..., each binding ``<name>/frontend`` and ``<name>/backend``."""
        names = [f"broker-{number}" for number in range(1, deployment.brokers + 1)]
        frontends = [endpoint(f"{name}/{FRONTEND}") for name in names]
        backends = [endpoint(f"{name}/{BACKEND}") for name in names]
        brokers = [self.broker(*ends, settings) for ends in zip(names, frontends, backends, strict=True)]
        workers = [
            self.worker(f"worker-{number}", backends, settings) for number in range(1, deployment.workers + 1)
        ]
        fronts = [
            self.front(f"front-{number}", frontends, settings) for number in range(1, deployment.fronts + 1)
        ]
        return Plan(self.name, (*brokers, *workers, *fronts))

    def broker(self, name: str, frontend: str, backend: str, settings: Settings) -> Part:
        """A broker alone."""
        frontend_socket = socket(FRONTEND, "ROUTER", [frontend], settings, bind=True)
        backend_socket = socket(BACKEND, "ROUTER", [backend], settings, bind=True)
        return Part("broker", name, (frontend_socket, backend_socket))

    def worker(self, name: str, endpoints: Sequence[str], settings: Settings) -> Part:
        """A worker alone, in conversation with the brokers at ``endpoints``."""
        return Part("worker", name, _to_brokers(endpoints, settings, routing_id=f"{name}.*"))

    def front(self, name: str, endpoints: Sequence[str], settings: Settings) -> Part:
        """A front's client side alone, handing on to the brokers at ``endpoints``."""
        return Part("front", name, _to_brokers(endpoints, settings, routing_id=None))

    def machine(self, part: Part, settings: Settings, random: Random) -> Machine:
        """The core of a part."""
        match part.role:
            case "broker":
                return Broker(settings)
            case "worker":
                prefix = f"opaque~{random.getrandbits(64):016x}~"
                return Worker(settings, [link.name for link in part.sockets], prefix)
            case "front":
                return Client(settings, random)


def _to_brokers(endpoints: Sequence[str], settings: Settings, routing_id: str | None) -> tuple[Socket, ...]:
    """One DEALER a broker.

    A worker's routing id tells people who it is, and is new in every session. A front has none: libzmq connects it
    again by itself, and a plain ROUTER ignores a second connection of an id that it still believes in.
    """
    return tuple(
        socket(f"broker-{number}", "DEALER", [endpoint], settings, bind=False, routing_id=routing_id)
        for number, endpoint in enumerate(endpoints, start=1)
    )
