"""What a topology is to those who start, stop, fault or simulate it: data, and a machine for each part.

Invariant: a ``Part`` says everything that is needed to open its sockets; nobody but its topology knows why.
"""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Literal, Protocol

import msgspec

from common.machine import Machine
from common.settings import Settings

Role = Literal["front", "broker", "worker"]
ROLES: tuple[Role, ...] = ("broker", "worker", "front")
"""In the order in which they are started."""

Policy = Literal["when-free", "in-turn"]
"""How whoever hands out transactions chooses a worker, as far as theory needs to know: ``when-free``, one that has room
for it, and it waits as long as there is none; ``in-turn``, each in its turn, busy or not, and one that is not there is
dealt one, too.
"""


class Socket(msgspec.Struct, frozen=True):
    """One socket of a part. ``options`` are libzmq's names in lower case, as pyzmq's attributes: ``sndhwm``."""

    name: str
    kind: Literal["ROUTER", "DEALER"]
    bind: bool
    endpoints: tuple[str, ...]
    options: Mapping[str, int | str]


class Part(msgspec.Struct, frozen=True):
    """One process of a running topology."""

    role: Role
    name: str
    sockets: tuple[Socket, ...]


class Link(msgspec.Struct, frozen=True):
    """One connection between parts: ``connector`` connects to ``binder`` at ``endpoint``."""

    connector: str
    binder: str
    endpoint: str


class Plan(msgspec.Struct, frozen=True):
    """A whole deployment of a topology: its parts in the order of start, and the links between them."""

    topology: str
    parts: tuple[Part, ...]
    policy: Policy | None = None
    """None: theory (bench/analysis/predictions.py) has nothing to say of it."""

    @property
    def links(self) -> tuple[Link, ...]:
        """Every connection, derived from who binds and who connects."""
        binder = {
            endpoint: part.name
            for part in self.parts
            for socket in part.sockets
            if socket.bind
            for endpoint in socket.endpoints
        }
        return tuple(
            Link(part.name, binder[endpoint], endpoint)
            for part in self.parts
            for socket in part.sockets
            if not socket.bind
            for endpoint in socket.endpoints
        )

    @property
    def brokers(self) -> int:
        """How many it has, which need not be what was asked for: 0 where there is no broker in the middle."""
        return sum(part.role == "broker" for part in self.parts)

    def named(self, name: str) -> Part:
        """The part of that name."""
        return next(part for part in self.parts if part.name == name)


class Pairing(msgspec.Struct, frozen=True):
    """What a broker of a pair is told: which of the two it is, and where they tell each other their state."""

    role: Literal["primary", "backup"]
    state: str
    """The endpoint that the primary binds, and the backup connects to."""


class Deployment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many of each."""

    workers: int = 8
    fronts: int = 2
    brokers: int = 1
    """Where there are any. A binary star has always two; a scenario that asks it for another number is refused."""

    def __post_init__(self) -> None:
        for name, value, most in (
            ("workers", self.workers, 64),
            ("fronts", self.fronts, 8),
            ("brokers", self.brokers, 8),
        ):
            if not 1 <= value <= most:
                raise ValueError(f"{name} must be 1 to {most}, got {value}")


class Topology(Protocol):
    """How transactions travel from front to worker."""

    @property
    def name(self) -> str:
        """The word by which it is chosen."""

    @property
    def family(self) -> Literal["brokered", "brokerless"]:
        """Whether something stands in the middle."""

    @property
    def summary(self) -> str:
        """One line for ``brokerbench list``."""

    @property
    def survives(self) -> frozenset[str]:
        """Faults, as ``kill-worker``, after which a PUT still completes; contract tests hold it to them."""

    def plan(self, deployment: Deployment, settings: Settings, endpoint: Callable[[str], str]) -> Plan:
        """Name parts and sockets. ``endpoint(name)`` gives the address for a thing that binds, always the
        same for the same name.
        """

    def broker(
        self, name: str, frontend: str, backend: str, settings: Settings, pairing: Pairing | None = None
    ) -> Part:
        """A broker alone. Raises ValueError where the topology has none, or ``pairing`` is missing or too much."""

    def worker(self, name: str, endpoints: Sequence[str], settings: Settings) -> Part:
        """A worker alone: connects to ``endpoints`` (brokered), binds the one it is given (brokerless)."""

    def front(self, name: str, endpoints: Sequence[str], settings: Settings) -> Part:
        """A front's client side alone: connects to ``endpoints``."""

    def machine(self, part: Part, settings: Settings, random: Random) -> Machine:
        """The core of a part; a front's is a ``ClientMachine``."""
