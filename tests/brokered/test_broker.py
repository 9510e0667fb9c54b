"""The broker, events in and effects out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokered.broker import BACKEND, CREDIT_MAX, FRONTEND
from brokered.ppp import EMPTY, HEARTBEAT, READY
from common import wire
from common.machine import Disconnected, Drain, Note, Received
from common.settings import Limits, Retries, Settings
from common.transaction import Fate
from tests.brokered.broker_stage import BrokerStage, beats, ids, replies, reply_to, requests, told
from tests.common.stage import header, kinds, noted, sends

W1, W2, W3 = b"worker-1.00", b"worker-2.00", b"worker-3.00"


@pytest.fixture
def broker():
    return BrokerStage()


# --- requests and replies ---------------------------------------------------------------------------------


def test_a_request_goes_to_a_ready_worker_with_its_whole_envelope(broker):
    broker.ready(W1)
    head = header(b"a", broker.now)
    effects = broker.frontend(b"front", b"hop", head, EMPTY, b"1", EMPTY, b"2")
    assert sends(effects) == [(W1, b"front", b"hop", head, EMPTY, b"1", EMPTY, b"2")]
    assert repr(broker) == "<Broker 0 waiting, 0 idle, 1 busy>"


def test_a_reply_goes_back_to_its_client_with_its_whole_envelope(broker):
    broker.ready(W1)
    (request,) = requests(broker.frontend(b"front", b"hop", header(b"a", broker.now), EMPTY, b"x"))
    (answer,) = replies(broker.reply(request, b"y", EMPTY, b"z"))
    assert answer[:4] == request[1:5]
    assert answer[5:] == (b"y", EMPTY, b"z")
    assert repr(broker) == "<Broker 0 waiting, 1 idle, 0 busy>"


def test_a_request_waits_while_no_worker_is_ready(broker):
    assert broker.request(b"a") == []
    assert repr(broker) == "<Broker 1 waiting, 0 idle, 0 busy>"
    assert ids(requests(broker.ready(W1))) == [b"a"]


def test_waiting_requests_are_served_in_the_order_of_their_arrival(broker):
    for id in (b"a", b"b", b"c"):
        broker.request(id)
    effects = broker.ready(W1, credit=2)
    assert ids(requests(effects)) == [b"a", b"b"]
    assert ids(requests(broker.reply(requests(effects)[0], b"y"))) == [b"c"]


def test_frames_of_a_body_come_through_byte_for_byte(broker):
    bodies = [(EMPTY,), (EMPTY, EMPTY, b"x"), (READY,), (HEARTBEAT,), (b"BBST",), (b"\0" * 3, EMPTY)]
    broker.ready(W1)
    for body in bodies:
        (request,) = requests(broker.request(b"a", *body))
        assert request[request.index(EMPTY) + 1 :] == body
        (answer,) = replies(broker.reply(request, *body))
        assert answer[answer.index(EMPTY) + 2 :] == body


def test_a_hop_takes_off_what_it_held_the_transaction(broker):
    broker.request(b"a", ttl_s=5)
    broker.wait(1.5)
    (request,) = requests(broker.ready(W1))
    parsed = wire.parse_header(request[2], broker.now)
    assert parsed.ttl_ms == 3500
    assert parsed.deadline == broker.now + 3.5


def test_what_is_dispatched_twice_is_aged_from_its_arrival(broker):
    broker.request(b"a", ttl_s=5)
    broker.wait(1)
    broker.ready(W1)
    broker.keep_alive(1, W1)
    broker.ready(W2)
    (request,) = requests(broker.dies(W1))
    assert wire.parse_header(request[2], broker.now).ttl_ms == pytest.approx(3000, abs=1)


def test_the_status_tells_the_wait_here_and_the_slot_as_seen_here(broker):
    broker.request(b"a")
    broker.wait(0.5)
    (request,) = requests(broker.ready(W1))
    broker.wait(0.05)
    (answer,) = replies(broker.reply(request, b"y"))
    status = wire.parse_status(answer[3])
    assert (status.waited_us, status.slot_us) == pytest.approx((500_000, 50_000), abs=1)


def test_a_plain_worker_s_answer_without_a_status_comes_through(broker):
    broker.ready(W1)
    (request,) = requests(broker.request(b"a"))
    assert replies(broker.reply(request, b"y", fate=None)) == [(*request[1:4], b"y")]


@pytest.mark.parametrize("fate", [Fate.COMPLETED, Fate.FAILED, Fate.UNKNOWN])
def test_a_worker_s_verdict_comes_through(broker, fate):
    broker.ready(W1)
    (request,) = requests(broker.request(b"a"))
    assert told(broker.reply(request, b"y", fate=fate)) == [(b"a", fate, (b"y",))]


def test_a_status_of_another_transaction_is_malformed_and_ends_this_one_as_unknown(broker):
    broker.ready(W1)
    (request,) = requests(broker.request(b"a"))
    effects = broker.backend(*request[:4], wire.pack_status(b"b", Fate.COMPLETED), b"y")
    assert kinds(effects) == ["malformed", "unknown"]
    assert told(effects) == [(b"a", Fate.UNKNOWN, (b"malformed reply",))]
    assert repr(broker) == "<Broker 0 waiting, 1 idle, 0 busy>"


# --- credit and conversations -----------------------------------------------------------------------------


@pytest.mark.parametrize("credit", [1, 2, 5])
def test_credit_is_the_number_of_readys_back_to_back(broker, credit):
    broker.ready(W1, credit)
    effects = [effect for id in (b"a", b"b", b"c", b"d", b"e", b"f") for effect in broker.request(id)]
    assert len(requests(effects)) == credit


def test_a_reply_gives_back_the_credit_it_used_and_no_more(broker):
    broker.ready(W1)
    (request,) = requests(broker.request(b"a"))
    broker.reply(request, b"y")
    assert len(requests(broker.request(b"b"))) == 1
    assert requests(broker.request(b"c")) == []


def test_heartbeat_does_not_free_a_busy_worker(broker):
    broker.ready(W1)
    broker.request(b"a")
    broker.request(b"b")
    assert broker.heartbeat(W1) == []
    assert repr(broker) == "<Broker 1 waiting, 0 idle, 1 busy>"


def test_a_duplicate_reply_is_stale_and_gives_no_credit(broker):
    broker.ready(W1)
    (request,) = requests(broker.request(b"a"))
    broker.reply(request, b"y")
    effects = broker.reply(request, b"y")
    assert kinds(effects) == ["stale"]
    assert replies(effects) == []
    assert len(requests(broker.request(b"b"))) == 1
    assert requests(broker.request(b"c")) == []


def test_a_reply_that_is_nobody_s_goes_nowhere(broker):
    broker.ready(W1)
    broker.request(b"a")
    assert replies(broker.backend(W1, b"another client", EMPTY, b"y")) == []


def test_the_first_reply_of_a_conversation_may_end_what_the_one_before_began(broker):
    """A worker with credit 2 that still executes opens with one READY, and gives the other with that REPLY."""
    broker.ready(W1, credit=2)
    (request,) = requests(broker.request(b"a", retry=False))
    broker.dies(W1)
    broker.ready(W2, credit=1)
    effects = broker.backend(W2, *reply_to(request, b"y")[1:])
    assert kinds(effects) == ["stale"]
    assert [len(requests(broker.request(id))) for id in (b"b", b"c", b"d")] == [1, 1, 0]


def test_a_ready_after_a_heartbeat_starts_a_new_conversation_with_its_credit_counted_afresh(broker):
    broker.ready(W1, credit=3)
    broker.heartbeat(W1)
    effects = broker.ready(W1, credit=1)
    assert kinds(effects) == ["peer-lost", "peer-up"]
    assert [len(requests(broker.request(id))) for id in (b"a", b"b")] == [1, 0]


def test_a_ready_after_a_reply_starts_a_new_conversation(broker):
    broker.ready(W1)
    (request,) = requests(broker.request(b"a"))
    broker.reply(request, b"y")
    assert kinds(broker.ready(W1)) == ["peer-lost", "peer-up"]


def test_what_the_old_conversation_held_is_failed_over_or_unknown(broker):
    broker.ready(W1, credit=2)
    broker.heartbeat(W1)
    broker.request(b"put")
    broker.request(b"post", retry=False)
    effects = broker.ready(W1)
    assert ids(requests(effects)) == [b"put"]
    assert told(effects) == [(b"post", Fate.UNKNOWN, (b"worker lost",))]


def test_a_request_among_the_readys_does_not_end_the_opening(broker):
    broker.request(b"a")
    broker.request(b"b")
    assert ids(requests(broker.ready(W1, credit=2))) == [b"a", b"b"]


def test_readys_without_end_are_noise(broker):
    broker.ready(W1, CREDIT_MAX)
    assert kinds(broker.ready(W1)) == ["malformed"]
    assert broker.machine.gauges()["workers"] == 1


def test_a_heartbeat_or_reply_before_any_ready_is_no_worker(broker):
    assert kinds(broker.heartbeat(W1)) == ["stale"]
    assert kinds(broker.backend(W1, b"front", EMPTY, b"y")) == ["stale"]
    broker.request(b"a")
    assert repr(broker) == "<Broker 1 waiting, 0 idle, 0 busy>"


# --- whose turn it is -------------------------------------------------------------------------------------


def test_the_worker_with_the_fewest_outstanding_is_next(broker):
    broker.ready(W1, credit=3)
    broker.ready(W2, credit=3)
    assert [requests(broker.request(id))[0][0] for id in (b"a", b"b", b"c", b"d")] == [W1, W2, W1, W2]
    (request,) = requests(broker.request(b"e"))
    assert request[0] == W1
    broker.reply(request, b"y")
    (request,) = requests(broker.request(b"f"))
    assert request[0] == W2


def test_among_equals_the_least_recently_used_worker_is_next(broker):
    for worker in (W1, W2, W3):
        broker.ready(worker)
    (first,) = requests(broker.request(b"a"))
    (second,) = requests(broker.request(b"b"))
    broker.reply(second, b"y")
    broker.reply(first, b"y")
    assert [requests(broker.request(id))[0][0] for id in (b"c", b"d", b"e")] == [W3, W2, W1]


# --- rejected ---------------------------------------------------------------------------------------------


def test_a_request_that_finds_the_queue_full_is_rejected_at_once():
    broker = BrokerStage(Settings(limits=Limits(queue=2)))
    for id in (b"a", b"b"):
        broker.request(id)
    effects = broker.request(b"c")
    assert told(effects) == [(b"c", Fate.REJECTED, (b"queue full",))]
    assert noted(effects, "rejected") == [Note("rejected", "c", "queue full")]


def test_a_request_that_expires_while_it_waits_is_rejected_and_never_dispatched(broker):
    broker.request(b"a", ttl_s=1)
    assert told(broker.wait(1)) == [(b"a", Fate.REJECTED, (b"expired",))]
    assert requests(broker.ready(W1)) == []


def test_a_request_that_arrives_too_late_is_rejected_although_a_worker_is_ready(broker):
    broker.ready(W1)
    effects = broker.request(b"a", ttl_s=0)
    assert requests(effects) == []
    assert told(effects) == [(b"a", Fate.REJECTED, (b"expired",))]


def test_a_draining_broker_rejects_what_is_new_and_finishes_what_it_holds(broker):
    broker.ready(W1)
    (request,) = requests(broker.request(b"a"))
    broker.request(b"b")
    assert kinds(broker.tell(Drain())) == ["draining"]
    assert told(broker.request(b"c")) == [(b"c", Fate.REJECTED, (b"draining",))]
    assert not broker.machine.drained
    (request,) = requests(broker.reply(request, b"y"))
    assert ids([request]) == [b"b"]
    assert told(broker.reply(request, b"y")) == [(b"b", Fate.COMPLETED, (b"y",))]
    assert broker.machine.drained


def test_a_broker_that_was_not_told_to_drain_is_not_drained(broker):
    assert not broker.machine.drained


def test_a_worker_s_own_rejection_comes_through(broker):
    broker.ready(W1)
    (request,) = requests(broker.request(b"a"))
    effects = broker.reply(request, b"expired", fate=Fate.REJECTED)
    assert told(effects) == [(b"a", Fate.REJECTED, (b"expired",))]
    assert repr(broker) == "<Broker 0 waiting, 1 idle, 0 busy>"


# --- a worker that drains ---------------------------------------------------------------------------------


@pytest.mark.parametrize("retry", [True, False])
def test_what_a_draining_worker_gives_back_goes_elsewhere_also_if_it_may_run_only_once(broker, retry):
    broker.ready(W1)
    (request,) = requests(broker.request(b"a", retry=retry))
    broker.ready(W2)
    effects = broker.reply(request, wire.DRAINING, fate=Fate.REJECTED)
    assert kinds(effects) == ["retired"]
    assert replies(effects) == []
    assert requests(effects)[0][0] == W2
    assert ids(requests(effects)) == [b"a"]


def test_a_draining_worker_is_given_nothing_more_and_still_finishes(broker):
    broker.ready(W1, credit=2)
    executing, given_back = (requests(broker.request(id))[0] for id in (b"a", b"b"))
    broker.reply(given_back, wire.DRAINING, fate=Fate.REJECTED)
    assert repr(broker) == "<Broker 1 waiting, 0 idle, 1 busy>"
    effects = broker.reply(executing, b"y")
    assert told(effects) == [(b"a", Fate.COMPLETED, (b"y",))]
    assert requests(effects) == []


def test_a_retired_worker_is_back_with_a_new_conversation(broker):
    broker.ready(W1)
    (request,) = requests(broker.request(b"a"))
    broker.reply(request, wire.DRAINING, fate=Fate.REJECTED)
    assert ids(requests(broker.ready(W1))) == [b"a"]


def test_a_draining_worker_retires_also_when_what_it_gives_back_is_out_of_time(broker):
    broker.ready(W1)
    (request,) = requests(broker.request(b"a", ttl_s=0.05))
    broker.wait(0.06)
    effects = broker.reply(request, wire.DRAINING, fate=Fate.REJECTED)
    assert told(effects) == [(b"a", Fate.REJECTED, (b"draining",))]
    assert requests(broker.request(b"b")) == []


def test_what_a_lost_worker_may_have_executed_is_never_rejected_afterwards(broker):
    broker.ready(W1)
    broker.request(b"a")
    broker.ready(W2)
    (request,) = requests(broker.dies(W1))
    effects = broker.reply(request, b"queue full", fate=Fate.REJECTED)
    assert told(effects) == [(b"a", Fate.UNKNOWN, (b"queue full",))]


def test_nor_is_it_when_a_draining_worker_gives_it_back_out_of_time(broker):
    broker.ready(W1)
    broker.request(b"a", ttl_s=0.05)
    broker.ready(W2)
    (request,) = requests(broker.dies(W1))
    broker.wait(0.06)
    effects = broker.reply(request, wire.DRAINING, fate=Fate.REJECTED)
    assert told(effects) == [(b"a", Fate.UNKNOWN, (b"draining",))]
    assert broker.machine.gauges()["outstanding"] == 0


# --- the loss of a worker ---------------------------------------------------------------------------------


def test_what_a_dead_worker_held_is_failed_over_at_once(broker):
    broker.ready(W1)
    broker.request(b"a")
    broker.ready(W2)
    effects = broker.dies(W1)
    assert noted(effects, "peer-lost") == [Note("peer-lost", "worker-1.00", "disconnected; it held 1")]
    assert noted(effects, "failover") == [Note("failover", "a")]
    assert requests(effects)[0][0] == W2


def test_what_may_run_only_once_is_answered_unknown_at_once(broker):
    broker.ready(W1)
    broker.request(b"a", retry=False)
    broker.ready(W2)
    effects = broker.dies(W1)
    assert requests(effects) == []
    assert told(effects) == [(b"a", Fate.UNKNOWN, (b"worker lost",))]


def test_what_was_held_goes_before_what_waits(broker):
    broker.ready(W1)
    for id in (b"a", b"b", b"c"):
        broker.request(id)
    broker.dies(W1)
    assert ids(requests(broker.ready(W2, credit=3))) == [b"a", b"b", b"c"]


def test_what_was_tried_and_expires_is_unknown_and_never_rejected(broker):
    broker.ready(W1)
    broker.request(b"a", ttl_s=1)
    broker.dies(W1)
    assert told(broker.wait(1)) == [(b"a", Fate.UNKNOWN, (b"expired",))]


def test_resends_beyond_the_budget_are_unknown():
    broker = BrokerStage(Settings(retries=Retries(burst=1, ratio=0)))
    broker.ready(W1, credit=2)
    broker.request(b"a")
    broker.request(b"b")
    broker.ready(W2)
    effects = broker.dies(W1)
    assert ids(requests(effects)) == [b"a"]
    assert kinds(effects) == ["peer-lost", "failover", "budget", "unknown"]
    assert told(effects) == [(b"b", Fate.UNKNOWN, (b"worker lost",))]


def test_a_silent_worker_is_lost_and_what_it_held_goes_elsewhere(broker):
    broker.ready(W1)
    broker.ready(W2)
    broker.keep_alive(0.6, W1, W2)
    broker.request(b"a")
    assert broker.machine.gauges()["workers"] == 2
    effects = broker.keep_alive(0.4, W2)
    assert noted(effects, "peer-lost") == [Note("peer-lost", "worker-1.00", "silent; it held 1")]
    assert [request[0] for request in requests(effects)] == [W2]


def test_workers_that_fall_silent_together_are_not_handed_each_other_s_work(broker):
    broker.ready(W1)
    broker.ready(W2, credit=2)
    broker.keep_alive(0.6, W1, W2)
    broker.request(b"a")
    effects = broker.wait(1)
    assert kinds(effects) == ["peer-lost", "failover", "peer-lost"]
    assert requests(effects) == []
    assert repr(broker) == "<Broker 1 waiting, 0 idle, 0 busy>"


def test_a_busy_worker_that_beats_is_not_lost_however_long_it_works(broker):
    broker.ready(W1)
    broker.keep_alive(0.6, W1)
    (request,) = requests(broker.request(b"a", ttl_s=60))
    assert noted(broker.keep_alive(30, W1), "peer-lost") == []
    assert told(broker.reply(request, b"y")) == [(b"a", Fate.COMPLETED, (b"y",))]


def test_a_plain_worker_that_beats_once_a_second_is_not_lost(broker):
    broker.ready(W1)
    for _ in range(10):
        assert noted(broker.wait(1), "peer-lost") == []
        broker.heartbeat(W1)


def test_a_plain_worker_is_lost_after_three_seconds_of_silence(broker):
    broker.ready(W1)
    assert noted(broker.wait(2.9), "peer-lost") == []
    assert len(noted(broker.wait(0.25), "peer-lost")) == 1


@pytest.mark.parametrize("frames", [(b"?",), (b"no", b"null", b"frame"), (b"front", EMPTY)])
def test_any_frame_is_life_even_a_malformed_one(broker, frames):
    broker.ready(W1)
    broker.wait(2.5)
    assert kinds(broker.backend(W1, *frames)) == ["malformed"]
    assert noted(broker.wait(2.5), "peer-lost") == []


def test_a_lost_worker_s_late_reply_is_stale(broker):
    broker.ready(W1)
    (request,) = requests(broker.request(b"a", retry=False))
    broker.dies(W1)
    effects = broker.reply(request, b"y")
    assert kinds(effects) == ["stale"]
    assert replies(effects) == []


def test_a_lost_worker_that_was_given_up_for_its_silence_must_say_ready_again(broker):
    broker.ready(W1)
    broker.wait(3.2)
    assert kinds(broker.heartbeat(W1)) == ["stale"]
    assert kinds(broker.ready(W1)) == ["peer-up"]


def test_an_undeliverable_request_was_never_tried_and_its_worker_is_lost(broker):
    broker.ready(W1)
    broker.ready(W2)
    (request,) = requests(broker.request(b"a", retry=False))
    effects = broker.refuses(request)
    assert kinds(effects) == ["peer-lost"]
    assert requests(effects) == [(W2, *request[1:])]
    assert broker.machine.gauges()["workers"] == 1


def test_an_undeliverable_heartbeat_loses_its_worker(broker):
    broker.ready(W1)
    broker.request(b"a")
    broker.ready(W2)
    effects = broker.refuses((W1, HEARTBEAT))
    assert requests(effects)[0][0] == W2


def test_of_several_undeliverable_messages_the_first_tells_it_all(broker):
    broker.ready(W1, credit=2)
    sent = [requests(broker.request(id))[0] for id in (b"a", b"b")]
    assert kinds(broker.refuses(sent[0])) == ["peer-lost", "failover"]
    assert broker.refuses(sent[1]) == []
    assert repr(broker) == "<Broker 2 waiting, 0 idle, 0 busy>"


# --- heartbeats -------------------------------------------------------------------------------------------


def test_every_worker_is_sent_a_heartbeat_each_interval_busy_or_not(broker):
    broker.ready(W1)
    broker.ready(W2)
    broker.request(b"a")
    assert beats(broker.keep_alive(1.05, W1, W2)) == [W1, W2] * 10


def test_without_workers_a_broker_has_nothing_to_do(broker):
    assert broker.wait(10) == []


def test_our_own_stall_is_no_worker_s_silence(broker):
    broker.ready(W1)
    broker.keep_alive(0.6, W1)
    effects = broker.oversleep(1.0)
    assert beats(effects) == [W1]
    assert noted(effects, "peer-lost") == []
    broker.heartbeat(W1)
    assert noted(broker.keep_alive(1, W1), "peer-lost") == []


# --- opaque messages --------------------------------------------------------------------------------------


def test_an_opaque_message_and_its_answer_come_through_byte_for_byte(broker):
    broker.ready(W1)
    (request,) = requests(broker.opaque(b"1", EMPTY, b"2"))
    assert request == (W1, b"plain", EMPTY, b"1", EMPTY, b"2")
    assert replies(broker.reply(request, b"BBST", EMPTY)) == [(b"plain", EMPTY, b"BBST", EMPTY)]


def test_an_opaque_message_that_expires_gets_no_reply():
    broker = BrokerStage(Settings(limits=Limits(opaque_ttl_s=2)))
    broker.opaque()
    assert broker.wait(2) == [Note("dropped", "plain", "expired")]
    assert repr(broker) == "<Broker 0 waiting, 0 idle, 0 busy>"


def test_an_opaque_message_that_is_refused_gets_no_reply():
    broker = BrokerStage(Settings(limits=Limits(queue=1)))
    broker.opaque()
    assert broker.opaque() == [Note("dropped", "plain", "queue full")]
    broker.tell(Drain())
    assert broker.opaque() == [Note("dropped", "plain", "draining")]


def test_an_opaque_message_whose_worker_died_gets_no_reply_and_is_never_resent(broker):
    broker.ready(W1)
    broker.opaque()
    broker.ready(W2)
    effects = broker.dies(W1)
    assert sends(effects) == []
    assert noted(effects, "dropped") == [Note("dropped", "plain", "worker lost")]


def test_opaque_messages_of_one_client_are_answered_one_by_one(broker):
    broker.ready(W1, credit=2)
    first, second = (requests(broker.opaque(body))[0] for body in (b"1", b"2"))
    assert replies(broker.reply(first, b"1")) == [(b"plain", EMPTY, b"1")]
    assert replies(broker.reply(second, b"2")) == [(b"plain", EMPTY, b"2")]
    assert repr(broker) == "<Broker 0 waiting, 1 idle, 0 busy>"


# --- probes -----------------------------------------------------------------------------------------------


def test_a_probe_is_answered_with_depth_and_workers_and_never_dispatched(broker):
    for id in (b"a", b"b"):
        broker.request(id)
    broker.ready(W1)
    broker.ready(W2)
    broker.request(b"c")
    head = header(b"probe", broker.now, probe=True)
    (answer,) = sends(broker.frontend(b"front", head, EMPTY))
    assert answer[:3] == (b"front", head, EMPTY)
    assert wire.parse_status(answer[3]).fate is Fate.COMPLETED
    assert wire.parse_probe_answer(answer[4]) == (1, 2)


def test_a_worker_that_drains_is_none_that_a_probe_is_told_of(broker):
    broker.ready(W1)
    broker.ready(W2)
    (request,) = requests(broker.request(b"a"))
    broker.reply(request, wire.DRAINING, fate=Fate.REJECTED)
    (answer,) = replies(broker.frontend(b"front", header(b"probe", broker.now, probe=True), EMPTY))
    assert wire.parse_probe_answer(answer[4]) == (0, 1)


def test_a_probe_with_a_body_is_malformed(broker):
    broker.ready(W1)
    effects = broker.frontend(b"front", header(b"probe", broker.now, probe=True), EMPTY, b"x")
    assert kinds(effects) == ["malformed"]
    assert sends(effects) == []


# --- clients that leave -----------------------------------------------------------------------------------


def test_what_waits_for_a_departed_client_is_discarded(broker):
    broker.request(b"a", client=b"gone")
    broker.request(b"b", client=b"here")
    broker.opaque(client=b"gone")
    effects = broker.tell(Disconnected(FRONTEND, b"gone"))
    assert kinds(effects) == ["dropped", "dropped"]
    assert sends(effects) == []
    assert ids(requests(broker.ready(W1, credit=3))) == [b"b"]


def test_what_a_worker_holds_for_a_departed_client_is_not_sent_again(broker):
    broker.ready(W1)
    broker.request(b"a", client=b"gone")
    broker.tell(Disconnected(FRONTEND, b"gone"))
    broker.ready(W2)
    assert requests(broker.dies(W1)) == []


def test_an_undeliverable_reply_is_noted_and_harms_no_worker(broker):
    broker.ready(W1)
    (request,) = requests(broker.request(b"a"))
    (answer,) = replies(broker.reply(request, b"y"))
    assert broker.refuses(answer, FRONTEND) == [Note("unroutable", "front", "its client is gone")]
    assert repr(broker) == "<Broker 0 waiting, 1 idle, 0 busy>"


def test_a_worker_that_disconnects_at_the_frontend_is_no_worker(broker):
    broker.ready(W1)
    broker.tell(Disconnected(FRONTEND, W1))
    broker.tell(Disconnected(BACKEND, b"front"))
    assert broker.machine.gauges()["workers"] == 1


# --- malformed --------------------------------------------------------------------------------------------

BROKEN_HEADER = b"BBTX" + bytes(40)


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param([b"x"], id="no null frame"),
        pytest.param([EMPTY], id="no body"),
        pytest.param([BROKEN_HEADER, EMPTY, b"x"], id="broken header"),
        pytest.param([b"BBTX", EMPTY, b"x"], id="magic alone"),
        pytest.param([header(b"a"), EMPTY], id="header without a body"),
        pytest.param([EMPTY, *[b"x"] * 100], id="too many frames"),
        pytest.param([READY], id="a worker's command"),
    ],
)
def test_a_malformed_request_is_noted_and_dropped(broker, frames):
    broker.ready(W1)
    effects = broker.frontend(b"client", *frames)
    assert kinds(effects) == ["malformed"]
    assert sends(effects) == []
    assert broker.machine.gauges() == {"queued": 0, "outstanding": 0, "workers": 1}


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param([EMPTY], id="an empty command"),
        pytest.param([b"\x03"], id="an unknown command"),
        pytest.param([b"\x01\x01"], id="two commands in one"),
        pytest.param([b"a", b"b", b"c"], id="no null frame"),
        pytest.param([EMPTY, b"y"], id="no address"),
        pytest.param([b"front", EMPTY], id="no body"),
        pytest.param([b"front", EMPTY, *[b"x"] * 100], id="too many frames"),
    ],
)
def test_a_malformed_message_of_a_worker_is_noted_and_dropped(broker, frames):
    broker.ready(W1)
    effects = broker.backend(W1, *frames)
    assert kinds(effects) == ["malformed"]
    assert sends(effects) == []
    assert broker.machine.gauges() == {"queued": 0, "outstanding": 0, "workers": 1}


def test_a_malformed_note_shows_a_name_that_is_no_text(broker):
    (note,) = broker.frontend(b"\x00\xff", b"x")
    assert note.subject == "00ff"


garbage = st.lists(
    st.one_of(
        st.binary(max_size=60),
        st.sampled_from([EMPTY, READY, HEARTBEAT, W1, b"front", header(b"a"), b"BBTX", b"BBST"]),
        st.binary(max_size=60).map(b"BBTX".__add__),
        st.binary(max_size=60).map(b"BBST".__add__),
    ),
    min_size=1,
    max_size=8,
)


@given(st.lists(st.tuples(st.sampled_from([FRONTEND, BACKEND]), garbage), max_size=8))
def test_whatever_arrives_the_broker_lives(messages):
    broker = BrokerStage()
    broker.ready(W1)
    for socket, frames in messages:
        broker.tell(Received(socket, [W1 if socket == BACKEND else b"front", *frames]))
    broker.wait(20)
    assert broker.machine.gauges()["outstanding"] == 0
    assert told(broker.request(b"z", ttl_s=0)) == [(b"z", Fate.REJECTED, (b"expired",))]
