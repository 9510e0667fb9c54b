"""Topologies of third parties: found by their entry points, and told in a line where they cannot be."""

from importlib.metadata import EntryPoint

import pytest

from bench import registry
from bench.cli import run

MINE = EntryPoint("mine", "brokerless.topology:Direct", registry.ENTRY_POINTS)


@pytest.fixture
def installed(monkeypatch):
    """Pretends that a package brings these entry points."""

    def pretend(*entries):
        monkeypatch.setattr(registry, "entry_points", lambda group: entries)
        registry.third_party.cache_clear()

    yield pretend
    registry.third_party.cache_clear()


def test_a_third_partys_topology_is_known_by_the_name_of_its_entry_point(installed):
    installed(MINE)
    assert registry.topology("mine") is MINE.load()


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        (
            EntryPoint("direct", MINE.value, MINE.group),
            "topology 'direct' of brokerless.topology:Direct takes the name of a built-in",
        ),
        (
            EntryPoint("mine", "nowhere.topology:Mine", MINE.group),
            "topology 'mine' of nowhere.topology:Mine cannot be loaded: No module named 'nowhere'",
        ),
        (EntryPoint("mine", "brokerless.topology:Mine", MINE.group), "has no attribute 'Mine'"),
    ],
)
def test_one_that_cannot_be_is_told_in_a_line(entry, complaint, installed, capsys):
    installed(entry)
    for arguments in (["list"], ["serve", "mine"], ["run", "quick", "--topology", "mine"]):
        assert run(arguments) == 2
        err = capsys.readouterr().err
        assert complaint in err
        assert err.count("\n") == 1
