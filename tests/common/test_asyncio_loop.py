"""The clients' loop on real sockets: every submission is answered once, and no edge is missed."""

import asyncio
import math
import threading
import time
from collections import Counter, deque
from contextlib import contextmanager
from random import Random

import pytest
import zmq

from brokered.client import Client as PppClient
from brokerless.client import Client as FlpClient
from brokerless.direct import Client as DirectClient
from common.asyncio_loop import ClientLoop
from common.machine import (
    Connected,
    Disconnected,
    Drain,
    Note,
    Received,
    Reopen,
    Resolve,
    Send,
    Submitted,
    Unroutable,
)
from common.observer import Observer
from common.settings import Settings
from common.transaction import Answer, Fate, Transaction
from tests.common.recorder import Recorder
from tests.common.wires import BOUND_S, last_endpoint, wires


@pytest.fixture
def net():
    with wires() as made:
        yield made


@contextmanager
def looping(machine, *links):
    """A client's loop over links, closed at the end."""
    closed = []
    loop = ClientLoop(
        machine, {link.name: link for link in links}, Observer("front", None), lambda: closed.append(1)
    )
    try:
        yield loop
    finally:
        loop.close()
    assert closed == [1]


@contextmanager
def echoing(router):
    """A plain server in a thread: whatever it gets, it gives back, PINGs as PONGs."""
    stop = threading.Event()
    router.rcvtimeo = 10

    def serve():
        while not stop.is_set():
            try:
                frames = router.recv_multipart()
            except zmq.Again:
                continue
            router.send_multipart([frames[0], b"PONG"] if frames[1:] == [b"PING"] else frames)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(BOUND_S)


async def until(condition, what="", bound_s=BOUND_S):
    deadline = time.monotonic() + bound_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {bound_s} s: {what}"
        await asyncio.sleep(0.001)
    return value


def transaction(id, ttl_s=5.0, retry=True):
    return Transaction(id, (b"x",), time.monotonic() + ttl_s, retry)


def asking(*, refused=Fate.REJECTED):
    """A machine that sends what is submitted to the server, and resolves what comes back."""

    def react(event):
        match event:
            case Submitted(transaction):
                return [Send("here", (transaction.id,))]
            case Received(_, frames):
                return [Resolve(frames[0], Answer(Fate.COMPLETED))]
            case Unroutable(_, frames, _):
                return [Resolve(frames[0], Answer(refused))]
        return ()

    return Recorder(react)


class Answers:
    """Who was answered, how often."""

    def __init__(self):
        self.fates: dict[bytes, Fate] = {}
        self.times: Counter[bytes] = Counter()

    def to(self, id):
        def answered(answer):
            self.fates[id] = answer.fate
            self.times[id] += 1

        return answered

    def __len__(self):
        return len(self.times)


# --- there and back ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("window", "count"), [(1, 2_000), (7, 4_000), (64, 10_000)])
async def test_thousands_of_round_trips_miss_no_edge(net, window, count):
    """A closed loop out of the answers themselves: one edge missed, and it stands still for good."""
    router = net.router()
    machine = asking()
    ids = deque(b"%d" % number for number in range(count))
    answers = Answers()
    done = asyncio.Event()
    with echoing(router), looping(machine, net.link("DEALER", last_endpoint(router))) as loop:
        await until(lambda: machine.of(Connected))

        def submit():
            id = ids.popleft()
            note = answers.to(id)

            def answered(answer):
                note(answer)
                if ids:
                    submit()
                elif len(answers) == count:
                    done.set()

            loop.submit(transaction(id), answered)

        for _ in range(window):
            submit()
        await asyncio.wait_for(done.wait(), 30)
    assert set(answers.fates.values()) == {Fate.COMPLETED}
    assert set(answers.times.values()) == {1}


async def test_messages_that_arrive_while_it_submits_are_not_left(net):
    """Each send may consume the edge of what has just arrived."""
    router = net.router()
    machine = asking()
    answers = Answers()
    with echoing(router), looping(machine, net.link("DEALER", last_endpoint(router))) as loop:
        await until(lambda: machine.of(Connected))
        for burst in range(30):
            for number in range(40):
                id = b"%d.%d" % (burst, number)
                loop.submit(transaction(id), answers.to(id))
            await until(lambda expected=40 * (burst + 1): len(answers) == expected, f"burst {burst}")


async def test_more_messages_than_one_turn_takes_are_not_left(net):
    router = net.router()
    machine = Recorder(lambda event: [Send("here", (b"hello",))] if isinstance(event, Connected) else [])
    with looping(machine, net.link("DEALER", last_endpoint(router))):
        await until(lambda: machine.of(Connected))
        id, _ = router.recv_multipart()
        for number in range(3000):
            router.send_multipart([id, b"%d" % number])
        await until(lambda: len(machine.of(Received)) == 3000)


async def test_an_answer_may_come_before_submit_returns(net):
    machine = Recorder(lambda event: [Resolve(event.transaction.id, Answer(Fate.REJECTED))])
    answers = Answers()
    with looping(machine, net.link("DEALER", "tcp://127.0.0.1:1")) as loop:
        loop.submit(transaction(b"a"), answers.to(b"a"))
        assert answers.fates == {b"a": Fate.REJECTED}


async def test_what_the_network_refuses_is_the_next_event(net):
    machine = asking()
    answers = Answers()
    with looping(machine, net.link("DEALER", "tcp://127.0.0.1:1")) as loop:
        loop.submit(transaction(b"a"), answers.to(b"a"))
        assert answers.fates == {b"a": Fate.REJECTED}
        assert machine.events[1:] == [Unroutable("here", (b"a",), False)]


async def test_an_id_that_is_open_cannot_be_submitted_again(net):
    answers = Answers()
    with looping(Recorder(), net.link("DEALER", "tcp://127.0.0.1:1")) as loop:
        loop.submit(transaction(b"a"), answers.to(b"a"))
        with pytest.raises(ValueError, match="unique among those open, got b'a' twice"):
            loop.submit(transaction(b"a"), answers.to(b"again"))
    assert answers.times == {b"a": 1}


async def test_an_answer_may_submit_the_next_transaction_in_the_midst_of_others(net):
    """Two answers in one turn: the second is not lost by what the first one's receiver does."""
    router = net.router()
    machine = asking()
    answers = Answers()
    with echoing(router), looping(machine, net.link("DEALER", last_endpoint(router))) as loop:
        await until(lambda: machine.of(Connected))
        machine.react = lambda event: {
            Submitted: lambda: [Send("here", (event.transaction.id,))],
            Received: lambda: [Resolve(id, Answer(Fate.COMPLETED)) for id in list(loop._answered)],
        }.get(type(event), list)()

        def first(answer):
            answers.to(b"a")(answer)
            loop.submit(transaction(b"c"), answers.to(b"c"))

        loop.submit(transaction(b"a"), first)
        loop.submit(transaction(b"b"), answers.to(b"b"))
        await until(lambda: len(answers) == 3)
    assert set(answers.times.values()) == {1}


async def test_effects_are_carried_out_in_order_although_an_answer_submits_the_next(net):
    """What a refusal leads to must not overtake what was asked for before it."""
    order = []

    def react(event):
        match event:
            case Submitted(Transaction(b"a")):
                return [
                    Send("here", (b"refused",)),
                    Resolve(b"a", Answer(Fate.REJECTED)),
                    Note("stale", "after"),
                ]
            case Submitted():
                order.append("submitted")
            case Unroutable():
                order.append("refusal")
        return ()

    with looping(Recorder(react), net.link("DEALER", "tcp://127.0.0.1:1")) as loop:
        note = loop.observer.note
        loop.observer.note = lambda *arguments: order.append("note") or note(*arguments)
        loop.submit(transaction(b"a"), lambda answer: loop.submit(transaction(b"b"), lambda answer: None))
    assert order == ["note", "refusal", "submitted"]


async def test_a_receiver_that_submits_again_whatever_it_is_told_does_not_recurse(net):
    left = 5_000
    machine = Recorder(lambda event: [Resolve(event.transaction.id, Answer(Fate.REJECTED))])
    with looping(machine, net.link("DEALER", "tcp://127.0.0.1:1")) as loop:

        def again(answer):
            nonlocal left
            left -= 1
            if left:
                loop.submit(transaction(b"%d" % left), again)

        loop.submit(transaction(b"first"), again)
        await until(lambda: left == 0)


# --- connections, time ------------------------------------------------------------------------------------


async def test_connections_and_losses_are_told(net):
    router = net.router()
    endpoint = last_endpoint(router).encode()
    machine = Recorder()
    with looping(machine, net.link("DEALER", endpoint.decode())):
        await until(lambda: machine.of(Connected))
        router.close()
        await until(lambda: machine.of(Disconnected))
    assert machine.events == [Connected("here", endpoint), Disconnected("here", endpoint)]


async def test_no_message_of_the_lost_comes_after_its_disconnection(net):
    router = net.router()
    machine = Recorder(lambda event: [Send("here", (b"hello",))] if isinstance(event, Connected) else [])
    with looping(machine, net.link("DEALER", last_endpoint(router))):
        await until(lambda: machine.of(Connected))
        id, _ = router.recv_multipart()
        for number in range(1000):
            router.send_multipart([id, b"%d" % number])
        router.close(linger=int(BOUND_S * 1e3))
        await until(lambda: machine.of(Disconnected))
        await asyncio.sleep(0.01)
    assert isinstance(machine.events[-1], Disconnected)
    numbers = [int(event.frames[0]) for event in machine.of(Received)]
    assert numbers == list(range(len(numbers))), "with IMMEDIATE libzmq forgets what it had not handed over"


async def test_a_machine_is_ticked_when_it_is_due_and_not_before(net):
    machine = Recorder()
    machine.due = due = time.monotonic() + 0.05
    with looping(machine, net.link("DEALER", "tcp://127.0.0.1:1")) as loop:
        loop._settle()
        await until(lambda: machine.ticks)
    assert due <= machine.ticks[0] < due + 1
    assert len(machine.ticks) == 1


async def test_a_machine_that_is_due_earlier_than_it_was_is_ticked_earlier(net):
    machine = Recorder(lambda event: [Resolve(event.transaction.id, Answer(Fate.REJECTED))])
    machine.due = time.monotonic() + 60
    with looping(machine, net.link("DEALER", "tcp://127.0.0.1:1")) as loop:
        loop._settle()
        machine.due = time.monotonic() + 0.02
        loop.submit(transaction(b"a"), lambda answer: None)
        await until(lambda: machine.ticks)


async def test_a_machine_that_is_never_due_is_never_ticked(net):
    machine = Recorder()
    with looping(machine, net.link("DEALER", "tcp://127.0.0.1:1")):
        assert machine.deadline() == math.inf
        await asyncio.sleep(0.02)
    assert machine.ticks == []


async def test_a_reopened_socket_is_listened_to(net):
    router = net.router()
    link = net.link("DEALER", last_endpoint(router), routing_id="front-1.*")

    def react(event):
        match event:
            case Connected():
                return [Send("here", (b"hello",))]
            case Received():
                return [Reopen("here")]
        return ()

    machine = Recorder(react)
    with looping(machine, link):
        ids = []
        for connections in (1, 2, 3):
            await until(lambda count=connections: len(machine.of(Connected)) == count)
            ids.append(router.recv_multipart()[0])
            router.send_multipart([ids[-1], b"again"])
        await until(lambda: len(machine.of(Received)) == 3)
    assert len(set(ids)) == 3


# --- the end ----------------------------------------------------------------------------------------------


async def test_closing_answers_what_is_open_as_unknown_once(net):
    answers = Answers()
    with looping(Recorder(), net.link("DEALER", "tcp://127.0.0.1:1")) as loop:
        for id in (b"a", b"b"):
            loop.submit(transaction(id), answers.to(id))
        loop.close()
        loop.close()
    assert answers.fates == {b"a": Fate.UNKNOWN, b"b": Fate.UNKNOWN}
    assert set(answers.times.values()) == {1}


async def test_what_is_submitted_to_a_closed_loop_is_rejected_also_out_of_an_answer(net):
    answers = Answers()
    with looping(Recorder(), net.link("DEALER", "tcp://127.0.0.1:1")) as loop:

        def first(answer):
            answers.to(b"a")(answer)
            loop.submit(transaction(b"b"), answers.to(b"b"))

        loop.submit(transaction(b"a"), first)
    loop.submit(transaction(b"c"), answers.to(b"c"))
    assert answers.fates == {b"a": Fate.UNKNOWN, b"b": Fate.REJECTED, b"c": Fate.REJECTED}


async def test_draining_waits_for_what_is_open(net):
    router = net.router()
    machine = asking()
    answers = Answers()
    with looping(machine, net.link("DEALER", last_endpoint(router))) as loop:
        await until(lambda: machine.of(Connected))
        loop.submit(transaction(b"a"), answers.to(b"a"))
        drain = asyncio.create_task(loop.drain(BOUND_S))
        await until(lambda: machine.of(Drain))
        await asyncio.sleep(0.01)
        assert not drain.done()
        router.send_multipart(router.recv_multipart())
        assert await drain
    assert answers.fates == {b"a": Fate.COMPLETED}


async def test_a_drain_that_takes_too_long_says_so(net):
    with looping(Recorder(), net.link("DEALER", "tcp://127.0.0.1:1")) as loop:
        loop.submit(transaction(b"a"), lambda answer: None)
        assert not await loop.drain(0.01)


async def test_with_nothing_open_a_drain_is_over_at_once(net):
    machine = Recorder()
    with looping(machine, net.link("DEALER", "tcp://127.0.0.1:1")) as loop:
        assert await loop.drain(0.0)
        assert loop.ready
        assert loop.gauges() == {"events": 1}


# --- real clients -----------------------------------------------------------------------------------------


def clients(endpoint, net):
    """Each client over the sockets of its own, at one plain server."""
    yield PppClient(Settings(), Random(7)), [net.link("DEALER", endpoint, name="broker-1")]
    yield FlpClient(Settings(credit=4)), [net.link("DEALER", endpoint, name="worker-1")]
    direct = net.link("DEALER", endpoint, name="workers", immediate=False, send_mark=1, receive_mark=1)
    yield DirectClient(Settings()), [direct]


async def test_each_client_s_transactions_come_back_and_the_unanswered_end_at_their_deadline(net):
    router = net.router()
    for machine, links in clients(last_endpoint(router), net):
        answers = Answers()
        with looping(machine, *links) as loop:
            with echoing(router):
                await until(lambda loop=loop: loop.ready, repr(machine))
                for number in range(200):
                    id = b"%d" % number
                    loop.submit(transaction(id), answers.to(id))
                    if number % 10 == 0:
                        await asyncio.sleep(0)
                await until(lambda answers=answers: len(answers) == 200, repr(machine))
            loop.submit(transaction(b"mute", ttl_s=0.05), answers.to(b"mute"))
            await until(lambda answers=answers: b"mute" in answers.fates, repr(machine))
        assert answers.fates.pop(b"mute") is Fate.UNKNOWN
        assert set(answers.fates.values()) <= {Fate.COMPLETED, Fate.REJECTED}
        assert Fate.COMPLETED in answers.fates.values()
        assert set(answers.times.values()) == {1}
