"""RFC 10 peers that are not ours, in every pairing with a worker and front that are."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from common.services import ServiceSpec
from common.transaction import Fate
from tests.interop.bodies import BODIES
from tests.interop.cable import Cable
from tests.interop.endpoints import free_endpoint
from tests.interop.parts import BRISK, BRISK_S, Parts, wait_until
from tests.plain import PlainFlpDealer, PlainFlpRouter, PlainFlpServer

BROKERLESS = ["freelance", "direct"]
CLIENTS = [PlainFlpRouter, PlainFlpDealer]


def work_1_s(body):
    time.sleep(1)
    return body


def bound_worker(parts, topology="freelance", service=ServiceSpec()):  # noqa: B008 # frozen
    endpoint = free_endpoint()
    return parts.worker(topology, endpoint, service=service), endpoint


@pytest.fixture(scope="module")
def echoing(tmp_path_factory):
    """``{topology: (worker, endpoint)}``: one of each, for all tests that only ask and leave."""
    parts = Parts(tmp_path_factory.mktemp("echoing"))
    try:
        yield {topology: bound_worker(parts, topology) for topology in BROKERLESS}
    finally:
        parts.stop()


# --- a plain client with our worker -----------------------------------------------------------------------


@pytest.mark.parametrize("client_of", CLIENTS)
@pytest.mark.parametrize("topology", BROKERLESS)
def test_every_body_comes_back_byte_for_byte_from_our_worker(echoing, topology, client_of):
    worker, endpoint = echoing[topology]
    before = len(worker.executions())
    with client_of(endpoint) as client:
        client.ping()
        for body in BODIES:
            assert client.ask(*body) == list(body)
    executions = worker.executions()[before:]
    assert len(executions) == len(BODIES)
    assert all(execution.opaque and execution.fate is Fate.COMPLETED for execution in executions)


def test_any_control_frame_comes_back_unmodified(echoing):
    _, endpoint = echoing["freelance"]
    with PlainFlpDealer(endpoint) as client:
        for control in (b"", b"PING", b"PONG", b"\x01", bytes(255), b"BBST", b"bbtx"):
            client.send(control, b"x", b"")
            assert client.receive() == [control, b"x", b""]


def test_our_worker_answers_ping_while_its_service_works(parts):
    _, endpoint = bound_worker(parts, service=ServiceSpec("sleep", mean_ms=800))
    with PlainFlpDealer(endpoint) as client, PlainFlpRouter(endpoint) as other:
        other.ping()
        began = time.monotonic()
        client.send(b"c", b"x")
        wait_until(lambda: time.monotonic() > began + 0.2, "the service works")
        for pinging in (client, other):
            pinging.send(b"PING")
            assert pinging.receive(0.4) == [b"PONG"]
        assert client.answer() == [b"c", b"x"]
        assert time.monotonic() - began >= 0.8


def test_several_plain_clients_at_once_get_each_its_own_answer(echoing):
    _, endpoint = echoing["freelance"]
    clients = [client_of(endpoint) for client_of in CLIENTS * 4]
    try:
        for client in clients:
            client.ping()
        for turn in range(10):
            for number, client in enumerate(clients):
                client.send(b"%d" % turn, b"%d" % number)
            for number, client in enumerate(clients):
                assert client.answer() == [b"%d" % turn, b"%d" % number]
    finally:
        for client in clients:
            client.__exit__()


@pytest.mark.parametrize(
    ("service", "answer"),
    [("refuse", [b"no", b"x", b""]), ("crash", [b"the service raised ZeroDivisionError"])],
)
def test_a_refusal_is_the_body_that_a_plain_client_gets(parts, service, answer):
    worker, endpoint = bound_worker(parts, service=ServiceSpec(f"tests.interop.own_services:{service}"))
    worker.service_crashes = service == "crash"
    with PlainFlpDealer(endpoint) as client:
        assert client.ask(b"x", b"") == answer
    assert [execution.fate for execution in worker.executions()] == [Fate.FAILED]


def test_a_plain_client_that_leaves_costs_nobody_else_anything(parts):
    worker, endpoint = bound_worker(parts, service=ServiceSpec("sleep", mean_ms=300))
    with PlainFlpDealer(endpoint) as other:
        with PlainFlpDealer(endpoint) as leaving:
            leaving.ping()
            for number in range(5):
                leaving.send(b"%d" % number, b"x")
            wait_until(worker.executions, "the first is executed")
        assert other.ask(b"y") == [b"y"]
    assert len(worker.executions()) == 2  # what waited for the one that left was not worth it


# --- our front with plain servers -------------------------------------------------------------------------


@pytest.mark.parametrize("topology", BROKERLESS)
def test_our_front_gets_the_answers_of_a_plain_server(parts, topology):
    with PlainFlpServer(free_endpoint()) as server:
        front = parts.front(topology, server.endpoint)
        front.wait_ready()
        for number, body in enumerate(b"".join(frames) for frames in BODIES):
            assert front.put(f"t-{number}", body) == (200, body)
            assert front.post(body) == (200, body)
            assert [request[1:] for request in server.requests[-2:]] == [[body]] * 2


@pytest.mark.parametrize("topology", BROKERLESS)
def test_our_front_has_no_identity_as_rfc_10_wants(parts, topology):
    with PlainFlpServer(free_endpoint()) as server:
        front = parts.front(topology, server.endpoint)
        front.wait_ready()
        assert front.put("t-1", b"x") == (200, b"x")
        assert {client[:1] for client in server.clients} == {b"\0"}  # made up by libzmq


def test_our_front_joins_the_frames_that_a_plain_server_answers(parts):
    with PlainFlpServer(free_endpoint(), lambda body: [b"a", b"", *body, b"PONG"]) as server:
        front = parts.front("freelance", server.endpoint)
        front.wait_ready()
        assert front.put("t-1", b"x") == (200, b"axPONG")


def test_our_front_shares_the_work_among_plain_servers_and_ours(parts):
    worker, endpoint = bound_worker(parts)
    with PlainFlpServer(free_endpoint()) as one, PlainFlpServer(free_endpoint()) as other:
        front = parts.front("freelance", one.endpoint, other.endpoint, endpoint)
        front.wait_ready()
        wait_until(lambda: len(front.part.notes("peer-up")) == 3, "all three are known")
        for number in range(30):
            assert front.put(f"t-{number}", b"%d" % number) == (200, b"%d" % number)
        assert len(one.requests) == len(other.requests) == len(worker.executions()) == 10


@pytest.mark.parametrize("topology", BROKERLESS)
def test_a_plain_server_that_works_for_long_without_a_pong_is_waited_for(parts, topology):
    def work(body):
        if body == [b"long"]:
            time.sleep(BRISK_S + 0.3)
        return body

    with PlainFlpServer(free_endpoint(), work) as server:
        front = parts.front(topology, server.endpoint, settings=BRISK)
        front.wait_ready()
        assert front.post(b"long") == (200, b"long")
        assert front.put("t-1", b"y") == (200, b"y")
        assert len(server.requests) == 2
    assert [note for note in front.part.notes("peer-lost") if "silent" in note["detail"]] == []


def test_a_plain_server_is_judged_again_once_its_request_is_over(parts):
    """It hangs: the request ends at its deadline, unknown; after that its silence counts."""
    with PlainFlpServer(free_endpoint(), lambda body: time.sleep(BRISK_S + 1.3)) as server:
        front = parts.front("freelance", server.endpoint, settings=BRISK)
        front.wait_ready()
        status, problem = front.post(b"x", Request_Timeout="0.3")
        assert (status, json.loads(problem)["fate"]) == (504, "unknown")
        wait_until(lambda: not front.ready(), "the server is given up")
        front.wait_ready()  # the server answers again


def test_our_front_is_back_when_its_connection_broke_while_a_plain_server_worked(parts):
    """What the front had sent is still unread when it connects again: a ROUTER takes a second connection of the
    same identity for nobody, and RFC 10 wants clients to have none."""
    with (
        PlainFlpServer(free_endpoint(), work_1_s) as server,
        Cable(server.endpoint) as cable,
        ThreadPoolExecutor(1) as pool,
    ):
        front = parts.front("freelance", cable.endpoint)
        front.wait_ready()
        post = pool.submit(front.post, b"x")
        wait_until(lambda: server.requests, "the server works")
        time.sleep(0.3)  # PINGs arrive there meanwhile
        cable.cut()
        assert post.result()[0] == 504
        front.wait_ready()
        assert front.put("t-1", b"y") == (200, b"y")


def test_of_what_a_plain_server_took_with_it_a_put_is_failed_over_and_a_post_is_unknown(parts):
    endpoints = [free_endpoint(), free_endpoint()]
    with (
        PlainFlpServer(endpoints[0], lambda body: None) as one,
        PlainFlpServer(endpoints[1], lambda body: None) as other,
        ThreadPoolExecutor(2) as pool,
    ):
        front = parts.front("freelance", *endpoints)
        wait_until(lambda: len(front.part.notes("peer-up")) == 2, "both servers are known")
        front.wait_ready()
        put = pool.submit(front.put, "t-1", b"put")
        post = pool.submit(front.post, b"post")
        wait_until(lambda: one.requests and other.requests, "each server has one of them")
        one.stop()
        other.stop()
        status, problem = post.result()
        assert (status, json.loads(problem)["fate"]) == (504, "unknown")
        with PlainFlpServer(endpoints[0]):
            assert put.result() == (200, b"put")
