"""Links on real sockets: who was lost, what was refused."""

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import zmq

from common.link import CannotBind, Link
from common.machine import Connected, Disconnected, Event, Unroutable
from tests.common.wires import BOUND_S, endpoint_of, event, last_endpoint, receive, wait_until, wires


@pytest.fixture
def net():
    with wires() as made:
        yield made


# --- messages ---------------------------------------------------------------------------------------------


def test_messages_come_frame_by_frame_with_the_peer_s_id_at_a_router(net):
    link = net.link("ROUTER")
    peer = net.peer(link, b"peer")
    for frames in ([b"x"], [b""], [b"", b"y", b""], [b"z"] * 50):
        peer.send_multipart(frames)
        assert receive(link) == [b"peer", *frames]
    assert link.receive() is None


class Frame(NamedTuple):
    bytes: bytes
    more: bool


class CutOff:
    """A socket that lost its connection in the middle of a message: libzmq had the first frame, and dropped the rest."""

    def __init__(self, messages):
        self._frames = [(frame, more) for frames, whole in messages for frame, more in told(frames, whole)]

    def recv(self, flags, copy):
        assert flags & zmq.NOBLOCK
        assert not copy
        if self._frames and self._frames[0][0] is None:
            self._frames.pop(0)
            raise zmq.Again
        if not self._frames:
            raise zmq.Again
        return Frame(*self._frames.pop(0))


def told(frames, whole):
    last = len(frames) - 1
    yield from ((frame, place < last or not whole) for place, frame in enumerate(frames))
    if not whole:
        yield None, False


def test_a_message_cut_off_by_its_lost_connection_is_dropped_and_the_next_is_received(net):
    link = net.link("DEALER", endpoint_of(net.link("ROUTER")))
    link._receive_frame = CutOff([([b"a", b"b"], False), ([b"c", b"d"], True)]).recv
    assert link.receive() == [b"c", b"d"]
    assert link.receive() is None


def test_a_router_answers_the_peer_that_asked(net):
    link = net.link("ROUTER")
    one, two = net.peer(link, b"one"), net.peer(link, b"two")
    for peer in (one, two):
        peer.send(b"x")
    for _ in range(2):
        id, _ = receive(link)
        assert link.send((id, b"", b"for " + id)) is None
    assert one.recv_multipart() == [b"", b"for one"]
    assert two.recv_multipart() == [b"", b"for two"]


def test_readable_tells_whether_a_message_waits(net):
    link = net.link("ROUTER")
    peer = net.peer(link)
    assert not link.readable()
    peer.send(b"x")
    wait_until(link.readable)
    receive(link)
    assert not link.readable()


# --- what the network refuses -----------------------------------------------------------------------------


def test_a_message_to_nobody_is_refused_as_gone(net):
    link = net.link("ROUTER")
    assert link.send((b"nobody", b"x")) == Unroutable("here", (b"nobody", b"x"), gone=True)


def test_a_message_to_a_peer_that_left_is_refused_as_gone(net):
    link = net.link("ROUTER")
    peer = net.peer(link, b"peer")
    peer.send(b"x")
    receive(link)
    peer.close()
    refused = wait_until(lambda: link.send((b"peer", b"y")))
    assert refused == Unroutable("here", (b"peer", b"y"), gone=True)


def test_a_message_before_there_is_a_connection_is_refused_as_not_now(net):
    """IMMEDIATE: nothing queues for an endpoint that nobody has bound."""
    link = net.link("DEALER", "tcp://127.0.0.1:1")
    assert link.send((b"x",)) == Unroutable("here", (b"x",), gone=False)


def test_a_full_pipe_is_refused_as_not_now_and_the_link_works_on(net):
    router = net.router()
    link = net.link("DEALER", last_endpoint(router), send_mark=1, receive_mark=1)
    event(link)
    frames = (b"x" * 1_000_000,)
    refused = wait_until(lambda: link.send(frames))
    assert refused == Unroutable("here", frames, gone=False)
    assert router.recv_multipart()[1:] == list(frames)
    wait_until(lambda: router.recv_multipart() and link.send(frames) is None)


def test_a_refusal_takes_back_the_whole_message(net):
    """The first frame is refused or none: what the peer gets is whole."""
    link = net.link("ROUTER")
    peer = net.peer(link, b"peer")
    peer.send(b"x")
    receive(link)
    assert link.send((b"nobody", b"1", b"2")) is not None
    assert link.send((b"peer", b"3", b"4")) is None
    assert peer.recv_multipart() == [b"3", b"4"]


# --- connections ------------------------------------------------------------------------------------------


def test_a_connecting_link_tells_its_connection_and_its_loss_by_the_endpoint(net):
    router = net.router()
    endpoint = last_endpoint(router)
    link = net.link("DEALER", endpoint)
    assert event(link) == Connected("here", endpoint.encode())
    assert link.events() == []
    router.close()
    assert event(link) == Disconnected("here", endpoint.encode())


def test_a_bound_router_tells_no_connections(net):
    link = net.link("ROUTER")
    net.peer(link, b"peer").send(b"x")
    receive(link)
    assert link.events() == []


def test_a_bound_router_names_the_peer_that_was_lost(net):
    link = net.link("ROUTER")
    peers = {id: net.peer(link, id) for id in (b"one", b"two", b"three")}
    for peer in peers.values():
        peer.send(b"x")
    for _ in peers:
        receive(link)
    peers[b"two"].close()
    assert event(link) == Disconnected("here", b"two")
    peers[b"one"].close()
    assert event(link) == Disconnected("here", b"one")


def test_a_peer_that_never_said_anything_was_never_there(net):
    link = net.link("ROUTER")
    silent, heard = net.peer(link, b"silent"), net.peer(link, b"heard")
    heard.send(b"x")
    receive(link)
    silent.close()
    heard.close()
    assert event(link) == Disconnected("here", b"heard")


def test_a_peer_s_id_may_be_made_by_the_router(net):
    link = net.link("ROUTER")
    peer = net.peer(link)
    peer.send(b"x")
    id, _ = receive(link)
    peer.close()
    assert event(link) == Disconnected("here", id)


def descriptor_of(link: Link, id: bytes) -> int:
    """White box: whose messages come from which descriptor."""
    (descriptor,) = (fd for fd, peer in link._peer_of.items() if peer == id)
    return descriptor


def heir_of(net, link, descriptor):
    """A new peer whose messages come from a descriptor that was another's; and all that was lost meanwhile."""
    lost: list[Event] = []
    for attempt in range(50):
        id = b"heir-%d" % attempt
        heir = net.peer(link, id)
        for number in range(2):
            heir.send(b"%d" % number)
        messages: list[list[bytes]] = []
        while [id, b"1"] not in messages:
            link.socket.poll(BOUND_S * 1e3)
            lost += watch(link, messages)
        if descriptor_of(link, id) == descriptor:
            return id, heir, lost
        heir.close()
    return pytest.fail("no descriptor was used again")


@contextmanager
def taken(descriptor):
    """Nobody else gets this descriptor, once it has been closed."""
    copies = []
    try:
        wait_until(lambda: copies.append(os.dup(0)) or descriptor in copies)
        yield
    finally:
        for copy in copies:
            os.close(copy)


def test_a_descriptor_that_is_used_again_names_its_new_peer(net):
    link = net.link("ROUTER")
    first = net.peer(link, b"first")
    first.send(b"x")
    receive(link)
    descriptor = descriptor_of(link, b"first")
    first.close()
    assert event(link) == Disconnected("here", b"first")
    id, heir, _ = heir_of(net, link, descriptor)
    heir.close()
    assert wait_until(link.events)[-1] == Disconnected("here", id)


def leave_unread(net, link, id, count=3):
    """A peer that is gone, of whose messages all but the first wait to be read. Returns its descriptor."""
    peer = net.peer(link, id)
    for _ in range(count):
        peer.send(b"last words")
    receive(link)
    descriptor = descriptor_of(link, id)
    peer.close()
    assert link.monitor.poll(BOUND_S * 1e3), "it has gone, and nobody has looked yet"
    return descriptor


def read_all(link):
    messages = []
    while (frames := link.receive()) is not None:
        messages.append(frames)
    return messages


def watch(link, messages=None):
    """As a driver does: the events, delivered after all that can be read."""
    events = link.events()
    (messages if messages is not None else []).extend(read_all(link))
    return events + link.events()


def test_last_words_read_after_the_loss_teach_nothing_wrong(net):
    """They carry a descriptor that may be another's by now."""
    link = net.link("ROUTER")
    descriptor = leave_unread(net, link, b"gone")
    id, heir, lost = heir_of(net, link, descriptor)
    assert lost[0] == Disconnected("here", b"gone")
    heir.close()
    assert wait_until(lambda: watch(link))[-1] == Disconnected("here", id)


def test_a_peer_that_returns_under_its_fixed_id_is_missed_again(net):
    link = net.link("ROUTER")
    descriptor = leave_unread(net, link, b"fixed")
    assert watch(link) == [Disconnected("here", b"fixed")]
    with taken(descriptor):
        back = net.peer(link, b"fixed")
        for _ in range(2):
            back.send(b"x")
            receive(link)
    back.close()
    assert event(link) == Disconnected("here", b"fixed")


def test_a_peer_that_returns_while_its_last_words_are_unread_is_missed_again(net):
    link = net.link("ROUTER")
    with taken(leave_unread(net, link, b"fixed")):
        back = net.peer(link, b"fixed")
        back.send(b"x")
        messages: list[list[bytes]] = []
        wait_until(lambda: messages.extend(read_all(link)) or [b"fixed", b"x"] in messages)
    assert watch(link) == [Disconnected("here", b"fixed")]
    back.send(b"y")
    receive(link)
    back.close()
    assert event(link) == Disconnected("here", b"fixed")


def test_a_peer_that_took_its_own_id_over_is_missed_when_it_goes(net):
    """HANDOVER: libzmq tells nothing of the connection that it dropped."""
    link = net.link("ROUTER")
    for message in (b"1", b"2"):
        peer = net.peer(link, b"fixed")
        peer.send(message)
        assert receive(link) == [b"fixed", message]
        assert watch(link) == []
    peer.send(b"3")
    receive(link)
    peer.close()
    assert event(link) == Disconnected("here", b"fixed")


def test_a_peer_that_left_before_it_was_heard_is_lost_with_its_first_word(net):
    link = net.link("ROUTER")
    peer = net.peer(link, b"hasty")
    peer.send(b"x")
    assert link.monitor.poll(BOUND_S * 1e3)
    wait_until(link.readable)
    peer.close()
    time.sleep(0.02)
    assert receive(link) == [b"hasty", b"x"]
    assert link.eventful
    assert link.events() == [Disconnected("here", b"hasty")]


def test_peers_that_come_and_go_leave_nothing_behind(net):
    link = net.link("ROUTER")
    for number in range(30):
        peer = net.peer(link, b"%d" % number)
        peer.send(b"x")
        wait_until(link.readable)
        peer.close()
        if number % 2:
            link.monitor.poll(BOUND_S * 1e3)
        receive(link)
    wait_until(lambda: (watch(link), not link._accepted)[1], "all of them gone")
    assert not link._peer_of
    assert not link._descriptor_of
    assert not link._certain


# --- opening ----------------------------------------------------------------------------------------------


def test_an_endpoint_in_use_cannot_be_bound(net):
    link = net.link("ROUTER")
    with pytest.raises(CannotBind, match=r"cannot bind tcp://127\.0\.0\.1:\d+: Address already in use"):
        net.link("ROUTER", endpoint_of(link))


def test_options_are_told_as_libzmq_reports_them(net):
    options = net.link("ROUTER").options()
    assert options["linger"] == 0
    assert options["sndhwm"] >= 1000
    assert options["router_mandatory"] == 1


def test_a_routing_id_is_completed_anew_each_time_the_link_is_opened(net):
    router = net.router()
    link = net.link("DEALER", last_endpoint(router), routing_id="worker-1.*")
    ids = []
    for _ in range(2):
        assert isinstance(event(link), Connected)
        link.send((b"x",))
        ids.append(router.recv_multipart()[0])
        link.close()
        link.open()
    assert len(set(ids)) == 2
    assert all(id.startswith(b"worker-1.") and len(id) == 17 for id in ids)


def test_what_a_closed_link_had_not_sent_is_gone(net):
    link = net.link("DEALER", "tcp://127.0.0.1:1", immediate=False)
    assert link.send((b"x",)) is None
    link.close()
    assert link.socket.closed
    assert link.monitor.closed


def test_garbage_that_is_no_zmtp_is_nobody(net):
    link = net.link("ROUTER")
    host, _, port = endpoint_of(link).removeprefix("tcp://").rpartition(":")
    for garbage in (b"", b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 1000, b"\xff\0\0\0\0\0\0\0\1\x7f\3"):
        with socket.create_connection((host, int(port)), BOUND_S) as stranger:
            stranger.sendall(garbage)
    peer = net.peer(link, b"peer")
    peer.send(b"x")
    assert receive(link) == [b"peer", b"x"]
    assert [event.peer for event in link.events()] == []


def test_a_message_beyond_the_limit_breaks_only_its_own_connection(net):
    link = net.link("ROUTER")
    fine, huge = net.peer(link, b"fine"), net.peer(link, b"huge")
    fine.send(b"x")
    receive(link)
    huge.send(bytes(link.socket.get(zmq.MAXMSGSIZE) + 1))
    fine.send(b"y")
    assert receive(link) == [b"fine", b"y"]


BURST_THEN_LOSS = """
import time, zmq
from random import Random
from common.link import Link
from common.machine import Disconnected
from common.network import socket
from common.settings import Settings

context = zmq.Context()
router = context.socket(zmq.ROUTER)
port = router.bind_to_random_port("tcp://127.0.0.1")
link = Link(context, socket("broker-1", "DEALER", [f"tcp://127.0.0.1:{port}"], Settings(), bind=False), Random(1))
while link.send([b"hello"]) is not None:
    time.sleep(0.001)
[peer, _] = router.recv_multipart()
for _ in range(200):
    router.send_multipart([peer, b"header", b"", b"status", b"body"])
while not link.readable():
    time.sleep(0.001)
assert link.receive() is not None
router.close(0)
while not any(isinstance(event, Disconnected) for event in link.events()):
    time.sleep(0.001)
time.sleep(0.05)  # libzmq says so just before it tells the socket, and of that nothing can be seen
while link.receive() is not None:
    pass
print("alive")
context.destroy(0)
"""


def test_connection_lost_while_a_burst_is_read_ends_no_process():
    """libzmq takes in its commands at the 100th frame, the last one of the 25th reply, and would abort."""
    done = subprocess.run(
        [sys.executable, "-c", BURST_THEN_LOSS],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "alive\n"), done.stderr
