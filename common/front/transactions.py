"""The desk between HTTP and the client: takes orders, sees to it that a repeat shares the first one's answer.

Invariant: what was taken is answered once; what was refused was not handed on.
"""

import itertools
import secrets
from functools import partial

from common.front.client import Answered, Client
from common.front.inflight import Conflict, InFlight
from common.front.metrics import Tally
from common.front.problem import Refused
from common.front.request import Order
from common.transaction import Answer, Fate, Transaction


class Desk:
    """Takes transactions until it is told to stop."""

    def __init__(self, client: Client, tally: Tally) -> None:
        self.client = client
        self.draining = False
        self.in_flight = InFlight()
        self._tally = tally
        self._prefix = secrets.token_hex(8)
        """Ours alone, and another one after every restart."""
        self._count = itertools.count(1)

    def __repr__(self) -> str:
        return f"<Desk {'draining, ' if self.draining else ''}{len(self.in_flight)} in flight>"

    @property
    def ready(self) -> bool:
        """Whether a transaction handed in now has prospects."""
        return self.client.ready and not self.draining

    def make_id(self) -> bytes:
        """An id for a transaction that came without one, unique among all fronts."""
        return f"{self._prefix}-{next(self._count):x}".encode()

    def take(self, order: Order, body: bytes, answered: Answered) -> None:
        """Submit ``order``, or let it share the answer of the same one in flight. ``answered`` may be
        called at once.

        Raises:
            Refused: draining, or another body is in flight under this id.
        """
        if self.draining:
            raise Refused("draining", "this front is stopping and takes no new transactions", order.id)
        frames = (body,)
        try:
            first = self.in_flight.enter(order.id, frames, answered)
        except Conflict:
            raise Refused(
                "conflict",
                f"{order.id.decode()} is in flight with another body; a repeat must be equal",
                order.id,
            ) from None
        if not first:
            self._tally.repeats += 1
            return
        self.client.submit(
            Transaction(order.id, frames, order.deadline, order.retry), partial(self._resolve, order.id)
        )

    def abandon(self) -> None:
        """Answer everything in flight before its time: what is on its way may still happen."""
        self.in_flight.resolve_all(
            Answer(Fate.UNKNOWN, reason="this front stopped before there was an answer")
        )

    def _resolve(self, id: bytes, answer: Answer) -> None:
        if not self.in_flight.resolve(id, answer):
            self._tally.dropped += 1
