"""The brokerless topologies as data: parts, sockets, links; and a machine for each part."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Literal

from brokerless import direct
from brokerless.client import Client
from brokerless.worker import SERVICE, Worker
from common.machine import Machine
from common.network import socket
from common.settings import Settings
from common.topology import Deployment, Pairing, Part, Plan, Policy


class Freelance:
    """RFC 10: every front connects to every worker."""

    name = "freelance"
    family: Literal["brokerless"] = "brokerless"
    summary = (
        "fronts connected to every worker, with liveness by ping and monitor, and credit for each worker"
    )
    survives = frozenset({"kill-worker"})
    heartbeats = True
    policy: Policy = "when-free"

    def plan(self, deployment: Deployment, settings: Settings, endpoint: Callable[[str], str]) -> Plan:
        """Workers ``worker-1`` ..., each binding the endpoint of its own name."""
        names = [f"worker-{number}" for number in range(1, deployment.workers + 1)]
        endpoints = [endpoint(name) for name in names]
        workers = [
            self.worker(name, [address], settings) for name, address in zip(names, endpoints, strict=True)
        ]
        fronts = [
            self.front(f"front-{number}", endpoints, settings) for number in range(1, deployment.fronts + 1)
        ]
        return Plan(self.name, (*workers, *fronts), self.policy)

    def broker(
        self, name: str, frontend: str, backend: str, settings: Settings, pairing: Pairing | None = None
    ) -> Part:
        """There is none.

        Raises:
            ValueError: always.
        """
        raise ValueError(f"topology {self.name} is brokerless and has no broker, got {name!r}")

    def worker(self, name: str, endpoints: Sequence[str], settings: Settings) -> Part:
        """A worker alone, bound to its one endpoint, which is its routing id.

        Raises:
            ValueError: not exactly one endpoint.
        """
        if len(endpoints) != 1:
            raise ValueError(f"a brokerless worker binds exactly 1 endpoint, got {len(endpoints)}")
        service = socket(
            SERVICE, "ROUTER", endpoints, settings, bind=True, routing_id=endpoints[0],
            heartbeats=self.heartbeats,
        )  # fmt: skip
        return Part("worker", name, (service,))

    def front(self, name: str, endpoints: Sequence[str], settings: Settings) -> Part:
        """A front's client side alone: one DEALER an endpoint."""
        sockets = tuple(
            socket(f"worker-{number}", "DEALER", [endpoint], settings, bind=False)
            for number, endpoint in enumerate(endpoints, start=1)
        )
        return Part("front", name, sockets)

    def machine(self, part: Part, settings: Settings, random: Random) -> Machine:
        """The core of a part."""
        if part.role == "worker":
            return Worker(settings, f"opaque~{random.getrandbits(64):016x}~")
        return Client(settings)


class Direct(Freelance):
    """The article to the letter."""

    name = "direct"
    summary = "the 2012 article: one socket connected to every worker, high-water mark 1, blind round robin"
    survives = frozenset[str]()
    heartbeats = False
    policy = "in-turn"

    def front(self, name: str, endpoints: Sequence[str], settings: Settings) -> Part:
        """A front's client side alone: one DEALER for all endpoints."""
        workers = socket(
            direct.WORKERS, "DEALER", endpoints, settings, bind=False,
            heartbeats=False, immediate=False, send_mark=1, receive_mark=1,
        )  # fmt: skip
        return Part("front", name, (workers,))

    def machine(self, part: Part, settings: Settings, random: Random) -> Machine:
        """The core of a part."""
        if part.role == "front":
            return direct.Client(settings)
        return super().machine(part, settings, random)
