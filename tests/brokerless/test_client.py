"""The Freelance client, events in and effects out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokerless.flp import PING, PONG
from common import wire
from common.machine import Drain, Note
from common.settings import Limits, Retries, Settings
from common.transaction import Answer, Fate
from tests.brokerless.client_stage import W1, W2, W3, ClientStage, ids, pings, requests
from tests.common.stage import fates, kinds, noted, resolved, sends


@pytest.fixture
def client():
    """One live server."""
    stage = ClientStage()
    stage.joins()
    return stage


@pytest.fixture
def two():
    """Two live servers."""
    stage = ClientStage()
    stage.joins(W1)
    stage.joins(W2)
    return stage


# --- there and back ---------------------------------------------------------------------------------------


def test_a_transaction_is_sent_with_its_header_as_the_control_frame(client):
    (request,) = requests(client.submit(b"a", b"1", b"", b"2"))
    assert request[1:] == (b"1", b"", b"2")
    assert wire.parse_header(request[0], client.now) == (b"a", True, False, 5000, client.now + 5)
    assert repr(client.machine) == "<Client 1 of 1 servers alive, 1 open>"


def test_the_answer_resolves_it_with_the_slot_as_seen_here(client):
    (request,) = requests(client.submit())
    client.wait(0.05)
    (answer,) = resolved(client.reply(request, b"y", b"")).values()
    assert (answer.fate, answer.body, answer.attempts) == (Fate.COMPLETED, (b"y", b""), 1)
    assert answer.slot_us == pytest.approx(50_000, abs=1)
    assert client.machine.gauges() == {"queued": 0, "outstanding": 0, "workers": 1}


@pytest.mark.parametrize("fate", [Fate.FAILED, Fate.REJECTED, Fate.UNKNOWN])
def test_the_server_s_verdict_resolves_it(client, fate):
    (request,) = requests(client.submit())
    assert fates(client.reply(request, b"why", fate=fate)) == {b"a": fate}


def test_a_plain_server_s_answer_is_a_completed_one(client):
    (request,) = requests(client.submit())
    assert resolved(client.reply(request, b"y", b"", fate=None)) == {
        b"a": Answer(Fate.COMPLETED, (b"y", b""))
    }


def test_a_second_answer_is_stale_and_gives_no_credit(client):
    (request,) = requests(client.submit())
    client.reply(request, b"y")
    assert kinds(client.reply(request, b"y")) == ["stale"]
    assert requests(client.submit(b"b"))
    assert requests(client.submit(b"c")) == []


def test_a_malformed_status_ends_its_transaction_as_unknown_and_gives_its_credit_back(client):
    (request,) = requests(client.submit())
    client.submit(b"b")
    effects = client.receives(request[0], wire.pack_status(b"another", Fate.COMPLETED), b"y")
    assert fates(effects) == {b"a": Fate.UNKNOWN}
    assert kinds(effects) == ["unknown", "malformed"]
    assert ids(requests(effects)) == [b"b"]


# --- credit and turns -------------------------------------------------------------------------------------


@pytest.mark.parametrize("credit", [1, 4])
def test_a_server_is_handed_no_more_than_its_credit(credit):
    client = ClientStage(Settings(credit=credit))
    client.joins()
    assert sum(len(requests(client.submit(b"%d" % number))) for number in range(9)) == credit


def test_a_connection_is_not_yet_a_server_its_pong_makes_it_one():
    client = ClientStage()
    assert sends(client.connects()) == [(PING,)]
    assert requests(client.submit()) == []
    assert not client.machine.ready
    assert ids(requests(client.pong())) == [b"a"]
    assert client.machine.ready


def test_a_pong_of_a_busy_server_is_life_and_not_leisure(client):
    client.submit(b"a")
    client.submit(b"b")
    assert client.pong() == []


def test_the_server_with_the_fewest_outstanding_is_next_then_in_turn():
    client = ClientStage(Settings(credit=2))
    for server in (W1, W2, W3):
        client.joins(server)
    takers = []
    for number in range(6):
        (effect,) = client.submit(b"%d" % number)
        takers.append(effect.socket)
    assert takers == [W1, W2, W3] * 2


def test_with_all_servers_busy_transactions_wait_in_their_order(two):
    sent = [requests(two.submit(id)) for id in (b"a", b"b", b"c", b"d")]
    assert [len(messages) for messages in sent] == [1, 1, 0, 0]
    assert ids(requests(two.reply(sent[1][0], b"y", server=W2), W2)) == [b"c"]
    assert ids(requests(two.reply(sent[0][0], b"y"), W1)) == [b"d"]


# --- nobody there, time -----------------------------------------------------------------------------------


def test_without_a_server_transactions_wait_and_are_rejected_at_their_deadline():
    client = ClientStage()
    client.submit(b"a", ttl_s=1)
    client.submit(b"b", ttl_s=9)
    assert fates(client.wait(1)) == {b"a": Fate.REJECTED}
    assert ids(requests(client.joins())) == [b"b"]


def test_the_queue_is_bounded():
    client = ClientStage(Settings(limits=Limits(queue=1)))
    client.submit(b"a")
    assert fates(client.submit(b"b")) == {b"b": Fate.REJECTED}


def test_no_answer_by_the_deadline_is_unknown(client):
    client.submit(ttl_s=1)
    assert fates(client.keep_alive(1, W1)) == {b"a": Fate.UNKNOWN}


def test_the_credit_of_a_wedged_worker_is_not_given_away(client):
    (request,) = requests(client.submit(b"a", ttl_s=1))
    client.keep_alive(1.1, W1)
    assert requests(client.submit(b"b")) == []
    effects = client.reply(request, b"y")
    assert kinds(effects) == ["stale"]
    assert ids(requests(effects)) == [b"b"]


def test_an_id_may_be_used_again_while_a_wedged_worker_still_has_it(two):
    """PUT, 504, PUT again: the answer of the first execution is not the second's."""
    (first,) = requests(two.submit(b"a", b"1", ttl_s=1), W1)
    two.keep_alive(1.1, W1, W2)
    (second,) = requests(two.submit(b"a", b"2"), W2)
    assert fates(two.reply(first, b"1", server=W1)) == {}
    assert resolved(two.reply(second, b"2", server=W2))[b"a"].body == (b"2",)


def test_a_draining_client_rejects_what_is_new_and_waits_for_what_is_open(client):
    (request,) = requests(client.submit(b"a"))
    client.submit(b"b")
    assert client.tell(Drain()) == [Note("draining")]
    assert fates(client.submit(b"c")) == {b"c": Fate.REJECTED}
    (request,) = requests(client.reply(request, b"y"))
    assert not client.machine.drained
    client.reply(request, b"y")
    assert client.machine.drained


# --- the loss of a server ---------------------------------------------------------------------------------


def test_what_a_lost_server_held_goes_to_another_at_once(two):
    two.submit()
    effects = two.disconnects(W1)
    assert kinds(effects) == ["peer-lost", "failover"]
    assert ids(requests(effects, W2)) == [b"a"]


def test_what_may_run_only_once_is_unknown_at_once(two):
    two.submit(retry=False)
    effects = two.disconnects(W1)
    assert requests(effects) == []
    assert fates(effects) == {b"a": Fate.UNKNOWN}


def test_at_most_credit_are_unknown():
    client = ClientStage(Settings(credit=2))
    client.joins()
    for number in range(5):
        client.submit(b"%d" % number, retry=False)
    assert fates(client.disconnects()) == {b"0": Fate.UNKNOWN, b"1": Fate.UNKNOWN}
    assert ids(requests(client.joins())) == [b"2", b"3"]


def test_what_was_tried_and_never_sent_again_is_unknown_at_its_deadline(client):
    client.submit(ttl_s=1)
    client.disconnects()
    assert fates(client.wait(1)) == {b"a": Fate.UNKNOWN}


def test_resends_beyond_the_budget_are_unknown():
    client = ClientStage(Settings(credit=2, retries=Retries(burst=1, ratio=0)))
    client.joins()
    client.submit(b"a")
    client.submit(b"b")
    effects = client.disconnects()
    assert kinds(effects) == ["peer-lost", "failover", "budget", "unknown"]
    assert fates(effects) == {b"b": Fate.UNKNOWN}


def test_a_connection_made_anew_without_a_word_of_its_loss_is_a_loss(client):
    client.submit(retry=False)
    assert fates(client.connects()) == {b"a": Fate.UNKNOWN}


def test_a_server_that_returns_is_used_again(two):
    two.disconnects(W1)
    assert repr(two.machine) == "<Client 1 of 1 servers alive, 0 open>"
    two.joins(W1)
    assert requests(two.submit(b"a"), W2)
    assert requests(two.submit(b"b"), W1)


@pytest.mark.parametrize("retry", [True, False])
def test_what_a_draining_worker_gives_back_goes_elsewhere_also_if_it_may_run_only_once(two, retry):
    (request,) = requests(two.submit(retry=retry), W1)
    effects = two.reply(request, wire.DRAINING, fate=Fate.REJECTED)
    assert kinds(effects) == ["retired"]
    assert ids(requests(effects, W2)) == [b"a"]
    two.pong(W1)
    assert requests(two.submit(b"b")) == []


def test_a_front_whose_workers_all_drain_is_not_ready(client):
    (request,) = requests(client.submit())
    assert client.machine.ready
    client.reply(request, wire.DRAINING, fate=Fate.REJECTED)
    assert not client.machine.ready
    assert client.machine.gauges()["workers"] == 0


def test_a_draining_worker_retires_also_when_what_it_gives_back_is_out_of_time(client):
    (request,) = requests(client.submit(b"a", ttl_s=1))
    client.keep_alive(1.1, W1)
    client.reply(request, wire.DRAINING, fate=Fate.REJECTED)
    assert requests(client.submit(b"b")) == []


# --- silence ----------------------------------------------------------------------------------------------


def test_a_silent_server_is_pinged_each_interval_and_one_that_is_heard_is_not(client):
    assert len(pings(client.keep_alive(1.05, W1))) == 10
    for number in range(20):
        (request,) = requests(client.submit(b"%d" % number))
        client.wait(0.05)
        client.reply(request, b"y")
    assert pings(client.wait(0.07)) == []


def test_a_proven_server_that_falls_silent_is_given_up_within_three_beats(two):
    two.keep_alive(0.6, W1, W2)
    (request,) = requests(two.submit(b"warm"), W1)
    two.reply(request, b"y")
    two.submit(b"b")
    effects = two.submit(b"a") + two.keep_alive(0.45, W2)
    assert noted(effects, "peer-lost") == [Note("peer-lost", W1, "silent; it held 1")]


def test_a_worker_that_never_had_a_quiet_moment_is_held_to_our_cadence_too():
    """Restarted under load it is never pinged; but its status frames say that it is ours."""
    client = ClientStage()
    client.joins()
    for number in range(20):
        (request,) = requests(client.submit(b"%d" % number))
        client.wait(0.05)
        client.reply(request, b"y")
    client.submit(b"last")
    assert kinds(client.wait(0.45)) == ["peer-lost", "failover"]


def test_a_peer_that_answers_once_a_second_is_not_given_up_within_three(client):
    for _ in range(10):
        assert kinds(client.wait(1)) == []
        client.pong()
    assert kinds(client.wait(2.9)) == []
    assert kinds(client.wait(0.2)) == ["peer-lost"]


def test_a_server_that_never_answers_its_ping_is_given_up_once_and_pinged_on():
    client = ClientStage()
    client.connects()
    effects = client.wait(10)
    assert kinds(effects) == ["peer-lost"]
    assert len(pings(effects)) > 90
    assert kinds(client.pong()) == ["peer-up"]


def test_a_server_that_was_given_up_for_its_silence_is_back_with_its_next_pong(client):
    (request,) = requests(client.submit(b"warm"))
    client.reply(request, b"y")
    client.keep_alive(0.6, W1)
    client.submit(b"a", retry=False)
    assert fates(client.wait(0.5)) == {b"a": Fate.UNKNOWN}
    assert repr(client.machine) == "<Client 0 of 1 servers alive, 0 open>"
    client.submit(b"c")
    effects = client.pong()
    assert kinds(effects) == ["peer-up"]
    assert ids(requests(effects)) == [b"c"]


def test_our_own_stall_is_nobody_s_silence(client):
    client.keep_alive(0.6, W1)
    client.submit(ttl_s=60)
    assert kinds(client.oversleep(1)) == []


def test_a_plain_server_is_not_judged_while_it_holds_a_request_in_time(client):
    client.keep_alive(0.6, W1)
    (request,) = requests(client.submit(ttl_s=60))
    assert kinds(client.wait(50)) == []
    assert fates(client.reply(request, b"y", fate=None)) == {b"a": Fate.COMPLETED}
    assert kinds(client.wait(0.29)) == [], "from its answer on it is judged again"
    assert kinds(client.wait(0.2)) == ["peer-lost"]


def test_a_plain_server_is_judged_when_what_it_holds_is_out_of_time(client):
    client.keep_alive(0.6, W1)
    client.submit(ttl_s=5)
    effects = client.wait(4.9)
    assert kinds(effects) == []
    effects = client.wait(0.6)
    assert kinds(effects) == ["unknown", "peer-lost"]


def test_a_pong_to_an_earlier_ping_does_not_make_a_plain_server_ours(client):
    """It had answered before it began to work: the PONG and the request crossed."""
    client.keep_alive(0.6, W1)
    while not pings(client.wait(0.01)):
        pass
    client.submit(ttl_s=60)
    client.pong()
    assert kinds(client.wait(50)) == []


def test_a_pong_to_a_ping_sent_after_the_request_makes_the_server_ours(client):
    client.keep_alive(0.6, W1)
    client.submit(ttl_s=60)
    client.keep_alive(0.25, W1)
    assert kinds(client.wait(0.5)) == ["peer-lost", "failover"]


def test_a_status_makes_the_server_ours(client):
    client.keep_alive(0.6, W1)
    (request,) = requests(client.submit(b"a"))
    client.reply(request, b"y")
    client.submit(b"b", ttl_s=60)
    assert kinds(client.wait(0.5)) == ["peer-lost", "failover"]


def test_our_worker_that_works_for_long_and_answers_pings_is_not_given_up(client):
    (request,) = requests(client.submit(ttl_s=60))
    assert kinds(client.keep_alive(30, W1)) == []
    assert fates(client.reply(request, b"y")) == {b"a": Fate.COMPLETED}


# --- what the network refuses -----------------------------------------------------------------------------


@pytest.mark.parametrize("retry", [True, False])
def test_what_the_network_refuses_goes_elsewhere_also_if_it_may_run_only_once(two, retry):
    (request,) = requests(two.submit(retry=retry), W1)
    effects = two.refuses(request, W1)
    assert ids(requests(effects, W2)) == [b"a"]
    assert fates(effects) == {}


def test_a_server_whose_pipe_refuses_is_back_with_its_next_pong(client):
    (request,) = requests(client.submit(retry=False))
    assert requests(client.refuses(request)) == []
    assert not client.machine.ready
    assert ids(requests(client.pong())) == [b"a"]


def test_of_several_that_the_network_refuses_none_is_unknown():
    client = ClientStage(Settings(credit=3))
    client.connects()
    for id in (b"a", b"b", b"c"):
        client.submit(id, retry=False)
    sent = requests(client.pong())
    effects = [effect for request in sent for effect in client.refuses(request)] + client.disconnects()
    assert fates(effects) == {}
    assert set(ids(requests(client.joins()))) == {b"a", b"b", b"c"}


def test_what_a_server_holds_is_not_lost_because_its_pipe_refuses_more():
    client = ClientStage(Settings(credit=2))
    client.joins()
    first, second = (requests(client.submit(id, retry=False))[0] for id in (b"a", b"b"))
    assert fates(client.refuses(second)) == {}
    effects = client.reply(first, b"y")
    assert fates(effects) == {b"a": Fate.COMPLETED}


def test_a_ping_that_the_network_refuses_harms_nothing(client):
    (request,) = requests(client.submit(retry=False))
    assert client.refuses((PING,)) == []
    assert fates(client.reply(request, b"y")) == {b"a": Fate.COMPLETED}


# --- malformed --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param([PING], id="a client's command"),
        pytest.param([b""], id="an empty frame"),
        pytest.param([b"other", b"y"], id="a control frame that is no header"),
        pytest.param([PONG, b"y"], id="a PONG with a body"),
        pytest.param([b"BBTX", *[b"y"] * 100], id="too many frames"),
        pytest.param([b"BBTX", b"y"], id="broken header"),
    ],
)
def test_a_malformed_message_is_noted_and_dropped(client, frames):
    client.submit()
    effects = client.receives(*frames)
    assert kinds(effects) == ["malformed"]
    assert len(effects) == 1


def test_what_comes_from_a_server_that_is_not_connected_is_ignored():
    client = ClientStage()
    assert client.pong() == []
    assert client.disconnects() == []


garbage = st.lists(
    st.one_of(
        st.binary(max_size=60),
        st.sampled_from([PING, PONG, b""]),
        st.binary(max_size=60).map(b"BBTX".__add__),
        st.binary(max_size=60).map(b"BBST".__add__),
    ),
    min_size=1,
    max_size=6,
)


@given(st.lists(garbage, max_size=8))
def test_whatever_arrives_the_client_lives(messages):
    client = ClientStage()
    client.joins()
    (request,) = requests(client.submit(ttl_s=60))
    for frames in messages:
        client.receives(*frames)
    assert fates(client.reply(request, b"y")) == {b"a": Fate.COMPLETED}
