"""Who tries again what, when and for whose tokens; and that each retry is a real request with an end of its own."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.load.__main__ import play
from bench.load.exchange import Ending, Exchange
from bench.load.record_table import read_records
from bench.load.report import End, Offered, read_report
from bench.load.retrying import AGAIN, Due, Retrier
from bench.load.spec import Burst, LoadSpec, OpenStep, Retrying
from common.settings import Retries as Budget
from tests.bench.load.scripted import Peer, answer, serving, spec

S = 1_000_000_000
AFTER_S = 0.5
FIRST_INDEX = 100
END_NS = 10 * S


def retries(most: int = 3, budget: Budget | None = None, method="PUT") -> Retrier:
    return Retrier(Retrying(retries=most, after_s=AFTER_S, budget=budget), method, FIRST_INDEX, END_NS)


def ended(ending: Ending, origin: int = 7, retry: int = 0, done_ns: int = S) -> Exchange:
    exchange = Exchange(0, origin, b"t", b"", 1, 1, False, origin, retry)
    exchange.ending, exchange.done_ns = ending, done_ns
    return exchange


def test_what_ended_badly_is_due_again_after_the_pause():
    again = retries()
    again.ended(ended(Ending.REJECTED, origin=7))
    again.ended(ended(Ending.UNKNOWN, origin=3, retry=2, done_ns=S + 1))
    assert again.due(S + S // 2 - 1) == []
    assert again.wake_ns() == S + S // 2
    assert again.due(S + S // 2) == [Due(S + S // 2, FIRST_INDEX, 7, 1)]
    assert again.due(END_NS) == [Due(S + S // 2 + 1, FIRST_INDEX + 1, 3, 3)]
    assert again.due(END_NS) == []
    assert again.wake_ns() == END_NS


@pytest.mark.parametrize("ending", Ending)
def test_only_what_failed_is_tried_again_and_a_post_only_where_nothing_happened(ending):
    for method, retried in (
        ("PUT", {"rejected", "refused", "unknown", "broken"}),
        ("POST", {"rejected", "refused"}),
    ):
        again = retries(method=method)
        again.ended(ended(ending))
        assert bool(again.due(END_NS)) == (ending.text in retried)


def test_after_the_last_retry_the_client_gives_up():
    again = retries(most=2)
    again.ended(ended(Ending.REJECTED, retry=2))
    assert again.due(END_NS) == []


def test_nobody_comes_back_after_the_steps_end():
    again = retries()
    again.ended(ended(Ending.REJECTED, done_ns=END_NS - S // 2))
    assert again.due(END_NS) == []


def test_the_budget_is_earned_by_first_tries_only():
    again = retries(budget=Budget(burst=1, ratio=0.5))
    for retry in (0, 1, 2):
        again.ended(ended(Ending.REJECTED, retry=retry))
    assert len(again.due(END_NS)) == 1
    for _ in range(2):
        again.ended(ended(Ending.COMPLETED))
    again.ended(ended(Ending.REJECTED, retry=1))
    assert len(again.due(END_NS)) == 1


@given(
    most=st.integers(1, 4),
    burst=st.integers(0, 5),
    ratio=st.sampled_from([0.0, 0.1, 0.5]),
    endings=st.lists(st.sampled_from(list(Ending)), max_size=60),
)
def test_the_budget_and_the_bound_hold_whatever_happens(most, burst, ratio, endings):
    again = retries(most, Budget(burst=burst, ratio=ratio))
    to_end = [ended(ending, origin) for origin, ending in enumerate(endings)]
    made: list[Due] = []
    now_ns = 0
    while to_end:
        for exchange in to_end:
            exchange.done_ns = now_ns
            again.ended(exchange)
        now_ns += S
        due = again.due(now_ns)
        made += due
        to_end = [ended(Ending.UNKNOWN, retry.origin, retry.retry) for retry in due]
    assert len(made) <= burst + ratio * len(endings)
    assert [retry.place for retry in made] == list(range(FIRST_INDEX, FIRST_INDEX + len(made)))
    assert len({(retry.origin, retry.retry) for retry in made}) == len(made)
    assert all(1 <= retry.retry <= most and endings[retry.origin] in AGAIN["PUT"] for retry in made)


# --- on a scripted server ------------------------------------------------------------------------------------


def refusal(id: bytes) -> bytes:
    told = b'{"fate": "rejected", "definite": true, "transaction_id": "%b"}' % id
    return answer(503, id, told, b"Retry-After: 1\r\n")


def a_step(retrying: Retrying, **more) -> OpenStep:
    told = {"name": "1", "rate_per_s": 50, "duration_s": 0.5, "arrivals": "constant"}
    return OpenStep(**{**told, "retrying": retrying, **more})


async def played(folder: Path, script, step: OpenStep, **more) -> tuple[np.ndarray, LoadSpec]:
    async with serving(script) as target:
        told = spec(folder, (step,), targets=(target,), **more)
        assert await play(told) == 0
    return np.sort(read_records(folder / "load.bin").rows, order="index"), told


async def test_each_retry_is_a_request_of_its_own_with_an_id_a_body_and_a_record(tmp_path: Path):
    asked: list[bytes] = []

    async def script(peer: Peer) -> None:
        while True:
            id, body = await peer.request()
            asked.append(id)
            assert id in body
            peer.say(answer(200, id, body) if id.endswith(b"~2") else refusal(id))

    step = a_step(Retrying(retries=3, after_s=0.02, budget=None), duration_s=0.4)
    rows, told = await played(tmp_path, script, step)

    assert sorted(asked) == sorted(rows["id"].tolist())
    assert rows["index"].tolist() == list(range(len(rows)))
    first = rows[rows["retry"] == 0]
    assert first["origin"].tolist() == first["index"].tolist() == list(range(20))
    assert rows["id"].tolist() == [
        b"quick.1.0-%d" % row["origin"] + (b"~%d" % row["retry"] if row["retry"] else b"") for row in rows
    ]
    # What could still be tried again before the step's end was, until it was completed.
    early = first[first["scheduled_ns"] < first["scheduled_ns"][0] + S // 4]["origin"].tolist()
    for origin in early:
        tries = np.sort(rows[rows["origin"] == origin], order="retry")
        assert tries["ending"].tolist() == [Ending.REJECTED, Ending.REJECTED, Ending.COMPLETED]
        pauses_ns = tries["scheduled_ns"][1:] - tries["done_ns"][:-1]
        assert pauses_ns.tolist() == [20_000_000] * 2, "not Retry-After's second"
        assert (tries["sent_ns"] >= tries["scheduled_ns"]).all()
    [end] = [line for line in read_report(Path(told.report_file)) if isinstance(line, End)]
    assert (end.sent, end.retried) == (len(rows), len(rows) - 20)


async def test_without_answers_that_count_retries_are_bounded_and_end_with_the_step(tmp_path: Path):
    async def script(peer: Peer) -> None:
        while True:
            id, _ = await peer.request()
            peer.say(refusal(id))

    rows, _ = await played(tmp_path, script, a_step(Retrying(retries=2, after_s=0.01, budget=None)))
    assert np.bincount(rows["origin"]).max() == 3
    assert rows["scheduled_ns"].max() < rows["scheduled_ns"].min() + S // 2


async def test_the_budget_holds_retries_to_a_share_of_the_load(tmp_path: Path):
    async def script(peer: Peer) -> None:
        while True:
            id, _ = await peer.request()
            peer.say(refusal(id))

    step = a_step(Retrying(retries=3, after_s=0.01, budget=Budget(burst=4, ratio=0.2)), rate_per_s=100)
    rows, _ = await played(tmp_path, script, step)
    assert 4 < np.count_nonzero(rows["retry"]) <= 4 + 0.2 * 50


async def test_a_post_whose_connection_broke_is_not_tried_again(tmp_path: Path):
    async def script(peer: Peer) -> None:
        await peer.request()
        peer.reset()

    step = a_step(Retrying(retries=3, after_s=0.01, budget=None))
    rows, _ = await played(tmp_path, script, step, method="POST")
    assert set(rows["ending"].tolist()) == {Ending.BROKEN}
    assert not rows["retry"].any()


async def test_a_posts_retry_has_an_id_of_its_own_until_the_front_names_it(tmp_path: Path):
    asked: list[bytes] = []

    async def script(peer: Peer) -> None:
        while True:
            id, body = await peer.request()
            asked.append(id)
            named = b"front-" + id
            more = b"X-Request-ID: %b\r\n" % id
            peer.say(answer(200, named, body, more) if b"~" in id else refusal(id))

    step = a_step(Retrying(retries=1, after_s=0.01, budget=None), duration_s=0.2)
    rows, _ = await played(tmp_path, script, step, method="POST")
    assert b"quick.1.0-0~1" in asked
    completed = rows[rows["ending"] == Ending.COMPLETED]
    assert completed["retry"].all()
    assert b"front-quick.1.0-0~1" in completed["id"].tolist()


async def test_a_burst_is_sent_and_told_of(tmp_path: Path):
    async def script(peer: Peer) -> None:
        while True:
            id, body = await peer.request()
            peer.say(answer(200, id, body))

    step = OpenStep(
        name="1", rate_per_s=100, warmup_s=0.1, duration_s=0.6, arrivals="constant",
        bursts=(Burst(at_s=0.2, for_s=0.2, times=4),),
    )  # fmt: skip
    rows, told = await played(tmp_path, script, step)
    [offered] = [line for line in read_report(Path(told.report_file)) if isinstance(line, Offered)]
    assert len(rows) == 10 + 20 + 80 + 20
    assert (offered.name, offered.burst, offered.rate_per_s, offered.retried) == ("1", 0, 100, 0)
    assert offered.sent_per_s == pytest.approx(400, rel=0.3)
