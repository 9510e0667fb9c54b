"""The broker of a binary star: primary and backup, of which one is active; the rules of the guide's chapter 4.

Invariant: requests are taken in the state active only, and a backup that has not heard its primary never becomes
active by itself. Of two brokers that hear each other at most one stays active. PROTOCOL.md, section 10.

Theory of operation: the two tell each other their state every state interval and at each change. What the other says
moves a broker along ``RULES``. A client's request moves it to active where ``TAKES_OVER`` allows it and the other has
been silent for two of them: it takes the silence *and* a client to whom the other is lost, too. All else is the
Paranoid Pirate broker's: workers say READY to both, and the one that is not active has nothing to hand to them.
"""

import enum
import math
from collections.abc import Mapping, Sequence

from brokered.broker import FRONTEND, Broker
from brokered.ppp import EMPTY, open_envelope
from common import wire
from common.machine import (
    Connected,
    Disconnected,
    Drain,
    Effect,
    Event,
    Note,
    Received,
    Send,
    Unroutable,
    show,
)
from common.settings import Settings
from common.transaction import Fate
from common.wire import Malformed

STATE = "state"
"""The socket at which the two tell each other: a ROUTER bound by the primary, a DEALER connected by the backup."""

PASSIVE_REASON = b"passive"
"""The reason of a rejection by a broker that is not the active one: it has not looked at the request."""

SILENT_BEATS = 2
"""State intervals without a word from the other after which a client's request counts."""

LATE = 0.5
"""State intervals by which a tick may be late before the other's silence is put down to our own sleep."""

MAGIC = b"BBSS"
VERSION = 1


class State(enum.Enum):
    """What a broker is; the value is its byte on the wire."""

    PRIMARY = 1
    """Begun as the primary, nothing heard yet."""
    BACKUP = 2
    """Begun as the backup, nothing heard yet."""
    ACTIVE = 3
    PASSIVE = 4


RULES = {
    (State.PRIMARY, State.BACKUP): State.ACTIVE,
    (State.PRIMARY, State.ACTIVE): State.PASSIVE,
    (State.BACKUP, State.ACTIVE): State.PASSIVE,
    (State.PASSIVE, State.PRIMARY): State.ACTIVE,  # the other has begun anew
    (State.PASSIVE, State.BACKUP): State.ACTIVE,
}
"""``{(own state, what the other says): new state}``; whatever is not here changes nothing."""

FATAL = {(State.ACTIVE, State.ACTIVE), (State.PASSIVE, State.PASSIVE)}
"""What must not be: each of the two goes back to the state that it began in."""

TAKES_OVER = {State.PRIMARY, State.PASSIVE}
"""States that a client's request turns to active when the other is silent."""


def pack_state(state: State) -> bytes:
    """The one frame of a state message."""
    return MAGIC + bytes((VERSION, state.value))


def parse_state(frame: bytes) -> State:
    """Read it.

    Raises:
        Malformed: anything else.
    """
    if len(frame) != len(MAGIC) + 2 or not frame.startswith(MAGIC + bytes((VERSION,))):
        raise Malformed(f"a state is {MAGIC!r}, version {VERSION} and one byte, got {frame[:16]!r}")
    try:
        return State(frame[-1])
    except ValueError:
        raise Malformed(f"a state must be 1 to {len(State)}, got {frame[-1]}") from None


class StarBroker:
    """The machine of role broker. Sockets: ``state``, and the two of ``Broker``, which it wraps."""

    def __init__(self, settings: Settings, first: State) -> None:
        """``first``: PRIMARY or BACKUP."""
        self._broker = Broker(settings)
        self._frames_max = settings.limits.frames
        self._interval_s = settings.beats.state_interval_s
        self._first = self.state = first
        self._peer: list[bytes] | None = None if first is State.PRIMARY else []
        """The address of the other at ``state``; None: it has not been heard."""
        self._heard_at = -math.inf
        self._beat_at = math.inf
        """When to tell the other next; from the first event on."""
        self._asking: dict[bytes, list[bytes]] = {}
        """{client: its probe}, the last of each, until the other is heard or has been silent for too long."""
        self._draining = False

    def __repr__(self) -> str:
        return f"<StarBroker {self.state.name.lower()} {self._broker!r}>"

    @property
    def drained(self) -> bool:
        return self._broker.drained

    def gauges(self) -> Mapping[str, int]:
        return {**self._broker.gauges(), "active": int(self.state is State.ACTIVE)}

    def deadline(self) -> float:
        return min(self._broker.deadline(), self._beat_at, self._takeover_at())

    def tick(self, now: float) -> Sequence[Effect]:
        effects: list[Effect] = []
        self._excuse(now - self.deadline(), effects)
        if now >= self._takeover_at():
            self._become(State.ACTIVE, "a client asks, and the other is silent", now, effects)
        if now >= self._beat_at:
            self._beat_at = now + self._interval_s
            self._tell(effects)
        effects += self._broker.tick(now)
        return effects

    def handle(self, event: Event, now: float) -> Sequence[Effect]:
        if self._beat_at == math.inf:
            self._begin(now)
        effects: list[Effect] = []
        match event:
            case Received():  # by attribute, not by pattern: this is asked for every message
                if event.socket == STATE:
                    self._from_peer(event.frames, now, effects)
                elif event.socket == FRONTEND and self.state is not State.ACTIVE:
                    self._asked(event.frames, now, effects)
                else:
                    return self._broker.handle(event, now)
            case Connected(socket, _) if socket == STATE:
                self._tell(effects)
            case Disconnected(socket, _) | Unroutable(socket, _, _) if socket == STATE:
                pass  # a broken connection is no proof of anything: silence decides
            case Disconnected(socket, client) if socket == FRONTEND:
                self._asking.pop(client, None)
                effects += self._broker.handle(event, now)
            case Drain():
                self._draining = True
                self._refuse_asking(effects)
                effects += self._broker.handle(event, now)
            case _:
                return self._broker.handle(event, now)
        return effects

    @property
    def _may_take_over(self) -> bool:
        return self.state in TAKES_OVER and not self._draining

    # --- time ---------------------------------------------------------------------------------------------

    def _begin(self, now: float) -> None:
        """With the first event: from then on the other may be silent for too long."""
        self._heard_at = now
        self._beat_at = now + self._interval_s

    def _silent_at(self) -> float:
        return self._heard_at + SILENT_BEATS * self._interval_s

    def _takeover_at(self) -> float:
        """When a client that waits for an answer makes this the active one; ``math.inf``: nobody does."""
        return self._silent_at() if self._asking else math.inf

    def _excuse(self, late_s: float, effects: list[Effect]) -> None:
        """Silence that passed while we slept is nobody's. An active one that has not spoken for so long that the
        other may have taken over is like one that was started again: it listens before it serves.
        """
        if late_s <= LATE * self._interval_s:
            return
        self._heard_at += late_s
        if (
            self.state is State.ACTIVE
            and late_s >= (SILENT_BEATS - 1) * self._interval_s
            and not self._draining
        ):
            self._change(self._first, "it slept, and the other may have taken over", effects)

    # --- the other ----------------------------------------------------------------------------------------

    def _from_peer(self, frames: list[bytes], now: float, effects: list[Effect]) -> None:
        if self._draining:
            return
        try:
            said = parse_state(frames[-1])
            if len(frames) != (2 if self._first is State.PRIMARY else 1):
                raise Malformed(f"a state message has 1 frame, got {len(frames)}")
        except Malformed as malformed:
            effects.append(Note("malformed", show(frames[0]), str(malformed)))
            return
        new, self._peer = frames[:-1] != self._peer, frames[:-1]
        self._heard_at = now
        before = self.state
        if (before, said) in FATAL:
            effects.append(Note("fatal", said.name.lower(), f"both are {said.name.lower()}"))
            self._become(self._first, "it begins anew", now, effects)
        elif (before, said) in RULES:
            self._become(RULES[before, said], f"the other is {said.name.lower()}", now, effects)
        elif new:
            self._tell(effects)
        self._refuse_asking(effects)

    def _tell(self, effects: list[Effect]) -> None:
        """Say what this one is. One that drains is silent: the other may take over."""
        if self._peer is not None and not self._draining:
            effects.append(Send(STATE, (*self._peer, pack_state(self.state))))

    def _become(self, state: State, why: str, now: float, effects: list[Effect]) -> None:
        self._change(state, why, effects)
        if state is State.ACTIVE:
            asking, self._asking = self._asking, {}
            for frames in asking.values():
                effects += self._broker.handle(Received(FRONTEND, frames), now)

    def _change(self, state: State, why: str, effects: list[Effect]) -> None:
        self.state = state
        effects.append(Note("state", state.name.lower(), why))
        self._tell(effects)

    # --- clients of one that is not active ----------------------------------------------------------------

    def _asked(self, frames: list[bytes], now: float, effects: list[Effect]) -> None:
        """A client's request: it takes over where it may; else the client is told to try the other."""
        if self._may_take_over and now >= self._silent_at():
            self._become(State.ACTIVE, "a client asks, and the other is silent", now, effects)
            effects += self._broker.handle(Received(FRONTEND, frames), now)
            return
        try:
            stack, _ = open_envelope(frames, 1, self._frames_max)
            header = wire.parse_header(stack[-1], now) if stack and wire.is_header(stack[-1]) else None
        except Malformed as malformed:
            effects.append(Note("malformed", show(frames[0]), str(malformed)))
            return
        if header is None:
            effects.append(Note("dropped", show(frames[0]), PASSIVE_REASON.decode()))
        elif header.probe and self._may_take_over:
            self._asking[frames[0]] = frames
        else:
            effects.append(Note("rejected", header.id.decode(), PASSIVE_REASON.decode()))
            self._refuse(frames, header.id, effects)

    def _refuse_asking(self, effects: list[Effect]) -> None:
        """The other lives: whoever asks may go there."""
        asking, self._asking = self._asking, {}
        for frames in asking.values():
            stack, _ = open_envelope(frames, 1, self._frames_max)
            self._refuse(frames, stack[-1][wire.HEADER_SIZE :], effects)

    def _refuse(self, frames: list[bytes], id: bytes, effects: list[Effect]) -> None:
        address = frames[: frames.index(EMPTY, 1)]
        status = wire.pack_status(id, Fate.REJECTED)
        effects.append(Send(FRONTEND, (*address, EMPTY, status, PASSIVE_REASON)))
