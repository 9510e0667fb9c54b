import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.load.client_level import CannotDrive, ClientCarrier, client_of
from bench.load.exchange import Ending, Exchange, body_of
from bench.load.spec import ClientSpec, OpenStep
from common.settings import Settings
from common.topology import Part
from common.transaction import Answer, Fate, Transaction
from tests.bench.load.scripted import spec

STEP = OpenStep(name="1", rate_per_s=1, duration_s=1)
ID = b"quick.1.0-0"


class FakeClient:
    """Keeps what was submitted until the test answers."""

    def __init__(self, *, ready: bool = True) -> None:
        self.ready = ready
        self.submitted: list[tuple[Transaction, Callable[[Answer], None]]] = []
        self.closed = False

    def submit(self, transaction: Transaction, answered: Callable[[Answer], None]) -> None:
        self.submitted.append((transaction, answered))

    def close(self) -> None:
        self.closed = True


def carrier(client: FakeClient, ended: list[Exchange], ready_s: float = 1.0, **more) -> ClientCarrier:
    told = ClientSpec("freelance", Part("front", "front-1", ()), Settings(), ready_s=ready_s)
    return ClientCarrier(spec(Path(), (STEP,), level="client", client=told, **more), client, ended.append)


def sent(client: FakeClient, carrier: ClientCarrier) -> Exchange:
    exchange = Exchange(0, 0, ID, body_of(ID, 16), 1, 1, False)
    carrier.send(exchange)
    return exchange


def test_a_transaction_is_submitted_with_its_deadline():
    client = FakeClient()
    exchange = sent(client, carrier(client, [], timeout_s=2.0))
    [(transaction, _)] = client.submitted
    assert transaction == (ID, (body_of(ID, 16),), exchange.deadline_ns / 1e9, True)
    assert exchange.deadline_ns == exchange.sent_ns + 2_000_000_000
    assert exchange.sent_ns <= time.monotonic_ns()


def test_a_post_may_not_be_retried():
    client = FakeClient()
    sent(client, carrier(client, [], method="POST"))
    assert not client.submitted[0][0].retry


@pytest.mark.parametrize("fate", Fate)
def test_an_answer_is_recorded_with_all_it_says(fate: Fate):
    client = FakeClient()
    ended: list[Exchange] = []
    exchange = sent(client, carrier(client, ended))
    client.submitted[0][1](Answer(fate, (exchange.body,), "why", 1, 2, 3, 4))
    assert ended == [exchange]
    assert exchange.ending.text == fate.value
    assert (exchange.waited_us, exchange.slot_us, exchange.worked_us, exchange.attempts) == (1, 2, 3, 4)
    assert (exchange.bytes_out, exchange.bytes_in) == (16, 16)
    assert exchange.answer_ok
    assert exchange.done_ns


@pytest.mark.parametrize(("check", "ok"), [("echo", False), ("none", True)])
def test_another_body_is_not_ok_where_the_service_echoes(check, ok):
    client = FakeClient()
    exchange = sent(client, carrier(client, [], check=check))
    client.submitted[0][1](Answer(Fate.COMPLETED, (b"another",)))
    assert (exchange.ending, exchange.answer_ok) == (Ending.COMPLETED, ok)


def test_an_answer_after_patience_has_ended_is_ignored():
    client = FakeClient()
    ended: list[Exchange] = []
    driven = carrier(client, ended)
    exchange = sent(client, driven)
    driven.abandon(exchange)
    client.submitted[0][1](Answer(Fate.COMPLETED, (exchange.body,)))
    assert ended == [exchange]
    assert exchange.ending is Ending.BROKEN


async def test_it_waits_for_a_live_worker_before_the_first_step_only():
    client = FakeClient(ready=False)
    driven = carrier(client, [], ready_s=5.0)
    waiting = asyncio.create_task(driven.prepare(1))
    await asyncio.sleep(0)
    assert not waiting.done()
    client.ready = True
    await asyncio.wait_for(waiting, 5)
    client.ready = False
    await asyncio.wait_for(driven.prepare(1), 5)
    await driven.close()
    assert client.closed


async def test_without_a_live_worker_it_gives_up():
    with pytest.raises(CannotDrive, match="must know a live worker within 0 s, got none"):
        await carrier(FakeClient(ready=False), [], ready_s=0.0).prepare(1)


async def test_an_unknown_topology_is_answered_with_the_known_ones():
    with pytest.raises(CannotDrive, match=r"topology must be one of .*, got 'frelance'"):
        client_of(ClientSpec("frelance", Part("front", "front-1", ())), seed=1)
