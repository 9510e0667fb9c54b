"""The Paranoid Pirate client, told anything in any order."""

from random import Random

from hypothesis import settings

from brokered.client import Client
from brokered.ppp import EMPTY
from common import wire
from common.settings import Limits
from common.transaction import Fate
from tests.common.submitting import Submitting


class Asking(Submitting):
    sockets = ["broker-1", "broker-2"]  # noqa: RUF012
    grace_s = Limits().grace_s

    def make(self, settings):
        return Client(settings, Random(7))

    def is_control(self, frames):
        return wire.parse_header(frames[0], 0).probe

    def answer_control(self, frames):
        status = wire.pack_status(frames[0][wire.HEADER_SIZE :], Fate.COMPLETED)
        return [frames[0], EMPTY, status, wire.pack_probe_answer(0, 1)]

    def answer(self, frames, body):
        return [frames[0], EMPTY, *body]

    def free(self):
        """White box: by the client's account of what each broker holds."""
        brokers = self.stage.machine._brokers
        available = [brokers[name] for name in self.connected - self.unavailable if name in brokers]
        return sum(broker.credit - len(broker.held) for broker in available)


Asking.TestCase.settings = settings(max_examples=60, stateful_step_count=50)
TestClient = Asking.TestCase
