"""Faults on links: whom they hit, what they ask of the network, and that one without effect says so."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from bench.faults.delay import Delay
from bench.faults.fault import NoEffect
from bench.faults.isolate import Isolate
from bench.faults.network import Effect, Mechanism, peers
from bench.faults.partition import Partition
from bench.faults.reset import Reset
from bench.registry import topology
from common.settings import Settings
from common.topology import Deployment, Plan, Role


def plan(name: str) -> Plan:
    return topology(name).plan(Deployment(3, 2, 2), Settings(), lambda name: f"tcp://test:{name}")


class Network:
    """Does what it is told, and counts ``after`` looks from nothing to ``amount``."""

    mechanism: Mechanism = "relay"

    def __init__(self, name: str = "freelance", amount: int = 7, after: int = 2) -> None:
        self._plan = plan(name)
        self._amount = amount
        self._after = after
        self.asked: list[tuple[Any, ...]] = []

    def peers(self, part: str, role: Role | None = None) -> Sequence[str]:
        return peers(self._plan, part, role)

    async def cut(self, key: str, part: str, peers: Sequence[str]) -> None:
        self.asked.append(("cut", part, *peers))

    async def delay(self, key: str, part: str, peers: Sequence[str], delay_s: float, jitter_s: float) -> None:
        self.asked.append(("delay", part, *peers, delay_s, jitter_s))

    async def effect(self, key: str) -> Effect:
        self._after -= 1
        return Effect(0 if self._after >= 0 else self._amount, "7 bytes were held")

    async def lift(self, key: str) -> Effect:
        self.asked.append(("lift",))
        return Effect(self._amount, "7 bytes were held")

    async def reset(self, part: str, peers: Sequence[str]) -> int:
        self.asked.append(("reset", part, *peers))
        return self._amount


class Deployed:
    """As much of a deployment as a fault on links needs."""

    def __init__(self, network: Network | None) -> None:
        self.network = network


async def test_a_partition_cuts_all_links_of_the_part_and_heals_them():
    network = Network()
    partition = Partition(role="worker", at_s=0, for_s=1)
    seen = await partition.apply(Deployed(network), "worker-2")
    assert seen.startswith("by relay, from front-1, front-2; first effect after ")
    assert await partition.undo(Deployed(network), "worker-2") == "7 bytes were held"
    assert network.asked == [("cut", "worker-2", "front-1", "front-2"), ("lift",)]


async def test_a_cut_over_which_nobody_would_have_sent_anything_had_no_effect_and_is_taken_back():
    network = Network(amount=0)
    with pytest.raises(
        NoEffect, match=r"partition of worker-2 had no effect within 0.01 s: nothing was sent"
    ):
        await Partition(role="worker", at_s=0, for_s=0.01).apply(Deployed(network), "worker-2")
    assert network.asked[-1] == ("lift",)


async def test_what_is_broken_off_before_its_first_effect_is_taken_back():
    network = Network(amount=0)
    applying = asyncio.create_task(
        Partition(role="worker", at_s=0, for_s=60).apply(Deployed(network), "worker-2")
    )
    while not network.asked:
        await asyncio.sleep(0)
    applying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await applying
    assert network.asked[-1] == ("lift",)


@pytest.mark.parametrize(
    "fault", [Partition(role="worker", at_s=0, for_s=1), Reset(role="worker", at_s=0)], ids=["cut", "reset"]
)
async def test_where_nothing_can_break_links_the_fault_says_so(fault):
    with pytest.raises(NoEffect, match="neither relay nor namespaces carry the links"):
        await fault.apply(Deployed(None), "worker-2")


async def test_isolate_cuts_one_pair_the_same_for_the_same_part():
    asked = set()
    for _ in range(5):
        network = Network()
        isolate = Isolate(role="worker", at_s=0, for_s=1, peer_role="front")
        await isolate.apply(Deployed(network), "worker-2")
        asked.add(network.asked[0])
    ((_, part, *front),) = asked
    assert part == "worker-2"
    assert front in (["front-1"], ["front-2"])


async def test_isolate_takes_the_peer_that_is_named():
    network = Network("paranoid-pirate")
    isolate = Isolate(role="worker", at_s=0, for_s=1, peer_role="broker", peer_which=2)
    await isolate.apply(Deployed(network), "worker-1")
    assert network.asked == [("cut", "worker-1", "broker-2")]
    assert isolate.describe() == "isolate one worker at 0 s, for 1 s, from broker 2"


def test_isolate_says_where_there_is_no_such_link():
    isolate = Isolate(role="worker", at_s=0, for_s=1, peer_role="front")
    assert isolate.cannot(plan("freelance")) == ""
    assert (
        isolate.cannot(plan("paranoid-pirate"))
        == "paranoid-pirate has no link between worker and front to cut"
    )
    third = Isolate(role="worker", at_s=0, for_s=1, peer_role="broker", peer_which=3)
    assert third.cannot(plan("paranoid-pirate")) == "paranoid-pirate has no broker 3 to isolate a worker from"


def test_isolate_needs_two_roles():
    with pytest.raises(ValueError, match="peer_role must be another than role, got worker twice"):
        Isolate(role="worker", at_s=0, for_s=1, peer_role="worker")


async def test_a_delay_is_told_in_seconds():
    network = Network()
    delay = Delay(role="front", at_s=0, for_s=1, delay_ms=20, jitter_ms=5)
    await delay.apply(Deployed(network), "front-1")
    assert network.asked == [("delay", "front-1", "worker-1", "worker-2", "worker-3", 0.02, 0.005)]
    assert delay.describe() == "delay one front at 0 s, for 1 s, by 20 give or take 5 ms"


@pytest.mark.parametrize(("delay_ms", "jitter_ms"), [(0, 0), (-1, 0), (5, 6), (5, -1), (1e6, 0)])
def test_a_delay_that_cannot_be_is_refused(delay_ms, jitter_ms):
    with pytest.raises(ValueError, match="got"):
        Delay(role="front", at_s=0, for_s=1, delay_ms=delay_ms, jitter_ms=jitter_ms)


async def test_a_reset_counts_connections_and_none_is_no_effect():
    network = Network("paranoid-pirate", amount=2)
    seen = await Reset(role="worker", at_s=0).apply(Deployed(network), "worker-1")
    assert seen == "by relay: RST on 2 connections"
    assert network.asked == [("reset", "worker-1", "broker-1", "broker-2")]
    with pytest.raises(NoEffect, match="worker-1 was to lose its connections, but it had none"):
        await Reset(role="worker", at_s=0).apply(Deployed(Network(amount=0)), "worker-1")
