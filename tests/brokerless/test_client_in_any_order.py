"""The Freelance client, told anything in any order."""

from hypothesis import settings
from hypothesis.stateful import invariant

from brokerless.client import Client
from brokerless.flp import PING, PONG
from tests.common.submitting import Submitting


class Asking(Submitting):
    sockets = ["worker-1", "worker-2"]  # noqa: RUF012

    def make(self, settings):
        return Client(settings)

    def is_control(self, frames):
        return frames == (PING,)

    def answer_control(self, frames):
        return [PONG]

    def held(self, socket):
        """White box: what a server holds by the client's account."""
        server = self.stage.machine._servers.get(socket)
        return [] if server is None else list(server.held)

    def wedged(self):
        submissions = self.stage.machine._submissions
        return sum(not submissions.is_open(job) for socket in self.sockets for job in self.held(socket))

    def free(self):
        servers = [self.stage.machine._servers[name] for name in self.connected - self.unavailable]
        return sum(
            self.credit - len(server.held) for server in servers if server.alive and not server.retired
        )

    @invariant()
    def no_server_holds_more_than_its_credit(self):
        assert all(len(self.held(socket)) <= self.credit for socket in self.sockets)


Asking.TestCase.settings = settings(max_examples=60, stateful_step_count=50)
TestClient = Asking.TestCase
