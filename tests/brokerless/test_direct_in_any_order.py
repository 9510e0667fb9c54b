"""The article's client, told anything in any order."""

from hypothesis import settings

from brokerless.direct import WORKERS, Client
from tests.common.submitting import Submitting


class Asking(Submitting):
    sockets = [WORKERS]  # noqa: RUF012

    def make(self, settings):
        return Client(settings)

    def reaches(self, socket):
        """An endpoint that nobody has bound takes a transaction too."""
        return True


Asking.TestCase.settings = settings(max_examples=40, stateful_step_count=40)
TestClient = Asking.TestCase
