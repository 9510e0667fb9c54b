import asyncio
import gc
import time
from pathlib import Path

import numpy as np
import pytest

from bench.load import closed_loop, open_loop
from bench.load.__main__ import play
from bench.load.exchange import Ending, Exchange
from bench.load.http import PREPARED_MIN
from bench.load.record_table import read_records
from bench.load.records import ANSWER_OK, WARMUP
from bench.load.report import Begin, End, Lag, Ready, Stop, lag_of, read_report
from bench.load.spec import ClosedStep, LoadSpec, OpenStep, PacedStep, Span
from tests.bench.load.scripted import Peer, answer, echo, serving, spec

STALL_S = 0.3


def open_step(**more) -> OpenStep:
    return OpenStep(**{"name": "0.5", "phase": "steady", "rate_per_s": 400, "duration_s": 0.5, **more})


def lines(told: LoadSpec, kind: type):
    return [line for line in read_report(Path(told.report_file)) if isinstance(line, kind)]


async def test_every_transaction_is_recorded_exactly_as_scheduled(tmp_path: Path):
    steps = (open_step(warmup_s=0.1), open_step(name="0.8", arrivals="constant"))
    async with serving(echo) as first, serving(echo) as second:
        told = spec(tmp_path, steps, targets=(first, second), stream=(1,))
        assert await play(told) == 0
    rows = read_records(tmp_path / "load.bin").rows
    for begin, end in zip(lines(told, Begin), lines(told, End), strict=True):
        played = np.sort(rows[rows["step"] == begin.step], order="index")
        due_ns = np.asarray(open_loop.schedule(told, begin.step)) + begin.begin_ns
        assert played["scheduled_ns"].tolist() == due_ns.tolist()
        assert played["id"].tolist() == [b"quick.1.%d-%d" % (begin.step, i) for i in range(len(due_ns))]
        assert (played["front"] == played["index"] % 2).all()
        assert (played["ending"] == Ending.COMPLETED).all()
        assert (played["flags"] & ANSWER_OK > 0).all()
        assert (played["sent_ns"] >= played["scheduled_ns"]).all()
        assert (played["done_ns"] >= played["sent_ns"]).all()
        assert ((played["flags"] & WARMUP > 0) == (due_ns < begin.warm_ns)).all()
        assert (end.sent, end.dropped, end.complete) == (len(due_ns), 0, True)
        assert end.done_ns >= max(begin.end_ns, int(played["done_ns"].max()))
        assert 0 < end.lag.p50_us <= end.lag.p99_us <= end.lag.max_us
        assert end.cpu_s > 0


async def test_latency_counts_from_the_schedule_while_the_server_stalls(tmp_path: Path):
    stalled = asyncio.Event()

    async def script(peer: Peer) -> None:
        while True:
            id, body = await peer.request()
            if not stalled.is_set() and id == b"quick.1.0-80":
                stalled.set()
                time.sleep(STALL_S)  # the loop they share: the generator stalls with it, which is worse still
            peer.say(answer(200, id, body))

    async with serving(script) as target:
        told = spec(tmp_path, (open_step(arrivals="constant", duration_s=1),), targets=(target,))
        assert await play(told) == 0
    rows = read_records(tmp_path / "load.bin").rows
    assert len(rows) == 400
    latency_s = (rows["done_ns"] - rows["scheduled_ns"]) / 1e9
    # Those due in the first two thirds of the stall waited for the last third of it at least.
    assert np.mean(latency_s > STALL_S / 3) >= 400 * STALL_S * (2 / 3) / 400 - 0.01
    assert latency_s.max() >= STALL_S * 0.95


async def test_a_frozen_server_delays_nothing_of_the_schedule(tmp_path: Path):
    thawed, asked = asyncio.Event(), 0

    async def script(peer: Peer) -> None:
        nonlocal asked
        while True:
            id, body = await peer.request()
            asked += 1
            if asked == len(open_loop.schedule(told, 0)):
                thawed.set()
            await thawed.wait()
            peer.say(answer(200, id, body))

    async with serving(script) as target:
        told = spec(tmp_path, (open_step(rate_per_s=100, duration_s=0.2),), targets=(target,))
        assert await play(told) == 0
    [end] = lines(told, End)
    rows = read_records(tmp_path / "load.bin").rows
    assert len(rows) == len(open_loop.schedule(told, 0))
    assert rows["sent_ns"].max() <= rows["done_ns"].min(), "all were sent before anything was answered"
    assert end.connections == len(rows) - PREPARED_MIN, "each on a connection of its own"
    assert (rows["ending"] == Ending.COMPLETED).all()


async def test_a_closed_step_never_has_more_than_its_concurrency_under_way(tmp_path: Path):
    under_way, most = 0, 0

    async def script(peer: Peer) -> None:
        nonlocal under_way, most
        while True:
            id, body = await peer.request()
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0.002)
            under_way -= 1
            peer.say(answer(200, id, body))

    async with serving(script) as first, serving(script) as second:
        told = spec(
            tmp_path,
            (ClosedStep(name="4", concurrency=4, warmup_s=0.05, duration_s=0.2),),
            targets=(first, second),
        )
        assert await play(told) == 0
    rows = read_records(tmp_path / "load.bin").rows
    [begin], [end] = lines(told, Begin), lines(told, End)
    assert most == 4
    assert sorted(rows["index"].tolist()) == list(range(end.sent))
    assert begin.begin_ns <= rows["scheduled_ns"].min()
    assert rows["scheduled_ns"].max() < begin.end_ns
    assert 0 < np.count_nonzero(rows["flags"] & WARMUP) < len(rows)
    assert end.lag.max_us == 0


async def test_a_step_is_announced_before_it_begins(tmp_path: Path):
    for number in range(3):  # on a busy machine the process may be put aside just then
        folder = tmp_path / str(number)
        folder.mkdir()
        async with serving(echo) as target:
            told = spec(folder, (open_step(duration_s=0.1), open_step(duration_s=0.1)), targets=(target,))
            assert await play(told) == 0
        report = read_report(Path(told.report_file))
        assert [type(line) for line in report] == [Ready, Begin, End, Begin, End, Stop]
        assert lines(told, Stop)[0].complete
        first, second = lines(told, Begin)
        assert (first.step, first.name, first.phase) == (0, "0.5", "steady")
        assert {line.end_ns - line.begin_ns for line in (first, second)} == {100_000_000}
        if all(line.t_ns < line.begin_ns for line in (first, second)):
            return
    pytest.fail(f"told {first.t_ns - first.begin_ns} and {second.t_ns - second.begin_ns} ns after the begin")


async def test_a_step_waits_for_the_answers_of_the_one_before(tmp_path: Path):
    async def script(peer: Peer) -> None:
        while True:
            id, body = await peer.request()
            await asyncio.sleep(0.1)
            peer.say(answer(200, id, body))

    steps = (open_step(rate_per_s=100, duration_s=0.05, arrivals="constant"),) * 2
    async with serving(script) as target:
        told = spec(tmp_path, steps, targets=(target,))
        assert await play(told) == 0
    rows = read_records(tmp_path / "load.bin").rows
    _, second = lines(told, Begin)
    assert rows[rows["step"] == 0]["done_ns"].max() < second.begin_ns


async def test_the_garbage_collector_is_off_during_a_step_and_on_again_after_it(tmp_path: Path):
    during = []

    async def script(peer: Peer) -> None:
        while True:
            id, body = await peer.request()
            during.append(gc.isenabled())
            peer.say(answer(200, id, body))

    async with serving(script) as target:
        assert await play(spec(tmp_path, (open_step(duration_s=0.05),), targets=(target,))) == 0
    assert set(during) == {False}
    assert gc.isenabled()


async def test_what_cannot_be_written_ends_the_episode(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "load.bin").symlink_to("/dev/full")
    async with serving(echo) as target:
        told = spec(tmp_path, (open_step(duration_s=30),), targets=(target,))
        assert await asyncio.wait_for(play(told), 5) == 1
    [stop] = lines(told, Stop)
    assert not stop.complete
    assert "No space left" in capsys.readouterr().err


async def test_a_search_ends_where_more_users_bring_nothing(tmp_path: Path):
    one_at_a_time = asyncio.Lock()

    async def script(peer: Peer) -> None:
        while True:
            id, body = await peer.request()
            async with one_at_a_time:
                await asyncio.sleep(0.005)
            peer.say(answer(200, id, body))

    steps = tuple(ClosedStep(name=str(n), concurrency=n, duration_s=0.15) for n in (1, 2, 4, 8, 16, 32))
    async with serving(script) as target:
        told = spec(tmp_path, steps, targets=(target,), search_gain_min=0.5)
        assert await play(told) == 0
    assert [line.name for line in lines(told, End)] == ["1", "2", "4"]
    assert lines(told, Stop)[0].complete


def test_an_open_step_searches_nothing(tmp_path: Path):
    with pytest.raises(ValueError, match="a search must have closed steps only"):
        spec(tmp_path, (open_step(),), targets=("127.0.0.1:1",), search_gain_min=0.1)


def test_a_tally_counts_what_was_completed_within_the_measured_part():
    tally = closed_loop.Tally(Span(0, 10, 20))
    for ending, done_ns in ((Ending.COMPLETED, 9), (Ending.COMPLETED, 10), (Ending.UNKNOWN, 12),
                            (Ending.COMPLETED, 19), (Ending.COMPLETED, 20)):  # fmt: skip
        exchange = Exchange(0, 0, b"x", b"", 0, 0, False, 0, 0)
        exchange.ending, exchange.done_ns = ending, done_ns
        tally.count(exchange)
    assert tally.completed == 2
    assert tally.per_s == 2 / 10e-9


def test_lag_in_brief():
    lag = lag_of([10_000] * 98 + [500_000, 2_000_000])
    assert lag == Lag(10, 500, 2000)
    assert lag_of([]) == Lag(0, 0, 0)


async def test_paced_users_ask_at_their_rate_and_not_while_they_wait(tmp_path: Path):
    """Two users of a period of 20 ms: one stall of all costs them their turns."""
    stalled = asyncio.Event()

    async def script(peer: Peer) -> None:
        while True:
            id, body = await peer.request()
            if not stalled.is_set() and id == b"quick.1.0-10":
                stalled.set()
                time.sleep(STALL_S)
            peer.say(answer(200, id, body))

    step = PacedStep(name="100/s", phase="paced", duration_s=0.6, users=2, rate_per_s=100)
    async with serving(script) as target:
        told = spec(tmp_path, (step,), targets=(target,))
        assert await play(told) == 0
    rows = np.sort(read_records(tmp_path / "load.bin").rows, order="index")
    (end,) = lines(told, End)
    assert end.sent == len(rows) <= 60 - (STALL_S - 0.02) * 100 + 2
    latency_s = (rows["done_ns"] - rows["scheduled_ns"]) / 1e9
    assert 1 <= np.count_nonzero(latency_s > STALL_S / 2) <= 4  # an open load would have 15
    assert (rows["sent_ns"] - rows["scheduled_ns"] < 1e9 * STALL_S).all()
