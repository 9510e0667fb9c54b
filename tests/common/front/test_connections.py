"""Connections: kept, pipelined, closed as asked, lost, too slow; none of it loses a transaction or answers it twice."""

import logging

import pytest

from common.front.settings import HttpSettings
from common.transaction import Answer, Fate
from tests.common.front.serving import SETTINGS, Serving, put, request, serving

DONE = Answer(Fate.COMPLETED, (b"done",))


async def test_a_connection_is_kept(site: Serving):
    peer = await site.connect()
    assert [(await peer.ask(put(f"{n}", b"%d" % n))).body for n in range(3)] == [b"0", b"1", b"2"]


async def test_pipelined_requests_are_answered_in_their_order(site: Serving):
    peer = await site.connect()
    peer.send(*(put(f"{n}", b"%d" % n) for n in range(20)))
    assert [(await peer.reply()).headers["transaction-id"] for _ in range(20)] == [f"{n}" for n in range(20)]


async def test_a_pipelined_request_waits_for_the_one_before_it(site: Serving):
    site.client.service = None
    peer = await site.connect()
    peer.send(put("a"), put("b"))
    await site.client.has(1)
    site.client.answer(b"a", DONE)
    assert (await peer.reply()).headers["transaction-id"] == "a"
    await site.client.has(2)
    site.client.answer(b"b", DONE)
    assert (await peer.reply()).headers["transaction-id"] == "b"


@pytest.mark.parametrize(
    ("version", "field", "said", "kept"),
    [
        ("1.1", "Connection: close", "close", False),
        ("1.1", "Connection: Close", "close", False),
        ("1.1", "Connection: keep-alive", None, True),
        ("1.0", "Connection: keep-alive", "keep-alive", True),
        ("1.0", "X: y", None, False),
    ],
)
async def test_what_is_said_of_the_connection_is_what_happens(site: Serving, version, field, said, kept):
    peer = await site.connect()
    data = request("PUT", "/v1/transactions/a", field, body=b"x", version=version)
    reply = await peer.ask(data)
    assert (reply.body, reply.headers.get("connection")) == (b"x", said)
    if kept:
        assert (await peer.ask(put("b", b"next"))).body == b"next"
    else:
        assert await peer.ended() == b""


async def test_a_peer_that_hangs_up_in_its_body_has_submitted_nothing(site: Serving):
    for ending in ("hang up", "reset"):
        peer = await site.connect()
        peer.send(put("a", b"whole")[:-1])
        await peer.sent()
        if ending == "hang up":
            await peer.hang_up()
        else:
            peer.reset()
    assert (await site.ask(put("b"))).status == 200
    assert [t.id for t in site.client.submitted] == [b"b"]


@pytest.mark.parametrize("ending", ["hang up", "reset"])
async def test_a_peer_that_disappears_leaves_its_transaction_running(site: Serving, caplog, ending):
    caplog.set_level(logging.INFO)
    site.client.service = None
    peer = await site.connect()
    peer.send(put("a"))
    await site.client.has(1)
    await peer.hang_up() if ending == "hang up" else peer.reset()
    site.client.service = lambda t: DONE
    again = await site.connect()
    again.send(put("a"))  # joins the one that still runs
    await site.metric_becomes("brokerbench_repeats_total", 1)
    site.client.answer(b"a", DONE)
    assert (await again.reply()).body == b"done"
    await site.metric_becomes("brokerbench_dropped_total", 1)
    assert len(site.client.submitted) == 1
    assert [record for record in caplog.records if record.levelno > logging.INFO] == []


async def test_a_peer_that_disappears_unseen_harms_nobody(site: Serving, caplog):
    caplog.set_level(logging.INFO)
    site.client.service = None
    peer = await site.connect()
    peer.send(put("a"), put("b"))  # what is still unread hides from the front that the peer has gone
    await site.client.has(1)
    peer.reset()
    assert (await site.ask(request("GET", "/livez"))).status == 200
    site.client.answer(b"a", DONE)
    await site.client.has(2)
    site.client.answer(b"b", DONE)
    assert await site.metric('brokerbench_depth{place="front"}') == 0
    site.client.service = lambda t: DONE
    assert (await site.ask(put("a"))).status == 200
    assert [record for record in caplog.records if record.levelno > logging.INFO] == []


@pytest.mark.parametrize("begun", [b"", b"PUT /v1/trans", put("a", b"body")[:-1]])
async def test_a_peer_that_is_too_slow_is_cut_off_and_counted(begun):
    async with serving(SETTINGS, HttpSettings(port=0, idle_s=0.1, transfer_s=0.1)) as site:
        peer = await site.connect()
        peer.send(begun)
        assert await peer.ended() == b""
        await site.metric_becomes("brokerbench_cut_total", 1)
        assert site.client.submitted == []


async def test_a_transaction_may_take_longer_than_a_slow_peer_may():
    async with serving(SETTINGS, HttpSettings(port=0, idle_s=0.02, transfer_s=0.02)) as site:
        site.client.service = None
        waiting = await site.connect()
        waiting.send(put("a"))
        await site.client.has(1)
        slow = await site.connect()
        assert await slow.ended() == b""  # by now patience has been swept
        site.client.answer(b"a", DONE)
        assert (await waiting.reply()).body == b"done"


async def test_a_large_answer_arrives_whole(site: Serving):
    large = b"x" * (8 << 20)
    site.client.service = lambda t: Answer(Fate.COMPLETED, (large,))
    peer = await site.connect()
    peer.send(put("a"), put("b"))
    assert [(await peer.reply()).body == large for _ in range(2)] == [True, True]


async def test_fronts_can_share_a_port():
    async with serving(SETTINGS, HttpSettings(port=0, reuse_port=True)) as one:
        shared = HttpSettings(port=one.port, reuse_port=True)
        async with serving(SETTINGS, shared) as other:
            assert other.port == one.port
            await one.front.close()
            assert (await other.ask(put("a", b"still here"))).body == b"still here"


async def test_a_port_in_use_is_an_error(site: Serving):
    with pytest.raises(OSError, match="in use"):
        async with serving(SETTINGS, HttpSettings(port=site.port)):
            pass
