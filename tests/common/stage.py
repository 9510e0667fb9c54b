"""A machine on a stage: what happens is told, time is set, and what it asks for is looked at.

The stage keeps a driver's duties (what is due comes before what arrived) and checks, at every step, what any
machine owes: a second tick changes nothing, no deadline in the past after a tick, notes of known kinds, gauges
that are not negative, no message without a frame.
"""

from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

from common import wire
from common.machine import NOTES, Effect, Event, Execute, Machine, Note, Reopen, Resolve, Send
from common.transaction import Answer, Fate, Frames, Transaction

START = 1000.0
"""Now, at the beginning: not 0, so that a machine that counts on 0 fails."""

AnyMachine = TypeVar("AnyMachine", bound=Machine)


class Stage(Generic[AnyMachine]):
    def __init__(self, machine: AnyMachine, now: float = START) -> None:
        self.machine = machine
        self.now = now

    def tell(self, event: Event) -> list[Effect]:
        """Something happens now; nothing is due."""
        assert self.machine.deadline() > self.now, f"{self.machine!r} is due: wait first, or use `late`"
        return self.checked(self.machine.handle(event, self.now))

    def tell_all(self, events: Iterable[Event]) -> list[Effect]:
        return [effect for event in events for effect in self.tell(event)]

    def wait(self, seconds: float) -> list[Effect]:
        """Time passes, and every tick comes when it is due."""
        end = self.now + seconds
        effects: list[Effect] = []
        while (due := self.machine.deadline()) <= end:
            self.now = max(self.now, due)
            effects += self.tick()
        self.now = end
        return effects

    def oversleep(self, seconds: float) -> list[Effect]:
        """Time passes while this process is not given any: one tick, late."""
        self.now += seconds
        return self.tick()

    def tick(self) -> list[Effect]:
        effects = self.checked(self.machine.tick(self.now))
        before = repr(self.machine), self.machine.gauges()
        assert not self.machine.tick(self.now), "a second tick changes nothing"
        assert (repr(self.machine), self.machine.gauges()) == before
        assert self.machine.deadline() > self.now, "after a tick nothing is due"
        return effects

    def checked(self, effects: Sequence[Effect]) -> list[Effect]:
        for effect in effects:
            match effect:
                case Note(kind, subject, _):
                    assert kind in NOTES
                    assert subject.isprintable()
                case Send(_, frames):
                    assert frames
                    assert all(isinstance(frame, bytes) for frame in frames)
        gauges = self.machine.gauges()
        assert all(isinstance(depth, int) and depth >= 0 for depth in gauges.values()), gauges
        return list(effects)


def sends(effects: Iterable[Effect], socket: str | None = None) -> list[tuple[bytes, ...]]:
    """Messages, of one socket or all."""
    return [
        tuple(effect.frames)
        for effect in effects
        if isinstance(effect, Send) and socket in (None, effect.socket)
    ]


def kinds(effects: Iterable[Effect]) -> list[str]:
    """Kinds of the notes."""
    return [effect.kind for effect in effects if isinstance(effect, Note)]


def noted(effects: Iterable[Effect], kind: str) -> list[Note]:
    return [effect for effect in effects if isinstance(effect, Note) and effect.kind == kind]


def resolved(effects: Iterable[Effect]) -> dict[bytes, Answer]:
    """``{id: answer}``; none may be answered twice."""
    found: dict[bytes, Answer] = {}
    for effect in effects:
        if isinstance(effect, Resolve):
            assert effect.id not in found, f"{effect.id!r} was answered twice"
            found[effect.id] = effect.answer
    return found


def fates(effects: Iterable[Effect]) -> dict[bytes, Fate]:
    return {id: answer.fate for id, answer in resolved(effects).items()}


def executes(effects: Iterable[Effect]) -> list[Execute]:
    return [effect for effect in effects if isinstance(effect, Execute)]


def reopened(effects: Iterable[Effect]) -> list[str]:
    return [effect.socket for effect in effects if isinstance(effect, Reopen)]


def header(
    id: bytes, now: float = START, ttl_s: float = 5.0, *, retry: bool = True, probe: bool = False
) -> bytes:
    return wire.pack_header(Transaction(id, (), now + ttl_s, retry), now, probe=probe)


def id_of(frame: bytes) -> bytes:
    """Whose header it is."""
    return wire.parse_header(frame, START).id


def status_of(frames: Sequence[bytes]) -> tuple[Fate, Frames]:
    """Fate and body of a reply: what follows the first empty frame (PPP) or the control frame (FLP)."""
    body = tuple(frames[frames.index(b"") + 1 :])
    status = wire.parse_status(body[0])
    return status.fate, body[1:]
