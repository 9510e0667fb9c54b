"""Runs a broker's or a worker's machine: one thread, one poll, what is due first, then what arrived.

Theory of operation: the kernel's poll over the sockets' descriptors costs a tenth of what ``zmq.Poller`` costs, which
asks each socket twice in each turn. But a ZeroMQ descriptor tells of an inbox that changed, once, and any use of the
socket takes that in. So after a turn every socket that was sent on, or not read to its end, is asked whether it has
something to read, and if so is read in the next turn, whatever its descriptor says.
"""

import math
import os
import select
import time
from collections.abc import Callable, Mapping
from functools import partial

import msgspec

from common.driver import GAUGE_INTERVAL_S, Driver, Executor
from common.link import Link
from common.machine import Drain, Machine, Note
from common.observer import Observer


class PollLoop(Driver):
    """Until it was told to stop and the machine is drained, or the time for that is up."""

    def __init__(
        self,
        machine: Machine,
        links: Mapping[str, Link],
        observer: Observer,
        drain_s: float,
        executor: Executor | None = None,
    ) -> None:
        super().__init__(machine, links, observer, executor)
        self._drain_s = drain_s
        self._drain_end = math.inf
        self._gauges_at = 0.0
        self._stop = False
        self._poll = select.poll()
        self._on: dict[int, Callable[[float], None]] = {}
        """Descriptor to what is done when it is readable."""
        self._fresh: list[Link] = []
        """Links whose monitor was never read: its descriptor tells of nothing before that."""
        self._wake, self._waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._when_readable(self._wake, self._begin_drain)
        if executor is not None:
            self._when_readable(executor.fileno(), partial(self._finish, executor))
        for link in links.values():
            self._register(link)

    def stop(self) -> None:
        """Drain, then return from ``run``. Safe from another thread and from a signal handler."""
        if not self._stop:
            self._stop = True
            os.write(self._waker, b".")

    def run(self) -> None:
        """Run until stopped and drained."""
        try:
            while not self._turn():
                pass
        finally:
            self._stop = True  # nobody is to write to a descriptor that may be another's by then
            os.close(self._wake)
            os.close(self._waker)

    def _turn(self) -> bool:
        """Wait, do what is due, take what arrived; whether that was the last turn."""
        unread = self._unread() if self._used else ()
        readable = self._poll.poll(0 if unread or self._fresh else self._timeout_ms())
        now = time.monotonic()
        self.tick(now)
        while self._fresh:
            self._hear(self._fresh.pop(), now)
        for descriptor, _ in readable:
            self._on.get(descriptor, _nothing)(now)
        for link in unread:
            self._read(link, now)
        if now >= self._gauges_at:
            self.observer.gauges(self.machine.gauges(), now)
            self._gauges_at = now + GAUGE_INTERVAL_S
        return self._stop and (self.machine.drained or now >= self._drain_end)

    def _unread(self) -> list[Link]:
        """The used links that really hold messages; the descriptors of the others tell again."""
        used = [self.links[name] for name in self._used]
        self._used.clear()
        return [link for link in used if link.readable()]

    def _read(self, link: Link, now: float) -> None:
        if self.deliver(link, now):
            self._used.add(link.name)
        if link.eventful:
            self.watch(link, now)

    def _hear(self, link: Link, now: float) -> None:
        self.watch(link, now)
        self._used.add(link.name)

    def _finish(self, executor: Executor, now: float) -> None:
        for finished in executor.results():
            self.feed(finished, now)

    def _timeout_ms(self) -> int:
        due = min(self.machine.deadline(), self._gauges_at, self._drain_end)
        return max(0, math.ceil((due - time.monotonic()) * 1e3))

    def _begin_drain(self, now: float) -> None:
        os.read(self._wake, 64)
        if self._drain_end == math.inf:
            self._drain_end = now + self._drain_s
            self.feed(Drain(), now)

    def reopen(self, link: Link) -> None:
        for descriptor in link.socket.fileno(), link.monitor.fileno():
            self._poll.unregister(descriptor)
            del self._on[descriptor]
        super().reopen(link)
        self._register(link)

    def _register(self, link: Link) -> None:
        self._when_readable(link.monitor.fileno(), partial(self._hear, link))
        self._when_readable(link.socket.fileno(), partial(self._read, link))
        self._fresh.append(link)
        self._used.add(link.name)

    def _when_readable(self, descriptor: int, react: Callable[[float], None]) -> None:
        self._poll.register(descriptor, select.POLLIN)
        self._on[descriptor] = react


def _nothing(now: float) -> None:
    """For a descriptor that was readable and has been closed in the same turn."""


def started(observer: Observer, links: Mapping[str, Link]) -> None:
    """Say that every socket is open, and how libzmq reports its options."""
    options = {name: link.options() for name, link in links.items()}
    observer.note(Note("started", "", msgspec.json.encode(options).decode()), time.monotonic())
