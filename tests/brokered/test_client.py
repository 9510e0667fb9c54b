"""The Paranoid Pirate client, events in and effects out."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokered.client import Client
from brokered.ppp import EMPTY
from common import wire
from common.machine import Drain, Note
from common.settings import Limits, Retries, Settings
from common.transaction import Answer, Fate
from tests.brokered.client_stage import B1, B2, AskingStage, ids, probes, requests
from tests.common.stage import fates, kinds, noted, resolved

GRACE_S = Limits().grace_s


class ClientStage(AskingStage[Client]):
    def __init__(self, settings: Settings = Settings()):  # noqa: B008 - frozen
        super().__init__(Client(settings, Random(7)))


@pytest.fixture
def client():
    """Connected to one broker of ours with three workers."""
    stage = ClientStage()
    (probe,) = probes(stage.connects())
    stage.answers_probe(probe)
    return stage


@pytest.fixture
def two():
    """Connected to two brokers of ours."""
    stage = ClientStage()
    for broker in (B1, B2):
        (probe,) = probes(stage.connects(broker))
        stage.answers_probe(probe, broker=broker)
    return stage


@pytest.fixture
def plain():
    """Connected to a plain queue: nobody has answered the probe yet."""
    stage = ClientStage()
    stage.connects()
    return stage


# --- there and back ---------------------------------------------------------------------------------------


def test_a_transaction_is_sent_as_a_plain_dealer_would_send_it(client):
    (request,) = requests(client.submit(b"a", b"1", EMPTY, b"2"))
    assert request[1:] == (EMPTY, b"1", EMPTY, b"2")
    header = wire.parse_header(request[0], client.now)
    assert header == (b"a", True, False, 5000, client.now + 5)
    assert repr(client.machine) == "<Client 1 brokers, 1 open>"


def test_the_answer_resolves_it(client):
    (request,) = requests(client.submit())
    assert resolved(client.reply(request, b"y", EMPTY)) == {b"a": Answer(Fate.COMPLETED, (b"y", EMPTY))}
    assert client.machine.gauges() == {"queued": 0, "outstanding": 0, "brokers": 1, "workers": 3}


@pytest.mark.parametrize("fate", [Fate.FAILED, Fate.REJECTED, Fate.UNKNOWN])
def test_the_broker_s_verdict_resolves_it(client, fate):
    (request,) = requests(client.submit())
    assert fates(client.reply(request, b"why", fate=fate)) == {b"a": fate}


def test_a_plain_worker_s_answer_is_a_completed_one(client):
    (request,) = requests(client.submit())
    assert resolved(client.reply(request, b"y", fate=None)) == {b"a": Answer(Fate.COMPLETED, (b"y",))}


def test_an_answer_is_found_by_its_id_also_when_its_header_has_aged(client):
    (request,) = requests(client.submit())
    aged = wire.age_header(request[0], 1.0)
    assert fates(client.reply((aged,), b"y")) == {b"a": Fate.COMPLETED}


def test_answers_may_come_in_any_order(client):
    first, second = (requests(client.submit(id))[0] for id in (b"a", b"b"))
    assert fates(client.reply(second, b"y")) == {b"b": Fate.COMPLETED}
    assert fates(client.reply(first, b"y")) == {b"a": Fate.COMPLETED}


def test_a_second_answer_is_stale(client):
    (request,) = requests(client.submit())
    client.reply(request, b"y")
    assert client.reply(request, b"z") == [Note("stale", "a", "a reply that nobody waits for")]


def test_a_malformed_status_ends_its_transaction_as_unknown(client):
    (request,) = requests(client.submit())
    effects = client.receives(request[0], EMPTY, wire.pack_status(b"another", Fate.COMPLETED), b"y")
    assert kinds(effects) == ["unknown", "malformed"]
    assert fates(effects) == {b"a": Fate.UNKNOWN}
    assert client.machine.gauges()["outstanding"] == 0


# --- nobody there -----------------------------------------------------------------------------------------


def test_without_a_broker_transactions_wait_and_are_sent_in_their_order():
    client = ClientStage()
    for id in (b"a", b"b"):
        assert client.submit(id) == []
    assert client.machine.gauges()["queued"] == 2
    assert ids(requests(client.connects())) == [b"a", b"b"]


def test_what_was_never_sent_is_rejected_at_its_deadline():
    client = ClientStage()
    client.submit(ttl_s=1)
    assert fates(client.wait(0.999)) == {}
    assert fates(client.wait(0.001)) == {b"a": Fate.REJECTED}


def test_the_queue_is_bounded():
    client = ClientStage(Settings(limits=Limits(queue=1)))
    client.submit(b"a")
    assert fates(client.submit(b"b")) == {b"b": Fate.REJECTED}


def test_a_broker_is_handed_no_more_than_the_bound_on_what_is_outstanding():
    client = ClientStage(Settings(limits=Limits(outstanding=1)))
    client.connects()
    (request,) = requests(client.submit(b"a"))
    assert requests(client.submit(b"b")) == []
    assert ids(requests(client.reply(request, b"y"))) == [b"b"]


def test_a_draining_client_rejects_what_is_new_and_waits_for_what_is_open(client):
    (request,) = requests(client.submit(b"a"))
    assert client.tell(Drain()) == [Note("draining")]
    assert fates(client.submit(b"b")) == {b"b": Fate.REJECTED}
    assert not client.machine.drained
    client.reply(request, b"y")
    assert client.machine.drained


# --- time -------------------------------------------------------------------------------------------------


def test_no_answer_is_unknown_when_the_grace_is_over(client):
    client.submit(ttl_s=0.5)
    assert fates(client.keep_alive(0.5)) == {}
    assert fates(client.wait(GRACE_S + 0.001)) == {b"a": Fate.UNKNOWN}
    assert client.machine.gauges()["outstanding"] == 0


@pytest.mark.parametrize(
    ("fate", "ends"),
    [(Fate.REJECTED, Fate.REJECTED), (Fate.COMPLETED, Fate.UNKNOWN), (Fate.FAILED, Fate.UNKNOWN)],
)
def test_in_the_grace_a_rejection_counts_and_an_answer_does_not(client, fate, ends):
    (request,) = requests(client.submit(ttl_s=0.05))
    client.wait(0.06)
    assert fates(client.reply(request, b"y", fate=fate)) == {b"a": ends}


def test_what_comes_after_the_end_is_stale(client):
    (request,) = requests(client.submit(ttl_s=0.05))
    assert fates(client.wait(0.08)) == {b"a": Fate.UNKNOWN}
    assert kinds(client.reply(request, b"y")) == ["stale"]


def test_an_id_may_be_used_again_and_the_late_answer_to_the_first_is_not_the_second_s(client):
    """PUT, 504, PUT again, perhaps with another body."""
    (first,) = requests(client.submit(b"a", b"1", ttl_s=0.05))
    assert fates(client.wait(0.08)) == {b"a": Fate.UNKNOWN}
    (second,) = requests(client.submit(b"a", b"2"))
    assert kinds(client.reply(first, b"of 1")) == ["stale"]
    assert resolved(client.reply(second, b"of 2"))[b"a"].body == (b"of 2",)


# --- the loss of a broker ---------------------------------------------------------------------------------


def test_what_a_lost_broker_held_goes_to_another_at_once_or_is_unknown_at_once(two):
    sent = [two.submit(id, retry=id != b"post") for id in (b"a", b"b", b"post")]
    assert [len(requests(effects, B1)) for effects in sent] == [1, 0, 1]
    effects = two.disconnects(B1)
    assert ids(requests(effects, B2)) == [b"a"]
    assert fates(effects) == {b"post": Fate.UNKNOWN}
    assert kinds(effects) == ["peer-lost", "failover", "unknown"]


def test_with_the_only_broker_lost_what_may_be_repeated_waits_for_its_return(client):
    client.submit(b"put")
    assert fates(client.submit(b"post", retry=False)) == {}
    assert fates(client.disconnects()) == {b"post": Fate.UNKNOWN}
    client.submit(b"new")
    effects = client.connects()
    assert ids(requests(effects)) == [b"put", b"new"]
    assert kinds(effects) == ["peer-up"]


def test_what_was_tried_and_never_sent_again_is_unknown_at_its_deadline(client):
    client.submit(ttl_s=1)
    client.disconnects()
    assert fates(client.wait(1)) == {b"a": Fate.UNKNOWN}


def test_what_was_tried_is_never_rejected_by_another_broker(two):
    two.submit()
    (request,) = requests(two.disconnects(B1), B2)
    effects = two.reply(request, b"queue full", fate=Fate.REJECTED, broker=B2)
    assert fates(effects) == {b"a": Fate.UNKNOWN}


def test_resends_beyond_the_budget_are_unknown():
    client = ClientStage(Settings(retries=Retries(burst=1, ratio=0)))
    client.connects()
    client.submit(b"a")
    client.submit(b"b")
    effects = client.disconnects()
    assert kinds(effects) == ["peer-lost", "failover", "budget", "unknown"]
    assert fates(effects) == {b"b": Fate.UNKNOWN}


def test_a_connection_made_anew_without_a_word_of_its_loss_is_a_loss(client):
    client.submit(b"put")
    client.submit(b"post", retry=False)
    effects = client.connects()
    assert fates(effects) == {b"post": Fate.UNKNOWN}
    assert ids(requests(effects)) == [b"put"]


def test_a_lost_broker_s_late_answer_counts_while_the_transaction_waits_again(client):
    """The broker lived and only the connection broke: its answer comes over the new one."""
    (request,) = requests(client.submit())
    client.disconnects()
    client.connects()
    assert fates(client.reply(request, b"y")) == {b"a": Fate.COMPLETED}
    assert client.machine.gauges()["outstanding"] == 0


def test_what_waits_again_and_is_answered_after_all_is_not_sent_a_second_time(client):
    """The only broker was silent for too long; the frame that tells that it is back is the answer."""
    client.keep_alive(0.6)
    (request,) = requests(client.submit())
    assert kinds(client.wait(0.4)) == ["peer-lost", "failover"]
    assert client.machine.gauges()["queued"] == 1
    effects = client.reply(request, b"y")
    assert kinds(effects) == ["peer-up"]
    assert fates(effects) == {b"a": Fate.COMPLETED}
    assert requests(effects) == []
    gauges = client.machine.gauges()
    assert (gauges["queued"], gauges["outstanding"]) == (0, 0)


def test_an_answer_from_elsewhere_leaves_nothing_outstanding(two):
    (request,) = requests(two.submit(), B1)
    two.disconnects(B1)
    two.connects(B1)
    assert fates(two.reply(request, b"y", broker=B1)) == {b"a": Fate.COMPLETED}
    assert kinds(two.reply(request, b"y", broker=B2)) == ["stale"]
    assert two.machine.gauges()["outstanding"] == 0


def test_of_two_brokers_the_one_with_fewer_outstanding_is_next(two):
    first = requests(two.submit(b"a"), B1)
    assert first
    assert requests(two.submit(b"b"), B2)
    two.reply(first[0], b"y")
    assert requests(two.submit(b"c"), B1)


# --- a broker that drains ---------------------------------------------------------------------------------


@pytest.mark.parametrize("retry", [True, False])
def test_what_a_draining_broker_gives_back_goes_to_another(two, retry):
    (request,) = requests(two.submit(retry=retry), B1)
    effects = two.reply(request, wire.DRAINING, fate=Fate.REJECTED)
    assert kinds(effects) == ["retired"]
    assert ids(requests(effects, B2)) == [b"a"]
    assert requests(two.submit(b"b"), B2), "and so does all that follows"


def test_what_a_draining_broker_gives_back_waits_for_the_next_one(client):
    (request,) = requests(client.submit(retry=False))
    assert fates(client.reply(request, wire.DRAINING, fate=Fate.REJECTED)) == {}
    client.disconnects()
    assert ids(requests(client.connects())) == [b"a"]


def test_what_a_draining_broker_gives_back_too_late_is_rejected(client):
    (request,) = requests(client.submit(ttl_s=0.05))
    client.wait(0.06)
    assert fates(client.reply(request, wire.DRAINING, fate=Fate.REJECTED)) == {b"a": Fate.REJECTED}


def test_what_a_draining_broker_still_holds_it_may_answer(client):
    first, second = (requests(client.submit(id))[0] for id in (b"a", b"b"))
    client.reply(second, wire.DRAINING, fate=Fate.REJECTED)
    effects = client.reply(first, b"y")
    assert fates(effects) == {b"a": Fate.COMPLETED}
    assert requests(effects) == [], "a sign of life is not the wish for more"


# --- silence ----------------------------------------------------------------------------------------------


def test_a_broker_of_ours_is_probed_when_it_is_silent_and_only_then(client):
    assert len(probes(client.keep_alive(1.05))) == 10
    for number in range(20):
        (request,) = requests(client.submit(b"%d" % number))
        client.wait(0.05)
        client.reply(request, b"y")
    assert probes(client.wait(0.09)) == []


def test_a_broker_of_ours_that_falls_silent_is_lost_within_three_beats(two):
    two.keep_alive(0.6, B1)
    two_s = two.submit(b"put")
    assert requests(two_s, B1)
    effects = two.keep_alive(0.5, B2)
    assert noted(effects, "peer-lost") == [Note("peer-lost", B1, "silent; it held 1")]
    assert ids(requests(effects, B2)) == [b"put"]


def test_a_silent_broker_is_handed_nothing_and_probed_on(client):
    client.keep_alive(0.6)
    client.wait(1)
    assert not client.machine.ready
    effects = client.submit(b"a") + client.wait(0.5)
    assert requests(effects) == []
    assert len(probes(effects)) == 5


def test_a_broker_that_was_silent_is_back_with_its_next_frame(client):
    """Its main thread hung, the connection was there all the time: no handshake will tell of its return."""
    client.keep_alive(0.6)
    client.wait(1)
    client.submit(b"a")
    (probe,) = probes(client.wait(0.1))
    effects = client.answers_probe(probe)
    assert kinds(effects) == ["peer-up"]
    assert ids(requests(effects)) == [b"a"]
    assert client.machine.ready
    assert noted(client.keep_alive(2), "peer-lost") == []
    assert len(noted(client.wait(1), "peer-lost")) == 1


def test_our_own_stall_is_not_the_broker_s_silence(client):
    client.keep_alive(0.6)
    client.submit(b"a", ttl_s=60)
    assert kinds(client.oversleep(1)) == []
    assert kinds(client.keep_alive(1)) == []


def test_a_plain_queue_is_never_given_up_for_its_silence(plain):
    (request,) = requests(plain.submit(ttl_s=60))
    assert kinds(plain.wait(30)) == []
    assert fates(plain.reply(request, b"y", fate=None)) == {b"a": Fate.COMPLETED}


def test_a_plain_queue_is_probed_once_a_second_until_anything_has_answered(plain):
    assert len(probes(plain.wait(5.05))) == 5
    assert not plain.machine.ready
    (request,) = requests(plain.submit())
    plain.reply(request, b"y", fate=None)
    assert plain.machine.ready
    assert probes(plain.wait(30)) == []


@pytest.mark.parametrize("answer", [(), (b"x",), (wire.pack_status(b"probe", Fate.COMPLETED),)])
def test_any_answer_to_a_probe_proves_a_worker_behind_a_plain_queue(answer):
    client = ClientStage()
    (probe,) = probes(client.connects())
    client.receives(probe[0], EMPTY, *answer)
    assert client.machine.ready
    assert client.machine.gauges()["workers"] == 1


def test_our_worker_s_answer_to_a_probe_does_not_make_the_queue_before_it_ours():
    client = ClientStage()
    (probe,) = probes(client.connects())
    client.reply(probe)
    assert client.machine.ready
    assert kinds(client.wait(30)) == []


def test_ready_means_a_live_worker_as_the_broker_tells(client):
    assert client.machine.ready
    (probe, *_) = probes(client.wait(0.1))
    client.answers_probe(probe, workers=0)
    assert not client.machine.ready
    assert client.machine.gauges()["workers"] == 0


def test_without_a_broker_a_client_is_not_ready(client):
    client.disconnects()
    assert not client.machine.ready
    assert not ClientStage().machine.ready


# --- what the network refuses -----------------------------------------------------------------------------


@pytest.mark.parametrize("retry", [True, False])
def test_what_the_network_refuses_goes_elsewhere_also_if_it_may_run_only_once(two, retry):
    (request,) = requests(two.submit(retry=retry), B1)
    effects = two.refuses(request, B1)
    assert ids(requests(effects, B2)) == [b"a"]
    assert fates(effects) == {}


def test_of_several_that_the_network_refuses_none_is_unknown():
    """The connection broke while the queue was being sent: none of it has left."""
    client = ClientStage()
    for id in (b"a", b"b", b"c"):
        client.submit(id, retry=False)
    sent = requests(client.connects())
    effects = [effect for request in sent for effect in client.refuses(request)]
    effects += client.disconnects()
    assert fates(effects) == {}
    assert set(ids(requests(client.connects()))) == {b"a", b"b", b"c"}


def test_what_a_broker_holds_is_not_lost_because_its_pipe_is_full(client):
    first, second = (requests(client.submit(id, retry=False))[0] for id in (b"a", b"b"))
    assert fates(client.refuses(second)) == {}
    assert requests(client.submit(b"c")) == [], "a full pipe is given no more"
    effects = client.reply(first, b"y")
    assert fates(effects) == {b"a": Fate.COMPLETED}
    assert ids(requests(effects)) == [b"b", b"c"]


def test_a_probe_that_the_network_refuses_harms_nothing(client):
    (request,) = requests(client.submit(retry=False))
    (probe,) = probes(client.wait(0.1))
    assert fates(client.refuses(probe)) == {}
    assert fates(client.reply(request, b"y")) == {b"a": Fate.COMPLETED}


# --- malformed --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param([EMPTY], id="no header"),
        pytest.param([b"x"], id="no null frame"),
        pytest.param([b"hop", b"BBTX", EMPTY, b"y"], id="two address frames"),
        pytest.param([b"other", EMPTY, b"y"], id="an address that is no header"),
        pytest.param([b"BBTX", EMPTY, *[b"y"] * 100], id="too many frames"),
        pytest.param([b"BBTX", EMPTY, b"y"], id="broken header"),
    ],
)
def test_a_malformed_message_is_noted_and_dropped(client, frames):
    client.submit()
    effects = client.receives(*frames)
    assert kinds(effects) == ["malformed"]
    assert len(effects) == 1


garbage = st.lists(
    st.one_of(
        st.binary(max_size=60),
        st.just(EMPTY),
        st.binary(max_size=60).map(b"BBTX".__add__),
        st.binary(max_size=60).map(b"BBST".__add__),
    ),
    min_size=1,
    max_size=6,
)


@given(st.lists(garbage, max_size=8))
def test_whatever_arrives_the_client_lives(messages):
    client = ClientStage()
    client.connects()
    (request,) = requests(client.submit(ttl_s=60))
    for frames in messages:
        client.receives(*frames)
    client.wait(20)
    assert fates(client.reply(request, b"y")) == {b"a": Fate.COMPLETED}
