"""One part cut off from every other: nothing comes through either way, and nobody is told (no FIN, no RST)."""

from collections.abc import Sequence

from bench.faults.links import OnLinks
from bench.faults.network import Network


class Partition(OnLinks, frozen=True, forbid_unknown_fields=True, tag="partition", kw_only=True):
    """A cut around one part. The load still reaches a front that is hit."""

    does = "cuts all links of the part, silently, both ways, for for_s"

    async def impose(self, network: Network, key: str, part: str, peers: Sequence[str]) -> None:
        await network.cut(key, part, peers)
