"""How a front stops: nothing new is taken, what was taken is answered, and that takes no longer than it may."""

import asyncio

import pytest

from common.settings import Limits, Settings
from common.transaction import Answer, Fate
from tests.common.front.serving import BOUND_S, Serving, put, request, serving

DONE = Answer(Fate.COMPLETED, (b"done",))


async def draining(site: Serving) -> "asyncio.Task[None]":
    """Begin to drain, and wait until the listening socket is closed."""
    task = asyncio.create_task(site.front.drain())
    async with asyncio.timeout(BOUND_S):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", site.port)
            except ConnectionRefusedError:
                return task
            writer.transport.abort()


async def test_an_idle_front_stops_at_once(site: Serving):
    peer = await site.connect()
    await peer.ask(put("a"))
    async with asyncio.timeout(BOUND_S):
        await site.front.drain()
    assert await peer.ended() == b""


async def test_what_is_in_flight_is_answered_and_its_connection_closed(site: Serving):
    site.client.service = None
    peer = await site.connect()
    peer.send(put("a"))
    await site.client.has(1)
    task = await draining(site)
    site.client.answer(b"a", DONE)
    reply = await peer.reply()
    assert (reply.body, reply.headers["connection"]) == (b"done", "close")
    assert await peer.ended() == b""
    await task


async def test_new_transactions_are_rejected_for_certain(site: Serving):
    site.client.service = None
    waiting, other = await site.connect(), await site.connect()
    waiting.send(put("a"))
    await site.client.has(1)
    assert (await other.ask(request("GET", "/livez"))).status == 200
    task = await draining(site)
    reply = await other.ask(put("b"))
    assert (reply.status, reply.headers["connection"], reply.headers["retry-after"]) == (503, "close", "1")
    assert reply.problem.type == "urn:brokerbench:problem:draining"
    assert (reply.problem.fate, reply.problem.definite, reply.problem.transaction_id) == (
        "rejected",
        True,
        "b",
    )
    assert await other.ended() == b""
    site.client.answer(b"a", DONE)
    await waiting.reply()
    await task
    assert [t.id for t in site.client.submitted] == [b"a"]


@pytest.mark.parametrize(("target", "status"), [("/livez", 200), ("/readyz", 503)])
async def test_a_draining_front_is_alive_and_not_ready(site: Serving, target, status):
    site.client.service = None
    waiting, other = await site.connect(), await site.connect()
    waiting.send(put("a"))
    await site.client.has(1)
    assert (await other.ask(request("GET", "/readyz"))).status == 200
    task = await draining(site)
    assert (await other.ask(request("GET", target))).status == status
    site.client.answer(b"a", DONE)
    await task


async def test_a_body_on_its_way_is_waited_for_and_rejected(site: Serving):
    peer = await site.connect()
    data = put("a", b"body", "Expect: 100-continue")
    peer.send(data[:-4])
    assert (await peer.reply()).status == 100
    task = await draining(site)
    peer.send(data[-4:])
    assert (await peer.reply()).problem.type == "urn:brokerbench:problem:draining"
    await task
    assert site.client.submitted == []


async def test_what_takes_too_long_is_unknown_and_its_answer_dropped():
    async with serving(Settings(limits=Limits(drain_s=0.05))) as site:
        site.client.service = None
        peer = await site.connect()
        peer.send(put("a"))
        await site.client.has(1)
        await site.front.drain()
        reply = await peer.reply()
        assert (reply.status, reply.problem.fate, reply.problem.definite) == (504, "unknown", False)
        assert await peer.ended() == b""
        site.client.answer(b"a", DONE)


async def test_a_transaction_whose_peer_has_gone_is_waited_for_too(site: Serving):
    site.client.service = None
    peer = await site.connect()
    peer.send(put("a"))
    await site.client.has(1)
    await peer.hang_up()
    task = await draining(site)
    assert repr(site.front) == "<Front <Desk draining, 1 in flight>, 0 requests open>"
    assert not task.done()
    site.client.answer(b"a", DONE)
    await task


async def test_a_large_answer_is_taken_before_the_connection_is_closed(site: Serving):
    site.client.service = None
    peer = await site.connect()
    peer.send(put("a"))
    await site.client.has(1)
    task = await draining(site)
    large = b"x" * (8 << 20)
    site.client.answer(b"a", Answer(Fate.COMPLETED, (large,)))
    assert (await peer.reply()).body == large
    await task


async def test_closing_is_done_twice_without_harm(site: Serving):
    await site.front.drain()
    await site.front.close()
