"""The eleventh defect of the guide's code, the Freelance client's, absent here. The others: tests/brokered."""

from brokerless.flp import PONG
from common.settings import Settings
from common.transaction import Fate
from tests.brokerless.client_stage import W1, W2, W3, ClientStage, requests
from tests.common.stage import fates, kinds, resolved


def client_of(*servers, credit=1):
    client = ClientStage(Settings(credit=credit))
    for server in servers:
        client.joins(server)
    return client


def test_11_an_open_request_is_not_sent_again_at_every_wake_up():
    client = client_of(W1, W2)
    client.submit(ttl_s=60)
    assert requests(client.keep_alive(30, W1, W2)) == []


def test_11_servers_take_turns_and_the_first_does_not_take_everything():
    client = client_of(W1, W2, W3)
    takers = []
    for number in range(9):
        (effect,) = client.submit(b"%d" % number)
        takers.append(effect.socket)
        client.reply(effect.frames, b"y", server=effect.socket)
    assert takers == [W1, W2, W3] * 3


def test_11_a_late_reply_does_not_answer_the_next_request():
    client = client_of(W1, credit=2)
    (late,) = requests(client.submit(b"a", ttl_s=1))
    assert fates(client.keep_alive(1, W1)) == {b"a": Fate.UNKNOWN}
    (request,) = requests(client.submit(b"b"))
    assert fates(client.reply(late, b"of a")) == {}
    assert resolved(client.reply(request, b"of b"))[b"b"].body == (b"of b",)


def test_11_a_pong_is_survived():
    client = client_of(W1)
    assert kinds(client.receives(PONG)) == []
    assert requests(client.submit())
    assert kinds(client.receives(PONG)) == []
