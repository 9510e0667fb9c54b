"""Which topologies a promise is for: a test that holds for some of them only is made for no other."""

from collections.abc import Callable, Iterable

import pytest
from msgspec.structs import replace

from bench.registry import TOPOLOGIES
from brokered.topology import ParanoidPirate
from common.settings import Settings
from common.topology import Deployment, Plan, Topology


class TwoBrokers(ParanoidPirate):
    """The same, never with less than two brokers: then it survives the loss of one."""

    name = "two-brokers"
    survives = ParanoidPirate.survives | {"kill-broker"}

    def plan(self, deployment: Deployment, settings: Settings, endpoint: Callable[[str], str]) -> Plan:
        return super().plan(replace(deployment, brokers=max(2, deployment.brokers)), settings, endpoint)


CONTRACT = {**TOPOLOGIES, TwoBrokers.name: TwoBrokers()}
"""The topologies that the contract tests run over, by name."""


def which(applies: Callable[[Topology], bool]) -> pytest.MarkDecorator:
    """Each topology for which it holds, as ``topology``."""
    chosen = [topology for topology in CONTRACT.values() if applies(topology)]
    return pytest.mark.parametrize("topology", chosen, ids=lambda topology: topology.name)


def each(argument: str, values: Callable[[Topology], Iterable[str]]) -> pytest.MarkDecorator:
    """Each topology with each of the values that it has for the argument."""
    pairs = [
        pytest.param(topology, value, id=f"{topology.name}-{value}")
        for topology in CONTRACT.values()
        for value in values(topology)
    ]
    return pytest.mark.parametrize(("topology", argument), pairs)


def has(topology: Topology, role: str) -> bool:
    """Whether there are parts of that role in it."""
    return role != "broker" or topology.family == "brokered"


def claims(fault: str) -> pytest.MarkDecorator:
    return which(lambda topology: fault in topology.survives)


brokered = which(lambda topology: topology.family == "brokered")
brokerless = which(lambda topology: topology.family == "brokerless")
