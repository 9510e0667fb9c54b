"""RFC 6 peers that are not ours, in every pairing with a broker, worker and front that are."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from common.services import ServiceSpec
from common.settings import Beats
from common.transaction import Fate
from tests.interop.bodies import BODIES
from tests.interop.cable import Cable
from tests.interop.parts import BRISK, BRISK_S, CALM, wait_until
from tests.plain import PlainDealer, PlainPppQueue, PlainPppWorker, PlainReq

SLEEP = ServiceSpec("tests.interop.own_services:sleep")


def mute(body):
    return None


def ask_all(clients, requests):
    """Each client its request at once; then each its answer."""
    for client, request in zip(clients, requests, strict=True):
        client.socket.send_multipart(request)
    return [client.receive() for client in clients]


# --- a plain worker and a plain client with our broker ----------------------------------------------------


def test_every_body_comes_back_byte_for_byte_through_our_broker(parts):
    broker = parts.broker()
    with PlainPppWorker(broker.backend) as worker, PlainReq(broker.frontend) as client:
        for body in BODIES:
            assert client.ask(*body) == list(body)
        assert [request[request.index(b"") + 1 :] for request in worker.requests] == [list(b) for b in BODIES]
    assert broker.part.notes("malformed") == []


def test_several_req_clients_at_once_get_each_its_own_answer(parts):
    broker = parts.broker()
    clients = [PlainReq(broker.frontend) for _ in range(16)]
    try:
        with PlainPppWorker(broker.backend) as one, PlainPppWorker(broker.backend) as other:
            broker.part.wait_noted("peer-up", 2)  # else one may have answered all before the other has come
            for turn in range(10):
                requests = [[b"%d of %d" % (turn, number)] for number in range(len(clients))]
                assert ask_all(clients, requests) == requests
            assert min(len(one.requests), len(other.requests)) > 0
    finally:
        for client in clients:
            client.__exit__()


def test_a_client_s_longer_stack_of_addresses_comes_back(parts):
    broker = parts.broker()
    with PlainPppWorker(broker.backend) as worker, PlainDealer(broker.frontend) as client:
        for stack in ([], [b"me"], [b"me", b"\x01"], [b"me", b"hop", b"PING", b"\x02"]):
            assert client.ask(b"x", b"", stack=stack) == [*stack, b"", b"x", b""]
            assert worker.requests[-1][1:] == [*stack, b"", b"x", b""]


def test_a_dealer_with_many_requests_under_way_gets_them_all(parts):
    broker = parts.broker()
    with PlainPppWorker(broker.backend), PlainDealer(broker.frontend) as client:
        for number in range(100):
            client.send(b"body %d" % number, stack=[b"%d" % number])
        answers = sorted(client.receive() for _ in range(100))
    assert answers == sorted([b"%d" % number, b"", b"body %d" % number] for number in range(100))


def test_a_request_waits_for_the_first_worker(parts):
    broker = parts.broker()
    with PlainReq(broker.frontend) as client:
        client.socket.send(b"x")
        assert client.hears_nothing(0.2)
        with PlainPppWorker(broker.backend):
            assert client.receive() == [b"x"]


def test_a_plain_worker_that_works_for_less_than_three_beats_without_one_is_not_given_up(parts):
    broker = parts.broker(msgspec.structs.replace(CALM, beats=Beats(plain_interval_s=0.5)))

    def work(body):
        if body == [b"long"]:
            time.sleep(1.0)
        return body

    with PlainPppWorker(broker.backend, work) as worker, PlainReq(broker.frontend) as client:
        assert client.ask(b"quick") == [b"quick"]
        assert client.ask(b"long", timeout_s=4.5) == [b"long"]
        assert client.ask(b"quick") == [b"quick"]
        assert worker.ready_sent == 1
    assert [note for note in broker.part.notes("peer-lost") if "silent" in note["detail"]] == []


def test_a_plain_worker_that_beats_at_a_cadence_of_its_own_is_kept_and_is_beaten_to(parts):
    broker = parts.broker(BRISK)
    with PlainPppWorker(broker.backend, beat_s=0.3) as worker, PlainReq(broker.frontend) as client:
        client.ask(b"x")
        wait_until(lambda: worker.beats_heard >= 3, "three heartbeats of the broker")
        time.sleep(2 * BRISK_S)  # more than it is held to: that nothing happens can't be waited for
        assert broker.part.notes("peer-lost") == []
        assert client.ask(b"x") == [b"x"]
        assert worker.ready_sent == 1


def test_a_plain_worker_that_is_gone_costs_its_own_request_only(parts):
    broker = parts.broker()
    with PlainReq(broker.frontend) as client, PlainReq(broker.frontend) as other:
        with PlainPppWorker(broker.backend, mute) as worker:
            client.socket.send(b"lost")
            wait_until(lambda: worker.requests, "the worker has the request")
        broker.part.wait_noted("peer-lost")
        with PlainPppWorker(broker.backend):
            assert other.ask(b"next") == [b"next"]
            assert client.hears_nothing(0.2)
    assert len(broker.part.notes("dropped")) == 1


# --- a plain client, our broker, our worker ---------------------------------------------------------------


def test_every_body_comes_back_byte_for_byte_from_our_worker_through_our_broker(parts):
    broker = parts.broker()
    worker = parts.worker("paranoid-pirate", broker.backend)
    with PlainReq(broker.frontend) as client, PlainDealer(broker.frontend) as dealer:
        for body in BODIES:
            assert client.ask(*body) == list(body)
            assert dealer.ask(*body, stack=[b"me", b"hop"]) == [b"me", b"hop", b"", *body]
    executions = worker.executions()
    assert len(executions) == 2 * len(BODIES)
    assert all(execution.opaque and execution.fate is Fate.COMPLETED for execution in executions)
    assert len({execution.id for execution in executions}) == len(executions)


# --- our worker behind a plain queue ----------------------------------------------------------------------


@pytest.mark.parametrize(("credit", "beat_frees"), [(1, False), (4, True)])
def test_every_body_comes_back_byte_for_byte_through_a_plain_queue(parts, credit, beat_frees):
    with PlainPppQueue(beat_frees=beat_frees) as queue, PlainReq(queue.frontend) as client:
        worker = parts.worker(
            "paranoid-pirate", queue.backend, settings=msgspec.structs.replace(CALM, credit=credit)
        )
        for body in BODIES:
            assert client.ask(*body) == list(body)
        assert all(execution.opaque for execution in worker.executions())


def test_two_of_our_workers_behind_a_plain_queue_serve_several_clients(parts):
    with PlainPppQueue() as queue:
        workers = [parts.worker("paranoid-pirate", queue.backend) for _ in range(2)]
        wait_until(lambda: len(queue.heard_at) == 2, "both workers are ready")
        clients = [PlainReq(queue.frontend) for _ in range(8)]
        try:
            for turn in range(10):
                requests = [[b"%d of %d" % (turn, number)] for number in range(len(clients))]
                assert ask_all(clients, requests) == requests
        finally:
            for client in clients:
                client.__exit__()
        assert min(len(worker.executions()) for worker in workers) > 0


@pytest.mark.parametrize(
    ("service", "answer"),
    [("refuse", [b"no", b"x", b""]), ("crash", [b"the service raised ZeroDivisionError"])],
)
def test_a_refusal_is_the_body_that_a_plain_client_gets(parts, service, answer):
    with PlainPppQueue() as queue, PlainReq(queue.frontend) as client:
        name = f"tests.interop.own_services:{service}"
        worker = parts.worker("paranoid-pirate", queue.backend, service=ServiceSpec(name))
        assert client.ask(b"x", b"") == answer
        assert [execution.fate for execution in worker.executions()] == [Fate.FAILED]
        worker.service_crashes = service == "crash"


def test_our_worker_beats_on_while_its_service_works_longer_than_a_queue_waits(parts):
    with PlainPppQueue(silence_s=1.0) as queue, PlainReq(queue.frontend) as client:
        parts.worker("paranoid-pirate", queue.backend, service=SLEEP)
        assert client.ask(b"1.4", timeout_s=6) == [b"1.4"]
        assert client.ask(b"0") == [b"0"]
        assert queue.readies == 1
        assert queue.forgotten == 0
        assert queue.beats_heard >= 3


def test_a_second_request_to_a_busy_worker_waits_in_it(parts):
    """The guide's queue takes a heartbeat for idleness; our worker executes one at a time all the same."""
    with PlainPppQueue(beat_frees=True) as queue:
        worker = parts.worker("paranoid-pirate", queue.backend, service=SLEEP)
        with PlainReq(queue.frontend) as one, PlainReq(queue.frontend) as other:
            one.socket.send(b"1.0")
            other.socket.send(b"0.1")
            assert one.receive() == [b"1.0"]
            assert other.receive() == [b"0.1"]
        first, second = worker.executions()
        assert first.finished_ns <= second.begun_ns


def test_our_worker_is_back_when_a_plain_queue_is(parts):
    with PlainPppQueue() as queue, PlainReq(queue.frontend) as client:
        parts.worker("paranoid-pirate", queue.backend)
        assert client.ask(b"x") == [b"x"]
    with PlainPppQueue(queue.frontend, queue.backend) as again, PlainReq(again.frontend) as client:
        assert client.ask(b"y") == [b"y"]


def test_our_worker_gives_up_a_plain_queue_that_is_silent_for_three_of_its_beats(parts):
    with PlainPppQueue(beat_s=60, silence_s=1.0) as queue, PlainReq(queue.frontend) as client:
        worker = parts.worker("paranoid-pirate", queue.backend, settings=BRISK)
        began = time.monotonic()
        wait_until(lambda: queue.readies >= 2, "our worker says READY again")
        assert time.monotonic() - began > BRISK_S
        worker.wait_noted("peer-lost")
        queue.beat_s, queue.beat_at = 0.3, 0.0  # it comes to life, but takes the dead connection for a worker
        wait_until(lambda: len(queue.heard_at) == 1, "the queue has forgotten the connection before")
        assert client.ask(b"x") == [b"x"]


# --- our front over a plain worker, or over a plain queue -------------------------------------------------


def test_our_front_through_our_broker_gets_the_answers_of_a_plain_worker(parts):
    broker = parts.broker()
    front = parts.front("paranoid-pirate", broker.frontend)
    with PlainPppWorker(broker.backend) as worker:
        front.wait_ready()
        for number, body in enumerate(b"".join(frames) for frames in BODIES):
            assert front.put(f"t-{number}", body) == (200, body)
            assert front.post(body) == (200, body)
            for request in worker.requests[-2:]:
                assert request[request.index(b"") + 1 :] == [body]  # pure: what is ours is in the stack
    assert broker.part.notes("malformed") == []


@pytest.mark.parametrize("ours", [True, False], ids=["our worker", "plain worker"])
def test_our_front_works_over_a_plain_queue(parts, ours):
    with PlainPppQueue() as queue:
        front = parts.front("paranoid-pirate", queue.frontend)
        assert not front.ready()
        if ours:
            worker = parts.worker("paranoid-pirate", queue.backend)
            exchange(front)
            assert not any(execution.opaque for execution in worker.executions())
        else:
            with PlainPppWorker(queue.backend):
                exchange(front)


def exchange(front):
    front.wait_ready()
    for number, body in enumerate((b"x", b"", b"\x01", b"PING", bytes(70_000))):
        assert front.put(f"t-{number}", body) == (200, body)
        assert front.post(body) == (200, body)


def test_of_what_a_plain_worker_took_with_it_a_put_is_failed_over_and_a_post_is_unknown(parts):
    broker = parts.broker()
    front = parts.front("paranoid-pirate", broker.frontend)
    with ThreadPoolExecutor(2) as pool:
        with PlainPppWorker(broker.backend, mute) as one, PlainPppWorker(broker.backend, mute) as other:
            front.wait_ready()
            put = pool.submit(front.put, "t-1", b"put")
            post = pool.submit(front.post, b"post")
            wait_until(lambda: one.requests and other.requests, "each worker has one of them")
        status, problem = post.result()
        assert (status, json.loads(problem)["fate"]) == (504, "unknown")
        with PlainPppWorker(broker.backend):
            assert put.result() == (200, b"put")


def test_our_front_is_back_when_its_connection_broke_while_a_plain_queue_did_not_read(parts):
    """What the front had sent is still unread when it connects again: a ROUTER takes a second connection of the
    same identity for nobody."""
    with (
        PlainPppQueue() as queue,
        Cable(queue.frontend) as cable,
        ThreadPoolExecutor(1) as pool,
    ):
        front = parts.front("paranoid-pirate", cable.endpoint)
        front.part.wait_noted("peer-up")
        put = pool.submit(front.put, "t-1", b"x")
        wait_until(lambda: queue.client_waits, "the request waits at the queue, which has no worker")
        cable.cut()
        front.part.wait_noted("peer-up", 2)
        with PlainPppWorker(queue.backend):
            assert put.result() == (200, b"x")
            assert front.put("t-2", b"y") == (200, b"y")
