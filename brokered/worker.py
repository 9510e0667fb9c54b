"""The Paranoid Pirate worker's session: conversations with one or several brokers, over one service.

Invariant: a conversation's READYs are its first frames, sent back to back on a new connection, as many as
the worker's credit less what it still executes for that broker. What a lost broker had waiting here is
forgotten: it has been given to somebody else, or answered unknown. PROTOCOL.md, sections 4 to 6; RFC 6.
"""

from collections.abc import Mapping, Sequence

from brokered.ppp import EMPTY, HEARTBEAT, READY, open_envelope
from common import wire
from common.intake import Intake, Work
from common.liveness import Pulse, Watch
from common.machine import (
    Connected,
    Disconnected,
    Drain,
    Effect,
    Event,
    Finished,
    Note,
    Received,
    Reopen,
    Send,
    Unroutable,
)
from common.settings import Settings
from common.transaction import Fate
from common.wire import Malformed


class Conversation:
    """With one broker, on one connection."""

    __slots__ = ("name", "owed", "pulse")

    def __init__(self, name: str, pulse: Pulse) -> None:
        self.name = name
        self.pulse = pulse
        self.owed = 0
        """READYs to be sent when the execution for the conversation before is over: with no other credit
        there is nothing to open this one with."""


class Worker:
    """The machine of a brokered worker. Sockets: one DEALER a broker."""

    def __init__(self, settings: Settings, sockets: Sequence[str], opaque_prefix: str) -> None:
        beats, limits = settings.beats, settings.limits
        self._credit = settings.credit
        self._frames_max = limits.frames
        self._watch: Watch[str] = Watch(beats)
        self._conversations: dict[str, Conversation] = {}
        self._opened = dict.fromkeys(sockets, 0)
        self._intake = Intake(
            max(limits.queue, settings.credit), beats.interval_s * beats.liveness, opaque_prefix, self._reply
        )

    def __repr__(self) -> str:
        return f"<Worker {len(self._conversations)} conversations, {len(self._intake)} held>"

    @property
    def drained(self) -> bool:
        return self._intake.drained

    def gauges(self) -> Mapping[str, int]:
        return {
            "waiting": self._intake.waiting,
            "executing": int(self._intake.executing is not None),
            "conversations": len(self._conversations),
        }

    def deadline(self) -> float:
        return min(self._watch.due, self._intake.deadline())

    def tick(self, now: float) -> Sequence[Effect]:
        effects: list[Effect] = []
        self._intake.tick(now)
        beat, silent = self._watch.check(now)
        for socket in silent:
            self._lose(socket, "silent", effects)
        if beat:
            effects += [
                Send(socket, (HEARTBEAT,)) for socket, talk in self._conversations.items() if not talk.owed
            ]
        return effects

    def handle(self, event: Event, now: float) -> Sequence[Effect]:
        effects: list[Effect] = []
        match event:
            case Received(socket, frames):
                self._received(socket, frames, now, effects)
            case Finished():
                self._finished(event, now, effects)
            case Connected(socket, _):
                self._open(socket, now, effects)
            case Disconnected(socket, _):
                self._lose(socket, "disconnected", effects)
            case Unroutable(socket, _, _):
                self._lose(socket, "unroutable", effects)
            case Drain():
                self._intake.drain(now, effects)
        return effects

    def _open(self, socket: str, now: float, effects: list[Effect]) -> None:
        """A new connection: say READY for each transaction that could be begun or wait here."""
        if self._intake.draining:
            return
        self._opened[socket] += 1
        name = f"{socket}#{self._opened[socket]}"
        talk = self._conversations[socket] = Conversation(name, self._watch.add(socket, now))
        effects.append(Note("peer-up", socket))
        executing = self._intake.executing
        busy = executing is not None and self._socket(executing) == socket
        credit = self._credit - busy
        if credit:
            effects += [Send(socket, (READY,))] * credit
        else:
            talk.owed = self._credit
            talk.pulse.excused = True

    def _lose(self, socket: str, why: str, effects: list[Effect]) -> None:
        talk = self._conversations.pop(socket, None)
        if talk is None:
            return
        self._watch.discard(socket)
        forgotten = self._intake.abandon(talk.name)
        effects.append(Note("peer-lost", socket, f"{why}; {forgotten} that waited here are forgotten"))
        effects.append(Reopen(socket))

    def _received(self, socket: str, frames: list[bytes], now: float, effects: list[Effect]) -> None:
        talk = self._conversations.get(socket)
        if talk is None or talk.owed:  # to whom no READY was said, has nothing to ask
            return
        try:
            if frames == [HEARTBEAT]:
                talk.pulse.beat(now)
            else:
                talk.pulse.heard_at = now
                self._request(socket, talk, frames, now, effects)
        except Malformed as malformed:
            effects.append(Note("malformed", socket, str(malformed)))

    def _request(
        self, socket: str, talk: Conversation, frames: list[bytes], now: float, effects: list[Effect]
    ) -> None:
        stack, body = open_envelope(frames, 0, self._frames_max)
        if not stack:
            raise Malformed("a REQUEST is [client..., empty, body...], and has an address")
        header = wire.parse_header(stack[-1], now) if wire.is_header(stack[-1]) else None
        if header is not None and header.probe:
            if body:
                raise Malformed(f"a probe has no body, got {len(body)} frames")
            status = wire.pack_status(header.id, Fate.COMPLETED)
            effects.append(Send(socket, (*stack, EMPTY, status)))
            return
        if not body:
            raise Malformed("a REQUEST has at least one body frame, got none")
        self._intake.take(header, body, talk.name, [*stack, EMPTY], now, effects)

    def _finished(self, finished: Finished, now: float, effects: list[Effect]) -> None:
        work = self._intake.finish(finished, now, effects)
        talk = self._conversations.get(self._socket(work))
        if talk is not None and talk.owed and not self._intake.draining:
            effects += [Send(self._socket(work), (READY,))] * talk.owed
            talk.owed = 0
            talk.pulse.excused = False
            talk.pulse.heard_at = now

    def _reply(self, work: Work, frames: Sequence[bytes]) -> Send | None:
        """A reply goes into the conversation of now, also if the work was begun in one before (it gives that
        credit back), unless that has yet to be opened by its READY.
        """
        socket = self._socket(work)
        talk = self._conversations.get(socket)
        if talk is None or talk.owed:
            return None
        return Send(socket, (*work.address, *frames))

    @staticmethod
    def _socket(work: Work) -> str:
        return work.source.rpartition("#")[0]
