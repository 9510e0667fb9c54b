"""Fake sockets: what the machines rely on, and that they take turns as libzmq's do."""

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

import pytest
import zmq

from bench.simulator.agenda import Agenda
from bench.simulator.network import Dealer, Network, Router, open_socket
from common.machine import Connected, Disconnected, Event, Received, Unroutable
from common.topology import Socket

LATENCY_S = 0.001
CONNECTED_S = 0.1
"""Longer than two attempts to connect and a handshake."""


class Recorder:
    """A host that writes down what it is told."""

    def __init__(self) -> None:
        self.name = "part"
        self.frozen = False
        self.events: list[Event] = []

    def take(self, event: Event, socket: Dealer | Router) -> None:
        self.events.append(event)

    def messages(self) -> list[list[bytes]]:
        return [event.frames for event in self.events if isinstance(event, Received)]


class Bench:
    """A network with whatever a test opens on it."""

    def __init__(self, latency_s: float = LATENCY_S) -> None:
        self.agenda = Agenda()
        self.network = Network(self.agenda, latency_s)
        self.random = Random(1)

    def router(self, endpoint: str) -> tuple[Router, Recorder]:
        spec = Socket("router", "ROUTER", True, (endpoint,), {})
        host = Recorder()
        socket = open_socket(spec, host, self.network, self.random)
        assert isinstance(socket, Router)
        return socket, host

    def dealer(
        self, *endpoints: str, immediate: int = 1, hwm: int = 1000, name: str = "peer"
    ) -> tuple[Dealer, Recorder]:
        options: dict[str, int | str] = {"immediate": immediate, "sndhwm": hwm, "reconnect_ivl": 20}
        if name:
            options["routing_id"] = f"{name}.*"
        host = Recorder()
        socket = open_socket(
            Socket("dealer", "DEALER", False, endpoints, options), host, self.network, Random(2)
        )
        assert isinstance(socket, Dealer)
        return socket, host

    def wait(self, seconds: float = CONNECTED_S) -> None:
        self.agenda.run(self.agenda.now + seconds)


def test_messages_travel_both_ways_with_the_routing_id_put_on_and_taken_off():
    bench = Bench()
    router, server = bench.router("a")
    dealer, client = bench.dealer("a")
    bench.wait()
    assert client.events == [Connected("dealer", b"a")]
    dealer.send((b"one", b""))
    bench.wait(LATENCY_S / 2)
    assert server.messages() == []
    bench.wait(LATENCY_S / 2)
    assert server.messages() == [[dealer.routing_id, b"one", b""]]
    router.send((dealer.routing_id, b"two"))
    bench.wait(LATENCY_S)
    assert client.messages() == [[b"two"]]


def test_routing_id_is_new_in_every_session_and_begins_with_the_name():
    bench = Bench()
    dealer, _ = bench.dealer("a", name="front-1")
    ids = set()
    for _ in range(3):
        assert dealer.routing_id.startswith(b"front-1.")
        ids.add(dealer.routing_id)
        dealer.close(0)
        dealer.open()
    assert len(ids) == 3


def test_peer_without_a_routing_id_is_given_a_new_one_for_every_connection():
    bench = Bench()
    ids = set()
    for _ in range(3):
        router, server = bench.router("a")
        dealer, _ = bench.dealer("a", name="")
        bench.wait()
        dealer.send((b"hello",))
        bench.wait()
        [[peer, _]] = server.messages()
        assert (peer[0], len(peer)) == (0, 5)
        assert router.send((peer, b"answer")) is None
        ids.add(peer)
        router.close(0)
        dealer.close(0)
    assert len(ids) == 3


def test_router_refuses_a_peer_that_it_does_not_know():
    bench = Bench()
    router, _ = bench.router("a")
    assert router.send((b"nobody", b"x")) == Unroutable("router", (b"nobody", b"x"), gone=True)


def test_immediate_dealer_refuses_while_nobody_is_bound_and_connects_when_somebody_is():
    bench = Bench()
    dealer, client = bench.dealer("a")
    bench.wait()
    assert dealer.send((b"x",)) == Unroutable("dealer", (b"x",), gone=False)
    bench.router("a")
    bench.wait()
    assert client.events == [Connected("dealer", b"a")]
    assert dealer.send((b"x",)) is None


def test_loss_of_a_router_is_told_after_its_last_words():
    bench = Bench()
    router, _ = bench.router("a")
    dealer, client = bench.dealer("a")
    bench.wait()
    router.send((dealer.routing_id, b"last"))
    router.close(LATENCY_S)
    bench.wait()
    assert client.events == [
        Connected("dealer", b"a"), Received("dealer", [b"last"]), Disconnected("dealer", b"a")
    ]  # fmt: skip


def test_loss_noticed_at_once_takes_the_last_words_along():
    bench = Bench()
    router, _ = bench.router("a")
    dealer, client = bench.dealer("a")
    bench.wait()
    router.send((dealer.routing_id, b"last"))
    router.close(0)
    bench.wait()
    assert client.events == [Connected("dealer", b"a"), Disconnected("dealer", b"a")]


def test_message_under_way_to_a_dead_router_is_lost_and_the_restarted_one_is_found():
    bench = Bench()
    router, _ = bench.router("a")
    dealer, client = bench.dealer("a")
    bench.wait()
    router.close(LATENCY_S)
    dealer.send((b"lost",))
    _, server = bench.router("a")
    bench.wait()
    assert server.messages() == []
    assert client.events[1:] == [Disconnected("dealer", b"a"), Connected("dealer", b"a")]
    dealer.send((b"found",))
    bench.wait()
    assert server.messages() == [[dealer.routing_id, b"found"]]


def test_router_is_told_of_the_loss_of_a_peer_only_if_it_has_heard_it():
    bench = Bench()
    router, server = bench.router("a")
    heard, _ = bench.dealer("a", name="heard")
    silent, _ = bench.dealer("a", name="silent")
    bench.wait()
    heard.send((b"hello",))
    bench.wait()
    for dealer in (heard, silent):
        dealer.close(LATENCY_S)
    bench.wait()
    assert server.events[1:] == [Disconnected("router", heard.routing_id)]
    assert router.connections() == []


def test_reopened_dealer_is_another_peer_and_hears_nothing_that_was_meant_for_the_one_before():
    bench = Bench()
    router, _ = bench.router("a")
    dealer, client = bench.dealer("a")
    bench.wait()
    before = dealer.routing_id
    dealer.send((b"hello",))
    bench.wait()
    router.send((before, b"too late"))
    dealer.close(LATENCY_S)
    dealer.open()
    bench.wait()
    assert client.events == [Connected("dealer", b"a")] * 2
    assert router.send((before, b"x")) is not None
    assert router.send((dealer.routing_id, b"x")) is None


def test_frozen_host_shakes_no_hands():
    bench = Bench()
    _, server = bench.router("a")
    server.frozen = True
    _, client = bench.dealer("a")
    bench.wait()
    assert client.events == []
    server.frozen = False
    bench.wait()
    assert client.events == [Connected("dealer", b"a")]


@pytest.mark.parametrize("hwm", [1, 3])
def test_dealer_that_is_not_immediate_holds_its_mark_for_each_endpoint_and_delivers_it_later(hwm):
    bench = Bench()
    dealer, _ = bench.dealer("a", "b", "c", immediate=0, hwm=hwm)
    taken = [frame for frame in range(20) if dealer.send((b"%d" % frame,)) is None]
    assert taken == list(range(3 * hwm))
    _, server = bench.router("b")
    bench.wait()
    assert [frames[1] for frames in server.messages()] == [b"%d" % (3 * i + 1) for i in range(hwm)]


def test_what_waits_in_a_pipe_outlives_the_connection():
    bench = Bench()
    router, _ = bench.router("a")
    dealer, _ = bench.dealer("a", immediate=0, hwm=1)
    bench.wait()
    router.close(LATENCY_S)
    bench.wait()
    assert dealer.send((b"kept",)) is None
    assert dealer.send((b"refused",)) is not None
    _, server = bench.router("a")
    bench.wait()
    assert [frames[1] for frames in server.messages()] == [b"kept"]


def test_endpoint_is_bound_once():
    bench = Bench()
    bench.router("a")
    with pytest.raises(ValueError, match="a must be bound once"):
        bench.router("a")


# --- libzmq itself


REFUSED, HELD = "refused", "held"
STEPS = ((), ("b",), ("a", "d"), ("c",))
"""What is bound before each ten messages."""


class Step(NamedTuple):
    """What the simulator says of ten messages that are sent one by one."""

    released: dict[str, list[bytes]]
    """Held before, and delivered as soon as an endpoint is bound."""
    ends: list[tuple[bytes, str]]
    """Each message, and REFUSED, HELD or the endpoint that it arrives at."""


def simulate(hwm: int) -> Iterator[Step]:
    bench = Bench()
    dealer, _ = bench.dealer("a", "b", "c", "d", immediate=0, hwm=hwm)
    servers: dict[str, Recorder] = {}

    def arrived() -> dict[str, list[bytes]]:
        bench.wait()
        bodies = {name: [frames[1] for frames in host.messages()] for name, host in servers.items()}
        for host in servers.values():
            host.events.clear()
        return {name: messages for name, messages in bodies.items() if messages}

    for number, names in enumerate(STEPS):
        servers |= {name: bench.router(name)[1] for name in names}
        step = Step(arrived(), [])
        for message in (b"%d-%d" % (number, i) for i in range(10)):
            end = HELD if dealer.send((message,)) is None else REFUSED
            for name in arrived():
                end = name
            step.ends.append((message, end))
        yield step


@pytest.mark.parametrize("hwm", [1, 2])
def test_turns_are_those_of_libzmq(hwm, tmp_path):
    """Four endpoints, bound bit by bit: what is refused and what is held, and which one gets what."""
    steps = list(simulate(hwm))
    everything = {end for step in steps for _, end in step.ends}
    assert everything == {REFUSED, HELD, "a", "b", "c", "d"}
    with zmq.Context() as context, context.socket(zmq.DEALER) as dealer:
        dealer.linger, dealer.sndhwm, dealer.reconnect_ivl = 0, hwm, 5
        for name in "abcd":
            dealer.connect(f"ipc://{tmp_path}/{name}")
        servers: dict[str, zmq.Socket[bytes]] = {}
        for names, step in zip(STEPS, steps, strict=True):
            for name in names:
                bind(context, servers, name, f"ipc://{tmp_path}/{name}")
            for name, messages in step.released.items():
                assert [receive(servers[name]) for _ in messages] == messages
            for message, end in step.ends:
                dealer.get(zmq.EVENTS)  # learn which pipes have been emptied
                if end == REFUSED:
                    with pytest.raises(zmq.Again):
                        dealer.send(message, zmq.NOBLOCK)
                    continue
                dealer.send(message, zmq.NOBLOCK)
                if end != HELD:
                    assert receive(servers[end]) == message
        assert not any(server.poll(0) for server in servers.values())
        for server in servers.values():
            server.close(0)


def bind(context: "zmq.Context[zmq.Socket[bytes]]", servers: "dict[str, zmq.Socket[bytes]]", name: str,
         endpoint: str) -> None:  # fmt: skip
    """Bind a ROUTER and wait until the DEALER, which tries all the time, is connected."""
    server = servers[name] = context.socket(zmq.ROUTER)
    with server.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED) as monitor:
        server.bind(endpoint)
        assert monitor.poll(5000), f"nobody connects to {endpoint}"
        server.disable_monitor()


def receive(server: "zmq.Socket[bytes]") -> bytes:
    assert server.poll(5000), "it did not arrive here"
    return server.recv_multipart()[-1]
