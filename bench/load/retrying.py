"""Clients that ask again: which transaction is tried once more, when, and what pays for it.

Invariant: a transaction is retried at most ``retries`` times; what may have happened is only tried again where it may
happen twice; where there is a budget, no retry is made that it does not pay for; none is due after the step's end, when
the clients go home, and each one that is due is sent.

A retry is a real further request and a transaction of its own, with its own id and its own end: the ledger's laws hold
for it as for any other. ``Retry-After`` is not honoured: these are the clients that a storm is made of, who come back
after a fixed time, whatever they are told.
"""

import asyncio
import time
from collections import deque
from typing import Literal, NamedTuple

from bench.load.exchange import Ending, Exchange
from bench.load.pacer import Timer
from bench.load.spec import NS_PER_S, Retrying
from bench.load.traffic import Traffic
from common.retries import RetryBudget

DONE_NOTHING = frozenset((Ending.REJECTED, Ending.REFUSED))
AGAIN = {"PUT": DONE_NOTHING | {Ending.UNKNOWN, Ending.BROKEN}, "POST": DONE_NOTHING}
"""What is tried again, by method."""


class Due(NamedTuple):
    """A retry."""

    at_ns: int
    place: int
    """Its index in the step, behind all that the schedule holds and all retries before it."""
    origin: int
    """The index of the first try."""
    retry: int
    """From 1."""


class Retrier:
    """What is to be tried again. Pure: instants are arguments, or in the exchanges."""

    def __init__(
        self, retrying: Retrying, method: Literal["PUT", "POST"], first_index: int, end_ns: int
    ) -> None:
        self._most = retrying.retries
        self._after_ns = round(retrying.after_s * NS_PER_S)
        self._budget = RetryBudget(retrying.budget) if retrying.budget else None
        self._again = AGAIN[method]
        self._next_index = first_index
        self._end_ns = end_ns
        self._pending: deque[Due] = deque()
        """In the order of time: what ends first is due first, as all wait equally long."""

    def __repr__(self) -> str:
        return f"<Retrier {len(self._pending)} pending>"

    def ended(self, exchange: Exchange) -> None:
        """Try it again later, if it ended badly, may be tried again and somebody pays for it. First tries pay."""
        if not exchange.retry and self._budget:
            self._budget.earn()
        at_ns = exchange.done_ns + self._after_ns
        if exchange.ending not in self._again or exchange.retry == self._most or at_ns >= self._end_ns:
            return
        if self._budget and not self._budget.spend():
            return
        self._pending.append(Due(at_ns, self._next_index, exchange.origin, exchange.retry + 1))
        self._next_index += 1

    def due(self, now_ns: int) -> list[Due]:
        """Take those whose instant has come."""
        due = []
        while self._pending and self._pending[0].at_ns <= now_ns:
            due.append(self._pending.popleft())
        return due

    def wake_ns(self) -> int:
        """When ``due`` is next worth calling; the end of the step at the latest."""
        return self._pending[0].at_ns if self._pending else self._end_ns


async def play(traffic: Traffic, retrier: Retrier, end_ns: int) -> None:
    """Retry what ends badly; returns at the step's end, when all that was due by then has been picked up."""
    loop = asyncio.get_running_loop()
    finished = loop.create_future()
    timer = Timer()

    def wake() -> None:
        now_ns = time.monotonic_ns()
        for due in retrier.due(now_ns):
            traffic.send_again(due.place, due.origin, due.retry, due.at_ns)
        if now_ns < end_ns:
            timer.arm(retrier.wake_ns())
        elif not finished.done():
            loop.remove_reader(timer.fd)
            finished.set_result(None)

    def ended(exchange: Exchange) -> None:
        retrier.ended(exchange)
        if not finished.done():
            timer.arm(retrier.wake_ns())

    traffic.tell(ended)
    loop.add_reader(timer.fd, wake)
    timer.arm(retrier.wake_ns())
    try:
        await finished
    finally:
        traffic.tell_nobody()
        loop.remove_reader(timer.fd)
        timer.close()
