"""Runs a broker's or a worker's machine: one thread, one poll, what is due first, then what arrived."""

import math
import os
import signal
import time
from collections.abc import Mapping

import msgspec
import zmq

from common.driver import GAUGE_INTERVAL_S, Driver, Executor
from common.link import Link
from common.machine import Drain, Machine, Note
from common.observer import Observer


class PollLoop(Driver):
    """Until SIGTERM has drained the machine, or the time for that is up."""

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
        self._poller = zmq.Poller()
        self._wake, self._waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._poller.register(self._wake, zmq.POLLIN)
        if executor is not None:
            self._poller.register(executor.fileno(), zmq.POLLIN)
        for link in links.values():
            self._register(link)

    def stop(self) -> None:
        """Drain, then return from ``run``. Safe from another thread and from a signal handler."""
        self._stop = True
        os.write(self._waker, b".")

    def run(self) -> None:
        """Run until stopped and drained. Call from the main thread: it takes SIGTERM."""
        before = signal.signal(signal.SIGTERM, lambda *_: self.stop())
        try:
            while not self._turn():
                pass
        finally:
            signal.signal(signal.SIGTERM, before)
            os.close(self._wake)
            os.close(self._waker)

    def _turn(self) -> bool:
        """Wait, do what is due, take what arrived; whether that was the last turn."""
        ready = dict(self._poller.poll(self._timeout_ms()))
        now = time.monotonic()
        self.tick(now)
        if self._wake in ready:
            self._begin_drain(now)
        if self._executor is not None and self._executor.fileno() in ready:
            for finished in self._executor.results():
                self.feed(finished, now)
        for link in self.links.values():
            if link.monitor in ready:
                self.watch(link, now)
            if link.socket in ready:
                self.deliver(link, now)
            if link.eventful:
                self.watch(link, now)
        if now >= self._gauges_at:
            self.observer.gauges(self.machine.gauges(), now)
            self._gauges_at = now + GAUGE_INTERVAL_S
        return self._stop and (self.machine.drained or now >= self._drain_end)

    def _timeout_ms(self) -> int:
        due = min(self.machine.deadline(), self._gauges_at, self._drain_end)
        return max(0, math.ceil((due - time.monotonic()) * 1e3))

    def _begin_drain(self, now: float) -> None:
        os.read(self._wake, 64)
        if self._drain_end == math.inf:
            self._drain_end = now + self._drain_s
            self.feed(Drain(), now)

    def reopen(self, link: Link) -> None:
        self._poller.unregister(link.socket)
        self._poller.unregister(link.monitor)
        super().reopen(link)
        self._register(link)

    def _register(self, link: Link) -> None:
        self._poller.register(link.socket, zmq.POLLIN)
        self._poller.register(link.monitor, zmq.POLLIN)


def started(observer: Observer, links: Mapping[str, Link]) -> None:
    """Say that every socket is open, and how libzmq reports its options."""
    options = {name: link.options() for name, link in links.items()}
    observer.note(Note("started", "", msgspec.json.encode(options).decode()), time.monotonic())
