import math
import os
import time

import pytest

from common.executions import (
    ENTRY,
    NS_MAX,
    Execution,
    ExecutionLog,
    NoExecutions,
    join,
    log_path,
    owner,
    read,
)
from common.transaction import Fate, Transaction


def transaction(id=b"a", deadline=12.5, retry=False):
    return Transaction(id, (b"body",), deadline, retry)


@pytest.fixture
def path(tmp_path):
    return log_path(tmp_path, "worker-1", 4711)


@pytest.fixture
def log(path):
    log = ExecutionLog(path)
    yield log
    log.close()


def test_what_was_begun_and_finished_reads_as_one_execution(path, log):
    log.begun(transaction(retry=True), False, 100)
    log.finished(b"a", Fate.COMPLETED, 250)
    assert join(read(path).entries) == [
        Execution(b"a", 100, 250, Fate.COMPLETED, opaque=False, retry=True, deadline_ns=12_500_000_000)
    ]


def test_an_entry_can_be_read_before_the_log_is_closed_or_flushed(path, log):
    log.begun(transaction(), True, 100)
    (execution,) = join(read(path).entries)
    assert execution == Execution(b"a", 100, 0, None, opaque=True, retry=False, deadline_ns=12_500_000_000)


def test_an_execution_that_never_finished_is_followed_by_others_that_did(path, log):
    log.begun(transaction(), False, 1)
    log.begun(transaction(b"b"), False, 2)
    log.finished(b"b", Fate.FAILED, 3)
    assert [(e.id, e.finished_ns, e.fate) for e in join(read(path).entries)] == [
        (b"a", 0, None),
        (b"b", 3, Fate.FAILED),
    ]


def test_an_id_executed_twice_is_two_executions(path, log):
    for begun_ns in (1, 3):
        log.begun(transaction(), False, begun_ns)
        log.finished(b"a", Fate.COMPLETED, begun_ns + 1)
    assert [(e.begun_ns, e.finished_ns) for e in join(read(path).entries)] == [(1, 2), (3, 4)]


@pytest.mark.parametrize("id", [b"x", b"~" * 64])
def test_ids_of_every_length_come_back(path, log, id):
    log.begun(transaction(id), False, 1)
    assert read(path).entries[0].id == id


def test_a_deadline_that_is_never_is_the_largest_instant(path, log):
    log.begun(transaction(deadline=math.inf), True, 1)
    assert read(path).entries[0].deadline_ns == NS_MAX


def test_a_second_writer_of_the_same_file_appends(path, log):
    log.begun(transaction(), False, 1)
    again = ExecutionLog(path)
    again.begun(transaction(b"b"), False, 2)
    again.close()
    assert [entry.id for entry in read(path).entries] == [b"a", b"b"]


@pytest.mark.parametrize("torn_bytes", [1, ENTRY.size - 1])
def test_a_torn_last_entry_is_reported_and_the_rest_is_read(path, log, torn_bytes):
    log.begun(transaction(), False, 1)
    log.finished(b"a", Fate.COMPLETED, 2)
    with path.open("ab") as file:
        file.write(path.read_bytes()[:torn_bytes])
    contents = read(path)
    assert (len(contents.entries), contents.torn_bytes) == (2, torn_bytes)


def test_an_empty_file_has_no_entries(path, log):
    assert read(path) == ([], 0)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ((3, 0, 0, 1, 1, 1, b"a"), "kind must be 1 or 2, got 3"),
        ((2, 9, 0, 1, 1, 1, b"a"), "fate must be one of"),
        ((1, 0, 0, 65, 1, 1, b"a"), "an id has at most 64 bytes, got 65"),
    ],
)
def test_what_no_writer_of_ours_wrote_is_named(path, fields, complaint):
    path.write_bytes(ENTRY.pack(*fields))
    with pytest.raises(ValueError, match=complaint) as raised:
        read(path)
    assert str(path) in str(raised.value)


def test_an_end_without_its_begin_is_an_error(path, log):
    log.begun(transaction(), False, 1)
    log.finished(b"b", Fate.COMPLETED, 2)
    with pytest.raises(ValueError, match="b'b' has finished at 2 ns and not begun before"):
        join(read(path).entries)


def test_a_disk_that_takes_a_part_of_an_entry_is_an_error_and_leaves_none_of_it(path, log, monkeypatch):
    log.begun(transaction(), False, 1)
    write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda fd, octets: write(fd, octets[:10]))
        with pytest.raises(OSError, match="No space left"):
            log.finished(b"a", Fate.COMPLETED, 2)
    log.finished(b"a", Fate.COMPLETED, 3)
    assert join(read(path).entries)[0].finished_ns == 3


def test_closing_twice_does_no_harm(log):
    log.close()
    log.close()


def test_a_file_s_name_tells_who_wrote_it(path):
    assert path.name == "worker-1-4711.bin"
    assert owner(path) == ("worker-1", 4711)
    with pytest.raises(ValueError, match=r"is named PART-PID.bin, got 'worker.bin'"):
        owner(path.with_name("worker.bin"))


def test_without_a_record_nothing_is_written(tmp_path):
    log = NoExecutions()
    log.begun(transaction(), False, 1)
    log.finished(b"a", Fate.COMPLETED, 2)
    log.close()
    assert list(tmp_path.iterdir()) == []


def test_writing_is_cheap_enough_for_every_transaction(path, log):
    """Two entries cost about 4 us; ten times as much would show in every figure of the bench."""
    best_s = math.inf
    for _ in range(5):
        began = time.perf_counter()
        for t_ns in range(200):
            log.begun(transaction(), False, t_ns)
            log.finished(b"a", Fate.COMPLETED, t_ns)
        best_s = min(best_s, (time.perf_counter() - began) / 200)
    assert best_s < 100e-6
