"""The links of a running deployment, as far as a fault may reach into them.

Invariant: what is imposed stays until it is lifted, under a key that is its fault's own; each kind of doing counts what
it did, so that a fault can tell whether it had an effect.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

from common.topology import Plan, Role

Mechanism = Literal["namespaces", "relay"]
"""What can break links: neighbour entries of network namespaces, or the relay that carries them."""


class Effect(NamedTuple):
    """What was counted."""

    amount: int
    """0: nothing has happened yet."""
    text: str
    """``312 bytes were held``."""


class Network(Protocol):
    """One deployment's links. Whoever cannot do what is asked raises NoEffect; not every mechanism can do all."""

    mechanism: Mechanism

    def peers(self, part: str, role: Role | None = None) -> Sequence[str]:
        """Whom the part has links with, in the plan's order; of one role only where it is given."""

    async def cut(self, key: str, part: str, peers: Sequence[str]) -> None:
        """Let nothing through between the part and each of ``peers``, silently, either way."""

    async def delay(self, key: str, part: str, peers: Sequence[str], delay_s: float, jitter_s: float) -> None:
        """Let everything through later, each way: by ``delay_s``, give or take up to ``jitter_s``."""

    async def effect(self, key: str) -> Effect:
        """What that has done so far."""

    async def lift(self, key: str) -> Effect:
        """Take it back; what it has done in all."""

    async def reset(self, part: str, peers: Sequence[str]) -> int:
        """RST on both sides of each connection; returns how many there were."""


def peers(plan: Plan, part: str, role: Role | None = None) -> list[str]:
    """Whom the part has links with, in the plan's order."""
    ends = [(link.connector, link.binder) for link in plan.links]
    linked = {end for pair in ends if part in pair for end in pair}
    return [each.name for each in plan.parts if each.name in linked - {part} and role in (None, each.role)]
