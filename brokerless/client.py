"""The Freelance client: connected to every worker, hands each transaction to the one with the fewest of its own.

Invariant: see Submissions. A worker is available from its first PONG to its disconnection or too long a silence, as
far as its credit goes; one that is silent but connected is pinged on, and is back with its next PONG.
PROTOCOL.md, sections 5 to 7; RFC 10's client side, with one DEALER an endpoint (identical on the wire).
"""

from collections.abc import Mapping, Sequence

from brokerless.flp import PING, PONG
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


class Server(Peer[Frames]):
    """A connected worker, or a plain server."""

    __slots__ = ("alive", "ours", "pings", "pings_before")

    def __init__(self, socket: str, credit: int, pulse: Pulse) -> None:
        super().__init__(socket.encode(), credit, pulse)
        self.alive = False
        """It has answered a PING since it was connected or last given up."""
        self.ours = False
        """It answers PINGs while it works, or replies with a status: a plain server does neither, and is not
        judged while it holds a request in time."""
        self.pings = 0
        """PINGs that it has not answered."""
        self.pings_before = 0
        """Those of them that were sent before it was last handed a request: their PONGs, should they come
        while it works, do not tell that it answers while it works."""


class Client:
    """The machine of a brokerless front. Sockets: one DEALER a worker."""

    def __init__(self, settings: Settings) -> None:
        self._credit = settings.credit
        self._frames_max = settings.limits.frames
        self._watch: Watch[str] = Watch(settings.beats)
        self._servers: dict[str, Server] = {}
        self._submissions = Submissions(settings, self._request, grace_s=0.0)

    def __repr__(self) -> str:
        alive = sum(server.alive for server in self._servers.values())
        return f"<Client {alive} of {len(self._servers)} servers alive, {len(self._submissions)} open>"

    @property
    def ready(self) -> bool:
        return any(server.alive and not server.retired for server in self._servers.values())

    @property
    def drained(self) -> bool:
        return self._submissions.drained

    def gauges(self) -> Mapping[str, int]:
        dispatcher = self._submissions.dispatcher
        return {
            "queued": len(dispatcher.waiting),
            "outstanding": dispatcher.held,
            "workers": sum(server.alive and not server.retired for server in self._servers.values()),
        }

    def deadline(self) -> float:
        return min(self._watch.due, self._submissions.deadline())

    def tick(self, now: float) -> Sequence[Effect]:
        effects: list[Effect] = []
        for job in self._submissions.overdue(now, effects):
            if isinstance(job.peer, Server):
                self._excuse(job.peer, now)
        beat, silent = self._watch.check(now)
        for socket in silent:
            self._give_up(self._servers[socket], "silent", now, effects)
        if beat:
            effects += [self._ping(self._servers[socket]) for socket in self._watch.ask(now)]
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

    # --- servers ------------------------------------------------------------------------------------------

    def _welcome(self, socket: str, now: float, effects: list[Effect]) -> None:
        if socket in self._servers:
            self._lose(socket, "connected anew", now, effects)
        server = self._servers[socket] = Server(socket, self._credit, self._watch.add(socket, now))
        effects.append(self._ping(server))
        self._submissions.dispatch(now, effects)

    def _ping(self, server: Server) -> Send:
        server.pings += 1
        return Send(server.name.decode(), (PING,))

    def _lose(self, socket: str, why: str, now: float, effects: list[Effect]) -> None:
        """The connection is gone."""
        server = self._servers.pop(socket, None)
        if server is not None:
            self._watch.discard(socket)
            self._submissions.lose(server, why, now, effects)

    def _give_up(self, server: Server, why: str, now: float, effects: list[Effect]) -> None:
        """Silent for too long, but connected: it may come back."""
        server.alive = False
        server.pulse.excused = True
        self._submissions.lose(server, why, now, effects)

    def _pong(self, server: Server, now: float, effects: list[Effect]) -> None:
        server.pings = max(server.pings - 1, 0)
        if server.pings_before:
            server.pings_before -= 1
        elif server.held:
            server.ours = True
        server.pulse.beat(now)
        self._revive(server, effects)
        self._excuse(server, now)

    def _revive(self, server: Server, effects: list[Effect]) -> None:
        if not server.alive:
            server.alive = True
            effects.append(Note("peer-up", server.name.decode()))
            self._submissions.dispatcher.offer(server)

    def _excuse(self, server: Server, now: float) -> None:
        """Whether a plain server's silence is judged: not while it holds a request that is still in time."""
        if not server.alive:
            return
        excused = not server.ours and any(job.deadline > now for job in server.held)
        if server.pulse.excused and not excused:
            server.pulse.heard_at = now
        server.pulse.excused = excused

    def _undelivered(self, socket: str, frames: Sequence[bytes], now: float, effects: list[Effect]) -> None:
        """A socket that takes nothing although its server is connected: not to be relied on until it is heard
        again. What it holds is not lost by this: that is for its silence or its disconnection to say.
        """
        server = self._servers.get(socket)
        if server is None:
            return
        if frames[0] == PING:
            server.pings -= 1
            return
        job = next((job for job in reversed(server.held) if job.id == frames[0][wire.HEADER_SIZE :]), None)
        if job is not None:
            self._submissions.unsent(job, now)
        server.alive = False
        self._submissions.dispatcher.withhold(server)
        effects.append(Note("unroutable", socket, "given nothing until it is heard again"))
        self._submissions.dispatch(now, effects)

    # --- transactions -------------------------------------------------------------------------------------

    def _request(self, job: Job[Frames], peer: Peer[Frames], now: float) -> Send:
        assert isinstance(peer, Server)
        peer.pulse.excused = peer.pulse.excused or not peer.ours
        peer.pings_before = peer.pings
        header = wire.pack_header(Transaction(job.id, job.message, job.deadline, job.retry), now)
        return Send(peer.name.decode(), (header, *job.message))

    def _received(self, socket: str, frames: list[bytes], now: float, effects: list[Effect]) -> None:
        server = self._servers.get(socket)
        if server is None:
            return
        if server.ours:
            server.pulse.beat(now)
        else:
            server.pulse.heard_at = now
        try:
            if frames == [PONG]:
                self._pong(server, now, effects)
            else:
                self._reply(server, frames, now, effects)
        except Malformed as malformed:
            effects.append(Note("malformed", socket, str(malformed)))
        self._submissions.dispatch(now, effects)

    def _reply(self, server: Server, frames: list[bytes], now: float, effects: list[Effect]) -> None:
        if len(frames) > self._frames_max:
            raise Malformed(f"a message has at most {self._frames_max} frames, got {len(frames)}")
        control, *body = frames
        if not wire.is_header(control):
            raise Malformed(f"a reply is PONG or [header, status, body...], got {control[:16]!r}")
        job = _held(server, control)
        if job is None:
            id = wire.parse_header(control, now).id
            effects.append(Note("stale", show(id), "a reply that nobody waits for"))
            return
        self._revive(server, effects)
        server.ours = server.ours or (bool(body) and wire.is_status(body[0]))
        if wire.gives_back(body, job.id):
            effects.append(Note("retired", server.name.decode(), "it is draining"))
            self._submissions.dispatcher.retire(server)
            if now < job.deadline and self._submissions.is_open(job):
                self._submissions.unsent(job, now)
                return
        slot_us = int((now - job.sent_at) * 1e6)
        self._submissions.dispatcher.release(job)
        self._excuse(server, now)
        self._submissions.answer(job, body, slot_us, now, effects)


def _held(server: Server, control: bytes) -> Job[Frames] | None:
    """What the server holds under that control frame, oldest first: usually the first."""
    id = control[wire.HEADER_SIZE :]
    return next((job for job in server.held if job.id == id), None)
