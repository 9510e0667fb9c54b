import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bench.load import http
from bench.load.exchange import Ending, Exchange, body_of
from bench.load.http import HttpCarrier
from bench.load.spec import OpenStep
from tests.bench.load.scripted import Peer, Script, answer, echo, serving, spec

STEP = OpenStep(name="1", rate_per_s=1, duration_s=1)
BODY_BYTES = 32
WITHIN_S = 5.0


class Caller:
    """Sends exchanges and waits for their ends."""

    def __init__(self, *targets: str, **more) -> None:
        self.carrier = HttpCarrier(
            spec(Path(), (STEP,), targets=targets, body_bytes=BODY_BYTES, **more), self._ended
        )
        self.ended: list[Exchange] = []
        self._progress = asyncio.Event()

    def send(self, index: int = 0) -> Exchange:
        id = b"quick.1.0-%d" % index
        exchange = Exchange(0, index, id, body_of(id, BODY_BYTES), 1, 1, False)
        self.carrier.send(exchange)
        return exchange

    async def all(self, count: int) -> list[Exchange]:
        async with asyncio.timeout(WITHIN_S):
            while len(self.ended) < count:
                self._progress.clear()
                await self._progress.wait()
        return self.ended

    async def one(self, index: int = 0) -> Exchange:
        exchange = self.send(index)
        await self.all(len(self.ended) + 1)
        return exchange

    def _ended(self, exchange: Exchange) -> None:
        assert exchange.done_ns
        assert exchange not in self.ended, "it ended twice"
        self.ended.append(exchange)
        self._progress.set()


@contextlib.asynccontextmanager
async def calling(script: Script, **more) -> AsyncIterator[Caller]:
    async with serving(script) as target:
        caller = Caller(target, **more)
        try:
            yield caller
        finally:
            await caller.carrier.close()


async def test_an_answer_is_recorded_with_all_it_says():
    async with calling(echo) as caller:
        exchange = await caller.one()
    assert (exchange.ending, exchange.status, exchange.answer_ok) == (Ending.COMPLETED, 200, True)
    assert (exchange.waited_us, exchange.slot_us, exchange.worked_us) == (1500, 11_250, 10_000)
    assert 0 < exchange.sent_ns <= exchange.done_ns
    assert exchange.bytes_out > BODY_BYTES
    assert exchange.bytes_in == len(answer(200, exchange.id, exchange.body))


async def test_the_request_names_the_transaction_and_its_time_to_live():
    heads = []

    async def script(peer: Peer) -> None:
        while True:
            id, body = await peer.request()
            heads.append(peer.head)
            peer.say(answer(200, id, body))

    async with calling(script, timeout_s=0.25) as caller:
        await caller.one()
    assert heads[0].startswith(b"PUT /v1/transactions/quick.1.0-0 HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"\r\nRequest-Timeout: 0.250\r\n" in heads[0]


async def test_a_post_goes_without_an_id_and_comes_back_with_one():
    async def script(peer: Peer) -> None:
        own, body = await peer.request()
        assert peer.head.startswith(b"POST /v1/transactions HTTP/1.1\r\n")
        peer.say(answer(200, b"made-by-front", body, b"X-Request-ID: %b\r\n" % own))

    async with calling(script, method="POST") as caller:
        exchange = await caller.one()
    assert (exchange.id, exchange.named, exchange.answer_ok) == (b"made-by-front", True, True)


async def test_a_connection_is_used_again():
    async with calling(echo) as caller:
        for index in range(5):
            await caller.one(index)
        assert caller.carrier.connections == 1


async def test_connections_are_opened_beforehand():
    async with calling(echo) as caller:
        await caller.carrier.prepare(100)
        assert caller.carrier.connections == 100
        await caller.carrier.prepare(100)
        await caller.one()
        assert caller.carrier.connections == 100


async def test_a_connection_that_the_server_asks_to_close_is_not_used_again():
    async def script(peer: Peer) -> None:
        id, body = await peer.request()
        peer.say(answer(200, id, body, b"Connection: close\r\n"))
        await peer.reader.read()

    async with calling(script) as caller:
        endings = [(await caller.one(index)).ending for index in range(3)]
        assert (endings, caller.carrier.connections) == ([Ending.COMPLETED] * 3, 3)


async def test_an_answer_in_pieces_is_put_together():
    async def script(peer: Peer) -> None:
        id, body = await peer.request()
        for octet in answer(200, id, body):
            peer.say(bytes([octet]))
            await asyncio.sleep(0)
        await peer.reader.read()

    async with calling(script) as caller:
        assert (await caller.one()).answer_ok


async def test_a_provisional_answer_is_not_the_answer():
    async def script(peer: Peer) -> None:
        id, body = await peer.request()
        peer.say(b"HTTP/1.1 100 Continue\r\n\r\n" + answer(200, id, body))
        await peer.reader.read()

    async with calling(script) as caller:
        exchange = await caller.one()
    assert (exchange.status, exchange.answer_ok) == (200, True)


async def test_a_rejection_is_definite():
    async def script(peer: Peer) -> None:
        id, _ = await peer.request()
        peer.say(answer(503, id, b'{"fate": "rejected", "definite": true}'))
        await peer.reader.read()

    async with calling(script) as caller:
        exchange = await caller.one()
    assert (exchange.status, exchange.ending) == (503, Ending.REJECTED)
    assert exchange.ending.definite


async def test_a_front_that_cannot_be_reached_refuses():
    with socket.socket() as unbound:
        unbound.bind(("127.0.0.1", 0))  # bound, but nobody listens
        caller = Caller(f"127.0.0.1:{unbound.getsockname()[1]}")
        await caller.carrier.prepare(1)
        exchange = await caller.one()
        await caller.carrier.close()
    assert (exchange.ending, exchange.sent_ns, exchange.status) == (Ending.REFUSED, 0, 0)


async def close_before_an_answer(peer: Peer) -> None:
    await peer.request()


async def reset_before_an_answer(peer: Peer) -> None:
    await peer.request()
    peer.reset()


async def break_off_mid_answer(peer: Peer) -> None:
    id, body = await peer.request()
    peer.say(answer(200, id, body)[:-5])
    await peer.writer.drain()


async def say_garbage(peer: Peer) -> None:
    await peer.request()
    peer.say(b"SSH-2.0-OpenSSH_9.2\r\n")
    await peer.reader.read()


@pytest.mark.parametrize(
    "script", [close_before_an_answer, reset_before_an_answer, break_off_mid_answer, say_garbage]
)
async def test_without_a_whole_answer_a_transaction_is_broken(script: Script):
    async with calling(script) as caller:
        exchange = await caller.one()
        assert (exchange.ending, exchange.status) == (Ending.BROKEN, 0)
        assert exchange.sent_ns
        assert not exchange.ending.definite
        assert (await caller.one(1)).ending is Ending.BROKEN, "the next one gets a new connection"
        assert caller.carrier.connections == 2


@pytest.mark.parametrize("surplus", [answer(200, b"nobodys", b"surplus"), b"garbage", b"HTTP/1.1 200"])
async def test_bytes_behind_an_answer_spoil_the_connection_and_not_the_answer(surplus: bytes):
    async def script(peer: Peer) -> None:
        id, body = await peer.request()
        peer.say(answer(200, id, body) + surplus)
        await peer.reader.read()

    async with calling(script) as caller:
        first, second = await caller.one(), await caller.one(1)
        assert first.answer_ok
        assert second.answer_ok
        assert caller.carrier.connections == 2


async def test_bytes_on_an_idle_connection_end_it():
    said = asyncio.Event()

    async def script(peer: Peer) -> None:
        id, body = await peer.request()
        peer.say(answer(200, id, body))
        await said.wait()
        peer.say(answer(200, b"nobodys", b""))
        await peer.reader.read()  # returns when the client has hung up
        gone.set()

    gone = asyncio.Event()
    async with calling(script) as caller:
        await caller.one()
        said.set()
        await asyncio.wait_for(gone.wait(), WITHIN_S)


async def test_a_connection_that_the_server_closes_between_requests_is_simply_removed():
    closed = asyncio.Event()

    async def script(peer: Peer) -> None:
        id, body = await peer.request()
        peer.say(answer(200, id, body))
        await peer.writer.drain()
        peer.writer.close()
        await peer.writer.wait_closed()
        closed.set()

    async with calling(script) as caller:
        [pool] = caller.carrier._pools
        for index in range(2):
            closed.clear()
            assert (await caller.one(index)).answer_ok
            await asyncio.wait_for(closed.wait(), WITHIN_S)
            async with asyncio.timeout(WITHIN_S):
                while pool.idle:
                    await asyncio.sleep(0)
        assert repr(pool).endswith("0 connections, 0 idle>")


async def test_an_abandoned_transaction_is_broken_and_its_late_answer_reaches_nobody():
    hung_up = asyncio.Event()

    async def script(peer: Peer) -> None:
        id, body = await peer.request()
        try:
            while True:
                assert await peer.reader.read(), "closed"
        except (AssertionError, ConnectionError):
            hung_up.set()
        peer.say(answer(200, id, body))

    async with calling(script) as caller:
        exchange = caller.send()
        async with asyncio.timeout(WITHIN_S):
            while not exchange.sent_ns:
                await asyncio.sleep(0)
        caller.carrier.abandon(exchange)
        assert exchange.ending is Ending.BROKEN
        await asyncio.wait_for(hung_up.wait(), WITHIN_S)
        assert caller.ended == [exchange]


async def test_a_transaction_abandoned_while_it_waits_for_its_connection_was_never_sent():
    async with calling(echo) as caller:
        exchange = caller.send()
        caller.carrier.abandon(exchange)
        assert (exchange.ending, exchange.sent_ns) == (Ending.REFUSED, 0)
        await caller.one(1)
        assert len(caller.ended) == 2


async def test_a_pool_at_its_bound_drops_and_says_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(http, "CONCURRENCY_MAX", 2)

    async def script(peer: Peer) -> None:
        await peer.reader.read()

    async with calling(script) as caller:
        exchanges = [caller.send(index) for index in range(3)]
        assert [exchange.done_ns > 0 for exchange in exchanges] == [False, False, True]
        assert exchanges[2].ending is Ending.DROPPED
        for exchange in exchanges[:2]:
            caller.carrier.abandon(exchange)


async def test_targets_take_turns_and_none_stands_in_for_another():
    async with serving(echo) as first, serving(close_before_an_answer) as second:
        caller = Caller(first, second)
        for index in range(4):
            caller.send(index)
        ended = sorted(await caller.all(4), key=lambda exchange: exchange.index)
        await caller.carrier.close()
    assert [exchange.front for exchange in ended] == [0, 1, 0, 1]
    assert [exchange.ending.text for exchange in ended] == ["completed", "broken"] * 2


async def test_an_answer_before_the_request_is_whole_ends_the_connection():
    async def script(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        peer.say(answer(413, b"quick.1.0-0", b'{"fate": "rejected", "definite": true}'))
        await peer.reader.read()

    async with serving(script) as target:
        caller = Caller(target)
        exchange = Exchange(0, 0, b"quick.1.0-0", bytes(16 << 20), 1, 1, False)
        caller.carrier.send(exchange)
        await caller.all(1)
        assert (exchange.status, exchange.ending) == (413, Ending.REJECTED)
        [pool] = caller.carrier._pools
        assert not pool.idle
        await caller.carrier.close()
