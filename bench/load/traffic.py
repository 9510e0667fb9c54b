"""What is under way: hands transactions to the carrier, gives up on them when patience ends, writes each down
once.

Invariant: ``outstanding`` is the number of exchanges that were picked up and have not ended; each is in the
record exactly once, whatever the carrier does, ``stop`` included.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence

from bench.load.exchange import Carrier, Ending, Exchange, body_of
from bench.load.records import FLUSH_S, Records
from bench.load.schedule import transaction_id
from bench.load.spec import NS_PER_S

PATIENCE_S = 2.0
"""How long after the time-out that it asked for a client still waits: the front answers at the time-out
itself, so that this much silence means that nobody will."""


def _not_told(exchange: Exchange) -> None:
    """Before the first step nobody waits for an end."""


class Traffic:
    """One step's exchanges at a time; ``open_step`` starts with the next."""

    def __init__(
        self,
        carrier_of: Callable[[Callable[[Exchange], None]], Carrier],
        records: Records,
        body_of: Callable[[bytes, int], bytes] = body_of,
    ) -> None:
        self.carrier = carrier_of(self.ended)
        self.records = records
        self._body_of = body_of
        self.outstanding = 0
        self.sent = 0
        """In this step, as ``retried``, ``dropped`` and ``lags_ns``."""
        self.retried = 0
        """Of those sent, retries."""
        self.dropped = 0
        self.lags_ns: list[int] = []
        self._under_way: deque[Exchange] = deque()
        """In the order picked up, all with the same patience; those that have ended leave when they get to
        its head."""
        self._patience_ns = 0
        self._step = 0
        self._prefix = ""
        self._sizes: Sequence[int] = (0,)
        self._warm_ns = 0
        self._told: Callable[[Exchange], None] = _not_told
        self._quiet: asyncio.Event = asyncio.Event()
        self._quiet.set()

    def open_step(self, step: int, prefix: str, sizes: Sequence[int], timeout_s: float, warm_ns: int) -> None:
        """Start with step number ``step``, whose warm-up is over at ``warm_ns``. Nothing may be under way. The body of
        transaction i, and of each retry of it, has ``sizes[i % len(sizes)]`` bytes.
        """
        assert not self.outstanding, f"{self.outstanding} transactions of the step before are under way"
        self.sent = self.retried = self.dropped = 0
        self.lags_ns = []
        self._under_way.clear()
        self._patience_ns = round((timeout_s + PATIENCE_S) * NS_PER_S)
        self._step, self._prefix, self._sizes, self._warm_ns = (
            step,
            f"{prefix}.{step}",
            sizes,
            warm_ns,
        )

    def tell(self, told: Callable[[Exchange], None]) -> None:
        """Have ``told`` called with every exchange that ends, after it was written down."""
        self._told = told

    def tell_nobody(self) -> None:
        """Nobody waits for an end any more."""
        self._told = _not_told

    def send(self, index: int, scheduled_ns: int | None) -> None:
        """Pick up the step's ``index``-th transaction, which is due now (None) or was at ``scheduled_ns``."""
        now_ns = time.monotonic_ns()
        if scheduled_ns is None:
            scheduled_ns = now_ns
        else:
            self.lags_ns.append(now_ns - scheduled_ns)
        self._send(index, index, 0, scheduled_ns, now_ns)

    def send_again(self, index: int, origin: int, retry: int, scheduled_ns: int) -> None:
        """Pick up the ``retry``-th retry of transaction ``origin``, which was due at ``scheduled_ns``: it is the
        step's ``index``-th transaction.
        """
        now_ns = time.monotonic_ns()
        self.lags_ns.append(now_ns - scheduled_ns)
        self.retried += 1
        self._send(index, origin, retry, scheduled_ns, now_ns)

    def _send(self, index: int, origin: int, retry: int, scheduled_ns: int, now_ns: int) -> None:
        id = transaction_id(self._prefix, origin, retry).encode()
        body = self._body_of(id, self._sizes[origin % len(self._sizes)])
        warmup = scheduled_ns < self._warm_ns
        exchange = Exchange(self._step, index, id, body, scheduled_ns, now_ns, warmup, origin, retry)
        self.sent += 1
        self.outstanding += 1
        self._quiet.clear()
        self._under_way.append(exchange)
        self.carrier.send(exchange)

    def ended(self, exchange: Exchange) -> None:
        """The carrier is done with it."""
        self.outstanding -= 1
        if exchange.ending is Ending.DROPPED:
            self.dropped += 1
        self.records.add(exchange)
        exchange.body = b""
        self._told(exchange)
        if not self.outstanding:
            self._quiet.set()

    def give_up(self, now_ns: int) -> None:
        """Let go of what was picked up longer ago than patience lasts."""
        while self._under_way:
            oldest = self._under_way[0]
            if not oldest.done_ns:
                if oldest.picked_ns + self._patience_ns > now_ns:
                    return
                self.carrier.abandon(oldest)
            self._under_way.popleft()

    async def settled(self) -> None:
        """Nothing is under way any more. Bounded by patience as long as ``housekeep`` runs."""
        await self._quiet.wait()

    async def housekeep(self) -> None:
        """Flush the record and give up what is overdue, until cancelled."""
        while True:
            await asyncio.sleep(FLUSH_S)
            self.give_up(time.monotonic_ns())
            self.records.flush()

    def stop(self) -> None:
        """End all that is under way, here and now, and write it down."""
        self.tell_nobody()
        while self._under_way:
            exchange = self._under_way.popleft()
            if not exchange.done_ns:
                self.carrier.abandon(exchange)
        self.records.flush()
