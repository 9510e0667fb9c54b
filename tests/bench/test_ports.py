"""Ports belong to a name, and to nobody else as long as the deployment lives."""

import socket
from pathlib import Path

import pytest
import zmq
from tornado.netutil import bind_sockets

from bench.errors import BadInput
from bench.ports import HOST, PORTS, Ports, check_free, reserve


def ephemeral() -> range:
    low, high = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
    return range(int(low), int(high) + 1)


def test_the_same_name_has_the_same_port_and_another_another():
    with Ports() as ports:
        assert ports.port("worker-1") == ports.port("worker-1")
        assert ports.port("worker-1") != ports.port("worker-2")
        assert ports.endpoint("worker-1") == f"tcp://{HOST}:{ports.port('worker-1')}"


def test_no_outgoing_connection_can_take_a_port():
    with Ports() as ports:
        for number in range(20):
            port = ports.port(str(number))
            assert port in PORTS
            assert port not in ephemeral()


def test_two_deployments_never_share_a_port():
    with Ports() as some, Ports() as others:
        first = {some.port(str(number)) for number in range(50)}
        assert not first & {others.port(str(number)) for number in range(50)}


def test_a_part_binds_a_reserved_port_again_and_again():
    with Ports() as ports:
        for _ in range(3):
            # A context each, as each process of a part has: its end waits until libzmq has really closed the socket.
            with zmq.Context() as context, context.socket(zmq.ROUTER) as router:
                router.linger = 0
                router.bind(ports.endpoint("worker-1"))


def test_fronts_listen_on_a_reserved_port():
    with Ports() as ports:
        for listener in bind_sockets(ports.port("front-1/http"), HOST):
            listener.close()


def test_while_its_part_is_dead_a_port_refuses_connections_and_strangers():
    with Ports() as ports:
        port = ports.port("worker-1")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((HOST, port), timeout=1)
        with pytest.raises(OSError, match="in use"):
            reserve(HOST, port)


def test_closed_reservations_are_free_again():
    with Ports() as ports:
        port = ports.port("worker-1")
    reserve(HOST, port).close()


def test_a_port_in_use_is_bad_input():
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(BadInput, match=f"port {port} on {HOST} must be free"):
            check_free(HOST, port)
    check_free(HOST, port)
