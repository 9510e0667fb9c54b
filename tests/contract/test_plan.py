"""Every topology's plan: well-formed for every deployment that may be asked for."""

from random import Random
from typing import Literal

import msgspec
import pytest
import zmq

from common.settings import Network, Settings
from common.topology import ROLES, Deployment, Pairing, Part, Plan, Socket, Topology
from tests.contract.applies import brokerless

SETTINGS = Settings()

ALWAYS = {"linger", "maxmsgsize", "sndhwm", "rcvhwm", "handshake_ivl"}
OF_ROUTERS = {"router_mandatory", "router_handover"}
OF_BOUND = {"backlog"}
OF_CONNECTING = {"immediate", "connect_timeout", "reconnect_ivl"}


def plan(topology: Topology, deployment: Deployment, settings: Settings = SETTINGS) -> Plan:
    return topology.plan(deployment, settings, lambda name: f"ipc:///run/{name}")


def sockets(plan: Plan) -> list[Socket]:
    return [socket for part in plan.parts for socket in part.sockets]


@pytest.mark.parametrize("fronts", range(1, 9))
def test_plan_of_up_to_64_workers_is_whole(topology: Topology, fronts: int):
    for workers in range(1, 65):
        deployment = Deployment(workers=workers, fronts=fronts)
        made = plan(topology, deployment)
        names = [part.name for part in made.parts]
        assert len(set(names)) == len(names)
        assert_as_many_as_asked_for(made, topology, deployment)
        bound = [endpoint for socket in sockets(made) if socket.bind for endpoint in socket.endpoints]
        connected = {endpoint for socket in sockets(made) if not socket.bind for endpoint in socket.endpoints}
        assert len(set(bound)) == len(bound)
        assert set(bound) == connected


def assert_as_many_as_asked_for(made: Plan, topology: Topology, deployment: Deployment) -> None:
    roles = [part.role for part in made.parts]
    assert roles.count("worker") == deployment.workers
    assert roles.count("front") == deployment.fronts
    brokers = roles.count("broker")
    if topology.family == "brokerless":
        assert brokers == 0
    else:
        assert brokers >= deployment.brokers
        assert brokers in (deployment.brokers, 2)


@pytest.mark.parametrize("deployment", [Deployment(), Deployment(workers=3, fronts=2, brokers=2)], ids=str)
def test_every_front_reaches_every_worker(topology: Topology, deployment: Deployment):
    made = plan(topology, deployment)
    ways = {(link.connector, link.binder) for link in made.links}
    ways |= {(binder, connector) for connector, binder in ways}
    workers = {part.name for part in made.parts if part.role == "worker"}
    for front in (part.name for part in made.parts if part.role == "front"):
        met = {to for origin, to in ways if origin == front}
        beyond = {to for origin, to in ways if origin in met}
        assert workers <= met | beyond


def test_parts_are_in_the_order_in_which_they_are_started(topology: Topology):
    order = [ROLES.index(part.role) for part in plan(topology, Deployment(brokers=2)).parts]
    assert order == sorted(order)


def test_endpoint_is_asked_for_by_the_same_names_each_time(topology: Topology):
    asked: list[list[str]] = []
    for _ in range(2):
        names: list[str] = []
        topology.plan(Deployment(), SETTINGS, lambda name, names=names: names.append(name) or name)
        asked.append(names)
    assert asked[0] == asked[1]
    assert len(set(asked[0])) == len(asked[0])


def test_sockets_of_a_part_have_names_of_their_own(topology: Topology):
    for part in plan(topology, Deployment()).parts:
        names = [socket.name for socket in part.sockets]
        assert names
        assert len(set(names)) == len(names)


def test_every_socket_is_told_everything_that_it_must_be(topology: Topology):
    for socket in sockets(plan(topology, Deployment())):
        expected = ALWAYS | (OF_ROUTERS if socket.kind == "ROUTER" else set())
        expected |= OF_BOUND if socket.bind else OF_CONNECTING
        assert expected <= socket.options.keys(), socket.name
        assert socket.options["linger"] == 0
        assert socket.kind == "DEALER" or socket.options["router_mandatory"] == 1


def test_libzmq_takes_every_option(topology: Topology):
    with zmq.Context() as context:
        for spec in sockets(plan(topology, Deployment(workers=1, fronts=1))):
            with context.socket(getattr(zmq, spec.kind)) as socket:
                for option, value in spec.options.items():
                    setattr(socket, option, value.encode() if isinstance(value, str) else value)


def test_high_water_marks_hold_all_credit_unless_the_mark_is_the_point(topology: Topology):
    settings = Settings(credit=1024)
    for socket in sockets(plan(topology, Deployment(), settings)):
        if topology.name == "direct" and not socket.bind:
            assert (socket.options["sndhwm"], socket.options["immediate"]) == (1, 0)
        else:
            assert int(socket.options["sndhwm"]) >= 1024 + 16
            assert int(socket.options["rcvhwm"]) >= 1024 + 16


def test_zmtp_heartbeats_are_a_setting(topology: Topology):
    without = Settings(network=Network(zmtp_heartbeat_ms=0))
    assert not any("heartbeat_ivl" in s.options for s in sockets(plan(topology, Deployment(), without)))


def test_part_alone_is_the_part_of_the_plan(topology: Topology):
    made = plan(topology, Deployment(workers=2, fronts=1))
    for part in made.parts:
        endpoints = [endpoint for socket in part.sockets for endpoint in socket.endpoints]
        alone: Part
        match part.role:
            case "broker":
                *states, frontend, backend = endpoints
                role: Literal["primary", "backup"] = "primary" if part.sockets[0].bind else "backup"
                pairing = Pairing(role, *states) if states else None
                alone = topology.broker(part.name, frontend, backend, SETTINGS, pairing)
            case "worker":
                alone = topology.worker(part.name, endpoints, SETTINGS)
            case "front":
                alone = topology.front(part.name, endpoints, SETTINGS)
        assert alone == part


@brokerless
def test_brokerless_topology_says_that_it_has_no_broker(topology: Topology):
    with pytest.raises(ValueError, match=f"topology {topology.name} is brokerless"):
        topology.broker("broker-1", "tcp://a", "tcp://b", SETTINGS)


def test_plan_survives_the_way_to_another_process(topology: Topology):
    made = plan(topology, Deployment())
    assert msgspec.json.decode(msgspec.json.encode(made), type=Plan) == made


def test_new_machine_has_nothing_to_do_and_ticks_without_effect(topology: Topology):
    for part in plan(topology, Deployment(workers=2, fronts=1)).parts:
        machine = topology.machine(part, SETTINGS, Random(1))
        assert machine.deadline() == float("inf")
        assert list(machine.tick(10.0)) == []
        assert not machine.drained
        assert set(machine.gauges().values()) == {0}
        assert str(machine).startswith("<")
