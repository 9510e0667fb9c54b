"""The FLP server's session, events in and effects out."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokerless.flp import PING, PONG
from brokerless.worker import SERVICE, Worker
from common import wire
from common.machine import Disconnected, Drain, Effect, Finished, Note, Received, Unroutable
from common.settings import Limits, Settings
from common.transaction import Fate
from tests.common.stage import Stage, executes, header, kinds, noted, sends

FRONT, OTHER = b"front-1.00", b"front-2.00"


class WorkerStage(Stage[Worker]):
    def __init__(self, settings: Settings = Settings()):  # noqa: B008 - frozen
        super().__init__(Worker(settings, "opaque~7~"))
        self.executing: list[int] = []

    def checked(self, effects):
        for execute in executes(effects):
            assert not self.executing, "one at a time"
            self.executing.append(execute.job)
        return super().checked(effects)

    def receives(self, *frames: bytes) -> list[Effect]:
        return self.tell(Received(SERVICE, list(frames)))

    def request(self, id: bytes, *body: bytes, client: bytes = FRONT, ttl_s: float = 5.0) -> list[Effect]:
        return self.receives(client, header(id, self.now, ttl_s), *(body or (b"x",)))

    def finishes(self, *body: bytes, fate: Fate = Fate.COMPLETED) -> list[Effect]:
        return self.tell(Finished(self.executing.pop(), fate, body or (b"y",), 7))


@pytest.fixture
def worker():
    return WorkerStage()


def test_a_ping_is_answered_also_while_the_service_works(worker):
    assert sends(worker.receives(FRONT, PING)) == [(FRONT, PONG)]
    worker.request(b"a")
    assert sends(worker.receives(FRONT, PING)) == [(FRONT, PONG)]


def test_the_control_frame_comes_back_unmodified_before_the_answer(worker):
    head = header(b"a", worker.now)
    (execute,) = executes(worker.receives(FRONT, head, b"1", b"", b"2"))
    assert execute.transaction.body == (b"1", b"", b"2")
    (reply,) = sends(worker.finishes(b"y", b""))
    assert reply[:2] == (FRONT, head)
    assert wire.parse_status(reply[2]) == (b"a", Fate.COMPLETED, 0, 0, 7)
    assert reply[3:] == (b"y", b"")


@pytest.mark.parametrize("control", [b"7", b"", PING, PONG, b"\x01", b"\xff" * 300])
def test_an_opaque_request_is_answered_with_its_control_frame_and_its_body(worker, control):
    (execute,) = executes(worker.receives(FRONT, control, b"x", b""))
    assert execute.opaque
    assert execute.transaction.body == (b"x", b"")
    assert sends(worker.finishes(b"y", b"")) == [(FRONT, control, b"y", b"")]


def test_a_service_s_no_is_a_failed_transaction_and_an_opaque_one_s_body(worker):
    worker.request(b"a")
    (reply,) = sends(worker.finishes(b"no", fate=Fate.FAILED))
    assert (wire.parse_status(reply[2]).fate, reply[3:]) == (Fate.FAILED, (b"no",))
    worker.receives(FRONT, b"7", b"x")
    assert sends(worker.finishes(b"no", fate=Fate.FAILED)) == [(FRONT, b"7", b"no")]


def test_requests_of_several_clients_wait_in_their_order(worker):
    worker.request(b"a", client=FRONT)
    worker.request(b"b", client=OTHER)
    worker.request(b"c", client=FRONT)
    assert repr(worker.machine) == "<Worker 3 held>"
    assert worker.machine.gauges() == {"waiting": 2, "executing": 1}
    assert [sends(worker.finishes())[0][0] for _ in range(3)] == [FRONT, OTHER, FRONT]


def test_what_a_lost_client_had_waiting_is_forgotten(worker):
    for id, client in ((b"a", FRONT), (b"b", FRONT), (b"c", OTHER)):
        worker.request(id, client=client)
    (note,) = noted(worker.tell(Disconnected(SERVICE, FRONT)), "dropped")
    assert note.detail == "its client is gone; 1 that waited here are forgotten"
    effects = worker.finishes()
    assert [execute.transaction.id for execute in executes(effects)] == [b"c"]


def test_a_client_that_leaves_nothing_behind_is_not_worth_a_note(worker):
    assert worker.tell(Disconnected(SERVICE, FRONT)) == []


def test_an_answer_whose_client_is_gone_is_noted(worker):
    worker.request(b"a")
    (reply,) = sends(worker.finishes())
    note = Note("unroutable", "front-1.00", "its client is gone")
    assert worker.tell(Unroutable(SERVICE, reply, True)) == [note]


def test_what_is_too_late_is_not_started(worker):
    worker.request(b"a")
    worker.request(b"b", ttl_s=1)
    worker.wait(1)
    effects = worker.finishes()
    assert executes(effects) == []
    assert [wire.parse_status(reply[2]).fate for reply in sends(effects)] == [Fate.COMPLETED, Fate.REJECTED]


def test_the_queue_is_bounded():
    worker = WorkerStage(Settings(limits=Limits(queue=1)))
    for id in (b"a", b"b"):
        worker.request(id)
    (reply,) = sends(worker.request(b"c"))
    assert (wire.parse_status(reply[2]).fate, reply[3:]) == (Fate.REJECTED, (b"queue full",))


def test_a_probe_is_answered_and_never_executed(worker):
    worker.request(b"a")
    head = header(b"probe", worker.now, probe=True)
    assert sends(worker.receives(FRONT, head)) == [(FRONT, head, wire.pack_status(b"probe", Fate.COMPLETED))]


def test_a_draining_worker_gives_back_what_waits_and_what_comes_and_answers_pings(worker):
    worker.request(b"a")
    worker.request(b"b")
    effects = worker.tell(Drain()) + worker.request(b"c")
    replies = sends(effects)
    assert [wire.gives_back(reply[2:], id) for reply, id in zip(replies, (b"b", b"c"), strict=True)] == [
        True
    ] * 2
    assert sends(worker.receives(FRONT, PING)) == [(FRONT, PONG)]
    worker.wait(1)
    assert not worker.machine.drained
    worker.finishes()
    assert worker.machine.drained
    assert worker.machine.deadline() == math.inf


def test_an_idle_worker_lingers_for_three_beats_when_it_drains(worker):
    worker.tell(Drain())
    worker.wait(0.29)
    assert not worker.machine.drained
    worker.wait(0.02)
    assert worker.machine.drained


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param([], id="no frame"),
        pytest.param([b"7"], id="a control frame alone"),
        pytest.param([PONG], id="a server's command"),
        pytest.param([b""], id="an empty frame"),
        pytest.param([header(b"a")], id="a header without a body"),
        pytest.param([b"BBTX", b"x"], id="broken header"),
        pytest.param([header(b"a", probe=True), b"x"], id="a probe with a body"),
        pytest.param([b"7", *[b"x"] * 100], id="too many frames"),
    ],
)
def test_a_malformed_message_is_noted_and_dropped(worker, frames):
    effects = worker.receives(FRONT, *frames)
    assert kinds(effects) == ["malformed"]
    assert len(effects) == 1
    assert executes(worker.request(b"a")) != []


garbage = st.lists(
    st.one_of(
        st.binary(max_size=60),
        st.sampled_from([PING, PONG, b"", header(b"a"), header(b"p", probe=True)]),
        st.binary(max_size=60).map(b"BBTX".__add__),
    ),
    max_size=6,
)


@given(st.lists(garbage, max_size=8))
def test_whatever_arrives_the_worker_lives(messages):
    worker = WorkerStage()
    for frames in messages:
        worker.receives(FRONT, *frames)
        if worker.executing:
            worker.finishes()
    assert executes(worker.request(b"z")) != []
