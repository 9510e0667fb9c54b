"""A closed-loop step: so many loops, each of which sends its next transaction as soon as its last has ended.

Invariant: never more than ``concurrency`` transactions are under way, and none is sent after the step's end.
It finds capacity; its latencies are no measure of anything a user would see (a stalled system is not sent
anything).
"""

import asyncio
import time

from bench.load.exchange import Ending, Exchange
from bench.load.spec import NS_PER_S, TRANSACTIONS_MAX, Span
from bench.load.traffic import Traffic

PAUSE_S = 0.01
"""How long a loop holds off after a transaction that nobody took: else it would spin on a dead front."""

HOLD_OFF = frozenset((Ending.REJECTED, Ending.REFUSED, Ending.DROPPED))


class TooMany(Exception):
    """A closed step sent more transactions than a record may hold."""


class Window:
    """Which loops are free to send. Pure: ``now_ns`` is an argument."""

    def __init__(self, concurrency: int, end_ns: int, most: int = TRANSACTIONS_MAX) -> None:
        self.free = concurrency
        self.taken = 0
        """Transactions handed out, which is also the next one's index."""
        self._end_ns = end_ns
        self._most = most

    def __repr__(self) -> str:
        return f"<Window {self.free} free, {self.taken} handed out>"

    def take(self, now_ns: int) -> int | None:
        """The index of the transaction that a free loop sends now; None if no loop is free or the step is
        over.

        Raises:
            TooMany: the bound on their number is reached.
        """
        if not self.free or now_ns >= self._end_ns:
            return None
        if self.taken == self._most:
            raise TooMany(f"a closed step must send at most {self._most} transactions; shorten duration_s")
        self.free -= 1
        self.taken += 1
        return self.taken - 1

    def give_back(self) -> None:
        """A loop is free again."""
        self.free += 1


class Tally:
    """How many were completed within the measured part of a step."""

    def __init__(self, at: Span) -> None:
        self.completed = 0
        self._at = at

    def count(self, exchange: Exchange) -> None:
        """One has ended."""
        if exchange.ending is Ending.COMPLETED and self._at.warm_ns <= exchange.done_ns < self._at.end_ns:
            self.completed += 1

    @property
    def per_s(self) -> float:
        """Completed, over the length of the measured part."""
        return self.completed / ((self._at.end_ns - self._at.warm_ns) / NS_PER_S)


async def play(traffic: Traffic, concurrency: int, at: Span) -> Tally:
    """Keep ``concurrency`` transactions under way from the step's begin on; returns at its end, with a tally that still
    counts.
    """
    loop = asyncio.get_running_loop()
    failed: asyncio.Future[None] = loop.create_future()
    window = Window(concurrency, at.end_ns)
    tally = Tally(at)
    filling = False

    def fill() -> None:
        nonlocal filling
        if filling:  # an answer that came while its transaction was being sent: the loop below goes on
            return
        filling = True
        try:
            while (index := window.take(time.monotonic_ns())) is not None:
                traffic.send(index, None)
        except TooMany as error:
            if not failed.done():
                failed.set_exception(error)
        finally:
            filling = False

    def freed() -> None:
        window.give_back()
        fill()

    def ended(exchange: Exchange) -> None:
        tally.count(exchange)
        if exchange.ending in HOLD_OFF:
            loop.call_later(PAUSE_S, freed)
        else:
            freed()

    await asyncio.sleep((at.begin_ns - time.monotonic_ns()) / NS_PER_S)
    traffic.tell(ended)
    fill()
    await asyncio.wait([failed], timeout=(at.end_ns - time.monotonic_ns()) / NS_PER_S)
    if failed.done():
        failed.result()
    failed.cancel()
    return tally
