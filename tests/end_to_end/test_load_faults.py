"""A storm on real processes: what its clients did is on the ledger, and the retry budget decides how it ends."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.ledger import EpisodeKey, books, broken_laws
from bench.parquet import Database, open_run
from bench.raw import to_parquet
from bench.run_record import RunRecord
from bench.runner import Runner
from bench.scenario_file import load
from tests.end_to_end.command_line import AT_ANY_PACE

STORMS = Path(__file__).parents[1] / "scenarios" / "storms.toml"
WITH, WITHOUT = (EpisodeKey(phase, "freelance", 1) for phase in ("with", "without"))
BUDGET_BURST, BUDGET_RATIO = 40, 0.1
CALM_S = 1.0
"""Of the end of the step; the burst was over a second before that, as long ago as it had lasted."""

pytestmark = pytest.mark.timeout(120)


class Quiet:
    """Progress for nobody."""

    def begin(self, what: str, number: int, of: int, left_s: float) -> None: ...

    def say(self, text: str) -> None: ...


@pytest.fixture(scope="module")
def played(tmp_path_factory) -> Iterator[tuple[RunRecord, Database]]:
    """Both storms, played once for all tests here."""
    folder: Path = tmp_path_factory.mktemp("storms")
    scenario = load(str(STORMS), AT_ANY_PACE)
    record = asyncio.run(Runner(scenario, folder, (), Quiet()).run())
    to_parquet(folder)
    with open_run(folder) as database:
        yield record, database


def count(database: Database, what: str, key: EpisodeKey, where: str = "true") -> int:
    [(found,)] = database.execute(
        f"SELECT count(DISTINCT {what}) FROM transactions"
        f" WHERE phase = ? AND topology = ? AND trial = ? AND {where}",
        list(key),
    ).fetchall()
    return int(found)


def answered_share(played: tuple[RunRecord, Database], key: EpisodeKey) -> float:
    """Of the transactions due long after the burst, those that were completed, at whichever try."""
    record, database = played
    [end_ns] = [
        step.end_ns for episode in record.episodes if episode.phase == key.phase for step in episode.steps
    ]
    late = (
        "origin IN (SELECT origin FROM transactions"
        f" WHERE phase = '{key.phase}' AND retry_number = 0 AND scheduled_ns > {end_ns - round(CALM_S * 1e9)})"
    )
    return count(database, "origin", key, f"{late} AND fate = 'completed'") / count(
        database, "origin", key, late
    )


def test_both_bursts_really_came_and_no_law_is_broken(played):
    record, database = played
    assert [doubt.text for episode in record.episodes for doubt in episode.doubts] == []
    assert [fault.label for episode in record.episodes for fault in episode.faults] == ["storm-load"] * 2
    for key, found in books(database).items():
        assert broken_laws(found) == {}, key
        assert found.ledger.recorded == found.ledger.scheduled


def test_retries_are_transactions_of_their_own_and_the_budget_bounds_them(played):
    _, database = played
    for key in (WITH, WITHOUT):
        first, retries = (
            count(database, "id", key, where) for where in ("retry_number = 0", "retry_number > 0")
        )
        assert first == 120 * 3.7 + 240
        assert retries
        if key == WITH:
            assert retries <= BUDGET_BURST + BUDGET_RATIO * first
        else:
            assert retries > first
    [(odd,)] = database.execute(
        "SELECT count(*) FROM transactions WHERE contains(id, '~') != (retry_number > 0)"
    ).fetchall()
    assert odd == 0


def test_with_the_budget_goodput_comes_back_by_itself(played):
    assert answered_share(played, WITH) > 0.95


def test_without_a_budget_the_overload_outlives_its_burst(played):
    # None at all on a quiet machine; a stall of a busy one lets the whole queue expire, and some pass before it fills.
    assert answered_share(played, WITHOUT) < 0.7
