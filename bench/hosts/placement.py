"""Which part is on which host: the table ``[hosts]`` of a scenario, and what follows from it.

Invariant: the default puts every part where the bench is, on loopback; nothing then needs root.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from common.topology import Part, Role

Spread = Literal["bench", "together", "each"]
"""``bench``: in the bench's own network, on loopback where no role is anywhere else. ``together``: one host for all
parts of the role. ``each``: one host for each."""

BENCH = "bench"
"""The host that the bench and the load are on."""


class Hosts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How each role is spread."""

    workers: Spread = "bench"
    brokers: Spread = "bench"
    fronts: Spread = "bench"

    @property
    def placed(self) -> bool:
        """Whether any part is to be on a host of its own."""
        return {self.workers, self.brokers, self.fronts} != {"bench"}

    def of(self, role: Role) -> Spread:
        """How that role is spread."""
        spread: Spread = getattr(self, f"{role}s")
        return spread


def place(parts: Sequence[Part], hosts: Hosts, level: str) -> Mapping[str, str]:
    """Part to host. At level client the front is in the load process, which is where the bench is."""
    return {part.name: _host(part, hosts, level) for part in parts}


def _host(part: Part, hosts: Hosts, level: str) -> str:
    if level == "client" and part.role == "front":
        return BENCH
    match hosts.of(part.role):
        case "bench":
            return BENCH
        case "together":
            return f"{part.role}s"
        case "each":
            return part.name
