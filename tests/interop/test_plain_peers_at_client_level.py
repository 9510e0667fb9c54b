"""Bodies of many frames, which HTTP can't carry, from our client through peers that are not ours."""

import asyncio
import time
from contextlib import ExitStack, asynccontextmanager

import pytest

from bench.part import PartSpec, open_client
from bench.registry import TOPOLOGIES
from common import wire
from common.transaction import Fate, Transaction
from tests.interop.bodies import BODIES
from tests.interop.endpoints import free_endpoint
from tests.interop.parts import BOUND_S, CALM
from tests.plain import PlainFlpServer, PlainPppQueue, PlainPppWorker

OPEN_BODIES = [body for body in BODIES if not wire.is_status(body[0])]
"""A reply's first frame that begins as our status does is one; a plain peer can't tell it from its own."""


@asynccontextmanager
async def client_of(topology, endpoint):
    part = TOPOLOGIES[topology].front("client-1", [endpoint], CALM)
    client = open_client(PartSpec(topology, part, CALM))
    try:
        yield client
    finally:
        await client.drain(BOUND_S)
        client.close()


async def ask_all(client):
    """Each body as a PUT and as a POST would send it, all at once; the answers in order."""
    loop = asyncio.get_running_loop()
    futures = []
    for number, body in enumerate(OPEN_BODIES * 2):
        future = loop.create_future()
        id, retry = f"t-{number}".encode(), number < len(OPEN_BODIES)
        client.submit(Transaction(id, body, time.monotonic() + BOUND_S, retry), future.set_result)
        futures.append(future)
    return await asyncio.wait_for(asyncio.gather(*futures), BOUND_S)


def assert_all_came_back(answers):
    assert [(answer.fate, answer.body) for answer in answers] == [
        (Fate.COMPLETED, body) for body in OPEN_BODIES * 2
    ]


async def test_through_a_plain_server():
    with PlainFlpServer(free_endpoint()) as server:
        async with client_of("freelance", server.endpoint) as client:
            assert_all_came_back(await ask_all(client))


async def test_through_our_broker_to_a_plain_worker(parts):
    broker = parts.broker()
    with PlainPppWorker(broker.backend):
        async with client_of("paranoid-pirate", broker.frontend) as client:
            assert_all_came_back(await ask_all(client))


@pytest.mark.parametrize("ours", [True, False], ids=["our worker", "plain worker"])
async def test_through_a_plain_queue(parts, ours):
    with PlainPppQueue() as queue, ExitStack() as stack:
        if ours:
            parts.worker("paranoid-pirate", queue.backend)
        else:
            stack.enter_context(PlainPppWorker(queue.backend))
        async with client_of("paranoid-pirate", queue.frontend) as client:
            assert_all_came_back(await ask_all(client))
