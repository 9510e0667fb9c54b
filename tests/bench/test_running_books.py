"""The books of rounds that are over are kept while the next one is played, and only theirs."""

import asyncio

import pytest
from msgspec.structs import replace

from bench.folders import EpisodeFolder
from bench.running_books import RunningBooks, broken_laws
from tests.bench.recording import SMALL, make_run

NAME = "latency-paranoid-pirate-1"


@pytest.fixture
def played(tmp_path):
    """An episode of two steps: its files, and the steps as played."""
    record = make_run(tmp_path, *SMALL, "trials=1", 'topologies=["paranoid-pirate"]')
    (episode,) = (episode for episode in record.episodes if episode.name == NAME)
    assert len(episode.steps) > 1
    return EpisodeFolder.of(tmp_path, NAME), episode.steps


def only_first_over(steps):
    """As if everything behind the first step were still to come."""
    return [steps[0], *(replace(step, done_ns=0) for step in steps[1:])]


def spoil_a_late_execution(files):
    """The last transactions were executed by nobody any more, as far as is written down."""
    for log in files.executions.glob("*.bin"):
        with log.open("rb+") as file:
            file.truncate(log.stat().st_size // 10 * 9)


def test_books_in_order_break_no_law(played):
    files, steps = played
    assert broken_laws(files, steps) == []


def test_nothing_is_judged_before_a_round_is_over(played):
    files, steps = played
    spoil_a_late_execution(files)
    assert broken_laws(files, [replace(step, done_ns=0) for step in steps]) == []


def test_what_is_lost_is_told_with_its_round_and_not_before(played):
    files, steps = played
    spoil_a_late_execution(files)
    assert broken_laws(files, only_first_over(steps)) == []
    assert any(law.endswith("answered with another's answer") for law in broken_laws(files, steps))


async def test_one_look_at_a_time_and_what_it_found_is_told_once(played):
    files, steps = played
    books = RunningBooks(files, broken_laws)
    assert books.broken() == []
    spoil_a_late_execution(files)
    books.look(steps)
    books.look([])  # which would find nothing: the first look is under way
    async with asyncio.timeout(30):
        while not (found := books.broken()):
            await asyncio.sleep(0.01)
    assert found == broken_laws(files, steps)
    assert books.broken() == []
    books.look(only_first_over(steps))
    books.cancel()
