"""The plain peers understand each other: what they show about ours rests on that."""

import ast
import time
from pathlib import Path

import pytest

import tests.plain
from tests.interop.bodies import BODIES
from tests.interop.endpoints import free_endpoint
from tests.plain import (
    PlainDealer,
    PlainFlpDealer,
    PlainFlpRouter,
    PlainFlpServer,
    PlainPppQueue,
    PlainPppWorker,
    PlainReq,
)


@pytest.fixture
def queue():
    with PlainPppQueue() as queue:
        yield queue


@pytest.mark.parametrize("body", BODIES)
def test_a_worker_behind_a_queue_answers_a_req(queue, body):
    with PlainPppWorker(queue.backend), PlainReq(queue.frontend) as client:
        assert client.ask(*body) == list(body)


def test_a_longer_stack_of_addresses_comes_back(queue):
    with PlainPppWorker(queue.backend) as worker, PlainDealer(queue.frontend) as client:
        assert client.ask(b"x", stack=[b"me", b"hop"]) == [b"me", b"hop", b"", b"x"]
        assert worker.requests[0][1:] == [b"me", b"hop", b"", b"x"]


def test_two_workers_take_turns(queue):
    with (
        PlainPppWorker(queue.backend) as one,
        PlainPppWorker(queue.backend) as other,
        PlainReq(queue.frontend) as client,
    ):
        deadline = time.monotonic() + 5
        while not (one.requests and other.requests) and time.monotonic() < deadline:
            client.ask(b"x")
        assert one.requests
        assert other.requests


def test_a_worker_says_ready_again_when_its_queue_is_silent():
    with PlainPppQueue(beat_s=60) as queue, PlainPppWorker(queue.backend, beat_s=0.05, liveness=2) as worker:
        deadline = time.monotonic() + 5
        while worker.ready_sent < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert worker.ready_sent >= 3


def test_both_sides_beat(queue):
    with PlainPppWorker(queue.backend, beat_s=0.05) as worker:
        deadline = time.monotonic() + 5
        while not (worker.beats_heard and queue.beats_heard) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert worker.beats_heard
        assert queue.beats_heard


@pytest.mark.parametrize("client_of", [PlainFlpRouter, PlainFlpDealer])
@pytest.mark.parametrize("body", BODIES)
def test_a_server_answers_ping_and_request(client_of, body):
    with PlainFlpServer(free_endpoint()) as server, client_of(server.endpoint) as client:
        client.ping()
        assert client.ask(*body) == list(body)
        assert server.pings


def test_a_peer_s_failure_fails_the_test_that_runs_it():
    def handle(body):
        raise ZeroDivisionError

    server = PlainFlpServer(free_endpoint(), handle)
    with pytest.raises(ZeroDivisionError), server, PlainFlpDealer(server.endpoint) as client:
        client.ask(b"x", timeout_s=0.2)


def test_no_plain_peer_knows_anything_of_ours():
    folder = Path(tests.plain.__file__).parent
    for file in folder.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                modules = [node.module or ""]
            else:
                continue
            for module in modules:
                ours = module.split(".")[0] in ("common", "brokered", "brokerless", "bench")
                assert not ours, f"{file.name} imports {module}"
