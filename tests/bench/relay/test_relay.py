"""The relay on real sockets: what it carries, what it holds, what each side sees of a cut, a reset, a delay."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager

import pytest

from bench.ports import HOST, Ports
from bench.relay.end import HOLD_BYTES
from bench.relay.orders import Count, Cut, Delay, Lift, LineSpec, RelaySpec, Reset
from bench.relay.relay import Relay

BOUND_S = 5.0
QUIET_S = 0.1
"""How long is listened for what must not come; what is not held comes within a millisecond."""


class Peer:
    """A connection's one side, for tests."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def say(self, data: bytes) -> None:
        self.writer.write(data)

    async def hears(self, data: bytes) -> None:
        async with asyncio.timeout(BOUND_S):
            assert await self.reader.readexactly(len(data)) == data

    async def hears_nothing(self) -> None:
        """Neither bytes nor an end nor an error, for a while."""
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(QUIET_S):
                await self.reader.read(1)

    async def hears_the_end(self) -> None:
        async with asyncio.timeout(BOUND_S):
            assert await self.reader.read(1) == b""

    async def is_reset(self) -> None:
        with pytest.raises(ConnectionResetError):
            async with asyncio.timeout(BOUND_S):
                await self.reader.read(1)

    async def close(self) -> None:
        self.writer.close()


class Stage:
    """Two lines to one binder, which takes connections as long as it listens."""

    def __init__(self, relay: Relay, lines: tuple[LineSpec, ...]) -> None:
        self.relay = relay
        self.lines = lines
        self.accepted: asyncio.Queue[Peer] = asyncio.Queue()
        self.peers: list[Peer] = []

    async def connect(self, line: int = 0) -> Peer:
        peer = Peer(*await asyncio.open_connection(HOST, self.lines[line].port))
        self.peers.append(peer)
        return peer

    async def accept(self) -> Peer:
        async with asyncio.timeout(BOUND_S):
            return await self.accepted.get()

    async def pair(self, line: int = 0) -> tuple[Peer, Peer]:
        connector = await self.connect(line)
        return connector, await self.accept()

    def arrived(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        self.peers.append(peer)
        self.accepted.put_nowait(peer)


@asynccontextmanager
async def staged() -> AsyncIterator[Stage]:
    with Ports() as ports:
        lines = tuple(LineSpec(HOST, ports.port(name), HOST, ports.port("binder")) for name in ("one", "two"))
        stage = Stage(Relay(RelaySpec(lines, control=0, seed="a")), lines)
        await stage.relay.open()
        binder = await asyncio.start_server(stage.arrived, HOST, lines[0].to_port)
        try:
            yield stage
        finally:
            for peer in stage.peers:
                await peer.close()
            binder.close()
            await stage.relay.close()
            await until(lambda: not any(line._connections for line in stage.relay._lines))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(BOUND_S):
        while not condition():
            await asyncio.sleep(0.001)


async def test_bytes_go_both_ways_and_an_end_ends_both():
    async with staged() as stage:
        connector, binder = await stage.pair()
        connector.say(b"ping")
        await binder.hears(b"ping")
        binder.say(b"pong")
        await connector.hears(b"pong")
        connector.writer.write_eof()
        await binder.hears_the_end()
        binder.say(b"last words")
        await connector.hears(b"last words")
        await binder.close()
        await connector.hears_the_end()


async def test_a_message_larger_than_every_buffer_arrives_whole():
    large = bytes(range(256)) * 64 * 1024  # 16 MiB
    async with staged() as stage:
        connector, binder = await stage.pair()
        connector.say(large)
        await binder.hears(large)


async def test_where_nobody_listens_the_connector_is_reset_and_may_come_again():
    with Ports() as ports:
        line = LineSpec(HOST, ports.port("line"), HOST, ports.port("binder"))
        relay = Relay(RelaySpec((line,), control=0))
        await relay.open()
        connector = Peer(*await asyncio.open_connection(HOST, line.port))
        await connector.is_reset()
        await connector.close()
        await relay.close()


async def test_a_cut_is_silent_both_ways_and_what_was_said_meanwhile_arrives_after_it():
    async with staged() as stage:
        connector, binder = await stage.pair()
        assert stage.relay.follow(Cut(key="k", lines=(0,))).connections == 1
        connector.say(b"ping")
        binder.say(b"pong!")
        await connector.hears_nothing()
        await binder.hears_nothing()
        assert stage.relay.follow(Count(key="k")).held_bytes == 9
        assert stage.relay.follow(Lift(key="k")).held_bytes == 9
        await binder.hears(b"ping")
        await connector.hears(b"pong!")
        assert stage.relay.follow(Count(key="k")).problem == "'k' is not imposed"


async def test_during_a_cut_not_even_the_end_of_a_peer_is_told():
    async with staged() as stage:
        connector, binder = await stage.pair()
        stage.relay.follow(Cut(key="k", lines=(0,)))
        binder.say(b"last words")
        await binder.close()
        await connector.hears_nothing()
        stage.relay.follow(Lift(key="k"))
        await connector.hears(b"last words")
        await connector.hears_the_end()


async def test_during_a_cut_the_loss_of_a_peer_is_not_told_either():
    async with staged() as stage:
        connector, binder = await stage.pair()
        stage.relay.follow(Cut(key="k", lines=(0,)))
        linger(binder)
        binder.writer.transport.abort()
        await connector.hears_nothing()
        stage.relay.follow(Lift(key="k"))
        await connector.is_reset()


async def test_who_connects_during_a_cut_is_accepted_and_waits():
    async with staged() as stage:
        stage.relay.follow(Cut(key="k", lines=(0,)))
        connector = await stage.connect()
        connector.say(b"hello")
        await connector.hears_nothing()
        assert stage.accepted.empty()
        stage.relay.follow(Lift(key="k"))
        binder = await stage.accept()
        await binder.hears(b"hello")


async def test_who_gave_up_during_a_cut_was_never_there():
    async with staged() as stage:
        stage.relay.follow(Cut(key="k", lines=(0,)))
        impatient = await stage.connect()
        impatient.say(b"hello")
        await impatient.close()
        await until(lambda: not stage.relay._lines[0]._connections)
        stage.relay.follow(Lift(key="k"))
        _, binder = await stage.pair()
        assert stage.accepted.empty()


async def test_a_cut_touches_only_its_line_and_two_cuts_must_both_be_lifted():
    async with staged() as stage:
        connector, binder = await stage.pair()
        other, others_binder = await stage.pair(1)
        for key in ("k", "l"):
            stage.relay.follow(Cut(key=key, lines=(0,)))
        assert stage.relay.follow(Cut(key="k", lines=(0,))).problem == "'k' is imposed already"
        other.say(b"free")
        await others_binder.hears(b"free")
        stage.relay.follow(Lift(key="k"))
        connector.say(b"ping")
        await binder.hears_nothing()
        stage.relay.follow(Lift(key="l"))
        await binder.hears(b"ping")


async def test_what_is_held_is_bounded_and_none_of_it_is_lost():
    large = bytes(range(256)) * 64 * 1024
    async with staged() as stage:
        connector, binder = await stage.pair()
        stage.relay.follow(Cut(key="k", lines=(0,)))
        connector.say(large)
        await until(lambda: stage.relay.follow(Count(key="k")).held_bytes > HOLD_BYTES)
        await binder.hears_nothing()
        held = stage.relay.follow(Count(key="k")).held_bytes
        assert held < HOLD_BYTES + (1 << 19), "one read more than the bound"
        stage.relay.follow(Lift(key="k"))
        await binder.hears(large)


async def test_a_reset_is_seen_on_both_sides_and_the_next_connection_works():
    async with staged() as stage:
        connector, binder = await stage.pair()
        other, others_binder = await stage.pair(1)
        assert stage.relay.follow(Reset(lines=(0,))).reset == 1
        await connector.is_reset()
        await binder.is_reset()
        again, binder = await stage.pair()
        again.say(b"ping")
        await binder.hears(b"ping")
        other.say(b"free")
        await others_binder.hears(b"free")
        assert stage.relay.follow(Reset(lines=())).reset == 0


async def test_a_delay_makes_late_each_way_and_keeps_the_order():
    async with staged() as stage:
        connector, binder = await stage.pair()
        stage.relay.follow(Delay(key="k", lines=(0,), delay_s=0.05, jitter_s=0.05))
        words = [b"%04d" % number for number in range(200)]
        began = time.monotonic()
        for word in words:
            connector.say(word)
            await asyncio.sleep(0)
        await binder.hears(b"".join(words))
        binder.say(b"pong")
        await connector.hears(b"pong")
        tally = stage.relay.follow(Lift(key="k"))
        assert tally.delayed > 1
        assert tally.delayed_s > 0
        took = time.monotonic() - began
        assert took > 0.005, "200 draws of 0 to 100 ms, the largest of which holds all behind it"
        connector.say(b"ping")
        await binder.hears(b"ping")


async def test_a_delay_without_jitter_is_what_was_asked_for():
    async with staged() as stage:
        connector, binder = await stage.pair()
        stage.relay.follow(Delay(key="k", lines=(0,), delay_s=0.04, jitter_s=0))
        began = time.monotonic()
        connector.say(b"ping")
        await binder.hears(b"ping")
        assert time.monotonic() - began >= 0.04
        stage.relay.follow(Delay(key="l", lines=(0,), delay_s=0.03, jitter_s=0))
        began = time.monotonic()
        binder.say(b"pong")
        await connector.hears(b"pong")
        assert time.monotonic() - began >= 0.07, "two delays add up"


def linger(peer: Peer) -> None:
    peer.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


async def test_an_end_that_waited_for_a_peer_who_was_reset_meanwhile_harms_nobody():
    """shutdown() of a socket that was reset says ENOTCONN before the loop has told of the loss: it ended the relay."""
    async with raw_binder() as (relay, connect):
        connector, binder = await connect()
        (line,) = relay._lines
        line.impose(Cut(key="a", lines=(0,)))
        connector.writer.write_eof()
        await until(lambda: any(connection.near.over for connection in line._connections))
        reset(binder)
        line.lift(
            "a"
        )  # in the same turn of the loop: nobody has told yet that the binder's connection is gone
        await connector.is_reset()


@asynccontextmanager
async def raw_binder() -> AsyncIterator[tuple[Relay, Callable[[], Awaitable[tuple[Peer, socket.socket]]]]]:
    """One line to a binder of plain sockets, on which a call acts at once and not in the loop's next turn."""
    loop = asyncio.get_running_loop()
    with Ports() as ports, socket.socket() as listener, ExitStack() as opened:
        line = LineSpec(HOST, ports.port("line"), HOST, ports.port("binder"))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setblocking(False)
        listener.bind((HOST, line.to_port))
        listener.listen()
        relay = Relay(RelaySpec((line,), control=0))
        await relay.open()

        async def connect() -> tuple[Peer, socket.socket]:
            peer = Peer(*await asyncio.open_connection(HOST, line.port))
            opened.callback(peer.writer.close)
            binder, _ = await loop.sock_accept(listener)
            return peer, opened.enter_context(binder)

        try:
            yield relay, connect
        finally:
            await relay.close()


def reset(raw: socket.socket) -> None:
    """RST, now."""
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    raw.close()
