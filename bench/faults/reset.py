"""RST on every connection of a part, once: both sides learn of it at once, and connect again."""

from typing import ClassVar

from bench.faults.fault import Deployed, Fault, NoEffect
from bench.faults.links import reach
from bench.faults.network import Mechanism


class Reset(Fault, frozen=True, forbid_unknown_fields=True, tag="reset", kw_only=True):
    """What a firewall does that has forgotten the connections, or a peer that has rebooted."""

    does = "TCP RST on both sides of every connection of the part, once"
    mechanisms: ClassVar[tuple[Mechanism, ...]] = ("relay",)

    async def apply(self, deployed: Deployed, part: str) -> str:
        network = reach(self.kind, deployed)
        count = await network.reset(part, network.peers(part))
        if not count:
            raise NoEffect(f"{part} was to lose its connections, but it had none")
        return f"by {network.mechanism}: RST on {count} connection{'s'[: count != 1]}"
