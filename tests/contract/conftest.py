"""Contract tests run over the registry: every topology, and what each claims."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from bench.registry import TOPOLOGIES
from brokered.topology import ParanoidPirate
from common.settings import Settings
from common.topology import Deployment, Plan


class TwoBrokers(ParanoidPirate):
    """The same, never with less than two brokers: then it survives the loss of one."""

    survives = ParanoidPirate.survives | {"kill-broker"}

    def plan(self, deployment: Deployment, settings: Settings, endpoint: Callable[[str], str]) -> Plan:
        return super().plan(replace(deployment, brokers=max(2, deployment.brokers)), settings, endpoint)


CONTRACT = {**TOPOLOGIES, "paranoid-pirate with two brokers": TwoBrokers()}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "topology" in metafunc.fixturenames and not chooses_itself(metafunc.definition):
        metafunc.parametrize("topology", CONTRACT.values(), ids=CONTRACT.keys())


def chooses_itself(test: pytest.Function) -> bool:
    """Whether the test says which topologies it is for: see applies.py."""
    return any("topology" in mark.args[0] for mark in test.iter_markers("parametrize"))
