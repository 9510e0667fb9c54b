import asyncio
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.load import closed_loop
from bench.load.closed_loop import TooMany, Window
from bench.load.exchange import Ending, Exchange
from bench.load.records import Records
from bench.load.spec import Span
from bench.load.traffic import Traffic

MS = 1_000_000


@given(concurrency=st.integers(1, 5), takes=st.lists(st.booleans(), max_size=50))
def test_never_more_than_concurrency_are_under_way(concurrency, takes):
    window, under_way, indices = Window(concurrency, end_ns=10), 0, []
    for take in takes:
        if take and (index := window.take(0)) is not None:
            indices.append(index)
            under_way += 1
        elif not take and under_way:
            window.give_back()
            under_way -= 1
        assert under_way <= concurrency
        assert window.free == concurrency - under_way
    assert indices == list(range(len(indices)))


def test_nothing_is_sent_from_the_end_on():
    window = Window(2, end_ns=10)
    assert window.take(9) == 0
    assert window.take(10) is None
    assert repr(window) == "<Window 1 free, 1 handed out>"


def test_their_number_is_bounded():
    window = Window(2, end_ns=10, most=1)
    window.take(0)
    with pytest.raises(TooMany, match="at most 1 transactions"):
        window.take(0)


class Instant:
    """A carrier that ends everything with ``ending``: at once, or as soon as the loop turns."""

    connections = 0

    def __init__(self, ending: Ending, *, at_once: bool) -> None:
        self._ending = ending
        self._at_once = at_once
        self.under_way = self.most = 0

    def __call__(self, ended) -> "Instant":
        self._ended = ended
        return self

    def send(self, exchange: Exchange) -> None:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        if self._at_once:
            self._end(exchange)
        else:
            asyncio.get_running_loop().call_soon(self._end, exchange)

    def _end(self, exchange: Exchange) -> None:
        self.under_way -= 1
        exchange.ending, exchange.done_ns = self._ending, time.monotonic_ns()
        self._ended(exchange)

    async def prepare(self, parallel: int) -> None:
        pass

    def abandon(self, exchange: Exchange) -> None:
        raise AssertionError("nothing is left to abandon")

    async def close(self) -> None:
        pass


async def played(carrier: Instant, folder: Path, concurrency: int, lasts_ms: int) -> Traffic:
    records = Records(folder / "load.bin", "rest", "PUT", 5.0)
    traffic = Traffic(carrier, records)
    traffic.open_step(0, "p", (0,), 5.0, 0)
    begin_ns = time.monotonic_ns() + MS
    at = Span(begin_ns, begin_ns, begin_ns + lasts_ms * MS)
    try:
        await closed_loop.play(traffic, concurrency, at)
        await traffic.settled()
    finally:
        records.close()
    assert time.monotonic_ns() >= at.end_ns
    return traffic


async def test_each_loop_sends_its_next_when_its_last_has_ended(tmp_path: Path):
    carrier = Instant(Ending.COMPLETED, at_once=False)
    traffic = await played(carrier, tmp_path, 4, 50)
    assert carrier.most == 4
    assert traffic.sent > 40


async def test_answers_that_come_at_once_do_not_pile_up_on_the_stack(tmp_path: Path):
    traffic = await played(Instant(Ending.COMPLETED, at_once=True), tmp_path, 1, 50)
    assert traffic.sent > 100


@pytest.mark.parametrize("ending", [Ending.REFUSED, Ending.REJECTED, Ending.DROPPED])
@pytest.mark.parametrize("at_once", [True, False])
async def test_a_loop_that_nobody_serves_does_not_spin(tmp_path: Path, ending, at_once):
    traffic = await played(Instant(ending, at_once=at_once), tmp_path, 2, 45)
    assert 2 <= traffic.sent <= 2 * (1 + 45 // 10)


async def test_too_many_end_the_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Window.__init__, "__defaults__", (10,))
    with pytest.raises(TooMany):
        await played(Instant(Ending.COMPLETED, at_once=True), tmp_path, 1, 5000)
