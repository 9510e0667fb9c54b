import time
from pathlib import Path

import pytest

from bench.load.exchange import Ending, Exchange, body_of
from bench.load.record_table import read_records
from bench.load.records import DEFINITE, WARMUP, Records
from bench.load.traffic import PATIENCE_S, Traffic

S = 1_000_000_000


class Held:
    """A carrier that holds everything until it is told."""

    connections = 0

    def __init__(self, ended) -> None:
        self.ended = ended
        self.held: list[Exchange] = []

    async def prepare(self, parallel: int) -> None:
        pass

    def send(self, exchange: Exchange) -> None:
        exchange.sent_ns = time.monotonic_ns()
        self.held.append(exchange)

    def end(self, exchange: Exchange, ending: Ending) -> None:
        self.held.remove(exchange)
        exchange.ending, exchange.done_ns = ending, time.monotonic_ns()
        self.ended(exchange)

    def abandon(self, exchange: Exchange) -> None:
        self.end(exchange, Ending.BROKEN)

    async def close(self) -> None:
        pass


@pytest.fixture
def traffic(tmp_path: Path):
    records = Records(tmp_path / "load.bin", "rest", "PUT", 5.0)
    traffic = Traffic(Held, records)
    traffic.open_step(4, "quick.1", (16,), 5.0, warm_ns=0)
    yield traffic
    records.close()


def rows(traffic: Traffic, folder: Path):
    traffic.records.flush()
    return read_records(folder / "load.bin").rows


async def test_each_transaction_has_an_id_and_a_body_of_its_own(traffic):
    traffic.send(0, 1)
    traffic.send(1, 2)
    assert [exchange.id for exchange in traffic.carrier.held] == [b"quick.1.4-0", b"quick.1.4-1"]
    assert traffic.carrier.held[0].body == body_of(b"quick.1.4-0", 16)
    traffic.stop()


async def test_what_is_due_before_the_step_is_warm_is_flagged(traffic, tmp_path):
    traffic.open_step(0, "p", (0,), 5.0, warm_ns=100)
    for index, scheduled_ns in enumerate((99, 100)):
        traffic.send(index, scheduled_ns)
    traffic.stop()
    assert [bool(row["flags"] & WARMUP) for row in rows(traffic, tmp_path)] == [True, False]


async def test_lag_is_from_due_to_picked_up(traffic):
    traffic.send(0, time.monotonic_ns() - S)
    traffic.send(1, None)
    assert len(traffic.lags_ns) == 1
    assert S <= traffic.lags_ns[0] < 2 * S
    traffic.stop()


async def test_patience_ends_after_the_time_out_and_not_for_what_has_ended(traffic, tmp_path):
    for index in range(3):
        traffic.send(index, None)
    first, second, third = traffic.carrier.held
    traffic.carrier.end(second, Ending.COMPLETED)
    patience_ns = int((5.0 + PATIENCE_S) * S)
    traffic.give_up(first.picked_ns + patience_ns - 1)
    assert traffic.outstanding == 2
    traffic.give_up(first.picked_ns + patience_ns)
    assert traffic.outstanding == 1
    assert first.ending is Ending.BROKEN
    traffic.give_up(third.picked_ns + patience_ns)
    await traffic.settled()
    assert [row["index"] for row in rows(traffic, tmp_path)] == [1, 0, 2]


async def test_stopping_writes_down_what_is_under_way_as_broken(traffic, tmp_path):
    for index in range(3):
        traffic.send(index, None)
    traffic.carrier.end(traffic.carrier.held[1], Ending.COMPLETED)
    traffic.stop()
    found = {
        int(row["index"]): (Ending(row["ending"]), row["flags"] & DEFINITE) for row in rows(traffic, tmp_path)
    }
    assert found == {1: (Ending.COMPLETED, DEFINITE), 0: (Ending.BROKEN, 0), 2: (Ending.BROKEN, 0)}
    traffic.stop()
    assert len(rows(traffic, tmp_path)) == 3


async def test_the_generators_own_failures_are_counted(traffic):
    traffic.send(0, None)
    traffic.carrier.end(traffic.carrier.held[0], Ending.DROPPED)
    assert (traffic.sent, traffic.dropped) == (1, 1)


async def test_who_waits_for_an_end_is_told_after_it_was_written_down(traffic):
    told = []
    traffic.tell(lambda exchange: told.append((exchange.index, traffic.outstanding)))
    traffic.send(0, None)
    traffic.carrier.end(traffic.carrier.held[0], Ending.COMPLETED)
    assert told == [(0, 0)]
