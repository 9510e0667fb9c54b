"""The client of a binary star, events in and effects out; and, told anything in any order, what any client owes."""

from random import Random

import pytest
from hypothesis import settings

from brokered.binary_star import PASSIVE_REASON
from brokered.ppp import EMPTY
from brokered.star_client import StarClient
from common import wire
from common.machine import Drain, Effect, Note
from common.settings import Limits, Settings
from common.transaction import Fate
from tests.brokered.client_stage import B1, B2, AskingStage, ids, probes, requests
from tests.common.stage import fates, kinds, noted, sends
from tests.common.submitting import Submitting


class StarClientStage(AskingStage[StarClient]):
    def __init__(self, settings: Settings = Settings()):  # noqa: B008 - frozen
        super().__init__(StarClient(settings, [B1, B2], Random(7)))

    def is_active(self, probe, broker: str = B1) -> list[Effect]:
        return self.answers_probe(probe, broker=broker)

    def is_passive(self, message, broker: str = B1) -> list[Effect]:
        return self.reply(message, PASSIVE_REASON, fate=Fate.REJECTED, broker=broker)


@pytest.fixture
def client():
    """Connected to both; the primary is active."""
    stage = StarClientStage()
    (probe,) = probes(stage.connects(B1))
    stage.connects(B2)
    stage.is_active(probe)
    return stage


def test_only_the_active_one_is_asked_and_handed_anything(client):
    effects = client.submit(b"a") + client.submit(b"b") + client.keep_alive(5)
    assert ids(requests(effects, B1)) == [b"a", b"b"]
    assert sends(effects, B2) == []
    assert len(probes(effects, B1)) > 40


def test_the_primary_is_asked_first_whoever_connects_first():
    stage = StarClientStage()
    assert sends(stage.connects(B2)) == []
    assert len(probes(stage.connects(B1), B1)) == 1


def test_the_backup_s_turn_comes_when_the_primary_has_not_answered_for_a_beat():
    stage = StarClientStage()
    stage.connects(B1)
    stage.connects(B2)
    asked = [effect.socket for effect in stage.wait(0.55)]
    assert asked == [B2, B1, B2, B1, B2]


def test_nothing_is_handed_to_one_that_has_not_said_that_it_is_active():
    stage = StarClientStage()
    stage.connects(B1)
    assert not stage.machine.ready
    effects = stage.submit()
    effects += stage.wait(1)
    assert requests(effects) == []


def test_it_is_ready_when_the_active_one_has_a_worker(client):
    assert client.machine.ready
    client.disconnects(B1)
    assert not client.machine.ready


def test_when_the_active_one_is_lost_the_other_is_asked_at_once_and_gets_what_may_be_sent_again(client):
    client.submit(b"put")
    client.submit(b"post", retry=False)
    effects = client.disconnects(B1)
    assert fates(effects) == {b"post": Fate.UNKNOWN}
    assert requests(effects) == []
    (probe,) = probes(effects, B2)
    effects = client.is_active(probe, B2)
    assert ids(requests(effects, B2)) == [b"put"]
    assert noted(effects, "state") == [Note("state", B2, "is the active one")]


def test_while_the_other_is_still_passive_it_is_asked_at_each_beat(client):
    (probe,) = probes(client.disconnects(B1), B2)
    assert sends(client.is_passive(probe, B2)) == []
    asked = probes(client.wait(0.35), B2)
    assert len(asked) == 3
    client.is_active(asked[-1], B2)
    assert requests(client.submit(), B2)


def test_one_that_comes_back_is_not_asked_while_the_other_is_active(client):
    (probe,) = probes(client.disconnects(B1), B2)
    client.is_active(probe, B2)
    assert sends(client.connects(B1)) == []
    effects = client.keep_alive(3, B2)
    assert sends(effects, B1) == []
    assert kinds(effects) == []


def test_a_silent_active_one_is_left_for_the_other(client):
    client.keep_alive(0.6)
    client.submit(b"put")
    effects = client.wait(0.4)
    assert noted(effects, "peer-lost") == [Note("peer-lost", B1, "silent; it held 1")]
    (probe, *_) = probes(effects, B2)
    assert ids(requests(client.is_active(probe, B2), B2)) == [b"put"]


@pytest.mark.parametrize("retry", [True, False])
def test_what_one_that_is_passive_gives_back_waits_for_the_active_one(client, retry):
    (request,) = requests(client.submit(retry=retry))
    effects = client.is_passive(request)
    assert fates(effects) == {}
    assert requests(effects) == []
    (probe,) = probes(effects, B2)
    assert ids(requests(client.is_active(probe, B2), B2)) == [b"a"]


def test_what_is_given_back_after_its_deadline_is_rejected(client):
    (request,) = requests(client.submit(ttl_s=0.05))
    client.wait(0.06)
    assert fates(client.is_passive(request)) == {b"a": Fate.REJECTED}


def test_what_a_lost_one_gives_back_late_is_stale(client):
    """It hung, and wakes up passive, with requests that the other one has by now."""
    client.keep_alive(0.6)
    (request,) = requests(client.submit(b"put"))
    (probe, *_) = probes(client.wait(0.4), B2)
    (again,) = requests(client.is_active(probe, B2), B2)
    effects = client.is_passive(request)
    assert kinds(effects) == ["peer-up", "stale"]
    assert fates(effects) == {}
    assert fates(client.reply(again, b"y", broker=B2)) == {b"put": Fate.COMPLETED}


def test_what_one_that_stepped_down_still_holds_it_may_answer(client):
    first, second = (requests(client.submit(id))[0] for id in (b"a", b"b"))
    (probe,) = probes(client.is_passive(second), B2)
    client.is_active(probe, B2)
    client.keep_alive(2, B2)
    effects = client.reply(first, b"y")
    assert fates(effects) == {b"a": Fate.COMPLETED}
    assert sends(effects) == []
    assert kinds(client.keep_alive(2, B2)) == [], "and its silence is nobody's business then"


def test_a_draining_one_is_left_and_not_asked_again(client):
    (request,) = requests(client.submit(retry=False))
    effects = client.reply(request, wire.DRAINING, fate=Fate.REJECTED)
    (probe,) = probes(effects, B2)
    assert sends(client.is_passive(probe, B2) + client.wait(1), B1) == []


def test_the_one_that_was_active_last_is_asked_when_it_is_back(client):
    (probe,) = probes(client.disconnects(B1), B2)
    client.is_active(probe, B2)
    client.disconnects(B2)
    assert len(probes(client.connects(B2), B2)) == 1


def test_a_second_one_that_says_that_it_is_active_changes_nothing(client):
    (probe,) = probes(client.disconnects(B1), B2)
    (late, *_) = probes(client.connects(B1) + client.wait(0.1), B1)
    client.is_active(probe, B2)
    assert kinds(client.is_active(late, B1)) == []
    assert requests(client.submit(), B2)


def test_it_drains(client):
    (request,) = requests(client.submit())
    client.tell(Drain())
    assert not client.machine.drained
    client.reply(request, b"y")
    assert client.machine.drained


# --- anything in any order --------------------------------------------------------------------------------


class Asking(Submitting):
    sockets = [B1, B2]  # noqa: RUF012
    grace_s = Limits().grace_s

    def make(self, settings):
        return StarClient(settings, [B1, B2], Random(7))

    def is_control(self, frames):
        return wire.parse_header(frames[0], 0).probe

    def answer_control(self, frames):
        id = frames[0][wire.HEADER_SIZE :]
        if self.count % 3 == 2:
            return [frames[0], EMPTY, wire.pack_status(id, Fate.REJECTED), PASSIVE_REASON]
        return [frames[0], EMPTY, wire.pack_status(id, Fate.COMPLETED), wire.pack_probe_answer(0, 1)]

    def answer(self, frames, body):
        if body[-1:] == [b"queue full"] and self.count % 2:
            body[-1] = PASSIVE_REASON
        return [frames[0], EMPTY, *body]

    def free(self):
        """White box: only the active one counts."""
        active = self.stage.machine._active
        if active is None or active.name.decode() in self.unavailable:
            return 0
        return active.credit - len(active.held)


Asking.TestCase.settings = settings(max_examples=60, stateful_step_count=50)
TestStarClient = Asking.TestCase
