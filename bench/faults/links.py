"""What the faults on links have in common: they go through the deployment's network, and wait until they had an effect.

Invariant: as long as nothing was held back or made late, nothing has happened, whatever the mechanism was told.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import ClassVar

from bench.faults.fault import Deployed, Lasting, NoEffect
from bench.faults.network import Mechanism, Network, peers
from common.topology import Plan

LOOK_AGAIN_S = 0.002


class OnLinks(Lasting, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A fault that is imposed on links of one part."""

    mechanisms: ClassVar[tuple[Mechanism, ...]] = ("namespaces", "relay")

    def peers(self, network: Network, part: str) -> Sequence[str]:
        """The other ends of the links that it hits: all."""
        return network.peers(part)

    def outcomes(self, plan: Plan) -> Iterator[tuple[str, Sequence[str]]]:
        """Each part that may be hit, with its peers, before it is drawn which."""
        for part in self.candidates(plan):
            yield part, peers(plan, part)

    def candidates(self, plan: Plan) -> list[str]:
        """The parts that may be hit."""
        names = [part.name for part in plan.parts if part.role == self.role]
        return names if self.which == "one" else names[self.which - 1 : self.which]

    async def impose(self, network: Network, key: str, part: str, peers: Sequence[str]) -> None:
        """Begin with it. Raises NoEffect."""
        raise NotImplementedError

    async def apply(self, deployed: Deployed, part: str) -> str:
        network = reach(self.kind, deployed)
        key, whom = self._key(part), self.peers(network, part)
        await self.impose(network, key, part, whom)
        try:
            first_s = await self._effect(network, key, part)
        except BaseException:
            with suppress(NoEffect):  # the network may be gone by now, and the cut with it
                await network.lift(key)
            raise
        return f"by {network.mechanism}, from {_list(whom)}; first effect after {first_s * 1e3:.0f} ms"

    async def undo(self, deployed: Deployed, part: str) -> str:
        return (await reach(self.kind, deployed).lift(self._key(part))).text

    async def _effect(self, network: Network, key: str, part: str) -> float:
        """Wait for the first sign of it, as long as it lasts; returns how long that took."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while not (await network.effect(key)).amount:
            if loop.time() - began > self.for_s:
                raise NoEffect(
                    f"{self.kind} of {part} had no effect within {self.for_s:g} s: nothing was sent"
                )
            await asyncio.sleep(LOOK_AGAIN_S)
        return loop.time() - began

    def _key(self, part: str) -> str:
        return f"{self.describe()}: {part}"


def reach(kind: str, deployed: Deployed) -> Network:
    """The deployment's network. Raises NoEffect where nothing stands ready to break its links."""
    if deployed.network is None:
        raise NoEffect(f"{kind} cannot be done: neither relay nor namespaces carry the links")
    return deployed.network


def _list(names: Sequence[str]) -> str:
    """A few in full, many counted."""
    return ", ".join(names) if len(names) <= 4 else f"{names[0]} and {len(names) - 1} others"
