"""The PPP worker's session, events in and effects out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokered.ppp import EMPTY, HEARTBEAT, READY
from brokered.worker import Worker
from common import wire
from common.machine import (
    Connected,
    Disconnected,
    Drain,
    Effect,
    Finished,
    Note,
    Received,
    Reopen,
    Unroutable,
)
from common.settings import Settings
from common.transaction import Fate
from tests.common.stage import Stage, executes, header, kinds, noted, reopened, sends

B1, B2 = "broker-1", "broker-2"


class WorkerStage(Stage[Worker]):
    def __init__(self, credit: int = 1, brokers: tuple[str, ...] = (B1,), settings: Settings | None = None):
        settings = settings or Settings(credit=credit)
        super().__init__(Worker(settings, brokers, "opaque~7~"))
        self.executing: list[int] = []

    def checked(self, effects):
        for execute in executes(effects):
            assert not self.executing, "one at a time"
            self.executing.append(execute.job)
        return super().checked(effects)

    def connects(self, broker: str = B1) -> list[Effect]:
        return self.tell(Connected(broker, b"tcp://broker"))

    def disconnects(self, broker: str = B1) -> list[Effect]:
        return self.tell(Disconnected(broker, b"tcp://broker"))

    def receives(self, *frames: bytes, broker: str = B1) -> list[Effect]:
        return self.tell(Received(broker, list(frames)))

    def request(self, id: bytes, *body: bytes, broker: str = B1, ttl_s: float = 5.0) -> list[Effect]:
        return self.receives(b"front", header(id, self.now, ttl_s), EMPTY, *(body or (b"x",)), broker=broker)

    def finishes(self, *body: bytes, fate: Fate = Fate.COMPLETED) -> list[Effect]:
        return self.tell(Finished(self.executing.pop(), fate, body or (b"y",), 7))

    def keep_alive(self, seconds: float, broker: str = B1) -> list[Effect]:
        """Time passes, and the broker beats all the while."""
        effects: list[Effect] = []
        end = self.now + seconds
        while self.now < end - 1e-9:
            effects += self.wait(min(0.1, end - self.now))
            effects += self.receives(HEARTBEAT, broker=broker)
        return effects


def beats(effects):
    return [frames for frames in sends(effects) if frames == (HEARTBEAT,)]


def readys(effects):
    return sends(effects).count((READY,))


@pytest.fixture
def worker():
    """In conversation, idle, with a credit of 1."""
    stage = WorkerStage()
    stage.connects()
    return stage


# --- conversations ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("credit", [1, 4])
def test_a_new_connection_is_opened_with_readys_back_to_back(credit):
    stage = WorkerStage(credit)
    effects = stage.connects()
    assert effects[-credit:] == [effects[-1]] * credit
    assert sends(effects) == [(READY,)] * credit
    assert kinds(effects) == ["peer-up"]


def test_before_it_is_connected_a_worker_says_nothing():
    assert WorkerStage().wait(10) == []


def test_it_beats_each_interval(worker):
    assert len(beats(worker.keep_alive(1.05))) == 10


def test_it_beats_while_its_service_works(worker):
    worker.request(b"a")
    assert len(beats(worker.keep_alive(1.05))) == 10


def test_a_lost_connection_ends_the_conversation_and_is_opened_anew(worker):
    effects = worker.disconnects()
    assert kinds(effects) == ["peer-lost"]
    assert reopened(effects) == [B1]
    assert worker.wait(5) == [], "with nobody to talk to"
    assert readys(worker.connects()) == 1


def test_what_it_still_executes_is_one_ready_less():
    worker = WorkerStage(credit=3)
    worker.connects()
    worker.request(b"a")
    worker.disconnects()
    assert readys(worker.connects()) == 2


def test_what_it_executes_for_another_broker_is_no_ready_less():
    worker = WorkerStage(credit=3, brokers=(B1, B2))
    worker.connects(B1)
    worker.request(b"a", broker=B1)
    assert readys(worker.connects(B2)) == 3


def test_what_executes_is_answered_in_the_conversation_of_now():
    worker = WorkerStage(credit=2)
    worker.connects()
    worker.request(b"a")
    worker.disconnects()
    worker.connects()
    effects = worker.finishes()
    assert [frames[0] for frames in sends(effects)] == [b"front"]


def test_with_a_credit_of_one_a_worker_that_executes_owes_its_ready_until_it_is_done(worker):
    worker.request(b"a")
    worker.disconnects()
    assert sends(worker.connects()) == []
    assert sends(worker.wait(1)) == [], "the first frame of a conversation is its READY"
    assert sends(worker.finishes()) == [(READY,)], "the reply would come before it, and is for nobody"
    assert len(beats(worker.keep_alive(1.05))) in (10, 11)


def test_a_broker_that_is_owed_a_ready_has_nothing_to_ask(worker):
    worker.request(b"a")
    worker.disconnects()
    worker.connects()
    probe = [b"front", header(b"probe", worker.now, probe=True), EMPTY]
    assert worker.request(b"b") + worker.receives(*probe) + worker.receives(b"?") == []
    assert sends(worker.finishes()) == [(READY,)]


def test_a_broker_that_is_owed_a_ready_is_not_judged_for_its_silence(worker):
    worker.request(b"a")
    worker.disconnects()
    worker.connects()
    assert kinds(worker.wait(60)) == []
    worker.finishes()
    assert kinds(worker.wait(2.9)) == []
    assert kinds(worker.wait(0.3)) == ["peer-lost"]


def test_a_broker_lost_once_more_while_it_is_owed_a_ready(worker):
    worker.request(b"a")
    for _ in range(2):
        worker.disconnects()
        assert sends(worker.connects()) == []
    assert sends(worker.finishes()) == [(READY,)]


def test_what_the_lost_broker_had_waiting_here_is_forgotten():
    worker = WorkerStage(credit=3)
    worker.connects()
    for id in (b"a", b"b", b"c"):
        worker.request(id)
    (note,) = noted(worker.disconnects(), "peer-lost")
    assert note == Note("peer-lost", B1, "disconnected; 2 that waited here are forgotten")
    assert worker.machine.gauges() == {"waiting": 0, "executing": 1, "conversations": 0}
    worker.connects()
    assert executes(worker.finishes()) == []


def test_what_another_broker_has_waiting_here_stays():
    worker = WorkerStage(credit=2, brokers=(B1, B2))
    for broker in (B1, B2):
        worker.connects(broker)
    worker.request(b"a", broker=B1)
    worker.request(b"b", broker=B1)
    worker.request(b"c", broker=B2)
    worker.disconnects(B1)
    effects = worker.finishes()
    assert [execute.transaction.id for execute in executes(effects)] == [b"c"]
    assert sends(worker.finishes(), B2) != []


def test_each_broker_is_answered_its_own(worker):
    worker = WorkerStage(brokers=(B1, B2))
    for broker in (B1, B2):
        worker.connects(broker)
    worker.request(b"a", broker=B2)
    worker.request(b"b", broker=B1)
    assert [frames[1][wire.HEADER_SIZE :] for frames in sends(worker.finishes(), B2)] == [b"a"]
    assert [frames[1][wire.HEADER_SIZE :] for frames in sends(worker.finishes(), B1)] == [b"b"]
    assert repr(worker.machine) == "<Worker 2 conversations, 0 held>"


# --- silence ----------------------------------------------------------------------------------------------


def test_a_silent_queue_is_lost_and_its_connection_opened_anew(worker):
    worker.keep_alive(0.6)
    effects = worker.wait(0.45)
    assert kinds(effects) == ["peer-lost"]
    assert reopened(effects) == [B1]


def test_a_plain_queue_that_beats_once_a_second_is_not_lost(worker):
    for _ in range(10):
        assert kinds(worker.wait(1)) == []
        worker.receives(HEARTBEAT)


def test_a_plain_queue_is_lost_after_three_seconds_of_silence(worker):
    assert kinds(worker.wait(2.9)) == []
    assert reopened(worker.wait(0.25)) == [B1]


def test_requests_are_life_too(worker):
    for id in (b"a", b"b", b"c"):
        assert kinds(worker.wait(2.5)) == []
        worker.request(id)
        worker.finishes()


def test_our_own_stall_is_not_the_queue_s_silence(worker):
    worker.keep_alive(0.6)
    assert kinds(worker.oversleep(1)) == []
    worker.receives(HEARTBEAT)
    assert kinds(worker.keep_alive(1)) == []


def test_a_heartbeat_that_the_network_refuses_loses_the_conversation(worker):
    effects = worker.tell(Unroutable(B1, (HEARTBEAT,), False))
    assert kinds(effects) == ["peer-lost"]
    assert reopened(effects) == [B1]
    assert worker.tell(Unroutable(B1, (HEARTBEAT,), False)) == []


# --- requests and replies ---------------------------------------------------------------------------------


def test_the_reply_begins_with_the_stack_as_it_came(worker):
    stack = [b"front", b"hop", EMPTY + b"\x00", header(b"a", worker.now)]
    worker.receives(*stack, EMPTY, b"x")
    (reply,) = sends(worker.finishes(b"y", EMPTY, b"z"))
    assert list(reply[:5]) == [*stack, EMPTY]
    status = wire.parse_status(reply[5])
    assert (status.id, status.fate, status.worked_us) == (b"a", Fate.COMPLETED, 7)
    assert reply[6:] == (b"y", EMPTY, b"z")


def test_a_body_comes_to_the_service_byte_for_byte(worker):
    for body in [(EMPTY,), (EMPTY, EMPTY), (READY,), (HEARTBEAT,), (b"BBTX",), (b"\0", b"x" * 1000)]:
        (execute,) = executes(worker.request(b"a", *body))
        assert execute.transaction.body == body
        worker.finishes()


def test_an_opaque_request_is_answered_without_a_status(worker):
    (execute,) = executes(worker.receives(b"client", EMPTY, b"x"))
    assert execute.opaque
    assert sends(worker.finishes(b"y", EMPTY)) == [(b"client", EMPTY, b"y", EMPTY)]


def test_what_is_too_late_is_not_started(worker):
    effects = worker.request(b"a", ttl_s=0)
    assert executes(effects) == []
    (reply,) = sends(effects)
    assert wire.parse_status(reply[3]).fate is Fate.REJECTED


def test_a_probe_that_a_plain_queue_passed_on_is_answered_and_never_executed(worker):
    worker.request(b"a")
    head = header(b"probe", worker.now, probe=True)
    effects = worker.receives(b"front", head, EMPTY)
    (answer,) = sends(effects)
    assert answer[:3] == (b"front", head, EMPTY)
    assert wire.parse_status(answer[3]) == (b"probe", Fate.COMPLETED, 0, 0, 0)
    assert worker.machine.gauges()["waiting"] == 0


def test_what_arrives_outside_a_conversation_is_ignored():
    worker = WorkerStage()
    assert worker.request(b"a") == []
    worker.connects()
    worker.disconnects()
    assert worker.request(b"a") == []


# --- the end ----------------------------------------------------------------------------------------------


def test_a_draining_worker_gives_back_what_waits_and_what_comes_and_finishes_what_executes():
    worker = WorkerStage(credit=2)
    worker.connects()
    worker.request(b"a")
    worker.request(b"b")
    effects = worker.tell(Drain()) + worker.request(b"c")
    assert [wire.gives_back(reply[3:], reply[1][wire.HEADER_SIZE :]) for reply in sends(effects)] == [
        True,
        True,
    ]
    worker.keep_alive(1)
    assert not worker.machine.drained
    assert [wire.parse_status(reply[3]).fate for reply in sends(worker.finishes())] == [Fate.COMPLETED]
    assert worker.machine.drained


def test_a_draining_worker_beats_on(worker):
    worker.request(b"a")
    worker.tell(Drain())
    assert len(beats(worker.keep_alive(1.05))) == 10


def test_a_draining_worker_opens_no_conversation(worker):
    worker.tell(Drain())
    worker.disconnects()
    assert worker.connects() == []


def test_a_draining_worker_that_owes_a_ready_does_not_pay_it(worker):
    worker.request(b"a")
    worker.disconnects()
    worker.connects()
    worker.tell(Drain())
    assert sends(worker.finishes()) == []


# --- malformed --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param([READY], id="a READY"),
        pytest.param([EMPTY], id="an empty frame"),
        pytest.param([b"client", b"x"], id="no null frame"),
        pytest.param([EMPTY, b"x"], id="no address"),
        pytest.param([b"client", EMPTY], id="no body"),
        pytest.param([b"client", b"BBTX", EMPTY, b"x"], id="broken header"),
        pytest.param([b"client", header(b"a", probe=True), EMPTY, b"x"], id="a probe with a body"),
        pytest.param([b"client", EMPTY, *[b"x"] * 100], id="too many frames"),
    ],
)
def test_a_malformed_message_is_noted_and_dropped(worker, frames):
    effects = worker.receives(*frames)
    assert kinds(effects) == ["malformed"]
    assert len(effects) == 1
    assert executes(worker.request(b"a")) != []


garbage = st.lists(
    st.one_of(
        st.binary(max_size=60),
        st.sampled_from([EMPTY, READY, HEARTBEAT, b"front", header(b"a"), header(b"p", probe=True)]),
        st.binary(max_size=60).map(b"BBTX".__add__),
    ),
    min_size=1,
    max_size=6,
)


@given(st.lists(garbage, max_size=8))
def test_whatever_arrives_the_worker_lives(messages):
    worker = WorkerStage(credit=2)
    worker.connects()
    for frames in messages:
        worker.receives(*frames)
        if worker.executing:
            worker.finishes()
    assert executes(worker.request(b"z")) != []


def test_nothing_but_its_reopening_is_asked_of_a_lost_socket(worker):
    worker.request(b"a")
    effects = worker.disconnects()
    assert effects[-1] == Reopen(B1)
    assert sends(effects) == []
