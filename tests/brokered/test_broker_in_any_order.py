"""The broker, told anything in any order by workers and clients that may do anything."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from brokered.broker import BACKEND, FRONTEND
from brokered.ppp import EMPTY, HEARTBEAT, READY
from common import wire
from common.machine import Disconnected, Drain, Note, Send, Unroutable
from common.settings import Limits, Retries, Settings
from common.transaction import Fate
from tests.brokered.broker_stage import BrokerStage
from tests.common.stage import header

WORKERS = [b"worker-1", b"worker-2", b"worker-3"]
CLIENTS = [b"front-1", b"front-2"]
QUEUE = 4

workers = st.sampled_from(WORKERS)
clients = st.sampled_from(CLIENTS)


class Conversation:
    """What anybody who listens to the broker's backend knows of one."""

    def __init__(self):
        self.credit = 0
        self.held: list[tuple[bytes, ...]] = []
        self.opening = True
        self.replied = False
        self.retired = False


class Request:
    def __init__(self, retry):
        self.retry = retry
        self.handed = 0
        """How often a worker got it, those not counted that never did or gave it back."""
        self.answers = 0


class Brokering(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        limits = Limits(queue=QUEUE, opaque_ttl_s=2.0)
        self.stage = BrokerStage(Settings(limits=limits, retries=Retries(burst=3, ratio=0.1)))
        self.talks: dict[bytes, Conversation] = {}
        self.requests: dict[bytes, Request] = {}
        self.opaque = 0
        self.ended = 0
        self.drained = False

    # --- what it asks for ---------------------------------------------------------------------------------

    def look(self, effects):
        for effect in effects:
            match effect:
                case Note("peer-up", name, _):
                    self.talks[name.encode()] = Conversation()
                case Note("peer-lost", name, _):
                    del self.talks[name.encode()]
                case Note("retired", name, _):
                    self.talks[name.encode()].retired = True
                case Note("dropped", _, _):
                    self.ended += 1
                case Send(socket, frames) if socket == BACKEND and len(frames) == 2:
                    assert frames[1] == HEARTBEAT
                    assert frames[0] in self.talks
                case Send(socket, frames) if socket == BACKEND:
                    self.look_at_request(tuple(frames))
                case Send(_, frames):
                    self.look_at_reply(tuple(frames))

    def look_at_request(self, frames):
        talk = self.talks[frames[0]]
        assert not talk.retired
        talk.held.append(frames)
        request = self.requests.get(id_of(frames))
        if request is not None:
            request.handed += 1
            assert request.answers == 0
            assert request.retry or request.handed == 1

    def look_at_reply(self, frames):
        body = frames[frames.index(EMPTY) + 1 :]
        self.ended += 1
        request = self.requests.get(id_of((b"", *frames)))
        if request is not None:
            request.answers += 1
            assert request.answers == 1
            if wire.is_status(body[0]) and wire.parse_status(body[0]).fate is Fate.REJECTED:
                assert request.handed == 0, "a rejection is a promise"

    # --- what workers do ----------------------------------------------------------------------------------

    @rule(worker=workers)
    def a_worker_says_ready(self, worker):
        talk = self.talks.get(worker)
        if talk is not None and talk.opening:
            talk.credit += 1
            self.look(self.stage.backend(worker, READY))
            return
        effects = self.stage.backend(worker, READY)
        at = effects.index(next(e for e in effects if isinstance(e, Note) and e.kind == "peer-up")) + 1
        self.look(effects[:at])
        self.talks[worker].credit = 1
        self.look(effects[at:])

    @rule(worker=workers)
    def a_worker_beats(self, worker):
        if worker in self.talks:
            self.talks[worker].opening = False
        self.look(self.stage.heartbeat(worker))

    @precondition(lambda self: any(talk.held for talk in self.talks.values()))
    @rule(data=st.data(), fate=st.sampled_from([*Fate, None]), reason=st.sampled_from([b"draining", b"why"]))
    def a_worker_replies(self, data, fate, reason):
        request = data.draw(st.sampled_from([held for talk in self.talks.values() for held in talk.held]))
        talk = self.talks[request[0]]
        talk.held.remove(request)
        talk.opening = False
        talk.replied = True
        known = self.requests.get(id_of(request))
        if fate is Fate.REJECTED and known is not None:
            known.handed -= 1
        self.look(self.stage.reply(request, reason, fate=fate))

    @rule(worker=workers, client=clients)
    def a_worker_replies_to_nothing(self, worker, client):
        talk = self.talks.get(worker)
        if talk is not None:
            talk.opening = False
            talk.credit += not talk.replied
            talk.replied = True
        self.look(self.stage.backend(worker, client, header(b"never"), EMPTY, b"y"))

    @rule(worker=workers)
    def a_worker_disconnects(self, worker):
        self.look(self.stage.tell(Disconnected(BACKEND, worker)))

    @precondition(lambda self: any(talk.held for talk in self.talks.values()))
    @rule(data=st.data())
    def a_request_is_undeliverable(self, data):
        talk = data.draw(st.sampled_from([talk for talk in self.talks.values() if talk.held]))
        request = talk.held.pop()
        known = self.requests.get(id_of(request))
        if known is not None:
            known.handed -= 1
        self.look(self.stage.tell(Unroutable(BACKEND, request, True)))
        assert self.talks.get(request[0]) is not talk

    # --- what clients do ----------------------------------------------------------------------------------

    @rule(client=clients, retry=st.booleans(), ttl_s=st.floats(0, 3))
    def a_client_asks(self, client, retry, ttl_s):
        id = b"t%d" % len(self.requests)
        self.requests[id] = Request(retry)
        self.look(self.stage.request(id, client=client, retry=retry, ttl_s=ttl_s))

    @rule(client=clients)
    def a_plain_client_asks(self, client):
        self.opaque += 1
        self.look(self.stage.opaque(client=client))

    @rule(client=clients)
    def a_client_disconnects(self, client):
        self.look(self.stage.tell(Disconnected(FRONTEND, client)))

    @rule(client=clients)
    def a_client_probes(self, client):
        (answer,) = self.stage.frontend(client, header(b"probe", self.stage.now, probe=True), EMPTY)
        workers = sum(not talk.retired for talk in self.talks.values())
        assert wire.parse_probe_answer(answer.frames[-1])[1] == workers

    # --- what else happens --------------------------------------------------------------------------------

    @rule(
        socket=st.sampled_from([BACKEND, FRONTEND]),
        frames=st.lists(st.binary(max_size=3), min_size=1, max_size=3),
    )
    def garbage_arrives(self, socket, frames):
        frames = [b"?" + frame for frame in frames]
        self.look(
            self.stage.backend(b"stranger", *frames)
            if socket == BACKEND
            else self.stage.frontend(b"s", *frames)
        )

    @rule(seconds=st.sampled_from([0.01, 0.1, 0.5, 4.0]))
    def time_passes(self, seconds):
        self.look(self.stage.wait(seconds))

    @precondition(lambda self: not self.drained and len(self.requests) > 8)
    @rule()
    def it_drains(self):
        self.drained = True
        self.look(self.stage.tell(Drain()))

    # --- what must hold -----------------------------------------------------------------------------------

    @invariant()
    def a_request_is_in_exactly_one_place(self):
        gauges = self.stage.machine.gauges()
        held = sum(len(talk.held) for talk in self.talks.values())
        assert gauges["outstanding"] == held
        assert gauges["queued"] + held + self.ended == len(self.requests) + self.opaque
        assert gauges["workers"] == len(self.talks)

    @invariant()
    def nobody_holds_more_than_its_credit(self):
        assert all(len(talk.held) <= talk.credit for talk in self.talks.values())

    @invariant()
    def the_queue_is_bounded(self):
        bound = QUEUE + sum(talk.credit for talk in self.talks.values()) + 3
        assert self.stage.machine.gauges()["queued"] <= bound

    @invariant()
    def nothing_waits_while_a_worker_could_take_it(self):
        free = [talk for talk in self.talks.values() if len(talk.held) < talk.credit and not talk.retired]
        assert not free or self.stage.machine.gauges()["queued"] == 0

    def teardown(self):
        """In the end everything has ended."""
        self.look(self.stage.wait(30))
        for worker in list(self.talks):
            self.a_worker_disconnects(worker)
        self.look(self.stage.wait(30))
        gauges = self.stage.machine.gauges()
        assert (gauges["queued"], gauges["outstanding"]) == (0, 0)
        assert self.stage.machine.drained == self.drained


def id_of(request):
    """Whose transaction it is; empty for an opaque one."""
    frame = request[request.index(EMPTY) - 1]
    return frame[wire.HEADER_SIZE :] if wire.is_header(frame) else b""


Brokering.TestCase.settings = settings(max_examples=60, stateful_step_count=50)
TestBroker = Brokering.TestCase
