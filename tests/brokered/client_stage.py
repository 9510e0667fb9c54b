"""The client side of the brokered protocols for tests: what brokers send it, and what it sends them."""

from typing import TypeVar

from brokered.client import Client
from brokered.ppp import EMPTY
from common import wire
from common.machine import Connected, Disconnected, Effect, Received, Submitted, Unroutable
from common.transaction import Fate, Transaction
from tests.common.stage import Stage, sends

B1, B2 = "broker-1", "broker-2"

AClient = TypeVar("AClient", bound=Client)


class AskingStage(Stage[AClient]):
    def connects(self, broker: str = B1) -> list[Effect]:
        return self.tell(Connected(broker, b"tcp://broker"))

    def disconnects(self, broker: str = B1) -> list[Effect]:
        return self.tell(Disconnected(broker, b"tcp://broker"))

    def submit(self, id: bytes = b"a", *body: bytes, retry: bool = True, ttl_s: float = 5.0) -> list[Effect]:
        return self.tell(Submitted(Transaction(id, body or (b"x",), self.now + ttl_s, retry)))

    def receives(self, *frames: bytes, broker: str = B1) -> list[Effect]:
        return self.tell(Received(broker, list(frames)))

    def reply(
        self, request, *body: bytes, fate: Fate | None = Fate.COMPLETED, broker: str = B1
    ) -> list[Effect]:
        """The broker's answer to what it was sent; with no fate as a plain worker gives it."""
        id = request[0][wire.HEADER_SIZE :]
        status = () if fate is None else (wire.pack_status(id, fate),)
        return self.receives(request[0], EMPTY, *status, *body, broker=broker)

    def refuses(self, request, broker: str = B1) -> list[Effect]:
        return self.tell(Unroutable(broker, request, False))

    def answers_probe(self, probe, workers: int = 3, broker: str = B1) -> list[Effect]:
        return self.reply(probe, wire.pack_probe_answer(0, workers), broker=broker)

    def keep_alive(self, seconds: float, broker: str = B1) -> list[Effect]:
        """Time passes, and a broker of ours answers every probe within a millisecond."""
        effects: list[Effect] = []
        end = self.now + seconds
        while self.now < end:
            step = self.wait(min(self.machine.deadline(), end) - self.now)
            for probe in probes(step, broker):
                step += self.wait(min(0.001, end - self.now))
                step += self.answers_probe(probe, broker=broker)
            effects += step
        return effects


def probes(effects, broker=None):
    return [m for m in sends(effects, broker) if wire.parse_header(m[0], 0).probe]


def requests(effects, broker=None):
    return [m for m in sends(effects, broker) if not wire.parse_header(m[0], 0).probe]


def ids(messages):
    return [message[0][wire.HEADER_SIZE :] for message in messages]
