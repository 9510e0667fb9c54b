"""The poll loop on real sockets: what is due, what arrived, who was lost, how it ends."""

import os
import select
import signal
import threading
import time

import msgspec
import pytest

from common.executions import NoExecutions
from common.executor import Executor
from common.machine import (
    Connected,
    Disconnected,
    Drain,
    Execute,
    Finished,
    Note,
    Received,
    Reopen,
    Resolve,
    Send,
    Unroutable,
)
from common.observer import Observer
from common.poll_loop import PollLoop, started
from common.transaction import Answer, Fate, Transaction
from tests.common.recorder import Recorder, nothing
from tests.common.wires import BOUND_S, last_endpoint, wait_until, wires


@pytest.fixture
def net():
    with wires() as made:
        yield made


@pytest.fixture
def loop_of():
    """Makes loops over links, and ends them."""
    loops = []

    def make(machine, *links, drain_s=0.0, executor=None):
        observer = Observer("part", None)
        loops.append(PollLoop(machine, {link.name: link for link in links}, observer, drain_s, executor))
        return loops[-1]

    yield make
    for loop in loops:
        if not loop._stop:
            loop.machine.react = nothing
            loop.machine.drained = True
            loop.stop()
            loop.run()


def turn_until(loop, condition, what=""):
    """Turn the loop until it holds."""
    loop._gauges_at = 0.0  # so that no turn waits for long
    deadline = time.monotonic() + BOUND_S
    while not condition():
        assert time.monotonic() < deadline, f"not within {BOUND_S} s: {what}"
        loop._turn()


def signalled(socket):
    """Wait until its descriptor tells of something; unlike its ``poll``, this leaves it to the loop to take that in."""
    return select.select([socket.fileno()], [], [], BOUND_S)[0]


def heard(machine):
    return [bytes(event.frames[1]) for event in machine.of(Received)]


# --- messages ---------------------------------------------------------------------------------------------


def test_what_arrives_is_handled_and_what_the_machine_sends_goes_out(net, loop_of):
    link = net.link("ROUTER")
    machine = Recorder(lambda event: [Send("here", (event.frames[0], b"", b"to you"))])
    loop = loop_of(machine, link)
    peer = net.peer(link, b"peer")
    peer.send_multipart([b"", b"x"])
    turn_until(loop, lambda: machine.events)
    assert machine.events == [Received("here", [b"peer", b"", b"x"])]
    assert peer.recv_multipart() == [b"", b"to you"]


def test_no_message_is_left_when_many_arrive_at_once(net, loop_of):
    link = net.link("ROUTER")
    machine = Recorder()
    loop = loop_of(machine, link)
    peer = net.peer(link, b"peer")
    for number in range(2000):
        peer.send(b"%d" % number)
    turn_until(loop, lambda: len(machine.events) == 2000)
    assert heard(machine) == [b"%d" % number for number in range(2000)]


def test_one_busy_socket_does_not_starve_the_other(net, loop_of):
    busy, quiet = net.link("ROUTER", name="busy"), net.link("ROUTER", name="quiet")
    machine = Recorder()
    loop = loop_of(machine, busy, quiet)
    peer = net.peer(busy, b"peer")
    for number in range(1000):
        peer.send(b"%d" % number)
    net.peer(quiet, b"other").send(b"hello")
    assert quiet.socket.poll(BOUND_S * 1e3)
    assert busy.socket.poll(BOUND_S * 1e3)
    loop._turn()
    assert b"hello" in heard(machine)


def test_what_the_network_refuses_is_the_next_event(net, loop_of):
    link = net.link("ROUTER")

    def react(event):
        if isinstance(event, Received):
            return [Send("here", (b"nobody", b"1")), Send("here", (b"nobody", b"2")), Note("stale")]
        return ()

    machine = Recorder(react)
    loop = loop_of(machine, link)
    net.peer(link, b"peer").send(b"x")
    turn_until(loop, lambda: machine.events)
    assert machine.events[1:] == [
        Unroutable("here", (b"nobody", b"1"), True),
        Unroutable("here", (b"nobody", b"2"), True),
    ]
    assert loop.observer.counts["stale"] == 1


def test_what_a_refusal_leads_to_may_be_refused_too(net, loop_of):
    """A broker hands a dead worker's work to one that is dead too."""
    link = net.link("ROUTER")

    def react(event):
        match event:
            case Received():
                return [Send("here", (b"first", b"x"))]
            case Unroutable(_, (b"first", *_), _):
                return [Send("here", (b"second", b"x"))]
        return ()

    machine = Recorder(react)
    loop = loop_of(machine, link)
    net.peer(link, b"peer").send(b"x")
    turn_until(loop, lambda: machine.events)
    assert [event.frames[0] for event in machine.of(Unroutable)] == [b"first", b"second"]


def test_a_broker_and_a_worker_never_resolve(net, loop_of):
    machine = Recorder(lambda event: [Resolve(b"a", Answer(Fate.COMPLETED))])
    loop = loop_of(machine, net.link("ROUTER"))
    with pytest.raises(NotImplementedError, match="nobody submits"):
        loop.feed(Drain(), 0.0)


# --- time -------------------------------------------------------------------------------------------------


def test_what_is_due_comes_before_what_arrived(net, loop_of):
    link = net.link("ROUTER")
    machine = Recorder()
    loop = loop_of(machine, link)
    order = []
    machine.react = lambda event: order.append("arrived") or ()
    machine.tick = lambda now: order.append("due") or ()
    net.peer(link, b"peer").send(b"x")
    assert link.socket.poll(BOUND_S * 1e3)
    machine.due = time.monotonic()
    loop._turn()
    assert order[:2] == ["due", "arrived"]


def test_the_loop_sleeps_until_the_machine_is_due(net, loop_of):
    machine = Recorder()
    loop = loop_of(machine, net.link("ROUTER"))
    loop._turn()
    machine.due = due = time.monotonic() + 0.05
    loop._gauges_at = due + 9
    loop._turn()
    assert due <= machine.ticks[-1] < due + 1


def test_the_machine_is_not_ticked_when_nothing_is_due(net, loop_of):
    machine = Recorder()
    loop = loop_of(machine, net.link("ROUTER"))
    loop._turn()
    assert machine.ticks == []


# --- loss -------------------------------------------------------------------------------------------------


def test_all_messages_of_the_lost_come_before_its_disconnection(net, loop_of):
    link = net.link("ROUTER")
    machine = Recorder()
    loop = loop_of(machine, link)
    peer, other = net.peer(link, b"peer"), net.peer(link, b"other")
    for each in (peer, other):
        each.send(b"first")
    turn_until(loop, lambda: len(machine.events) == 2)
    for number in range(1000):
        peer.send(b"%d" % number)
    assert link.socket.poll(BOUND_S * 1e3)
    loop._used.add(link.name)  # what the poll took in, the descriptor tells no more
    peer.close(linger=int(BOUND_S * 1e3))
    assert signalled(link.monitor)
    turn_until(loop, lambda: machine.of(Disconnected))
    assert machine.events[-1] == Disconnected("here", b"peer")
    assert len(machine.of(Received)) == 1002


def test_a_loss_that_was_seen_while_reading_messages_is_delivered_without_another(net, loop_of):
    """A first message makes the link read its monitor, whose descriptor tells no more of what was read there."""
    link = net.link("ROUTER")
    machine = Recorder()
    loop = loop_of(machine, link)
    peer = net.peer(link, b"peer")
    peer.send(b"x")
    turn_until(loop, lambda: machine.events)
    peer.close()
    assert link.monitor.poll(BOUND_S * 1e3)
    net.peer(link, b"new").send(b"x")
    assert link.socket.poll(BOUND_S * 1e3)
    loop._read(link, time.monotonic())
    assert machine.of(Disconnected) == [Disconnected("here", b"peer")]


def test_connections_come_and_go_at_a_connecting_socket(net, loop_of):
    router = net.router()
    endpoint = last_endpoint(router).encode()
    machine = Recorder()
    loop = loop_of(machine, net.link("DEALER", endpoint.decode()))
    turn_until(loop, lambda: machine.events)
    router.close()
    turn_until(loop, lambda: len(machine.events) == 2)
    assert machine.events == [Connected("here", endpoint), Disconnected("here", endpoint)]


def test_a_reopened_socket_is_a_new_connection_with_a_new_id(net, loop_of):
    router = net.router()
    link = net.link("DEALER", last_endpoint(router), routing_id="worker-1.*")

    def react(event):
        match event:
            case Connected():
                return [Send("here", (b"\x01",))]
            case Received():
                return [Reopen("here")]
        return ()

    machine = Recorder(react)
    loop = loop_of(machine, link)
    ids = []
    for connections in (1, 2):
        turn_until(loop, lambda count=connections: len(machine.of(Connected)) == count)
        ids.append(router.recv_multipart()[0])
        router.send_multipart([ids[-1], b"again"])
    assert ids[0] != ids[1]


def test_what_the_monitor_said_of_a_socket_before_it_was_reopened_is_not_told(net, loop_of):
    """libzmq had connected again by itself when the loss was read: that connection is closed with the socket."""
    router = net.router()
    endpoint = last_endpoint(router)
    link = net.link("DEALER", endpoint)
    machine = Recorder(lambda event: [Reopen("here")] if isinstance(event, Disconnected) else [])
    loop = loop_of(machine, link)
    turn_until(loop, lambda: machine.events)
    router.close()
    assert signalled(link.monitor)
    back = net.router(endpoint)
    wait_until(
        lambda: link.send((b"x",)) is None and back.poll(1), "connected again"
    )  # the first may go to the old one
    turn_until(loop, lambda: len(machine.of(Connected)) == 2)
    assert [type(event) for event in machine.events] == [Connected, Disconnected, Connected]
    link.send((b"y",))
    wait_until(lambda: back.recv_multipart()[1:] == [b"y"], "the new connection to carry")


# --- the service ------------------------------------------------------------------------------------------


def test_what_is_to_be_executed_is_and_its_end_is_told(net, loop_of):
    def react(event):
        if isinstance(event, Received):
            transaction = Transaction(b"a", tuple(event.frames[1:]), time.monotonic() + 9, True)
            return [Execute(7, transaction, False)]
        return ()

    machine = Recorder(react)
    link = net.link("ROUTER")
    executor = Executor(lambda body: (b"did", *body), NoExecutions())
    loop = loop_of(machine, link, executor=executor)
    net.peer(link, b"peer").send(b"x")
    turn_until(loop, lambda: machine.of(Finished))
    (finished,) = machine.of(Finished)
    assert isinstance(finished, Finished)
    assert finished[:3] == (7, Fate.COMPLETED, (b"did", b"x"))
    loop.stop()
    loop.run()
    assert executor.close(BOUND_S)


# --- the end ----------------------------------------------------------------------------------------------


def test_it_drains_and_returns_when_the_machine_is_drained(net, loop_of):
    machine = Recorder()
    loop = loop_of(machine, net.link("ROUTER"), drain_s=60)
    loop.stop()
    loop.run()
    assert machine.events == [Drain()]


def test_while_it_drains_it_works_on(net, loop_of):
    link = net.link("ROUTER")
    machine = Recorder()
    machine.finishes_at_once = False

    def react(event):
        machine.drained = isinstance(event, Received)
        return ()

    machine.react = react
    loop = loop_of(machine, link, drain_s=60)
    peer = net.peer(link, b"peer")
    loop.stop()
    loop._turn()
    assert machine.events == [Drain()]
    peer.send(b"x")
    loop.run()
    assert len(machine.events) == 2


def test_a_drain_that_takes_too_long_is_ended(net, loop_of):
    machine = Recorder()
    machine.finishes_at_once = False
    loop = loop_of(machine, net.link("ROUTER"), drain_s=0.05)
    begun = time.monotonic()
    loop.stop()
    loop.run()
    assert 0.05 <= time.monotonic() - begun < 2


def test_it_is_told_to_drain_once(net, loop_of):
    machine = Recorder()
    machine.finishes_at_once = False
    loop = loop_of(machine, net.link("ROUTER"), drain_s=60)
    for _ in range(3):
        loop.stop()
        loop._turn()
    assert machine.events == [Drain()]
    machine.drained = True
    loop.run()


def test_another_thread_stops_a_loop_that_sleeps(net, loop_of):
    machine = Recorder()
    loop = loop_of(machine, net.link("ROUTER"))
    machine.on_tick = []
    timer = threading.Timer(0.05, loop.stop)
    timer.start()
    loop.run()
    timer.join()
    assert machine.events == [Drain()]


def test_a_signal_handler_stops_a_loop_that_sleeps(net, loop_of):
    machine = Recorder()
    loop = loop_of(machine, net.link("ROUTER"))
    machine.on_tick = []
    before = signal.signal(signal.SIGTERM, lambda *_: loop.stop())
    timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGTERM))
    try:
        timer.start()
        loop.run()
        timer.join()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert machine.events == [Drain()]


def test_to_stop_what_has_stopped_does_nothing(net, loop_of):
    loop = loop_of(Recorder(), net.link("ROUTER"))
    loop.stop()
    loop.run()
    loop.stop()


# --- what it writes down ----------------------------------------------------------------------------------


def test_gauges_are_sampled_ten_times_a_second(net, tmp_path):
    machine = Recorder()
    link = net.link("ROUTER")
    loop = PollLoop(machine, {"here": link}, Observer("part", tmp_path), 60)
    timer = threading.Timer(0.35, loop.stop)
    timer.start()
    loop.run()
    timer.join()
    loop.observer.close()
    lines = (tmp_path / "gauges" / "part.jsonl").read_bytes().splitlines()
    assert 2 <= len(lines) <= 5
    assert msgspec.json.decode(lines[0])["gauges"] == {"events": 0}


def test_that_it_started_is_noted_with_every_option(net, tmp_path):
    observer = Observer("part", tmp_path)
    started(observer, {"here": net.link("ROUTER")})
    observer.close()
    (line,) = (tmp_path / "notes" / "part.jsonl").read_bytes().splitlines()
    note = msgspec.json.decode(line)
    assert note["kind"] == "started"
    assert msgspec.json.decode(note["detail"])["here"]["linger"] == 0


def test_any_frames_at_all_come_through(net, loop_of):
    link = net.link("ROUTER")
    machine = Recorder(lambda event: [Send("here", event.frames)] if isinstance(event, Received) else [])
    loop = loop_of(machine, link)
    peer = net.peer(link, b"peer")
    for frames in ([b""], [b"", b"", b""], [b"\xff" * 1000], [b"x"] * 500):
        peer.send_multipart(frames)
        turn_until(loop, lambda: peer.poll(0))
        assert peer.recv_multipart() == frames
