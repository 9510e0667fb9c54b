"""Garbage on every socket of every role: nobody dies, and a good request after it is served."""

import random
import socket
import time

import pytest
import zmq

from common.services import ServiceSpec
from common.transaction import Fate, Transaction
from common.wire import pack_header, pack_status
from tests.interop.endpoints import free_endpoint
from tests.interop.parts import wait_until
from tests.plain import PlainFlpDealer, PlainFlpServer, PlainPppQueue, PlainPppWorker, PlainReq
from tests.plain.peer import PlainClient

OVERSIZE = bytes((1 << 21) + 1)
"""A frame beyond MAXMSGSIZE: libzmq ends the connection of whoever sends it."""


def header(id=b"t-1", ttl_s=60.0, **rest):
    now = time.monotonic()
    return pack_header(Transaction(id, (), now + ttl_s, True), now, **rest)


def messages(seed=0):
    """Messages that break RFC 6, RFC 10 or our own layouts, and some that only look like it."""
    good, status = header(), pack_status(b"t-1", Fate.COMPLETED)
    broken = [
        b"BBTX",
        good[:-1],
        good + b"x",
        good[:4] + b"\x63" + good[5:],  # version
        good[:5] + b"\xff" + good[6:],  # flags
        good[:-3] + b"\xff\x00/",  # id
        good[:36],
        header(b"~" * 64) + b"~",
        header(ttl_s=-1),
        header(probe=True),
    ]
    heads = [b"", b"\x01", b"\x02", b"\x03", b"PING", b"PONG", b"PINGPONG", good, status, status[:9], *broken]
    yield from ([head] for head in heads)
    yield from ([head, b""] for head in heads)
    yield from ([head, b"x"] for head in heads)
    yield from ([head, b"", b"x"] for head in broken)
    yield from ([b"me", head, b"", b"x"] for head in broken)
    yield from ([good, b"", frame] for frame in (status[:9], status[:4], status + b"x", b"BBST" + bytes(60)))
    yield [b""] * 64
    yield [b"x"] * 65
    yield [b""] * 65
    yield [good, b"", *[b"x"] * 65]
    yield [b"\x01"] * 3000
    rng = random.Random(seed)
    for _ in range(200):
        yield [
            rng.choice(heads) if rng.random() < 0.5 else rng.randbytes(rng.randrange(50))
            for _ in range(rng.randrange(1, 8))
        ]


class Vandal(PlainClient):
    """A DEALER that says what it likes, and does not listen."""

    kind = zmq.DEALER

    def rage(self, *more):
        for message in (*messages(), *more):
            self.socket.send_multipart(message)
        self.socket.send_multipart([b"x", OVERSIZE])

    def __exit__(self, *exception):
        self.socket.linger = 2000
        super().__exit__(*exception)


def rage_in_bytes(endpoint):
    """No ZMTP at all: a browser, a port scan, half a greeting."""
    port = int(endpoint.rpartition(":")[2])
    rng = random.Random(0)
    for octets in (
        b"GET / HTTP/1.1\r\n\r\n",
        b"",
        b"\xff" + bytes(8) + b"\x7f",
        b"\xff" * 10,
        rng.randbytes(5000),
    ):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(octets)


# --- who binds --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", ["frontend", "backend"])
def test_garbage_at_our_broker(parts, side):
    broker = parts.broker()
    endpoint = getattr(broker, side)
    with PlainPppWorker(broker.backend), PlainReq(broker.frontend) as client:
        assert client.ask(b"before") == [b"before"]
        with Vandal(endpoint) as vandal:
            vandal.rage()
        rage_in_bytes(endpoint)
        broker.part.wait_noted("malformed")
        parts.check_alive()
        assert client.ask(b"after") == [b"after"]


def test_garbage_among_good_requests_of_the_same_client_costs_only_itself(parts):
    broker = parts.broker()
    parts.worker("paranoid-pirate", broker.backend)
    with Vandal(broker.frontend) as client:
        for number, message in enumerate(messages()):
            client.socket.send_multipart(message)
            client.socket.send_multipart([b"good", b"%d" % number, b"", b"x"])
        expected = number + 1
        answered: set[bytes] = set()
        while len(answered) < expected:
            frames = client.receive()
            if frames[0] == b"good":
                answered.add(frames[1])


@pytest.mark.parametrize("topology", ["freelance", "direct"])
def test_garbage_at_our_bound_worker(parts, topology):
    endpoint = free_endpoint()
    worker = parts.worker(topology, endpoint)
    with PlainFlpDealer(endpoint) as client:
        client.ping()
        with Vandal(endpoint) as vandal:
            vandal.rage()
        rage_in_bytes(endpoint)
        worker.wait_noted("malformed")
        parts.check_alive()
        assert client.ask(b"after") == [b"after"]


def test_a_peer_that_never_reads_its_answers_stops_nobody_else(parts):
    endpoint = free_endpoint()
    parts.worker("freelance", endpoint, service=ServiceSpec("tests.interop.own_services:inflate"))
    with PlainFlpDealer(endpoint) as client, PlainFlpDealer(endpoint) as deaf:
        client.ping()
        deaf.socket.rcvhwm = 1
        for number in range(200):
            deaf.send(b"%d" % number, b"x")
        for _ in range(20):
            assert client.ask(b"y") == [b"y"]


# --- who connects -----------------------------------------------------------------------------------------


class VandalQueue(PlainPppQueue):
    """A queue that sends a worker all sorts of things before it is any use."""

    raged = False

    def from_worker(self, worker, frames):
        if not self.raged:
            self.raged = True
            for message in messages():
                self.workers.send_multipart([worker, *message])
        super().from_worker(worker, frames)


def test_garbage_from_a_queue_at_our_worker(parts):
    with VandalQueue() as queue, PlainReq(queue.frontend) as client:
        worker = parts.worker("paranoid-pirate", queue.backend)
        worker.wait_noted("malformed")
        # Some of it is a proper request: its answers reach the queue, which passes them to nobody.
        assert client.ask(b"after") == [b"after"]


def test_an_oversize_frame_from_a_queue_at_our_worker_costs_one_connection(parts):
    with PlainPppQueue() as queue, PlainReq(queue.frontend) as client:
        parts.worker("paranoid-pirate", queue.backend)
        assert client.ask(b"before") == [b"before"]
        with PlainReq(queue.frontend) as vandal:
            vandal.socket.send(OVERSIZE)
            wait_until(lambda: queue.readies == 2, "our worker is back on a new connection")
        assert client.ask(b"after") == [b"after"]


class VandalServer(PlainFlpServer):
    """A server that answers the first PING with all sorts of things, and every request twice."""

    raged = False

    def turn(self):
        if not self.socket.poll(10):
            return
        client, control, *body = self.socket.recv_multipart()
        if not self.raged:
            self.raged = True
            for message in messages():
                self.socket.send_multipart([client, *message])
        if control == b"PING" and not body:
            self.socket.send_multipart([client, b"PONG"])
        else:
            for _ in range(2):
                self.socket.send_multipart([client, control, *body])


@pytest.mark.parametrize("topology", ["freelance", "direct"])
def test_garbage_from_a_server_at_our_front(parts, topology):
    with VandalServer(free_endpoint()) as server:
        front = parts.front(topology, server.endpoint)
        front.wait_ready()
        for number in range(3):
            assert front.put(f"t-{number}", b"%d" % number) == (200, b"%d" % number)
        assert front.part.notes("malformed")
        assert front.part.notes("stale")


class VandalFrontend(PlainPppQueue):
    """A queue that sends a client all sorts of things first, and every answer twice."""

    raged = False

    def turn(self):
        if self.clients.poll(10):
            client, *frames = self.clients.recv_multipart()
            if not self.raged:
                self.raged = True
                for message in messages():
                    self.clients.send_multipart([client, *message])
            for _ in range(2):
                self.clients.send_multipart([client, *frames])


def test_garbage_from_a_queue_at_our_front(parts):
    with VandalFrontend() as queue:
        front = parts.front("paranoid-pirate", queue.frontend)
        front.wait_ready()
        for number in range(3):
            assert front.put(f"t-{number}", b"%d" % number) == (200, b"%d" % number)
        assert front.part.notes("malformed")
        assert front.part.notes("stale")


def test_garbage_at_our_front_s_http_port(parts):
    with PlainFlpServer(free_endpoint()) as server:
        front = parts.front("freelance", server.endpoint)
        front.wait_ready()
        rage_in_bytes(f"tcp://127.0.0.1:{front.port}")
        assert front.put("t-1", bytes((1 << 20) + 1))[0] == 413
        assert front.put("t-1", b"after") == (200, b"after")
