"""Users who ask once in a while: a period apart, unless they are kept waiting, and then they make up for nothing."""

import time
from pathlib import Path

import pytest

from bench.load import paced_loop
from bench.load.exchange import Ending
from bench.load.paced_loop import Users
from bench.load.record_table import read_records
from bench.load.records import Records
from bench.load.spec import PacedStep, Span
from bench.load.traffic import Traffic
from tests.bench.load.test_closed_loop import Instant

MS = 1_000_000
AT = Span(0, 0, 1000 * MS)


def test_together_they_ask_at_the_rate_evenly_spread():
    users, sent = Users(4, 40.0, AT), []
    for now_ms in range(1000):
        for index in users.due(now_ms * MS):
            sent.append(now_ms)
            users.answered(index, now_ms * MS + 5 * MS)
    assert sent == list(range(0, 1000, 25))


def test_who_waits_for_an_answer_asks_nothing():
    users = Users(2, 20.0, AT)
    assert users.due(0) == [0]
    assert users.due(50 * MS) == [1]
    assert users.due(900 * MS) == []
    assert users.wake_ns() is None
    assert repr(users) == "<Users 0 free, 2 waiting, 2 asked>"


def test_who_was_kept_waiting_asks_at_once_and_makes_up_for_nothing():
    users = Users(1, 10.0, AT)
    (first,) = users.due(0)
    users.answered(first, 350 * MS)
    assert users.due(350 * MS) == [1]
    users.answered(1, 360 * MS)
    assert users.due(449 * MS) == []
    assert users.wake_ns() == 450 * MS
    assert users.due(450 * MS) == [2]


def test_a_late_wake_does_not_lower_the_rate():
    users = Users(1, 10.0, AT)
    (first,) = users.due(3 * MS)
    users.answered(first, 4 * MS)
    assert users.wake_ns() == 100 * MS


def test_nothing_is_sent_from_the_end_on():
    users = Users(1, 10.0, AT)
    (first,) = users.due(999 * MS)
    users.answered(first, 1000 * MS)
    assert users.due(1000 * MS) == []
    assert users.wake_ns() is None


async def played(carrier: Instant, folder: Path, step: PacedStep) -> Traffic:
    records = Records(folder / "load.bin", "rest", "PUT", 5.0)
    traffic = Traffic(carrier, records)
    traffic.open_step(0, "p", (0,), 5.0, 0)
    begin_ns = time.monotonic_ns() + MS
    try:
        await paced_loop.play(
            traffic, step, Span(begin_ns, begin_ns, begin_ns + round(step.duration_s * 1e9))
        )
        await traffic.settled()
    finally:
        records.close()
    return traffic


@pytest.mark.parametrize("at_once", [True, False])
async def test_as_many_are_sent_as_the_rate_says_and_due_when_they_are_sent(tmp_path: Path, at_once):
    step = PacedStep(name="200/s", duration_s=0.2, users=4, rate_per_s=200)
    traffic = await played(Instant(Ending.COMPLETED, at_once=at_once), tmp_path, step)
    assert 30 <= traffic.sent <= 41
    rows = read_records(tmp_path / "load.bin").rows
    assert (rows["scheduled_ns"] <= rows["done_ns"]).all()
    assert len(rows) == traffic.sent


async def test_users_whom_nobody_serves_do_not_spin(tmp_path: Path):
    step = PacedStep(name="9", duration_s=0.045, users=2, rate_per_s=100_000)
    traffic = await played(Instant(Ending.REFUSED, at_once=True), tmp_path, step)
    assert 2 <= traffic.sent <= 2 * (1 + 45 // 10)
