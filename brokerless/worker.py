"""The Freelance server's session: a bound socket that anybody may ask, over one service.

Invariant: the control frame goes back unmodified; a PING is answered at once, whatever the service does. What a
lost client had waiting here is forgotten. PROTOCOL.md, sections 5 and 6; RFC 10.
"""

from collections.abc import Mapping, Sequence

from brokerless.flp import PING, PONG
from common import wire
from common.intake import Intake, Work
from common.machine import (
    Disconnected,
    Drain,
    Effect,
    Event,
    Finished,
    Note,
    Received,
    Send,
    Unroutable,
    show,
)
from common.settings import Settings
from common.transaction import Fate
from common.wire import Malformed

SERVICE = "service"


class Worker:
    """The machine of a brokerless worker. Socket: ``service``, a ROUTER whose routing id is its endpoint."""

    def __init__(self, settings: Settings, opaque_prefix: str) -> None:
        beats, limits = settings.beats, settings.limits
        self._frames_max = limits.frames
        self._intake = Intake(
            max(limits.queue, settings.credit), beats.interval_s * beats.liveness, opaque_prefix, self._reply
        )

    def __repr__(self) -> str:
        return f"<Worker {len(self._intake)} held>"

    @property
    def drained(self) -> bool:
        return self._intake.drained

    def gauges(self) -> Mapping[str, int]:
        return {"waiting": self._intake.waiting, "executing": int(self._intake.executing is not None)}

    def deadline(self) -> float:
        return self._intake.deadline()

    def tick(self, now: float) -> Sequence[Effect]:
        self._intake.tick(now)
        return ()

    def handle(self, event: Event, now: float) -> Sequence[Effect]:
        effects: list[Effect] = []
        match event:
            case Received(_, frames):
                try:
                    self._received(frames, now, effects)
                except Malformed as malformed:
                    effects.append(Note("malformed", show(frames[0]), str(malformed)))
            case Finished():
                self._intake.finish(event, now, effects)
            case Disconnected(_, client):
                forgotten = self._intake.abandon(client.hex())
                if forgotten:
                    why = f"its client is gone; {forgotten} that waited here are forgotten"
                    effects.append(Note("dropped", show(client), why))
            case Unroutable(_, frames, _):
                effects.append(Note("unroutable", show(frames[0]), "its client is gone"))
            case Drain():
                self._intake.drain(now, effects)
        return effects

    def _received(self, frames: list[bytes], now: float, effects: list[Effect]) -> None:
        if len(frames) > self._frames_max:
            raise Malformed(f"a message has at most {self._frames_max} frames, got {len(frames)}")
        if len(frames) < 2:
            raise Malformed("a message is PING or [control, body...], got no frame")
        client, control, *body = frames
        if not body and control == PING:
            effects.append(Send(SERVICE, (client, PONG)))
            return
        header = wire.parse_header(control, now) if wire.is_header(control) else None
        if header is not None and header.probe:
            if body:
                raise Malformed(f"a probe has no body, got {len(body)} frames")
            effects.append(Send(SERVICE, (client, control, wire.pack_status(header.id, Fate.COMPLETED))))
            return
        if not body:
            raise Malformed("a request has at least one body frame, got none")
        self._intake.take(header, body, client.hex(), [client, control], now, effects)

    def _reply(self, work: Work, frames: Sequence[bytes]) -> Send:
        return Send(SERVICE, (*work.address, *frames))
