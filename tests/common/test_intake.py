"""What a worker has taken on."""

import math

import pytest

from common import wire
from common.intake import Intake
from common.machine import Effect, Finished, Note, Send
from common.transaction import Fate
from tests.common.stage import executes, header, kinds, noted, sends, status_of

NOW = 1000.0
LINGER_S = 0.3


class Worker:
    """An intake whose replies go to socket ``out``, with the control frame before the status."""

    def __init__(self, limit=3):
        self.intake = Intake(limit, LINGER_S, "opaque~7~", self.reply)
        self.deaf = False

    def reply(self, work, frames):
        return None if self.deaf else Send("out", (*work.address, b"", *frames))

    def take(self, id=None, body=(b"x",), ttl_s=5.0, source="s", retry=True, now=NOW):
        """A request; without ``id`` an opaque one."""
        effects: list[Effect] = []
        head = None if id is None else wire.parse_header(header(id, now, ttl_s, retry=retry), now)
        self.intake.take(head, list(body), source, [id or b"plain"], now, effects)
        return effects

    def finish(self, fate=Fate.COMPLETED, body=(b"y",), worked_us=7, now=NOW):
        effects: list[Effect] = []
        assert self.intake.executing is not None
        finished = Finished(self.intake.executing.number, fate, body, worked_us)
        self.intake.finish(finished, now, effects)
        return effects

    def drain(self, now=NOW):
        effects: list[Effect] = []
        self.intake.drain(now, effects)
        return effects


def test_the_first_is_executed_at_once_and_the_rest_waits():
    worker = Worker()
    (execute,) = executes(worker.take(b"a", (b"1", b"", b"2")))
    assert (execute.transaction.id, execute.transaction.body) == (b"a", (b"1", b"", b"2"))
    assert execute.transaction.retry
    assert not execute.opaque
    assert worker.take(b"b") == []
    assert (worker.intake.waiting, len(worker.intake)) == (1, 2)


def test_one_that_is_finished_is_answered_and_the_next_begun():
    worker = Worker()
    worker.take(b"a")
    worker.take(b"b")
    effects = worker.finish(body=(b"y", b""))
    assert [frames[:2] for frames in sends(effects)] == [(b"a", b"")]
    assert status_of(sends(effects)[0]) == (Fate.COMPLETED, (b"y", b""))
    assert [execute.transaction.id for execute in executes(effects)] == [b"b"]


def test_a_service_s_no_is_a_failed_transaction():
    worker = Worker()
    worker.take(b"a")
    assert status_of(sends(worker.finish(Fate.FAILED, (b"no",)))[0]) == (Fate.FAILED, (b"no",))


def test_the_times_of_an_answer_are_its_wait_its_slot_and_its_work():
    worker = Worker()
    worker.take(b"a", now=NOW)
    worker.take(b"b", now=NOW)
    worker.finish(now=NOW + 0.25)
    (reply,) = sends(worker.finish(worked_us=400_000, now=NOW + 0.75))
    status = wire.parse_status(reply[2])
    assert (status.waited_us, status.slot_us, status.worked_us) == (250_000, 500_000, 400_000)


def test_a_finished_job_must_be_the_one_that_executes():
    worker = Worker()
    worker.take(b"a")
    with pytest.raises(AssertionError):
        worker.intake.finish(Finished(2, Fate.COMPLETED, (), 0), NOW, [])


def test_what_is_beyond_the_bound_is_rejected():
    worker = Worker(limit=1)
    for id in (b"a", b"b"):
        worker.take(id)
    assert status_of(sends(worker.take(b"c"))[0]) == (Fate.REJECTED, (b"queue full",))


def test_what_one_source_has_waiting_is_no_reason_to_reject_another_s():
    worker = Worker(limit=1)
    for id in (b"a", b"b"):
        worker.take(id)
    assert worker.take(b"c", source="other") == []
    assert worker.intake.waiting == 2


def test_the_bound_counts_what_waits_now():
    worker = Worker(limit=1)
    for id in (b"a", b"b"):
        worker.take(id)
    worker.finish()
    assert worker.take(b"c") == []
    assert worker.intake.abandon("s") == 1
    assert worker.take(b"d") == []


# --- time -------------------------------------------------------------------------------------------------


def test_one_whose_deadline_has_passed_is_not_started():
    worker = Worker()
    worker.take(b"a")
    worker.take(b"b", ttl_s=1)
    worker.take(b"c")
    effects = worker.finish(now=NOW + 1)
    assert [execute.transaction.id for execute in executes(effects)] == [b"c"]
    assert status_of(sends(effects)[1]) == (Fate.REJECTED, (b"expired",))
    assert noted(effects, "late") == [Note("late", "b", "not started: its deadline has passed")]


def test_one_that_arrives_too_late_is_not_started():
    worker = Worker()
    effects = worker.take(b"a", ttl_s=0)
    assert executes(effects) == []
    assert status_of(sends(effects)[0]) == (Fate.REJECTED, (b"expired",))


def test_one_that_finished_too_late_says_so_and_is_answered_all_the_same():
    worker = Worker()
    worker.take(b"a", ttl_s=1)
    effects = worker.finish(now=NOW + 1.25)
    assert noted(effects, "late") == [Note("late", "a", "finished 250 ms after its deadline")]
    assert status_of(sends(effects)[0]) == (Fate.COMPLETED, (b"y",))


# --- opaque messages --------------------------------------------------------------------------------------


def test_an_opaque_message_is_executed_under_an_id_made_here():
    worker = Worker()
    (first,) = executes(worker.take())
    worker.finish()
    (second,) = executes(worker.take())
    assert first.opaque
    assert (first.transaction.id, second.transaction.id) == (b"opaque~7~1", b"opaque~7~2")
    assert not first.transaction.retry


@pytest.mark.parametrize("fate", [Fate.COMPLETED, Fate.FAILED])
def test_an_opaque_message_is_answered_with_the_service_s_body_and_nothing_else(fate):
    worker = Worker()
    worker.take()
    assert sends(worker.finish(fate, (b"y", b""))) == [(b"plain", b"", b"y", b"")]


def test_an_opaque_message_that_is_refused_gets_no_answer():
    worker = Worker(limit=1)
    worker.take(b"a")
    worker.take()
    assert worker.take() == [Note("dropped", "opaque~7~3", "queue full")]


def test_an_opaque_message_is_executed_and_answered_however_long_it_waited():
    worker = Worker()
    worker.take(b"a")
    worker.take()
    (execute,) = executes(worker.finish(now=NOW + 3600))
    assert execute.opaque
    effects = worker.finish(now=NOW + 7200)
    assert sends(effects) == [(b"plain", b"", b"y")]
    assert kinds(effects) == []


# --- who asked --------------------------------------------------------------------------------------------


def test_what_a_lost_asker_had_waiting_is_forgotten():
    worker = Worker()
    worker.take(b"a", source="gone")
    worker.take(b"b", source="gone")
    worker.take(b"c", source="here")
    assert worker.intake.abandon("gone") == 1
    effects = worker.finish()
    assert [execute.transaction.id for execute in executes(effects)] == [b"c"]


def test_an_answer_that_nobody_can_be_told_is_not_sent():
    worker = Worker()
    worker.take(b"a")
    worker.deaf = True
    assert worker.finish() == []


# --- the end ----------------------------------------------------------------------------------------------


def test_draining_gives_back_what_waits_and_finishes_what_executes():
    worker = Worker()
    for id in (b"a", b"b", None):
        worker.take(id)
    effects = worker.drain()
    assert [frames[0] for frames in sends(effects)] == [b"b"]
    assert wire.gives_back(sends(effects)[0][2:], b"b")
    assert kinds(effects) == ["draining", "dropped"]
    assert not worker.intake.drained
    assert status_of(sends(worker.finish())[0])[0] is Fate.COMPLETED


def test_what_comes_after_a_drain_is_given_back():
    worker = Worker()
    worker.drain()
    effects = worker.take(b"a")
    assert executes(effects) == []
    assert wire.gives_back(sends(effects)[0][2:], b"a")


def test_an_idle_worker_lingers_a_moment_to_give_back_what_is_on_its_way():
    worker = Worker()
    assert worker.intake.deadline() == math.inf
    worker.drain()
    assert not worker.intake.drained
    assert worker.intake.deadline() == NOW + LINGER_S
    worker.intake.tick(NOW + LINGER_S)
    assert worker.intake.drained
    assert worker.intake.deadline() == math.inf


def test_a_worker_that_executes_is_not_drained():
    worker = Worker()
    worker.take(b"a")
    worker.drain()
    worker.intake.tick(NOW + 9)
    assert not worker.intake.drained
    worker.finish()
    assert worker.intake.drained
