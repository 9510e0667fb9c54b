"""A paced closed-loop step: so many users, each of whom asks once in a while, and never before the last answer.

Invariant: a user's transactions are a period apart as long as answers come within it; one who was kept waiting asks
at once when the answer has come, and makes up for nothing. So what was not asked meanwhile is missing from the record:
the load is coordinated with what it measures (Tene, How NOT to Measure Latency). Nothing is sent after the step's end.
"""

import asyncio
import time
from heapq import heappop, heappush

from bench.load.closed_loop import HOLD_OFF, PAUSE_S
from bench.load.exchange import Exchange
from bench.load.pacer import Timer
from bench.load.spec import NS_PER_S, PacedStep, Span
from bench.load.traffic import Traffic


class Users:
    """Whose turn it is to ask. Pure: ``now_ns`` is an argument."""

    def __init__(self, users: int, rate_per_s: float, at: Span) -> None:
        """All together ask ``rate_per_s``; their first turns are spread over a period."""
        self._period_ns = round(users * NS_PER_S / rate_per_s)
        self._end_ns = at.end_ns
        self._free = [(at.begin_ns + round(user * NS_PER_S / rate_per_s), user) for user in range(users)]
        """A heap: when each that waits for no answer asks next."""
        self._asking: dict[int, tuple[int, int]] = {}
        """By index of the transaction: who asked, and when it was their turn."""
        self._asked = 0

    def __repr__(self) -> str:
        return f"<Users {len(self._free)} free, {len(self._asking)} waiting, {self._asked} asked>"

    def due(self, now_ns: int) -> list[int]:
        """Indices of the transactions that are to be sent now; each has to be told of by ``answered``."""
        first = self._asked
        while self._free and self._free[0][0] <= now_ns < self._end_ns:
            turn_ns, user = heappop(self._free)
            self._asking[self._asked] = user, turn_ns
            self._asked += 1
        return list(range(first, self._asked))

    def answered(self, index: int, now_ns: int) -> None:
        """That user may ask again: a period after the last turn, or now, or when their turn comes late."""
        user, turn_ns = self._asking.pop(index)
        heappush(self._free, (max(turn_ns + self._period_ns, now_ns), user))

    def wake_ns(self) -> int | None:
        """When ``due`` is next worth calling; None when nobody is free, or the step is over by then."""
        return self._free[0][0] if self._free and self._free[0][0] < self._end_ns else None


async def play(traffic: Traffic, step: PacedStep, at: Span) -> None:
    """Have the users ask until the step's end."""
    loop = asyncio.get_running_loop()
    users = Users(step.users, step.rate_per_s, at)
    timer = Timer()

    def wake() -> None:
        for index in users.due(time.monotonic_ns()):
            traffic.send(index, None)
        arm()

    def arm() -> None:
        timer.arm(users.wake_ns() or at.end_ns)

    def ended(exchange: Exchange) -> None:
        hold_off_ns = round(PAUSE_S * NS_PER_S) if exchange.ending in HOLD_OFF else 0
        users.answered(exchange.index, time.monotonic_ns() + hold_off_ns)
        arm()

    traffic.tell(ended)
    loop.add_reader(timer.fd, wake)
    arm()
    try:
        await asyncio.sleep((at.end_ns - time.monotonic_ns()) / NS_PER_S)
    finally:
        loop.remove_reader(timer.fd)
        traffic.tell_nobody()
        timer.close()
