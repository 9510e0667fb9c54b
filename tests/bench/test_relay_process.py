"""The relay as a process: it follows orders, says why it cannot, and is gone when it is told or its bench is."""

import asyncio
import signal
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from bench.errors import PartFailed
from bench.ports import HOST, Ports
from bench.relay.orders import Count, Cut, LineSpec, RelaySpec, Reset
from bench.relay_process import RelayFailed, RelayProcess


@pytest.fixture
def spec() -> Iterator[RelaySpec]:
    with Ports() as ports:
        yield RelaySpec((LineSpec(HOST, ports.port("line"), HOST, ports.port("binder")),), control=0)


async def listening(spec: RelaySpec, folder: Path) -> RelayProcess:
    relay = RelayProcess(spec, folder / "relay.json", folder / "relay.log")
    try:
        await relay.listening()
    except BaseException:
        relay.kill()
        raise
    return relay


async def test_it_follows_orders_and_says_what_it_cannot_do(spec, tmp_path):
    relay = await listening(spec, tmp_path)
    try:
        assert (await relay.follow(Cut(key="k", lines=(0,)))).held_bytes == 0
        with socket.create_connection((HOST, spec.lines[0].port), 5) as connector:
            connector.send(b"ping")
            while not (await relay.follow(Count(key="k"))).held_bytes:
                await asyncio.sleep(0.001)
        with pytest.raises(RelayFailed, match="the relay did not follow: 'l' is not imposed"):
            await relay.follow(Count(key="l"))
    finally:
        relay.kill()
    assert not relay.child.running


async def test_an_answer_whose_asker_has_gone_is_not_taken_for_the_next_one(spec, tmp_path):
    relay = await listening(spec, tmp_path)
    try:
        asking = asyncio.create_task(relay.follow(Cut(key="k", lines=(0,))))
        await asyncio.sleep(0)  # the order is on its way
        asking.cancel()
        with suppress(asyncio.CancelledError):
            await asking
        with pytest.raises(RelayFailed, match="'k' is imposed already"):
            await relay.follow(Cut(key="k", lines=(0,)))
    finally:
        relay.kill()


async def test_one_that_cannot_listen_says_why(spec, tmp_path):
    with (
        socket.create_server((HOST, spec.lines[0].port)),
        pytest.raises(PartFailed, match="address already in use"),
    ):
        await listening(spec, tmp_path)


async def test_one_that_has_died_follows_no_order(spec, tmp_path):
    relay = await listening(spec, tmp_path)
    try:
        relay.child.signal(signal.SIGKILL)
        await relay.child.wait(5)
        with pytest.raises(RelayFailed, match="the relay has ended: it said nothing"):
            await relay.follow(Reset(lines=(0,)))
    finally:
        relay.kill()


async def test_it_ends_when_its_control_socket_does(spec, tmp_path):
    relay = await listening(spec, tmp_path)
    try:
        assert relay._writer is not None
        relay._writer.close()
        end = await relay.child.wait(5)
        assert end is not None
        assert end.status == 0
    finally:
        relay.kill()
