"""Carries out what a machine asks for, on real sockets: what the poll loop and the asyncio loop share.

Invariant: a driver's duties as common/machine.py names them. The loops add only how they wait.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Protocol

from common.link import Link
from common.machine import (
    Disconnected,
    Effect,
    Event,
    Execute,
    Finished,
    Machine,
    Note,
    Received,
    Reopen,
    Resolve,
    Send,
)
from common.observer import Observer

DRAIN_BUDGET = 256
"""Messages taken from one socket before the others get their turn."""

GAUGE_INTERVAL_S = 0.1


class Executor(Protocol):
    """The service, seen from the loop."""

    def submit(self, execute: Execute) -> None:
        """Give it a transaction."""

    def results(self) -> Sequence[Finished]:
        """What it is done with."""

    def fileno(self) -> int:
        """Readable while there are results."""


class Driver:
    """One machine and its sockets."""

    def __init__(
        self,
        machine: Machine,
        links: Mapping[str, Link],
        observer: Observer,
        executor: Executor | None = None,
    ) -> None:
        self.machine = machine
        self.links = links
        self.observer = observer
        self._executor = executor
        self._busy = False
        self._latest = 0.0
        self._used: set[str] = set()
        """Links whose socket was sent on, or not read to its end: their descriptor may not tell of what waits."""
        self._refused: deque[Event] = deque()
        self._later: deque[tuple[Event, float]] = deque()

    def feed(self, event: Event, now: float) -> None:
        """Something happened. Where an answer's receiver says so (it submits the next transaction), what was asked
        for before it is carried out first.
        """
        now = self._not_before(now)
        if self._busy:
            self._later.append((event, now))
        elif effects := self.machine.handle(event, now):
            self._carry_out_all(effects, now)

    def tick(self, now: float) -> None:
        """Do what is due."""
        now = self._not_before(now)
        if now >= self.machine.deadline():
            self._carry_out_all(self.machine.tick(now), now)

    def deliver(self, link: Link, now: float, budget: int = DRAIN_BUDGET) -> bool:
        """Deliver what has arrived; whether the budget ended before the messages did."""
        receive = link.receive
        name = link.name
        for _ in range(budget):
            frames = receive()
            if frames is None:
                self._used.discard(name)
                return False
            self.feed(Received(name, frames), now)
            now = monotonic()  # an answer's receiver may have submitted since: see _not_before
        return True

    def watch(self, link: Link, now: float) -> None:
        """Deliver connections made and lost; before a loss, everything that the lost one had sent. What else
        the monitor said of a socket that has been reopened meanwhile is no longer true.
        """
        socket = link.socket
        for event in link.events():
            if isinstance(event, Disconnected):
                while self.deliver(link, now):
                    pass
            if link.socket is not socket:
                return
            self.feed(event, now)

    def send(self, send: Send) -> None:
        """Send a message; a refusal is fed to the machine after the effects that came with it."""
        name, frames = send
        refused = self.links[name].send(frames)
        self._used.add(name)
        if refused is not None:
            self._refused.append(refused)

    def resolve(self, resolve: Resolve) -> None:
        """For a loop that takes submissions: hand the answer up."""
        raise NotImplementedError(f"{self.machine!r} resolves, and nobody submits: {resolve}")

    def reopen(self, link: Link) -> None:
        """Close and open; a loop that watches descriptors watches the new ones."""
        link.close()
        link.open()

    def _not_before(self, now: float) -> float:
        """``now``, or the latest instant that the machine was told: what a loop read from the clock before it
        delivered a batch is older than what was submitted within it, and a machine's time never goes back.
        """
        if now > self._latest:
            self._latest = now
        return self._latest

    def _carry_out_all(self, effects: Sequence[Effect], now: float) -> None:
        """And what that leads to: refusals, then what was said meanwhile."""
        self._busy = True
        try:
            self._carry_out(effects, now)
            while self._refused or self._later:
                event, now = (self._refused.popleft(), now) if self._refused else self._later.popleft()
                self._carry_out(self.machine.handle(event, now), now)
        finally:
            self._busy = False

    def _carry_out(self, effects: Sequence[Effect], now: float) -> None:
        for effect in effects:
            if isinstance(effect, Send):
                self.send(effect)
            elif isinstance(effect, Resolve):
                self.resolve(effect)
            elif isinstance(effect, Execute):
                assert self._executor is not None
                self._executor.submit(effect)
            elif isinstance(effect, Note):
                self.observer.note(effect, now)
            elif isinstance(effect, Reopen):
                self.reopen(self.links[effect.socket])
