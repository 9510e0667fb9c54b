"""Runs a client's machine inside an asyncio loop: the front's side of a topology, and the load's.

Invariant: every ``submit`` is answered by exactly one call. A ZeroMQ descriptor is edge-triggered and serves both
directions: after anything that may have used the socket, it is looked at once more, soon.
"""

import asyncio
import math
import time
from collections.abc import Callable, Mapping

from common.driver import GAUGE_INTERVAL_S, Driver
from common.link import Link
from common.machine import ClientMachine, Drain, Resolve, Submitted
from common.observer import Observer
from common.transaction import Answer, Fate, Transaction

Answered = Callable[[Answer], None]


class ClientLoop(Driver):
    """A topology's client: used from the thread of the running loop only."""

    def __init__(
        self,
        machine: ClientMachine,
        links: Mapping[str, Link],
        observer: Observer,
        closed: Callable[[], None] = lambda: None,
    ) -> None:
        """``closed`` is called at the end of ``close``: the links' owner closes them then."""
        super().__init__(machine, links, observer)
        self._on_closed = closed
        self._client = machine
        self._loop = asyncio.get_running_loop()
        self._answered: dict[bytes, Answered] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = math.inf
        self._soon_called = False
        self._closed = False
        self._all_answered = asyncio.Event()
        self.beside: Callable[[], Mapping[str, int]] = dict
        """Depths of whoever uses this client, sampled beside its own."""
        for link in links.values():
            self._listen(link)
        self._sample()

    @property
    def ready(self) -> bool:
        """Whether a live worker is known."""
        return self._client.ready

    def gauges(self) -> Mapping[str, int]:
        """Depths right now."""
        return self._client.gauges()

    def submit(self, transaction: Transaction, answered: Answered) -> None:
        """Take a transaction; ``answered`` is called once, in this thread, perhaps before this returns. After
        ``close`` every transaction is rejected.

        Raises:
            ValueError: one of that id is open.
        """
        if self._closed:
            answered(Answer(Fate.REJECTED, reason="the client is closed", attempts=0))
            return
        if transaction.id in self._answered:
            raise ValueError(
                f"a transaction id must be unique among those open, got {transaction.id!r} twice"
            )
        self._answered[transaction.id] = answered
        self.feed(Submitted(transaction), time.monotonic())
        self._settle()

    async def drain(self, within_s: float) -> bool:
        """Take nothing new, and wait for the answers of what is open; whether all came ``within_s``."""
        self.feed(Drain(), time.monotonic())
        self._settle()
        if self._answered:
            self._all_answered.clear()
            try:
                await asyncio.wait_for(self._all_answered.wait(), within_s)
            except TimeoutError:
                return False
        return True

    def close(self) -> None:
        """Close the sockets; what is still open is answered unknown."""
        if self._closed:
            return
        self._closed = True
        for link in self.links.values():
            self._ignore(link)
        if self._timer is not None:
            self._timer.cancel()
        self._sampler.cancel()
        for answered in list(self._answered.values()):
            answered(Answer(Fate.UNKNOWN, reason="the client was closed"))
        self._answered.clear()
        self._on_closed()

    def resolve(self, resolve: Resolve) -> None:
        answered = self._answered.pop(resolve.id)
        if not self._answered:
            self._all_answered.set()
        answered(resolve.answer)

    def reopen(self, link: Link) -> None:
        self._ignore(link)
        super().reopen(link)
        self._listen(link)

    def _listen(self, link: Link) -> None:
        self._loop.add_reader(link.socket.fileno(), self._readable, link)
        self._loop.add_reader(link.monitor.fileno(), self._connection, link)
        # A descriptor signals nothing before the socket was found empty once.
        self._loop.call_soon(self._connection, link)

    def _ignore(self, link: Link) -> None:
        self._loop.remove_reader(link.socket.fileno())
        self._loop.remove_reader(link.monitor.fileno())

    def _readable(self, link: Link) -> None:
        now = time.monotonic()
        self.tick(now)
        if self.deliver(link, now):
            self._used.add(link.name)
        self._settle()

    def _connection(self, link: Link) -> None:
        if self._closed:
            return
        now = time.monotonic()
        self.tick(now)
        self.watch(link, now)
        self._used.add(link.name)
        self._settle()

    def _rearm(self) -> None:
        """Look once at each socket that was used: its edge may have been consumed by the use."""
        self._soon_called = False
        if self._closed:
            return
        used, self._used = self._used, set()
        now = time.monotonic()
        for name in used:
            link = self.links[name]
            if link.readable() and self.deliver(link, now):
                self._used.add(name)
        self._settle()

    def _settle(self) -> None:
        """After any use of the sockets, and any change of what is due."""
        if self._used:
            self._soon()
        self._arm()

    def _soon(self) -> None:
        if not self._soon_called:
            self._soon_called = True
            self._loop.call_soon(self._rearm)

    def _arm(self) -> None:
        due = self.machine.deadline()
        if due >= self._timer_at:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = due
        self._timer = self._loop.call_at(due, self._due)

    def _due(self) -> None:
        self._timer, self._timer_at = None, math.inf
        self.tick(time.monotonic())
        self._settle()

    def _sample(self) -> None:
        self.observer.gauges({**self.gauges(), **self.beside()}, time.monotonic())
        self._sampler = self._loop.call_later(GAUGE_INTERVAL_S, self._sample)
