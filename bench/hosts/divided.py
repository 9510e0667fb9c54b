"""A deployment's links between hosts, and what can be cut by keeping two hosts from each other.

Invariant: hosts are only kept from each other where that cuts what was asked for and nothing else: no link between
other parts, and never the load's way to a front.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from bench.faults.fault import NoEffect
from bench.faults.network import Effect, Mechanism, peers
from bench.hosts.commands import CommandFailed
from bench.hosts.namespaces import Namespaces, Pair, pairs
from bench.hosts.placement import BENCH
from common.topology import Plan, Role


def divisible(plan: Plan, host: Mapping[str, str], part: str, peers: Sequence[str]) -> bool:
    """Whether the part can be cut from ``peers``, and from them alone, by keeping hosts from each other."""
    wanted = {frozenset((part, peer)) for peer in peers}
    if any(host[part] == host[peer] for peer in peers):
        return False
    cut = pairs(((part, peer) for peer in peers), host)
    harmed = {
        frozenset((link.connector, link.binder))
        for link in plan.links
        if pairs([(link.connector, link.binder)], host) & cut
    }
    fronts = {host[each.name] for each in plan.parts if each.role == "front"}
    return harmed == wanted and not any(BENCH in pair and fronts & (set(pair) - {BENCH}) for pair in cut)


class Divided:
    """Implements ``bench.faults.network.Network``: cuts, and nothing else."""

    mechanism: Mechanism = "namespaces"

    def __init__(self, plan: Plan, host: Mapping[str, str], namespaces: Namespaces) -> None:
        self._plan = plan
        self._host = host
        self._namespaces = namespaces
        self._cuts: dict[str, tuple[list[Pair], int]] = {}
        """Key to its pairs of hosts, and what had been swallowed before."""

    def peers(self, part: str, role: Role | None = None) -> Sequence[str]:
        return peers(self._plan, part, role)

    async def cut(self, key: str, part: str, peers: Sequence[str]) -> None:
        if key in self._cuts:
            raise NoEffect(f"{key!r} is imposed already")
        hosts = sorted(pairs(((part, peer) for peer in peers), self._host))
        self._cuts[key] = (hosts, self._namespaces.swallowed())
        try:
            await self._do(self._namespaces.cut, hosts)
        except NoEffect:
            del self._cuts[key]
            raise

    async def delay(self, key: str, part: str, peers: Sequence[str], delay_s: float, jitter_s: float) -> None:
        raise NoEffect("namespaces cannot delay")

    async def effect(self, key: str) -> Effect:
        _, before = self._cuts[key]
        frames = self._namespaces.swallowed() - before
        return Effect(frames, f"{frames} frames were swallowed")

    async def lift(self, key: str) -> Effect:
        effect = await self.effect(key)
        hosts, _ = self._cuts.pop(key)
        await self._do(self._namespaces.heal, hosts)
        return effect

    async def reset(self, part: str, peers: Sequence[str]) -> int:
        raise NoEffect("namespaces cannot reset connections")

    async def _do(self, what: Callable[[Sequence[Pair]], None], hosts: Sequence[Pair]) -> None:
        """In a thread: a few milliseconds a host, in which the bench's loop must go on."""
        try:
            await asyncio.to_thread(what, hosts)
        except CommandFailed as failure:
            raise NoEffect(str(failure)) from None
