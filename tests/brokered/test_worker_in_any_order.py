"""The PPP worker, told anything in any order by two brokers that may do anything."""

from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from brokered.ppp import EMPTY, HEARTBEAT, READY
from common import wire
from common.machine import Drain, Execute, Finished, Received, Reopen, Send, Unroutable
from common.settings import Limits, Settings
from common.transaction import Fate
from tests.brokered.test_worker import WorkerStage
from tests.common.stage import header, noted

BROKERS = ["broker-1", "broker-2"]

brokers = st.sampled_from(BROKERS)
garbage = st.lists(st.sampled_from([EMPTY, b"?", READY, b"BBTX"]), min_size=1, max_size=4).filter(
    lambda frames: EMPTY not in frames[1:-1]  # that would be a request
)


class Connection:
    """What anybody who listens to it knows."""

    def __init__(self, talking):
        self.talking = talking
        """Whether a conversation belongs to it: a draining worker begins none."""
        self.sent: list[tuple[bytes, ...]] = []


QUEUE = 3


class Working(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.connections: dict[str, Connection] = {}
        self.asked: dict[bytes, str] = {}
        """{id: the broker that asked}, of those not begun and not answered."""
        self.executing: tuple[int, bytes, str] | None = None
        """Job, id, broker."""
        self.executed: Counter[bytes] = Counter()
        self.answered: Counter[bytes] = Counter()
        self.draining = False
        self.count = 0

    @initialize(credit=st.integers(1, 3))
    def it_has_a_credit(self, credit):
        self.credit = credit
        self.stage = WorkerStage(
            brokers=tuple(BROKERS), settings=Settings(credit, limits=Limits(queue=QUEUE))
        )

    def look(self, effects):
        for effect in effects:
            match effect:
                case Execute(job, transaction, opaque):
                    assert self.executing is None
                    assert transaction.deadline > self.stage.now
                    id = transaction.body[0] if opaque else transaction.id
                    self.executing = (job, id, self.asked.pop(id))
                    self.executed[id] += 1
                case Reopen(broker):
                    assert self.connections.pop(broker).talking
                    for id in [id for id, asker in self.asked.items() if asker == broker]:
                        del self.asked[id]
                case Send(broker, frames):
                    connection = self.connections[broker]
                    connection.sent.append(tuple(frames))
                    if len(frames) > 1:
                        self.look_at_reply(broker, tuple(frames))

    def look_at_reply(self, broker, frames):
        status, id, *_ = (*frames[frames.index(EMPTY) + 1 :], b"")
        if wire.is_status(status):
            id = wire.parse_status(status).id
        if id == b"probe":
            return
        self.answered[id] += 1
        assert self.answered[id] == 1
        if self.asked.pop(id, None) is None:
            assert self.executed[id] == 1, "begun, or refused out of the queue"

    # --- what brokers do ----------------------------------------------------------------------------------

    @rule(broker=brokers)
    def a_connection_is_made(self, broker):
        if broker in self.connections:
            return
        self.connections[broker] = Connection(not self.draining)
        busy = self.executing is not None and self.executing[2] == broker
        self.look(self.stage.connects(broker))
        opening = [(READY,)] * (0 if self.draining else self.credit - busy)
        assert self.connections[broker].sent == opening

    @rule(broker=brokers)
    def a_connection_is_lost(self, broker):
        if broker in self.connections and not self.connections[broker].talking:
            del self.connections[broker]
        self.look(self.stage.disconnects(broker))
        assert broker not in self.connections

    @rule(broker=brokers)
    def a_broker_beats(self, broker):
        self.look(self.stage.receives(HEARTBEAT, broker=broker))

    @rule(broker=brokers, ttl_s=st.sampled_from([0.0, 0.2, 9.0]))
    def a_broker_asks(self, broker, ttl_s):
        id = self.new(broker)
        self.look(self.stage.request(id, broker=broker, ttl_s=ttl_s))

    @rule(broker=brokers)
    def a_plain_client_asks(self, broker):
        id = self.new(broker)
        effects = self.stage.receives(b"client", EMPTY, id, broker=broker)
        self.look(effects)
        if noted(effects, "dropped"):
            del self.asked[id]

    def new(self, broker):
        """An id; what comes where no READY was said is nobody's."""
        self.count += 1
        id = b"t%d" % self.count
        if broker in self.connections and self.connections[broker].sent:
            self.asked[id] = broker
        return id

    @rule(broker=brokers)
    def a_probe_comes_through(self, broker):
        frames = [b"front", header(b"probe", self.stage.now, probe=True), EMPTY]
        self.look(self.stage.tell(Received(broker, frames)))

    @rule(broker=brokers, frames=garbage)
    def garbage_arrives(self, broker, frames):
        self.look(self.stage.receives(*frames, broker=broker))

    @rule(broker=brokers)
    def the_network_refuses(self, broker):
        self.look(self.stage.tell(Unroutable(broker, (HEARTBEAT,), False)))

    # --- what else happens --------------------------------------------------------------------------------

    @precondition(lambda self: self.executing is not None)
    @rule(fate=st.sampled_from([Fate.COMPLETED, Fate.FAILED]))
    def the_service_is_done(self, fate):
        job, id, broker = self.executing
        self.executing = None
        self.stage.executing.clear()
        effects = self.stage.tell(Finished(job, fate, (b"y", id), 7))
        for effect in effects:
            if isinstance(effect, Send) and len(effect.frames) > 1 and effect.frames[-1] == id:
                assert effect.socket == broker, "it is told to who asked"
        self.look(effects)

    @rule(seconds=st.sampled_from([0.05, 0.3, 4.0]))
    def time_passes(self, seconds):
        self.look(self.stage.wait(seconds))

    @precondition(lambda self: not self.draining and self.count > 8)
    @rule()
    def it_drains(self):
        self.draining = True
        waiting = len(self.asked)
        effects = self.stage.tell(Drain())
        self.look(effects)
        assert len(noted(effects, "dropped")) == len(self.asked) <= waiting, "what no reply gave back"
        self.asked.clear()

    # --- what must hold -----------------------------------------------------------------------------------

    @invariant()
    def it_holds_what_was_asked_and_not_answered(self):
        gauges = self.stage.machine.gauges()
        assert gauges["executing"] == (self.executing is not None)
        assert gauges["waiting"] == len(self.asked)
        assert all(waiting <= QUEUE for waiting in Counter(self.asked.values()).values()), "of each that asks"
        assert gauges["conversations"] <= len(self.connections)

    @invariant()
    def a_conversation_begins_with_a_ready(self):
        assert all(c.sent[0] == (READY,) for c in self.connections.values() if c.sent)

    @invariant()
    def nothing_is_executed_twice(self):
        assert all(times == 1 for times in self.executed.values())

    @invariant()
    def while_it_is_idle_nothing_waits(self):
        assert self.executing is not None or self.stage.machine.gauges()["waiting"] == 0

    def teardown(self):
        if not self.draining:
            self.it_drains()
        while self.executing is not None:
            self.the_service_is_done(Fate.COMPLETED)
        self.look(self.stage.wait(1))
        assert self.stage.machine.drained


Working.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
TestWorker = Working.TestCase
