from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.load.exchange import Ending, Exchange
from bench.load.record_table import ENDINGS, read_records
from bench.load.records import (
    ANSWER_OK,
    DEFINITE,
    ENTRY,
    LAYOUT,
    LEVELS,
    METHODS,
    RETRY,
    UNNAMED,
    WARMUP,
    Records,
)
from common.transaction import Fate


def ended(ending: Ending, id: bytes = b"p.2-7", **fields: Any) -> Exchange:
    exchange = Exchange(2, 7, id, b"", 10, 11, False)
    exchange.ending = ending
    exchange.done_ns = 30
    for name, value in fields.items():
        setattr(exchange, name, value)
    return exchange


def written(path: Path, *exchanges: Exchange, method="PUT") -> np.ndarray:
    records = Records(path, "rest", method, 5.0)
    for exchange in exchanges:
        records.add(exchange)
    records.close()
    table = read_records(path)
    assert table.torn_bytes == 0
    return table.rows


def test_what_is_written_is_read(tmp_path: Path):
    fields: dict[str, Any] = {
        "sent_ns": 12,
        "deadline_ns": 2**62,
        "status": 200,
        "front": 3,
        "attempts": 2,
        "bytes_out": 200,
    }
    fields |= {
        "bytes_in": 300,
        "waited_us": 4,
        "slot_us": 5,
        "worked_us": 6,
        "answer_ok": True,
        "warmup": True,
    }
    [row] = written(tmp_path / "load.bin", ended(Ending.COMPLETED, **fields))
    expected = {name: value for name, value in fields.items() if name in dict(LAYOUT)}
    expected |= {"index": 7, "step": 2, "scheduled_ns": 10, "done_ns": 30, "timeout_ms": 5000, "id": b"p.2-7"}
    assert {name: row[name] for name in expected} == expected
    assert row["method"] == METHODS["PUT"]
    assert row["level"] == LEVELS["rest"]
    assert row["flags"] == RETRY | WARMUP | ANSWER_OK | DEFINITE


def test_the_longest_id_fits(tmp_path: Path):
    [row] = written(tmp_path / "load.bin", ended(Ending.COMPLETED, id=b"x" * 64))
    assert row["id"] == b"x" * 64


def test_only_unknown_and_broken_are_indefinite(tmp_path: Path):
    rows = written(tmp_path / "load.bin", *map(ended, Ending))
    indefinite = {ENDINGS[row["ending"]] for row in rows if not row["flags"] & DEFINITE}
    assert indefinite == {"unknown", "broken"}


def test_every_fate_is_an_ending():
    assert {fate.value: fate.definite for fate in Fate}.items() <= {
        e.text: e.definite for e in Ending
    }.items()


def test_an_unnamed_post_says_so_and_may_not_be_retried(tmp_path: Path):
    [row] = written(tmp_path / "load.bin", ended(Ending.BROKEN, named=False), method="POST")
    assert row["flags"] == UNNAMED


def test_numbers_too_large_for_their_field_are_written_as_its_largest(tmp_path: Path):
    [row] = written(tmp_path / "load.bin", ended(Ending.COMPLETED, worked_us=2**40, attempts=1000))
    assert (row["worked_us"], row["attempts"]) == (2**32 - 1, 255)


def test_what_was_flushed_can_be_read_while_the_writer_lives(tmp_path: Path):
    records = Records(tmp_path / "load.bin", "rest", "PUT", 5.0)
    records.add(ended(Ending.COMPLETED))
    assert len(read_records(tmp_path / "load.bin").rows) == 0
    records.flush()
    assert len(read_records(tmp_path / "load.bin").rows) == 1
    records.close()
    records.close()


def test_a_torn_last_entry_is_reported_and_left_out(tmp_path: Path):
    path = tmp_path / "load.bin"
    written(path, ended(Ending.COMPLETED), ended(Ending.FAILED))
    path.write_bytes(path.read_bytes()[:-5])
    table = read_records(path)
    assert (len(table.rows), table.torn_bytes) == (1, ENTRY.size - 5)


def test_a_foreign_file_is_not_mistaken_for_a_record(tmp_path: Path):
    (tmp_path / "load.bin").write_bytes(b"\xee" * 2 * ENTRY.size)
    with pytest.raises(ValueError, match="entry 0 has the ending 238, expected one of"):
        read_records(tmp_path / "load.bin")


def test_after_a_failed_write_nothing_follows(tmp_path: Path):
    records = Records(Path("/dev/full"), "rest", "PUT", 5.0)
    records.add(ended(Ending.COMPLETED))
    with pytest.raises(OSError, match="No space"):
        records.flush()
    records.add(ended(Ending.COMPLETED))
    records.flush()
    records.close()
