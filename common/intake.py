"""What a worker has taken on: one transaction executes, the rest wait in order, the late are not started.

Shared by the worker sessions of both protocols; it knows neither. Invariant: a job ends by exactly one reply, or
silently where its asker is lost; at most one job is with the service.
"""

import math
from collections import Counter, deque
from collections.abc import Callable, Sequence

from common import wire
from common.machine import Effect, Execute, Finished, Note, Send
from common.transaction import Fate, Transaction

Reply = Callable[["Work", Sequence[bytes]], Send | None]
"""Makes the message that carries these frames (status, body) to whoever asked; None if nobody can be told."""


class Work:
    """One job of a worker. Times are seconds on the monotonic clock."""

    __slots__ = ("address", "number", "opaque", "source", "started_at", "taken_at", "transaction")

    def __init__(
        self,
        number: int,
        transaction: Transaction,
        opaque: bool,
        source: str,
        address: list[bytes],
        now: float,
    ) -> None:
        self.number = number
        self.transaction = transaction
        self.opaque = opaque
        self.source = source
        """The conversation or client it came from."""
        self.address = address
        """What the reply begins with, returned as it came."""
        self.taken_at = now
        self.started_at = math.inf


class Intake:
    """The queue in front of the service. ``limit`` bounds what each source may have waiting in it: who keeps to its
    credit, which is less, is never refused, whatever the others do.
    """

    def __init__(self, limit: int, linger_s: float, opaque_prefix: str, reply: Reply) -> None:
        self._limit = limit
        self._linger_s = linger_s
        self._opaque_prefix = opaque_prefix
        self._reply = reply
        self._waiting: deque[Work] = deque()
        self._waiting_of: Counter[str] = Counter()
        self._executing: Work | None = None
        self._taken = 0
        self._drain_end = math.inf
        self._lingering = False

    def __len__(self) -> int:
        return len(self._waiting) + (self._executing is not None)

    @property
    def executing(self) -> Work | None:
        """What the service has now."""
        return self._executing

    @property
    def waiting(self) -> int:
        """How many wait for the service."""
        return len(self._waiting)

    def take(self, header: wire.Header | None, body: Sequence[bytes], source: str, address: list[bytes],
             now: float, effects: list[Effect]) -> None:  # fmt: skip
        """Take a request; ``header`` is None for an opaque one, which has no deadline here: its asker's own
        time-out decides.
        """
        self._taken += 1
        if header is None:
            id = f"{self._opaque_prefix}{self._taken}".encode()
            transaction = Transaction(id, tuple(body), math.inf, False)
        else:
            transaction = Transaction(header.id, tuple(body), header.deadline, header.retry)
        work = Work(self._taken, transaction, header is None, source, address, now)
        if self.draining:
            self._refuse(work, wire.DRAINING, now, effects)
        elif self._waiting_of[source] >= self._limit:
            self._refuse(work, b"queue full", now, effects)
        else:
            self._waiting.append(work)
            self._waiting_of[source] += 1
            self._start(now, effects)

    def finish(self, finished: Finished, now: float, effects: list[Effect]) -> Work:
        """The service is done: reply, and start the next. Returns what was done."""
        work = self._executing
        assert work is not None
        assert work.number == finished.job
        self._executing = None
        id, _, deadline, _ = work.transaction
        if now > deadline:
            effects.append(
                Note("late", id.decode(), f"finished {(now - deadline) * 1e3:.0f} ms after its deadline")
            )
        self._answer(work, finished.fate, finished.body, finished.worked_us, now, effects)
        self._start(now, effects)
        return work

    def abandon(self, source: str) -> int:
        """The asker is lost: forget what waits for it. What executes goes on. Returns how many were forgotten."""
        self._waiting = deque(work for work in self._waiting if work.source != source)
        return self._waiting_of.pop(source, 0)

    def drain(self, now: float, effects: list[Effect]) -> None:
        """Give back what has not begun, take nothing more.

        The worker stays a moment to give back what is still on its way: neither RFC has a word for good-bye, so
        its peers learn it from the first rejection.
        """
        self._drain_end = now + self._linger_s
        self._lingering = True
        effects.append(Note("draining"))
        waiting, self._waiting = self._waiting, deque()
        self._waiting_of.clear()
        for work in waiting:
            self._refuse(work, wire.DRAINING, now, effects)

    def tick(self, now: float) -> None:
        """Let the moment end."""
        if now >= self._drain_end:
            self._lingering = False

    def deadline(self) -> float:
        """When ``tick`` is next worth calling."""
        return self._drain_end if self._lingering else math.inf

    @property
    def draining(self) -> bool:
        """Whether nothing more is taken."""
        return self._drain_end < math.inf

    @property
    def drained(self) -> bool:
        """Whether all is given back or done."""
        return self.draining and not self._lingering and self._executing is None

    def _start(self, now: float, effects: list[Effect]) -> None:
        while self._executing is None and self._waiting:
            work = self._waiting.popleft()
            self._leaves(work.source)
            if work.transaction.deadline <= now:
                effects.append(
                    Note("late", work.transaction.id.decode(), "not started: its deadline has passed")
                )
                self._refuse(work, b"expired", now, effects)
            else:
                work.started_at = now
                self._executing = work
                effects.append(Execute(work.number, work.transaction, work.opaque))

    def _leaves(self, source: str) -> None:
        self._waiting_of[source] -= 1
        if not self._waiting_of[source]:
            del self._waiting_of[source]  # sources come and go

    def _refuse(self, work: Work, why: bytes, now: float, effects: list[Effect]) -> None:
        work.started_at = now
        if work.opaque:
            effects.append(Note("dropped", work.transaction.id.decode(), why.decode()))
        else:
            self._answer(work, Fate.REJECTED, (why,), 0, now, effects)

    def _answer(self, work: Work, fate: Fate, body: Sequence[bytes], worked_us: int, now: float,
                effects: list[Effect]) -> None:  # fmt: skip
        if work.opaque:
            send = self._reply(work, body)
        else:
            waited_us = int((work.started_at - work.taken_at) * 1e6)
            slot_us = int((now - work.started_at) * 1e6)
            status = wire.pack_status(work.transaction.id, fate, waited_us, slot_us, worked_us)
            send = self._reply(work, (status, *body))
        if send is not None:
            effects.append(send)
