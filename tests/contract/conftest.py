"""Contract tests run over the registry: every topology, and what each claims."""

import pytest

from bench.registry import TOPOLOGIES


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "topology" in metafunc.fixturenames:
        metafunc.parametrize("topology", TOPOLOGIES.values(), ids=TOPOLOGIES.keys())
