"""A broker on a stage, and words for what its clients and workers do."""

from collections.abc import Iterable, Sequence

from brokered.broker import BACKEND, FRONTEND, Broker
from brokered.ppp import EMPTY, HEARTBEAT, READY
from common import wire
from common.machine import Disconnected, Effect, Received, Unroutable
from common.settings import Settings
from common.transaction import Fate
from tests.common.stage import Stage, header, sends

Message = tuple[bytes, ...]


class BrokerStage(Stage[Broker]):
    def __init__(self, settings: Settings = Settings()):  # noqa: B008 - frozen
        super().__init__(Broker(settings))

    def __repr__(self) -> str:
        return repr(self.machine)

    # --- workers ---

    def backend(self, *frames: bytes) -> list[Effect]:
        return self.tell(Received(BACKEND, list(frames)))

    def ready(self, worker: bytes, credit: int = 1) -> list[Effect]:
        """A worker opens a conversation."""
        return [effect for _ in range(credit) for effect in self.backend(worker, READY)]

    def heartbeat(self, worker: bytes) -> list[Effect]:
        return self.backend(worker, HEARTBEAT)

    def reply(
        self, request: Sequence[bytes], *body: bytes, fate: Fate | None = Fate.COMPLETED
    ) -> list[Effect]:
        """The worker's answer to what it was sent; with no fate as a plain worker gives it."""
        return self.backend(*reply_to(request, *body, fate=fate))

    def dies(self, worker: bytes) -> list[Effect]:
        return self.tell(Disconnected(BACKEND, worker))

    def keep_alive(self, seconds: float, *workers: bytes) -> list[Effect]:
        """Time passes, and these workers beat all the while."""
        effects: list[Effect] = []
        end = self.now + seconds
        while self.now < end - 1e-9:
            effects += self.wait(min(0.1, end - self.now))
            for worker in workers:
                effects += self.heartbeat(worker)
        return effects

    # --- clients ---

    def frontend(self, *frames: bytes) -> list[Effect]:
        return self.tell(Received(FRONTEND, list(frames)))

    def request(
        self, id: bytes, *body: bytes, client: bytes = b"front", retry: bool = True, ttl_s: float = 5.0
    ) -> list[Effect]:
        head = header(id, self.now, ttl_s, retry=retry)
        return self.frontend(client, head, EMPTY, *(body or (b"x",)))

    def opaque(self, *body: bytes, client: bytes = b"plain") -> list[Effect]:
        return self.frontend(client, EMPTY, *(body or (b"x",)))

    def refuses(self, frames: Sequence[bytes], socket: str = BACKEND) -> list[Effect]:
        """The network refuses what the broker sent."""
        return self.tell(Unroutable(socket, frames, True))


def reply_to(request: Sequence[bytes], *body: bytes, fate: Fate | None = Fate.COMPLETED) -> Message:
    null = request.index(EMPTY)
    stack = request[1:null]
    if fate is None or not wire.is_header(stack[-1]):
        return (*request[: null + 1], *body)
    id = stack[-1][wire.HEADER_SIZE :]
    return (*request[: null + 1], wire.pack_status(id, fate), *body)


def requests(effects: Iterable[Effect]) -> list[Message]:
    """What goes to workers, heartbeats left out."""
    return [frames for frames in sends(effects, BACKEND) if len(frames) > 2]


def beats(effects: Iterable[Effect]) -> list[bytes]:
    """Who is sent a heartbeat."""
    return [frames[0] for frames in sends(effects, BACKEND) if frames[1:] == (HEARTBEAT,)]


def replies(effects: Iterable[Effect]) -> list[Message]:
    """What goes to clients."""
    return sends(effects, FRONTEND)


def told(effects: Iterable[Effect]) -> list[tuple[bytes, Fate, tuple[bytes, ...]]]:
    """``(id, fate, body)`` of the replies to clients that have a status."""
    found = []
    for frames in replies(effects):
        _, frame, *body = frames[frames.index(EMPTY) :]
        status = wire.parse_status(frame)
        found.append((status.id, status.fate, tuple(body)))
    return found


def ids(messages: Iterable[Message]) -> list[bytes]:
    """Whose transactions they are; empty for an opaque one."""
    return [
        frame[wire.HEADER_SIZE :] if wire.is_header(frame := m[m.index(EMPTY) - 1]) else b"" for m in messages
    ]
