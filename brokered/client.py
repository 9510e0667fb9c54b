"""The Paranoid Pirate client: hands every transaction to a live broker, and knows what each broker held.

Invariant: see Submissions. A broker is available from its handshake to its disconnection, or, where it has
answered a probe (then it is ours), until it is silent for too long; one that is silent but connected is probed on,
and is back with its next frame. PROTOCOL.md, sections 4 to 7; RFC 6's client side.
"""

import math
from collections.abc import Mapping, Sequence
from random import Random

from brokered.ppp import EMPTY, open_envelope
from common import wire
from common.dispatcher import Job, Peer
from common.liveness import Pulse, Watch
from common.machine import (
    Connected,
    Disconnected,
    Drain,
    Effect,
    Event,
    Note,
    Received,
    Send,
    Submitted,
    Unroutable,
    show,
)
from common.settings import Settings
from common.submissions import Submissions
from common.transaction import Frames, Transaction
from common.wire import Malformed


class Broker(Peer[Frames]):
    """A connected broker, or a plain queue."""

    __slots__ = ("alive", "ours", "probed_at", "workers")

    def __init__(self, socket: str, credit: int, pulse: Pulse) -> None:
        super().__init__(socket.encode(), credit, pulse)
        self.alive = True
        """It was connected, or heard, since it was last given up."""
        self.ours = False
        """It answered a probe as only our broker does; a plain queue is not asked again once it has
        answered."""
        self.probed_at = -math.inf
        self.workers = 0
        """Live workers behind it: as told by it, or 1 when anything at all has answered."""


class Client:
    """The machine of a brokered front. Sockets: one DEALER a broker."""

    def __init__(self, settings: Settings, random: Random) -> None:
        self._beats = settings.beats
        self._outstanding_max = settings.limits.outstanding
        self._frames_max = settings.limits.frames
        self._watch: Watch[str] = Watch(settings.beats)
        self._brokers: dict[str, Broker] = {}
        self._submissions = Submissions(settings, self._request, settings.limits.grace_s)
        self._probe_id = f"probe-{random.getrandbits(64):016x}".encode()

    def __repr__(self) -> str:
        return f"<Client {len(self._brokers)} brokers, {len(self._submissions)} open>"

    @property
    def ready(self) -> bool:
        return any(broker.workers for broker in self._brokers.values())

    @property
    def drained(self) -> bool:
        return self._submissions.drained

    def gauges(self) -> Mapping[str, int]:
        dispatcher = self._submissions.dispatcher
        return {
            "queued": len(dispatcher.waiting),
            "outstanding": dispatcher.held,
            "brokers": len(self._brokers),
            "workers": max((broker.workers for broker in self._brokers.values()), default=0),
        }

    def deadline(self) -> float:
        return min(self._watch.due, self._submissions.deadline())

    def tick(self, now: float) -> Sequence[Effect]:
        effects: list[Effect] = []
        for job in self._submissions.overdue(now, effects):
            if job.peer is not None:
                self._submissions.dispatcher.release(job)
        beat, silent = self._watch.check(now)
        for socket in silent:
            self._give_up(self._brokers[socket], "silent", now, effects)
        if beat:
            self._probe_silent(now, effects)
        self._submissions.dispatch(now, effects)
        return effects

    def handle(self, event: Event, now: float) -> Sequence[Effect]:
        effects: list[Effect] = []
        match event:
            case Submitted(transaction):
                self._submissions.submit(transaction, now, effects)
            case Received(socket, frames):
                self._received(socket, frames, now, effects)
            case Connected(socket, _):
                self._welcome(socket, now, effects)
            case Disconnected(socket, _):
                self._lose(socket, "disconnected", now, effects)
                self._submissions.dispatch(now, effects)
            case Unroutable(socket, frames, _):
                self._undelivered(socket, frames, now, effects)
            case Drain():
                self._submissions.draining = True
                effects.append(Note("draining"))
        return effects

    # --- brokers ------------------------------------------------------------------------------------------

    def _welcome(self, socket: str, now: float, effects: list[Effect]) -> None:
        if socket in self._brokers:
            self._lose(socket, "connected anew", now, effects)
        broker = Broker(socket, self._outstanding_max, self._watch.add(socket, now))
        broker.pulse.excused = True
        self._brokers[socket] = broker
        effects.append(Note("peer-up", socket))
        self._greet(broker, now, effects)
        self._submissions.dispatch(now, effects)

    def _greet(self, broker: Broker, now: float, effects: list[Effect]) -> None:
        """Ask who it is, and do not wait for the answer: a plain queue may give none."""
        self._probe(broker, now, effects)
        self._offer(broker)

    def _offer(self, broker: Broker) -> None:
        self._submissions.dispatcher.offer(broker)

    def _lose(self, socket: str, why: str, now: float, effects: list[Effect]) -> None:
        """The connection is gone."""
        broker = self._brokers.pop(socket, None)
        if broker is not None:
            self._watch.discard(socket)
            self._submissions.lose(broker, why, now, effects)

    def _give_up(self, broker: Broker, why: str, now: float, effects: list[Effect]) -> None:
        """Silent for too long, but connected: no handshake will tell of its return, its next frame will."""
        self._withhold(broker)
        broker.pulse.excused = True
        self._submissions.lose(broker, why, now, effects)

    def _withhold(self, broker: Broker) -> None:
        broker.alive = False
        broker.workers = 0
        self._submissions.dispatcher.withhold(broker)

    def _heard(self, broker: Broker, now: float, effects: list[Effect]) -> None:
        """Any frame is life; one of ours shows with any that it keeps our cadence."""
        if broker.ours:
            broker.pulse.beat(now)
            broker.pulse.excused = False
        else:
            broker.pulse.heard_at = now
        if not broker.alive:
            broker.alive = True
            effects.append(Note("peer-up", broker.name.decode()))
            self._offer(broker)

    def _probe_silent(self, now: float, effects: list[Effect]) -> None:
        """Ask a silent broker of ours each interval; a plain queue, to which a probe is work, at a plain
        cadence, and only until it has answered.
        """
        for socket in self._watch.ask(now):
            broker = self._brokers[socket]
            interval_s = self._beats.interval_s if broker.ours else self._beats.plain_interval_s
            if broker.probed_at + interval_s <= now and (broker.ours or not broker.workers):
                self._probe(broker, now, effects)

    def _probe(self, broker: Broker, now: float, effects: list[Effect]) -> None:
        broker.probed_at = now
        patience_s = self._beats.plain_interval_s * self._beats.liveness
        header = wire.pack_header(Transaction(self._probe_id, (), now + patience_s, False), now, probe=True)
        effects.append(Send(broker.name.decode(), (header, EMPTY)))

    def _undelivered(self, socket: str, frames: Sequence[bytes], now: float, effects: list[Effect]) -> None:
        """A socket that takes nothing although its broker is connected: not to be relied on until it is heard
        again. What it holds is not lost by this: that is for its silence or its disconnection to say.
        """
        broker = self._brokers.get(socket)
        job = self._submissions.get(frames[0][wire.HEADER_SIZE :])
        if broker is None or job is None or job.peer is not broker:
            return
        self._submissions.unsent(job, now)
        self._withhold(broker)
        effects.append(Note("unroutable", socket, "given nothing until it is heard again"))
        self._submissions.dispatch(now, effects)

    # --- transactions -------------------------------------------------------------------------------------

    def _request(self, job: Job[Frames], peer: Peer[Frames], now: float) -> Send:
        header = wire.pack_header(Transaction(job.id, job.message, job.deadline, job.retry), now)
        return Send(peer.name.decode(), (header, EMPTY, *job.message))

    def _received(self, socket: str, frames: list[bytes], now: float, effects: list[Effect]) -> None:
        broker = self._brokers.get(socket)
        if broker is None:
            return
        self._heard(broker, now, effects)
        try:
            stack, body = open_envelope(frames, 0, self._frames_max)
            if len(stack) != 1 or not wire.is_header(stack[0]):
                raise Malformed(
                    f"a reply is [header, empty, status, body...], got {len(stack)} address frames"
                )
            if stack[0][wire.HEADER_SIZE :] == self._probe_id:
                self._probed(broker, body, now, effects)
            else:
                self._reply(broker, stack[0], body, now, effects)
        except Malformed as malformed:
            effects.append(Note("malformed", socket, str(malformed)))
        self._submissions.dispatch(now, effects)

    def _probed(self, broker: Broker, body: list[bytes], now: float, effects: list[Effect]) -> None:
        if len(body) == 2 and wire.parse_reply_status(body[0], self._probe_id) is not None:
            _, broker.workers = wire.parse_probe_answer(body[1])
            if not broker.ours:
                broker.ours = True
                broker.pulse.excused = False
                broker.pulse.beat(now)
        else:
            broker.workers = 1

    def _reply(
        self, broker: Broker, header: bytes, body: list[bytes], now: float, effects: list[Effect]
    ) -> None:
        broker.workers = broker.workers or 1
        id = header[wire.HEADER_SIZE :]
        job = self._submissions.get(id)
        if job is None or not wire.is_sent_with(header, job.deadline):
            wire.parse_header(header, now)
            effects.append(Note("stale", show(id), "a reply that nobody waits for"))
            return
        if job.peer is broker and wire.gives_back(body, id) and now < job.deadline:
            effects.append(Note("retired", broker.name.decode(), "it is draining"))
            self._submissions.dispatcher.retire(broker)
            self._submissions.unsent(job, now)
            return
        if job.peer is not None:
            self._submissions.dispatcher.release(job)
        else:
            self._submissions.dispatcher.waiting.discard(job)
        self._submissions.answer(job, body, 0, now, effects)
