"""The article's client, events in and effects out."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokerless.direct import WORKERS, Client
from common import wire
from common.machine import Connected, Disconnected, Drain, Effect, Note, Received, Submitted, Unroutable
from common.settings import Settings
from common.transaction import Answer, Fate, Transaction
from tests.common.stage import Stage, fates, kinds, resolved, sends


class ClientStage(Stage[Client]):
    def __init__(self):
        super().__init__(Client(Settings()))

    def submit(self, id: bytes = b"a", *body: bytes, retry: bool = True, ttl_s: float = 5.0) -> list[Effect]:
        return self.tell(Submitted(Transaction(id, body or (b"x",), self.now + ttl_s, retry)))

    def receives(self, *frames: bytes) -> list[Effect]:
        return self.tell(Received(WORKERS, list(frames)))

    def reply(self, request, *body: bytes, fate: Fate = Fate.COMPLETED) -> list[Effect]:
        return self.receives(request[0], wire.pack_status(request[0][wire.HEADER_SIZE :], fate), *body)


@pytest.fixture
def client():
    return ClientStage()


def test_whatever_is_submitted_is_sent_at_once_connected_or_not(client):
    sent = [message for number in range(50) for message in sends(client.submit(b"%d" % number, b"x", b""))]
    assert [message[1:] for message in sent] == [(b"x", b"")] * 50
    assert repr(client.machine) == "<Client 50 open>"
    assert client.machine.gauges() == {"outstanding": 50}


def test_the_answer_resolves_it(client):
    (request,) = sends(client.submit())
    assert resolved(client.reply(request, b"y", b"")) == {b"a": Answer(Fate.COMPLETED, (b"y", b""))}
    assert client.machine.gauges() == {"outstanding": 0}


def test_a_plain_server_s_answer_is_a_completed_one(client):
    (request,) = sends(client.submit())
    assert fates(client.receives(request[0], b"y")) == {b"a": Fate.COMPLETED}


def test_put_and_post_differ_only_in_the_flag(client):
    sent = {retry: sends(client.submit(b"%d" % retry, retry=retry))[0] for retry in (True, False)}
    assert {retry: wire.parse_header(m[0], 0).retry for retry, m in sent.items()} == {
        True: True,
        False: False,
    }
    assert client.tell(Disconnected(WORKERS, b"tcp://worker")) == []
    assert fates(client.wait(5)) == {b"1": Fate.UNKNOWN, b"0": Fate.UNKNOWN}


@pytest.mark.parametrize("retry", [True, False])
def test_what_the_network_refuses_is_rejected_and_never_sent_again(client, retry):
    (request,) = sends(client.submit(retry=retry))
    effects = client.tell(Unroutable(WORKERS, request, False))
    assert fates(effects) == {b"a": Fate.REJECTED}
    assert sends(effects) == []
    assert client.machine.gauges() == {"outstanding": 0}


def test_nothing_is_ever_sent_twice(client):
    client.submit()
    assert sends(client.wait(60)) == []


def test_no_answer_by_the_deadline_is_unknown_and_a_late_one_stale(client):
    (request,) = sends(client.submit(ttl_s=1))
    assert fates(client.wait(1)) == {b"a": Fate.UNKNOWN}
    assert kinds(client.reply(request, b"y")) == ["stale"]
    assert client.machine.gauges() == {"outstanding": 0}
    assert client.machine.deadline() == math.inf


def test_an_id_may_be_used_again_and_the_late_answer_to_the_first_is_not_the_second_s(client):
    (first,) = sends(client.submit(b"a", b"1", ttl_s=1))
    client.wait(1)
    (second,) = sends(client.submit(b"a", b"2"))
    assert kinds(client.reply(first, b"of 1")) == ["stale"]
    assert resolved(client.reply(second, b"of 2"))[b"a"].body == (b"of 2",)


@pytest.mark.parametrize("fate", [Fate.FAILED, Fate.REJECTED, Fate.UNKNOWN])
def test_the_worker_s_verdict_resolves_it(client, fate):
    (request,) = sends(client.submit())
    assert fates(client.reply(request, b"draining", fate=fate)) == {b"a": fate}


def test_ready_means_that_one_handshake_completed(client):
    assert not client.machine.ready
    client.tell(Connected(WORKERS, b"tcp://worker"))
    assert client.machine.ready


def test_a_draining_client_rejects_what_is_new_and_waits_for_what_is_open(client):
    (request,) = sends(client.submit(b"a"))
    assert client.tell(Drain()) == [Note("draining")]
    assert fates(client.submit(b"b")) == {b"b": Fate.REJECTED}
    assert not client.machine.drained
    client.reply(request, b"y")
    assert client.machine.drained


def test_a_malformed_status_ends_its_transaction_as_unknown(client):
    (request,) = sends(client.submit())
    effects = client.receives(request[0], wire.pack_status(b"another", Fate.COMPLETED))
    assert kinds(effects) == ["unknown", "malformed"]
    assert fates(effects) == {b"a": Fate.UNKNOWN}


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param([b"PONG"], id="a PONG"),
        pytest.param([b""], id="an empty frame"),
        pytest.param([b"other", b"y"], id="a control frame that is no header"),
        pytest.param([b"BBTX", *[b"y"] * 100], id="too many frames"),
        pytest.param([b"BBTX", b"y"], id="broken header"),
    ],
)
def test_a_malformed_message_is_noted_and_dropped(client, frames):
    client.submit()
    effects = client.receives(*frames)
    assert kinds(effects) == ["malformed"]
    assert len(effects) == 1


garbage = st.lists(
    st.one_of(st.binary(max_size=60), st.binary().map(b"BBTX".__add__)), min_size=1, max_size=6
)


@given(st.lists(garbage, max_size=8))
def test_whatever_arrives_the_client_lives(messages):
    client = ClientStage()
    (request,) = sends(client.submit())
    for frames in messages:
        client.receives(*frames)
    assert fates(client.reply(request, b"y")) == {b"a": Fate.COMPLETED}
