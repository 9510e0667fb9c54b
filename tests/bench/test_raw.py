"""What processes wrote down comes out as tables, whole where it was whole."""

import pytest

from bench import cli, run_record
from bench.errors import BadInput
from bench.folders import EpisodeFolder
from bench.parquet import open_run
from bench.raw import to_parquet
from tests.bench.recording import SMALL, make_run, small_run

ONE = (*SMALL, "trials=1", 'topologies=["paranoid-pirate"]')


@pytest.fixture
def run(tmp_path):
    make_run(tmp_path / "run", *ONE)
    return tmp_path / "run"


def rows(folder, query):
    with open_run(folder) as database:
        return database.execute(query).fetchall()


def test_every_transaction_and_execution_becomes_a_row():
    record = run_record.read(small_run())
    sent = sum(step.sent for episode in record.episodes for step in episode.steps)
    assert rows(small_run(), "SELECT count(*) FROM transactions") == [(sent,)]
    assert rows(small_run(), "SELECT count(*) FROM executions WHERE finished_ns = 0")[0][0] > 0


def test_columns_are_what_was_written():
    (found,) = rows(
        small_run(),
        """SELECT * EXCLUDE (scheduled_ns, sent_ns, done_ns, deadline_ns, waited_us, slot_us)
           FROM transactions WHERE id = 'latency.2.1-5' AND topology = 'freelance'""",
    )
    assert found == (
        "latency", "freelance", 2, "0.8", "latency.2.1-5", 5, "PUT", "rest", 200, "completed", True, True,
        "front-2", 64, 64, 0, 1, True, True, 5000, 5, 0,
    )  # fmt: skip


def test_an_execution_has_the_step_of_its_transaction():
    query = """SELECT count(*) FROM executions e JOIN transactions t USING (phase, topology, trial, id)
               WHERE e.step <> t.step"""
    assert rows(small_run(), query) == [(0,)]


def test_what_has_only_a_time_has_the_step_that_had_begun():
    marks = rows(small_run(), "SELECT DISTINCT phase, step FROM marks WHERE kind = 'fault' ORDER BY ALL")
    assert marks == [("kill-broker", "0.5"), ("kill-worker", "0.5")]
    steps = rows(small_run(), "SELECT DISTINCT step FROM samples WHERE phase = 'capacity' ORDER BY ALL")
    assert steps == [("",), ("16",), ("4",)]


def test_samples_hold_use_and_depths_by_name():
    found = rows(small_run(), "SELECT DISTINCT role, name FROM samples WHERE part = 'front-1' ORDER BY ALL")
    names = (
        "cpu_s", "ctx_involuntary", "ctx_voluntary", "fds", "outstanding", "rss_bytes", "run_delay_s", "threads",
    )  # fmt: skip
    assert found == [("front", name) for name in names]
    clocks = rows(
        small_run(), "SELECT DISTINCT part, name FROM samples WHERE name LIKE '%ahead%' ORDER BY ALL"
    )
    assert clocks == [("bench", "boot_ahead_s"), ("bench", "wall_ahead_s")]


def test_torn_ends_are_skipped_and_told(run):
    files = EpisodeFolder.of(run, "latency-paranoid-pirate-1")
    log = next(files.executions.glob("worker-1-*.bin"))
    for path in (files.records, log, files.samples):
        with path.open("rb+") as file:
            file.truncate(path.stat().st_size - 7)
    assert to_parquet(run).torn == (
        "latency-paranoid-pirate-1/load.bin: the last record is torn",
        "latency-paranoid-pirate-1/executions/worker-1-100.bin: the last entry is torn",
        "latency-paranoid-pirate-1/samples.jsonl: the last line is torn",
    )
    assert rows(run, "SELECT count(*) FROM transactions WHERE phase = 'latency'")[0][0] > 100


def test_an_episode_under_way_when_the_run_ended_is_left_out(run):
    record = run_record.read(run)
    gone = record.episodes.pop()
    record.complete = False
    record.write(run)
    assert to_parquet(run).episodes == len(record.episodes)
    assert rows(run, f"SELECT count(*) FROM transactions WHERE phase = '{gone.phase}'") == [(0,)]


def test_an_episode_that_left_nothing_is_no_error(run):
    files = EpisodeFolder.of(run, "latency-paranoid-pirate-1")
    for path in (files.records, files.samples, files.marks):
        path.unlink()
    assert to_parquet(run).torn == ()


def test_a_broken_line_in_the_middle_is_an_error_that_names_its_place(run):
    files = EpisodeFolder.of(run, "latency-paranoid-pirate-1")
    files.marks.write_bytes(b'{"t_ns": 1, "part": "bench", "kind": "stop"}\n{"t_ns": \n')
    with pytest.raises(BadInput, match=r"bench.jsonl, line 2"):
        to_parquet(run)


def test_a_run_without_its_record_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        to_parquet(tmp_path)


def test_a_table_that_is_missing_opens_empty(run):
    to_parquet(run)
    (run / "marks.parquet").unlink()
    assert rows(run, "SELECT * FROM marks") == []


def test_a_table_that_cannot_be_written_is_an_error_of_the_system(run, capsys):
    """As where the folder is another's, or the disk is full: a folder stands where the table is to go."""
    (run / ".samples.parquet.half").mkdir()
    with pytest.raises(OSError, match=r"samples\.parquet"):
        to_parquet(run)
    assert cli.run(["report", str(run)]) == 2
    told = capsys.readouterr().err
    assert told.startswith("brokerbench: RESULTS must be a folder that can be read and written, got ")
    assert told.count("\n") == 1
