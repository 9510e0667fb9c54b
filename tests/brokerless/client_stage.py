"""A Freelance client on a stage, and words for what its servers do."""

from collections.abc import Iterable

from brokerless.client import Client
from brokerless.flp import PING, PONG
from common import wire
from common.machine import Connected, Disconnected, Effect, Received, Submitted, Unroutable
from common.settings import Settings
from common.transaction import Fate, Transaction
from tests.common.stage import Stage, sends

Message = tuple[bytes, ...]

W1, W2, W3 = "worker-1", "worker-2", "worker-3"


class ClientStage(Stage[Client]):
    def __init__(self, settings: Settings = Settings()):  # noqa: B008 - frozen
        super().__init__(Client(settings))

    def connects(self, server: str = W1) -> list[Effect]:
        return self.tell(Connected(server, b"tcp://worker"))

    def disconnects(self, server: str = W1) -> list[Effect]:
        return self.tell(Disconnected(server, b"tcp://worker"))

    def receives(self, *frames: bytes, server: str = W1) -> list[Effect]:
        return self.tell(Received(server, list(frames)))

    def pong(self, server: str = W1) -> list[Effect]:
        return self.receives(PONG, server=server)

    def joins(self, server: str = W1) -> list[Effect]:
        """A server is connected, and answers its first PING."""
        return self.connects(server) + self.pong(server)

    def submit(self, id: bytes = b"a", *body: bytes, retry: bool = True, ttl_s: float = 5.0) -> list[Effect]:
        return self.tell(Submitted(Transaction(id, body or (b"x",), self.now + ttl_s, retry)))

    def reply(
        self, request: Message, *body: bytes, fate: Fate | None = Fate.COMPLETED, server: str = W1
    ) -> list[Effect]:
        """The server's answer to what it was sent; with no fate as a plain server gives it."""
        status = () if fate is None else (wire.pack_status(request[0][wire.HEADER_SIZE :], fate),)
        return self.receives(request[0], *status, *body, server=server)

    def refuses(self, message: Message, server: str = W1) -> list[Effect]:
        return self.tell(Unroutable(server, message, False))

    def keep_alive(self, seconds: float, *servers: str) -> list[Effect]:
        """Time passes, and these servers answer every PING within a millisecond."""
        effects: list[Effect] = []
        end = self.now + seconds
        while self.now < end:
            step = self.wait(min(self.machine.deadline(), end) - self.now)
            pinged = [server for server in servers for _ in pings(step, server)]
            if pinged:
                step += self.wait(min(0.001, end - self.now))
            for server in pinged:
                step += self.pong(server)
            effects += step
        return effects


def pings(effects: Iterable[Effect], server: str | None = None) -> list[Message]:
    return [message for message in sends(effects, server) if message == (PING,)]


def requests(effects: Iterable[Effect], server: str | None = None) -> list[Message]:
    return [message for message in sends(effects, server) if message != (PING,)]


def ids(messages: Iterable[Message]) -> list[bytes]:
    return [message[0][wire.HEADER_SIZE :] for message in messages]
