"""The broker of a binary star, events in and effects out; and the guide's rules, one by one."""

import pytest

from brokered.binary_star import (
    FATAL,
    PASSIVE_REASON,
    RULES,
    STATE,
    StarBroker,
    State,
    pack_state,
    parse_state,
)
from brokered.broker import BACKEND, FRONTEND
from brokered.ppp import EMPTY, READY
from common import wire
from common.machine import Connected, Disconnected, Drain, Effect, Note, Received, Unroutable
from common.settings import Settings
from common.transaction import Fate
from common.wire import Malformed
from tests.brokered.broker_stage import ids, reply_to, requests, told
from tests.common.stage import Stage, header, kinds, noted, sends

PRIMARY, BACKUP, ACTIVE, PASSIVE = State
OTHER = b"other"
FRONT = b"front"
INTERVAL_S = Settings().beats.state_interval_s


class StarStage(Stage[StarBroker]):
    """The primary or the backup, to which the other may speak."""

    def __init__(self, first: State, settings: Settings = Settings()):  # noqa: B008 - frozen
        super().__init__(StarBroker(settings, first))
        self.other = [OTHER] if first is PRIMARY else []

    @property
    def state(self) -> State:
        return self.machine.state

    def hears(self, said: State) -> list[Effect]:
        return self.tell(Received(STATE, [*self.other, pack_state(said)]))

    def hears_for(self, seconds: float, said: State) -> list[Effect]:
        """Time passes, and the other says the same at each interval."""
        effects: list[Effect] = []
        end = self.now + seconds
        while self.now < end - 1e-9:
            effects += self.hears(said)
            effects += self.wait(min(INTERVAL_S, end - self.now))
        return effects

    def request(self, id: bytes = b"a", *, retry: bool = True, client: bytes = FRONT) -> list[Effect]:
        return self.tell(Received(FRONTEND, [client, header(id, self.now, 5.0, retry=retry), EMPTY, b"x"]))

    def probe(self, client: bytes = FRONT) -> list[Effect]:
        return self.tell(Received(FRONTEND, [client, header(b"probe", self.now, probe=True), EMPTY]))

    def ready(self, worker: bytes = b"worker") -> list[Effect]:
        return self.tell(Received(BACKEND, [worker, READY]))


def states(effects: list[Effect]) -> list[State]:
    """What it says to the other."""
    return [parse_state(frames[-1]) for frames in sends(effects, STATE)]


def refused(effects: list[Effect]) -> list[bytes]:
    """Whose requests were given back as passive."""
    answers = told(effects)
    assert all(answer[1:] == (Fate.REJECTED, (PASSIVE_REASON,)) for answer in answers), answers
    return [id for id, _, _ in answers]


def star(state: State) -> StarStage:
    """One that got into that state by the rules."""
    stage = StarStage(BACKUP if state is BACKUP else PRIMARY)
    if state is ACTIVE:
        stage.hears(BACKUP)
    elif state is PASSIVE:
        stage.hears(ACTIVE)
    assert stage.state is state
    return stage


# --- what the other says ----------------------------------------------------------------------------------


@pytest.mark.parametrize("said", State)
@pytest.mark.parametrize("own", State)
def test_what_the_other_says_changes_only_what_the_rules_name(own, said):
    stage = star(own)
    effects = stage.hears(said)
    if (own, said) in FATAL:
        assert kinds(effects) == ["fatal", "state"]
        assert stage.state is PRIMARY
    else:
        assert stage.state is RULES.get((own, said), own)


def test_primary_and_backup_that_meet_become_active_and_passive():
    primary, backup = StarStage(PRIMARY), StarStage(BACKUP)
    (said,) = states(backup.tell(Connected(STATE, b"tcp://primary")))
    (said,) = states(primary.hears(said))
    (said,) = states(backup.hears(said))
    assert (primary.state, backup.state) == (ACTIVE, PASSIVE)
    assert states(primary.hears(said)) == []


@pytest.mark.parametrize("first", [PRIMARY, BACKUP])
def test_one_that_begins_anew_comes_back_as_passive(first):
    stage = StarStage(first)
    effects = stage.hears(ACTIVE)
    assert stage.state is PASSIVE
    assert states(effects) == [PASSIVE]


def test_the_passive_one_becomes_active_when_the_active_one_begins_anew():
    stage = star(PASSIVE)
    assert states(stage.hears(BACKUP)) == [ACTIVE]


def test_it_says_its_state_at_each_interval():
    assert states(star(ACTIVE).wait(0.525)) == [ACTIVE] * 10


def test_the_primary_cannot_speak_before_it_was_spoken_to():
    stage = StarStage(PRIMARY)
    stage.ready()
    assert states(stage.wait(1.0)) == []


def test_a_new_other_is_told_at_once():
    stage = star(ACTIVE)
    assert sends(stage.tell(Received(STATE, [b"new", pack_state(PASSIVE)])), STATE) == [
        (b"new", pack_state(ACTIVE))
    ]


@pytest.mark.parametrize("event", [Disconnected(STATE, OTHER), Unroutable(STATE, [OTHER, b"x"], True)])
def test_a_lost_connection_proves_nothing(event):
    stage = star(PASSIVE)
    assert stage.tell(event) == []
    assert refused(stage.request()) == [b"a"]


@pytest.mark.parametrize(
    "frame", [b"", b"BBSS", b"BBSS\x01\x00", b"BBSS\x01\x05", b"BBSS\x02\x03", b"BBTX\x01\x03"]
)
def test_what_is_no_state_is_malformed(frame):
    with pytest.raises(Malformed):
        parse_state(frame)
    stage = star(PASSIVE)
    assert kinds(stage.tell(Received(STATE, [OTHER, frame]))) == ["malformed"]
    assert kinds(stage.tell(Received(STATE, [OTHER, b"x", pack_state(BACKUP)]))) == ["malformed"]
    assert stage.state is PASSIVE


def test_states_survive_the_wire():
    assert [parse_state(pack_state(state)) for state in State] == list(State)


# --- a client's request -----------------------------------------------------------------------------------


def test_the_active_one_takes_requests():
    stage = star(ACTIVE)
    stage.ready()
    assert ids(requests(stage.request())) == [b"a"]


@pytest.mark.parametrize("own", [PRIMARY, BACKUP, PASSIVE])
def test_any_other_gives_requests_back_and_hands_nothing_to_workers(own):
    stage = star(own)
    stage.ready()
    effects = stage.request(retry=False)
    assert refused(effects) == [b"a"]
    assert requests(effects) == []
    assert stage.machine.gauges() == {"queued": 0, "outstanding": 0, "workers": 1, "active": 0}


@pytest.mark.parametrize("own", [PRIMARY, PASSIVE])
def test_a_request_and_two_intervals_of_silence_make_it_active(own):
    stage = star(own)
    stage.ready()
    stage.wait(2 * INTERVAL_S - 0.001)
    assert refused(stage.request(b"early"))
    stage.wait(0.002)
    effects = stage.request(b"late")
    assert stage.state is ACTIVE
    assert ids(requests(effects)) == [b"late"]


def test_silence_alone_makes_nobody_active():
    stage = star(PASSIVE)
    stage.wait(60)
    assert stage.state is PASSIVE


def test_requests_alone_make_nobody_active():
    stage = star(PASSIVE)
    for number in range(50):
        stage.hears_for(INTERVAL_S, ACTIVE)
        assert refused(stage.request(b"%d" % number))


def test_a_backup_that_never_heard_its_primary_serves_nobody():
    stage = star(BACKUP)
    stage.ready()
    stage.wait(60)
    assert refused(stage.request())
    assert refused(stage.probe()) == [b"probe"]
    assert stage.state is BACKUP


def test_a_plain_client_s_request_is_dropped_and_told_nothing():
    stage = star(PASSIVE)
    assert kinds(stage.tell(Received(FRONTEND, [b"plain", EMPTY, b"x"]))) == ["dropped"]


def test_a_plain_client_s_request_counts_as_any():
    stage = star(PASSIVE)
    stage.ready()
    stage.wait(0.1)
    assert requests(stage.tell(Received(FRONTEND, [b"plain", EMPTY, b"x"])))
    assert stage.state is ACTIVE


@pytest.mark.parametrize("frames", [[b"x"], [b"x", b"y"], [b"x", b"BBTX?", EMPTY, b"y"]])
def test_garbage_of_a_client_is_dropped(frames):
    stage = star(PASSIVE)
    assert kinds(stage.tell(Received(FRONTEND, frames))) == ["malformed"]


# --- a client that asks -----------------------------------------------------------------------------------


def test_an_answer_is_held_until_the_other_is_heard():
    stage = star(PASSIVE)
    stage.wait(0.05)
    assert stage.probe() == []
    assert refused(stage.hears(ACTIVE)) == [b"probe"]
    stage.wait(10)
    assert stage.state is PASSIVE, "a client that was answered asks no more"


def test_an_answer_is_held_until_the_other_was_silent_for_too_long():
    stage = star(PASSIVE)
    stage.ready()
    stage.wait(0.05)
    stage.probe()
    stage.probe()
    stage.probe(b"front-2")
    assert told(stage.wait(0.049)) == []
    answers = told(stage.wait(0.002))
    assert [(id, fate) for id, fate, _ in answers] == [(b"probe", Fate.COMPLETED)] * 2, "one for each client"
    assert wire.parse_probe_answer(answers[0][2][0]) == (0, 1)
    assert stage.state is ACTIVE


def test_a_client_that_is_gone_asks_no_more():
    stage = star(PASSIVE)
    stage.probe()
    stage.tell(Disconnected(FRONTEND, FRONT))
    stage.wait(1)
    assert stage.state is PASSIVE


def test_a_primary_answers_who_asks_when_it_has_met_its_backup():
    stage = StarStage(PRIMARY)
    assert stage.probe() == []
    assert [fate for _, fate, _ in told(stage.hears(BACKUP))] == [Fate.COMPLETED]


# --- sleep ------------------------------------------------------------------------------------------------


def test_our_own_sleep_is_not_the_other_s_silence():
    stage = star(PASSIVE)
    stage.hears_for(1, ACTIVE)
    stage.probe()
    stage.oversleep(5)
    assert stage.state is PASSIVE
    assert refused(stage.request())


def test_an_active_one_that_slept_too_long_listens_before_it_serves():
    stage = star(ACTIVE)
    stage.ready()
    assert states(stage.oversleep(0.11)) == [PRIMARY, PRIMARY]
    assert refused(stage.request())
    stage.hears(ACTIVE)
    assert stage.state is PASSIVE


def test_an_active_one_that_was_a_little_late_goes_on():
    stage = star(ACTIVE)
    assert states(stage.oversleep(0.09)) == [ACTIVE]


# --- no longer active -------------------------------------------------------------------------------------


def test_one_that_is_no_longer_active_works_off_what_it_holds():
    stage = star(ACTIVE)
    stage.ready()
    (first,) = requests(stage.request(b"a"))
    stage.request(b"b")
    stage.hears(ACTIVE)
    assert refused(stage.request(b"c")) == [b"c"]
    effects = stage.tell(Received(BACKEND, list(reply_to(first, b"y"))))
    assert [(id, fate) for id, fate, _ in told(effects)] == [(b"a", Fate.COMPLETED)]
    assert ids(requests(effects)) == [b"b"]


def test_one_that_drains_is_silent_and_gives_back():
    stage = star(ACTIVE)
    stage.tell(Drain())
    assert states(stage.wait(1)) == []
    assert told(stage.request()) == [(b"a", Fate.REJECTED, (wire.DRAINING,))]
    assert stage.hears(ACTIVE) == [], "the other may take over"
    assert stage.machine.drained


def test_a_passive_one_that_drains_takes_over_no_more():
    stage = star(PASSIVE)
    stage.probe()
    assert refused(stage.tell(Drain())) == [b"probe"]
    stage.wait(1)
    assert refused(stage.request()) == [b"a"]
    assert refused(stage.probe()) == [b"probe"]
    assert stage.state is PASSIVE


def test_it_notes_what_it_becomes_and_why():
    stage = star(PASSIVE)
    stage.wait(1)
    assert noted(stage.request(), "state") == [
        Note("state", "active", "a client asks, and the other is silent")
    ]
    assert repr(stage.machine) == "<StarBroker active <Broker 1 waiting, 0 idle, 0 busy>>"
