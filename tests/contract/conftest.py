"""Contract tests run over the registry: every topology, and what each claims."""

import pytest

from tests.contract.applies import CONTRACT


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "topology" in metafunc.fixturenames and not chooses_itself(metafunc.definition):
        metafunc.parametrize("topology", CONTRACT.values(), ids=CONTRACT.keys())


def chooses_itself(test: pytest.Function) -> bool:
    """Whether the test says which topologies it is for: see applies.py."""
    return any("topology" in mark.args[0] for mark in test.iter_markers("parametrize"))
