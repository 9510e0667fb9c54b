"""What a part has to say, written down within bounds."""

import logging

import msgspec

from common.machine import NOTES, Note
from common.observer import GaugeLine, NoteLine, Observer


def lines(folder, kind, part="worker-1"):
    return (folder / kind / f"{part}.jsonl").read_bytes().splitlines()


def test_a_note_is_a_line_with_its_time_and_its_part(tmp_path):
    observer = Observer("worker-1", tmp_path)
    observer.note(Note("peer-lost", "broker-1", "silent"), 12.25)
    observer.close()
    (line,) = lines(tmp_path, "notes")
    assert msgspec.json.decode(line, type=NoteLine) == NoteLine(
        12_250_000_000, "worker-1", "peer-lost", "broker-1", "silent"
    )


def test_gauges_are_a_line_too(tmp_path):
    observer = Observer("worker-1", tmp_path)
    observer.gauges({"queued": 3}, 1.5)
    observer.close()
    (line,) = lines(tmp_path, "gauges")
    assert msgspec.json.decode(line, type=GaugeLine) == GaugeLine(1_500_000_000, "worker-1", {"queued": 3})


def test_a_line_is_there_as_soon_as_it_is_written(tmp_path):
    """So that it survives the process."""
    observer = Observer("worker-1", tmp_path)
    observer.note(Note("started"), 1.0)
    assert len(lines(tmp_path, "notes")) == 1
    observer.close()


def test_a_part_that_was_restarted_goes_on_where_it_was(tmp_path):
    for now in (1.0, 2.0):
        observer = Observer("worker-1", tmp_path)
        observer.note(Note("started"), now)
        observer.close()
    assert len(lines(tmp_path, "notes")) == 2


def test_a_flood_of_one_kind_is_counted_in_full_written_in_part_and_hides_no_other(tmp_path):
    observer = Observer("worker-1", tmp_path)
    for _ in range(5000):
        observer.note(Note("malformed", "?"), 7.5)
    observer.note(Note("peer-lost", "broker-1"), 7.9)
    observer.note(Note("malformed", "?"), 8.0)
    observer.close()
    written = [msgspec.json.decode(line)["kind"] for line in lines(tmp_path, "notes")]
    assert observer.counts == {"malformed": 5001, "peer-lost": 1}
    assert written.count("peer-lost") == 1
    assert 1000 < written.count("malformed") <= 2001
    assert written[-1] == "malformed", "the next second writes again"


def test_the_log_is_for_people_and_shorter(caplog):
    observer = Observer("worker-1", None)
    with caplog.at_level(logging.INFO, "brokerbench.worker-1"):
        for _ in range(100):
            observer.note(Note("peer-lost", "broker-1", "silent"), 1.0)
    assert len(caplog.messages) == 20
    assert caplog.messages[0] == "peer-lost broker-1: silent"


def test_what_the_ledger_tells_better_is_logged_for_the_curious_only(caplog):
    observer = Observer("worker-1", None)
    with caplog.at_level(logging.DEBUG, "brokerbench.worker-1"):
        observer.note(Note("rejected", "a", "queue full"), 1.0)
    assert [record.levelno for record in caplog.records] == [logging.DEBUG]


def test_without_a_folder_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    observer = Observer("worker-1", None)
    observer.note(Note("started"), 1.0)
    observer.gauges({"queued": 1}, 1.0)
    observer.close()
    assert list(tmp_path.iterdir()) == []
    assert observer.counts == {"started": 1}


def test_every_kind_of_note_says_what_it_is():
    assert all(kind and what for kind, what in NOTES.items())
