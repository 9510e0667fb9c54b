"""A client of any topology, told anything in any order; what each of them owes to those who submit.

A subclass gives the machine, and says how its servers talk.
"""

from collections import Counter

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from common import wire
from common.machine import (
    Connected,
    Disconnected,
    Drain,
    Note,
    Received,
    Resolve,
    Send,
    Submitted,
    Unroutable,
)
from common.settings import Limits, Retries, Settings
from common.transaction import Fate, Transaction
from tests.common.stage import Stage

QUEUE = 3
SLACK_S = 1e-6


class Submitting(RuleBasedStateMachine):
    sockets = ["one", "two"]  # noqa: RUF012 - overridden, not changed
    grace_s = 0.0

    def make(self, settings):
        """The machine."""
        raise NotImplementedError

    def is_control(self, frames):
        """Whether a message is the protocol's own (PING, a probe) and no transaction."""
        return False

    def answer_control(self, frames):
        """What a server sends back to such a message."""
        raise NotImplementedError

    def answer(self, frames, body):
        """What a server sends back to a request."""
        return [frames[0], *body]

    @initialize(credit=st.integers(1, 3))
    def begin(self, credit):
        self.credit = credit
        limits = Limits(queue=QUEUE, outstanding=4)
        self.stage = Stage(self.make(Settings(credit, limits=limits, retries=Retries(burst=3, ratio=0.1))))
        self.connected: set[str] = set()
        self.unavailable: set[str] = set()
        self.refusing: set[str] = set()
        self.open: dict[bytes, Transaction] = {}
        self.handed: Counter[bytes] = Counter()
        """How often a server got it, those not counted that gave it back or rejected it."""
        self.taken: set[bytes] = set()
        """Those that the network took at least once."""
        self.fates: dict[bytes, Fate] = {}
        self.requests: list[tuple[str, tuple[bytes, ...]]] = []
        """What servers have and might still answer, lost connections included."""
        self.answered: list[tuple[str, tuple[bytes, ...]]] = []
        self.controls: list[tuple[str, tuple[bytes, ...]]] = []
        self.draining = False
        self.count = 0

    # --- what it asks for ---------------------------------------------------------------------------------

    def tell(self, event):
        self.look(self.stage.tell(event))

    def wait(self, seconds):
        """Time passes, and what is done at each tick is looked at."""
        end = self.stage.now + seconds
        while self.stage.now < end:
            self.look(self.stage.wait(min(self.stage.machine.deadline(), end) - self.stage.now))

    def look(self, effects):
        refused = []
        for effect in effects:
            match effect:
                case Note("peer-lost" | "retired" | "unroutable", name, _):
                    self.unavailable.add(name)
                    if effect.kind == "peer-lost":
                        self.peer_lost(name)
                case Note("peer-up", name, _):
                    self.unavailable.discard(name)
                case Resolve(id, answer):
                    self.look_at_answer(id, answer)
                case Send(socket, frames):
                    if not self.look_at_message(socket, tuple(frames)):
                        refused.append(Unroutable(socket, frames, False))
        for event in refused:
            self.look(self.stage.checked(self.stage.machine.handle(event, self.stage.now)))

    def peer_lost(self, socket):
        """What it held is no longer its own."""

    def look_at_message(self, socket, frames):
        """A message goes out; whether the network takes it."""
        assert self.reaches(socket)
        if self.is_control(frames):
            self.controls.append((socket, frames))
            return socket not in self.refusing
        header = wire.parse_header(frames[0], self.stage.now)
        transaction = self.open[header.id]
        assert header.retry == transaction.retry
        assert abs(header.deadline - transaction.deadline) < SLACK_S
        assert header.deadline > self.stage.now
        assert socket not in self.unavailable
        if socket in self.refusing:
            return False
        self.handed[header.id] += 1
        self.taken.add(header.id)
        assert transaction.retry or self.handed[header.id] == 1, "at most once"
        self.requests.append((socket, frames))
        return True

    def reaches(self, socket):
        return socket in self.connected

    def look_at_answer(self, id, answer):
        transaction = self.open.pop(id)
        assert id not in self.fates
        self.fates[id] = answer.fate
        if answer.fate is Fate.REJECTED:
            assert self.handed[id] == 0, "a rejection is a promise"
        if answer.fate is Fate.UNKNOWN:
            assert id in self.taken, "what never left is certain"
        if answer.fate in (Fate.COMPLETED, Fate.FAILED):
            assert self.stage.now <= transaction.deadline + SLACK_S
            assert answer.body[-1] == id
        else:
            assert answer.reason

    # --- those above --------------------------------------------------------------------------------------

    @rule(retry=st.booleans(), ttl_s=st.sampled_from([0.0, 0.05, 0.5, 5.0]))
    def one_is_submitted(self, retry, ttl_s):
        self.count += 1
        id = b"t%d" % self.count
        self.open[id] = Transaction(id, (b"x",), self.stage.now + ttl_s, retry)
        self.tell(Submitted(self.open[id]))
        if self.draining or ttl_s == 0:
            assert self.fates[id] is Fate.REJECTED

    @precondition(lambda self: not self.draining and self.count > 8)
    @rule()
    def it_drains(self):
        self.draining = True
        self.tell(Drain())

    # --- the network --------------------------------------------------------------------------------------

    @rule(data=st.data())
    def a_connection_is_made(self, data):
        socket = data.draw(st.sampled_from(self.sockets))
        self.connected.add(socket)
        self.unavailable.discard(socket)
        self.refusing.discard(socket)
        self.tell(Connected(socket, b"tcp://server"))

    @rule(data=st.data())
    def a_connection_is_lost(self, data):
        socket = data.draw(st.sampled_from(self.sockets))
        self.connected.discard(socket)
        self.tell(Disconnected(socket, b"tcp://server"))

    @rule(data=st.data())
    def a_socket_refuses_from_now_on_or_no_more(self, data):
        self.refusing ^= {data.draw(st.sampled_from(self.sockets))}

    # --- servers ------------------------------------------------------------------------------------------

    @precondition(lambda self: self.requests)
    @rule(
        data=st.data(),
        fate=st.sampled_from([*Fate, None]),
        reason=st.sampled_from([b"draining", b"queue full"]),
    )
    def a_server_answers(self, data, fate, reason):
        socket, frames = self.requests.pop(data.draw(st.integers(0, len(self.requests) - 1)))
        self.answered.append((socket, frames))
        if not self.reaches(socket):
            return
        id = frames[0][wire.HEADER_SIZE :]
        if fate is Fate.REJECTED and self.counts(socket, id):
            self.handed[id] -= 1
        status = [] if fate is None else [wire.pack_status(id, fate)]
        body = [reason] if fate is Fate.REJECTED else [b"y", id]
        self.tell(Received(socket, self.answer(frames, [*status, *body])))

    def counts(self, socket, id):
        """Whether an answer from there says something of that transaction: not so when the server was lost
        since, or it is not the last that has it.
        """
        return not any(frames[0][wire.HEADER_SIZE :] == id for _, frames in self.requests)

    @precondition(lambda self: self.answered)
    @rule(data=st.data())
    def a_server_answers_twice(self, data):
        socket, frames = data.draw(st.sampled_from(self.answered))
        id = frames[0][wire.HEADER_SIZE :]
        if self.reaches(socket) and id not in self.open:
            self.tell(Received(socket, self.answer(frames, [b"y", id])))

    @precondition(lambda self: self.requests)
    @rule(data=st.data())
    def a_server_answers_what_is_malformed(self, data):
        socket, frames = self.requests.pop(data.draw(st.integers(0, len(self.requests) - 1)))
        if self.reaches(socket):
            self.tell(
                Received(socket, self.answer(frames, [wire.pack_status(b"another", Fate.COMPLETED), b"y"]))
            )

    @precondition(lambda self: self.controls)
    @rule(data=st.data())
    def a_server_answers_the_protocol_s_own(self, data):
        socket, frames = self.controls.pop(data.draw(st.integers(0, len(self.controls) - 1)))
        if self.reaches(socket):
            self.tell(Received(socket, self.answer_control(frames)))

    @rule(data=st.data(), frames=st.lists(st.sampled_from([b"", b"?", b"BBTX"]), min_size=1, max_size=3))
    def garbage_arrives(self, data, frames):
        socket = data.draw(st.sampled_from(self.sockets))
        if self.reaches(socket):
            self.tell(Received(socket, frames))

    @rule(seconds=st.sampled_from([0.01, 0.1, 0.5, 4.0]))
    def time_passes(self, seconds):
        self.wait(seconds)

    # --- what must hold -----------------------------------------------------------------------------------

    @invariant()
    def what_is_open_is_in_exactly_one_place(self):
        gauges = self.stage.machine.gauges()
        assert gauges.get("queued", 0) + gauges["outstanding"] == len(self.open) + self.wedged()

    def wedged(self):
        """What servers still hold of what has ended."""
        return 0

    def free(self):
        """How many more transactions the servers could take."""
        return 0

    @invariant()
    def nothing_waits_while_somebody_could_take_it(self):
        assert self.free() == 0 or self.stage.machine.gauges()["queued"] == 0

    @invariant()
    def nothing_is_open_beyond_its_deadline(self):
        latest = min((t.deadline for t in self.open.values()), default=self.stage.now)
        assert latest + self.grace_s + SLACK_S >= self.stage.now

    @invariant()
    def it_is_drained_when_it_was_told_to_and_nothing_is_open(self):
        assert self.stage.machine.drained == (self.draining and not self.open)

    def teardown(self):
        if hasattr(self, "stage"):
            self.wait(10)
            assert not self.open
            assert len(self.fates) == self.count
