"""The worked examples in docs/sql.md run as they stand, on a run with known numbers."""

import re
from pathlib import Path

import pytest

from bench import parquet
from bench.analysis.places import PLACES, VIEW
from tests.bench.recording import small_run

PAGE = (Path(__file__).parents[2] / "docs" / "sql.md").read_text()
TABLES, PLACES_VIEW, COUNTED, AGAIN, BACKLOG = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def database():
    database = parquet.connect()
    database.execute(f"SET file_search_path = '{small_run()}'")
    database.execute(TABLES)
    yield database
    database.close()


def count(database, query):
    return database.execute(f"SELECT count(*) {query}").fetchone()[0]


def test_the_page_shows_the_view_that_the_summary_is_made_with():
    assert PLACES_VIEW.strip() == VIEW.strip()


def test_every_place_is_explained():
    assert all(f"| {place} |" in PAGE for place in PLACES)


def test_where_it_was_seen_last(database):
    database.execute(PLACES_VIEW)
    rows = database.execute(COUNTED).fetchall()
    unknown = count(database, "FROM transactions WHERE fate = 'unknown'")
    assert unknown > 0
    assert sum(number for _, what, _, number in rows if what == "unknown") == unknown
    # What the killed worker was at, of the topology that sends nothing again.
    assert {(topology, place) for topology, what, place, _ in rows if what == "unknown"} == {
        ("direct", "worker")
    }


def test_what_was_done_twice(database):
    rows = database.execute(AGAIN).fetchall()
    too_many = (
        count(database, "FROM executions")
        - count(database, "FROM (SELECT DISTINCT phase, topology, trial, id FROM executions)")
    )  # fmt: skip
    assert too_many > 0
    assert sum(again for _, _, again, _ in rows) == too_many
    assert {method for _, method, _, _ in rows} == {"PUT"}
    assert all(worker_ms > 0 for *_, worker_ms in rows)


def test_where_the_backlog_stood(database):
    rows = database.execute(BACKLOG).fetchall()
    assert len(rows) == 12 * count(database, "FROM marks WHERE kind = 'fault'")
    under_way = {
        step_ms: number
        for _, phase, trial, _, step_ms, number, _ in rows
        if (phase, trial) == ("kill-broker", 1)
    }
    assert under_way[1000] > 10 * under_way[-100] > 0
