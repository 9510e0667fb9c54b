"""A slow network: everything that a part sends or is sent arrives later, in order."""

from collections.abc import Sequence

from bench.faults.links import OnLinks
from bench.faults.network import Network


class Delay(OnLinks, frozen=True, forbid_unknown_fields=True, tag="delay", kw_only=True):
    """Latency and jitter on all links of one part. A round trip gets it twice."""

    delay_ms: float
    """One way."""
    jitter_ms: float = 0.0
    """Give or take up to this much, evenly; what would overtake waits for what is before it."""

    does = "makes all links of the part slower by delay_ms, give or take jitter_ms, each way, for for_s"
    mechanisms = ("relay",)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.delay_ms <= 60_000:
            raise ValueError(f"delay_ms must be above 0 and at most 60000 ms, got {self.delay_ms:g}")
        if not 0 <= self.jitter_ms <= self.delay_ms:
            raise ValueError(f"jitter_ms must be 0 to delay_ms {self.delay_ms:g}, got {self.jitter_ms:g}")

    def describe(self) -> str:
        jitter = f" give or take {self.jitter_ms:g}" if self.jitter_ms else ""
        return f"{super().describe()}, by {self.delay_ms:g}{jitter} ms"

    async def impose(self, network: Network, key: str, part: str, peers: Sequence[str]) -> None:
        await network.delay(key, part, peers, self.delay_ms / 1e3, self.jitter_ms / 1e3)
