"""The brokered topologies as data: parts, sockets, links; and a machine for each part."""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Literal

from brokered.binary_star import STATE, StarBroker, State
from brokered.broker import BACKEND, FRONTEND, Broker
from brokered.client import Client
from brokered.star_client import StarClient
from brokered.worker import Worker
from common.machine import Machine
from common.network import socket
from common.settings import Settings
from common.topology import Deployment, Pairing, Part, Plan, Socket


class ParanoidPirate:
    """RFC 6: every front and every worker connects to every broker."""

    name = "paranoid-pirate"
    family: Literal["brokered"] = "brokered"
    summary = "a broker with a ready list, heartbeats both ways, and a table of what each worker holds"
    survives = frozenset({"kill-worker"})

    def plan(self, deployment: Deployment, settings: Settings, endpoint: Callable[[str], str]) -> Plan:
        """Brokers ``broker-1`` ..., each binding ``<name>/frontend`` and ``<name>/backend``."""
        names = [f"broker-{number}" for number in range(1, deployment.brokers + 1)]
        return self._plan(deployment, settings, endpoint, dict.fromkeys(names))

    def _plan(
        self,
        deployment: Deployment,
        settings: Settings,
        endpoint: Callable[[str], str],
        brokers: Mapping[str, Pairing | None],
    ) -> Plan:
        """``brokers``: {name: which of a pair it is}."""
        frontends = [endpoint(f"{name}/{FRONTEND}") for name in brokers]
        backends = [endpoint(f"{name}/{BACKEND}") for name in brokers]
        parts = [
            self.broker(name, frontend, backend, settings, pairing)
            for (name, pairing), frontend, backend in zip(brokers.items(), frontends, backends, strict=True)
        ]
        workers = [
            self.worker(f"worker-{number}", backends, settings) for number in range(1, deployment.workers + 1)
        ]
        fronts = [
            self.front(f"front-{number}", frontends, settings) for number in range(1, deployment.fronts + 1)
        ]
        return Plan(self.name, (*parts, *workers, *fronts), "when-free")

    def broker(
        self, name: str, frontend: str, backend: str, settings: Settings, pairing: Pairing | None = None
    ) -> Part:
        """A broker alone.

        Raises:
            ValueError: ``pairing`` is given: these brokers know nothing of each other.
        """
        if pairing is not None:
            raise ValueError(f"a broker of {self.name} has no pair, got {pairing.role}")
        return Part("broker", name, _bound(frontend, backend, settings))

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


class BinaryStar(ParanoidPirate):
    """The guide's chapter 4: a primary and a backup, of which one is active; workers connect to both."""

    name = "binary-star"
    summary = "a primary and a backup broker, of which one is active; no split brain as long as they hear each other"
    survives = frozenset({"kill-worker", "kill-broker"})

    def plan(self, deployment: Deployment, settings: Settings, endpoint: Callable[[str], str]) -> Plan:
        """The Paranoid Pirate's with two brokers; the primary, ``broker-1``, binds ``broker-1/state`` as well."""
        state = endpoint(f"broker-1/{STATE}")
        pair = {"broker-1": Pairing("primary", state), "broker-2": Pairing("backup", state)}
        return self._plan(deployment, settings, endpoint, pair)

    def broker(
        self, name: str, frontend: str, backend: str, settings: Settings, pairing: Pairing | None = None
    ) -> Part:
        """One of the two, alone.

        Raises:
            ValueError: no ``pairing``.
        """
        if pairing is None:
            raise ValueError(
                f"a broker of {self.name} must be the primary or the backup of a pair, got neither"
            )
        if pairing.role == "primary":
            state = socket(STATE, "ROUTER", [pairing.state], settings, bind=True)
        else:
            state = socket(STATE, "DEALER", [pairing.state], settings, bind=False)
        return Part("broker", name, (state, *_bound(frontend, backend, settings)))

    def machine(self, part: Part, settings: Settings, random: Random) -> Machine:
        """The core of a part."""
        match part.role:
            case "broker":
                return StarBroker(settings, State.PRIMARY if part.sockets[0].bind else State.BACKUP)
            case "worker":
                return super().machine(part, settings, random)
            case "front":
                return StarClient(settings, [link.name for link in part.sockets], random)


def _bound(frontend: str, backend: str, settings: Settings) -> tuple[Socket, Socket]:
    """What every broker binds."""
    return (
        socket(FRONTEND, "ROUTER", [frontend], settings, bind=True),
        socket(BACKEND, "ROUTER", [backend], settings, bind=True),
    )


def _to_brokers(endpoints: Sequence[str], settings: Settings, routing_id: str | None) -> tuple[Socket, ...]:
    """One DEALER a broker.

    A worker's routing id tells people who it is, and is new in every session. A front has none: libzmq connects it
    again by itself, and a plain ROUTER ignores a second connection of an id that it still believes in.
    """
    return tuple(
        socket(f"broker-{number}", "DEALER", [endpoint], settings, bind=False, routing_id=routing_id)
        for number, endpoint in enumerate(endpoints, start=1)
    )
