"""How each submitted transaction ends, exactly once. Over a dispatcher with peers made here, without a protocol."""

import pytest

from common import wire
from common.dispatcher import Peer
from common.liveness import Pulse
from common.machine import Effect, Note, Send
from common.settings import Limits, Retries, Settings
from common.submissions import Submissions
from common.transaction import Answer, Fate, Transaction
from tests.common.stage import fates, kinds, resolved, sends

NOW = 1000.0
GRACE_S = 0.02


class Client:
    """Submissions, and words for what happens to them."""

    def __init__(self, queue=10, burst=10):
        settings = Settings(limits=Limits(queue=queue), retries=Retries(burst=burst, ratio=0))
        self.submissions = Submissions(settings, self.hand, GRACE_S)
        self.settings = settings

    @staticmethod
    def hand(job, peer, now):
        return Send(peer.name.decode(), (job.id,))

    def peer(self, name="one", credit=1, now=NOW):
        peer: Peer[tuple[bytes, ...]] = Peer(name.encode(), credit, Pulse(self.settings.beats, now))
        self.submissions.dispatcher.offer(peer)
        return peer, self.with_effects(self.submissions.dispatch, now)

    def submit(self, id=b"a", retry=True, ttl_s=5.0, now=NOW):
        return self.with_effects(self.submissions.submit, Transaction(id, (b"x",), now + ttl_s, retry), now)

    def answer(self, job, *body, now=NOW):
        return self.with_effects(self.submissions.answer, job, body, 0, now)

    def overdue(self, now):
        return self.with_effects(self.submissions.overdue, now)

    @staticmethod
    def with_effects(call, *arguments):
        effects: list[Effect] = []
        call(*arguments, effects)
        return effects


def held(peer):
    """The one job that a peer holds."""
    (job,) = peer.held
    return job


def sent(credit=1, **transaction):
    """A client whose one transaction was handed to its one peer."""
    client = Client()
    peer, _ = client.peer(credit=credit)
    effects = client.submit(**transaction)
    assert sends(effects) == [(transaction.get("id", b"a"),)]
    return client, peer, held(peer)


# --- taking -----------------------------------------------------------------------------------------------


def test_a_transaction_is_handed_to_a_ready_peer_at_once():
    client, _, _ = sent()
    assert len(client.submissions) == 1


def test_a_transaction_waits_while_nobody_is_ready_and_is_handed_on_then():
    client = Client()
    assert client.submit() == []
    _, effects = client.peer(now=NOW + 1)
    assert sends(effects) == [(b"a",)]


def test_what_finds_the_queue_full_is_rejected_at_once():
    client = Client(queue=1)
    client.submit(b"a")
    effects = client.submit(b"b")
    assert resolved(effects) == {b"b": Answer(Fate.REJECTED, reason="queue full", attempts=0)}
    assert kinds(effects) == ["rejected"]


def test_what_is_submitted_while_draining_or_out_of_time_is_rejected_at_once():
    client = Client()
    client.peer()
    assert fates(client.submit(b"a", ttl_s=0)) == {b"a": Fate.REJECTED}
    client.submissions.draining = True
    assert fates(client.submit(b"b")) == {b"b": Fate.REJECTED}
    assert client.submissions.drained


def test_an_id_that_is_open_cannot_be_submitted_again():
    client = Client()
    client.submit()
    with pytest.raises(ValueError, match="unique among those open, got b'a' twice"):
        client.submit()


def test_an_id_that_has_ended_can_be_submitted_again():
    client, peer, job = sent()
    client.answer(job, b"y")
    client.submissions.dispatcher.release(job)
    assert sends(client.submit()) == [(b"a",)]
    assert held(peer) is not job


# --- answers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fate", [Fate.COMPLETED, Fate.FAILED])
def test_an_answer_carries_its_body_its_times_and_its_attempts(fate):
    client, _, job = sent()
    status = wire.pack_status(b"a", fate, 1, 2, 3)
    (answer,) = resolved(client.answer(job, status, b"y", b"")).values()
    assert answer == Answer(fate, (b"y", b""), "", 1, 2, 3, 1)


def test_waiting_here_and_waiting_there_add_up():
    client = Client()
    client.submit()
    peer, _ = client.peer(now=NOW + 1)
    status = wire.pack_status(b"a", Fate.COMPLETED, waited_us=5)
    (answer,) = resolved(client.answer(held(peer), status, now=NOW + 2)).values()
    assert answer.waited_us == 1_000_005


def test_a_reply_without_a_status_is_a_completed_one():
    client, _, job = sent()
    (answer,) = resolved(client.answer(job, b"y", b"BBST")).values()
    assert (answer.fate, answer.body) == (Fate.COMPLETED, (b"y", b"BBST"))


@pytest.mark.parametrize("fate", [Fate.REJECTED, Fate.UNKNOWN])
def test_a_rejection_and_an_unknown_give_their_reason_and_no_body(fate):
    client, _, job = sent()
    (answer,) = resolved(client.answer(job, wire.pack_status(b"a", fate), b"queue", b"full")).values()
    assert (answer.fate, answer.body, answer.reason) == (fate, (), "queue full")


def test_a_malformed_status_ends_the_transaction_as_unknown():
    client, _, job = sent()
    effects: list[Effect] = []
    with pytest.raises(wire.Malformed):
        client.submissions.answer(job, (wire.pack_status(b"b", Fate.COMPLETED),), 0, NOW, effects)
    assert fates(effects) == {b"a": Fate.UNKNOWN}


def test_a_second_answer_is_stale():
    client, _, job = sent()
    client.answer(job, b"y")
    assert client.answer(job, b"z") == [Note("stale", "a", "completed after its end")]


def test_an_answer_at_the_deadline_counts_and_after_it_does_not():
    for late_s, fate in ((0.0, Fate.COMPLETED), (0.001, Fate.UNKNOWN)):
        client, _, job = sent()
        assert fates(client.answer(job, b"y", now=job.deadline + late_s)) == {b"a": fate}


def test_a_word_that_nothing_was_done_counts_a_moment_longer():
    client, _, job = sent()
    assert client.overdue(job.deadline) == []
    rejection = wire.pack_status(b"a", Fate.REJECTED)
    effects = client.answer(job, rejection, b"expired", now=job.deadline + GRACE_S / 2)
    assert fates(effects) == {b"a": Fate.REJECTED}


def test_a_rejection_is_not_passed_on_where_a_lost_peer_may_have_executed_it():
    client, peer, job = sent()
    client.with_effects(client.submissions.lose, peer, "silent", NOW)
    client.peer("two")
    effects = client.answer(job, wire.pack_status(b"a", Fate.REJECTED), b"queue full")
    assert fates(effects) == {b"a": Fate.UNKNOWN}


# --- time -------------------------------------------------------------------------------------------------


def test_what_was_never_sent_is_rejected_at_its_deadline():
    client = Client()
    client.submit()
    assert client.submissions.deadline() == NOW + 5
    effects = client.overdue(NOW + 5)
    assert resolved(effects) == {
        b"a": Answer(Fate.REJECTED, (), "expired while it waited", waited_us=5_000_000, attempts=0)
    }


def test_what_was_sent_is_unknown_when_the_grace_is_over_too():
    client, _, job = sent()
    assert client.overdue(NOW + 5) == []
    assert client.submissions.deadline() == NOW + 5 + GRACE_S
    assert fates(client.overdue(NOW + 5 + GRACE_S)) == {b"a": Fate.UNKNOWN}
    assert client.answer(job, b"y", now=NOW + 6) == [Note("stale", "a", "completed after its end")]


def test_what_a_peer_still_holds_at_its_end_is_told():
    client, _, job = sent()
    assert client.submissions.overdue(NOW + 5, []) == []
    assert client.submissions.overdue(NOW + 6, []) == [job]


def test_what_was_tried_and_waits_again_is_unknown_at_its_deadline():
    client, peer, _ = sent()
    client.with_effects(client.submissions.lose, peer, "silent", NOW + 1)
    assert fates(client.overdue(NOW + 5)) == {b"a": Fate.UNKNOWN}


# --- loss -------------------------------------------------------------------------------------------------


def test_what_a_lost_peer_held_is_sent_again_or_unknown_at_once():
    client = Client()
    peer, _ = client.peer(credit=2)
    client.submit(b"again")
    client.submit(b"once", retry=False)
    effects = client.with_effects(client.submissions.lose, peer, "silent", NOW + 1)
    assert kinds(effects) == ["peer-lost", "failover", "unknown"]
    assert fates(effects) == {b"once": Fate.UNKNOWN}
    _, effects = client.peer("two", now=NOW + 1)
    assert sends(effects) == [(b"again",)]


def test_what_the_budget_does_not_pay_for_is_unknown_and_says_so():
    client = Client(burst=0)
    peer, _ = client.peer()
    client.submit()
    effects = client.with_effects(client.submissions.lose, peer, "silent", NOW + 1)
    assert kinds(effects) == ["peer-lost", "budget", "unknown"]
    assert fates(effects) == {b"a": Fate.UNKNOWN}


def test_what_the_network_refused_was_never_handed_on():
    client, _, job = sent(retry=False)
    client.submissions.unsent(job, NOW)
    assert fates(client.overdue(NOW + 5)) == {b"a": Fate.REJECTED}


def test_attempts_count_what_reached_a_peer():
    client, first, job = sent()
    client.with_effects(client.submissions.lose, first, "silent", NOW)
    second, _ = client.peer("two")
    client.submissions.unsent(held(second), NOW)
    client.peer("three")
    (answer,) = resolved(client.answer(job, b"y")).values()
    assert answer.attempts == 2
