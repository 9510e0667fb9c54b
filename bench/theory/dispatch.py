"""Replays a recorded path through dispatchers with credit: what each transaction would have waited at its dispatcher
and at its worker together.

Each dispatcher has a queue of its own. It hands the head to the worker that has the fewest of *its* transactions, among
those the one that it used (gave to, or got back from) longest ago, and never more than ``credit`` to one at once.
A worker serves what all dispatchers hand it in order of arrival. A broker is one dispatcher; brokerless fronts are one
each. With one dispatcher, credit 1 and no way in between it is the central queue (Kiefer and Wolfowitz).

The way takes time in which the credit is used up and the worker does not work: half of ``ways`` there, half back.
Waits hold neither that nor the service.

Invariant: exact, event by event; what ends at an instant gives its room back before what arrives then is dealt with.

    arrivals      shape (n,), float seconds at the dispatcher, never decreasing
    dispatchers   shape (n,), integers: who hands it out; any numbering
    occupancies   shape (n,), float seconds >= 0: how long it holds its worker
    ways          shape (n,), float seconds >= 0: from dispatcher to worker and back

Arrays that break these rules raise ValueError.
"""

import heapq
from collections import deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bench.theory.replay import FloatArray, checked_numbers, checked_path, checked_workers

_RETURNED, _FINISHED, _DELIVERED = range(3)
"""What happens at one instant, in this order."""


class Use(NamedTuple):
    """A dispatcher gave to a worker, or got back from it."""

    at: float
    """Seconds, as the arrivals."""
    worker: int


class SharedOut(NamedTuple):
    """What became of a path, in the order of its arrivals; shapes (n,)."""

    waits: FloatArray
    """Seconds."""
    worker_of: npt.NDArray[np.int64]
    """From 0."""


def shared_out(
    arrivals: npt.ArrayLike,
    dispatchers: npt.ArrayLike,
    occupancies: npt.ArrayLike,
    workers: int,
    credit: int,
    ways: npt.ArrayLike = 0.0,
    uses: Mapping[int, Sequence[Use]] | None = None,
) -> SharedOut:
    """Who serves each, and how long it waits at its dispatcher and its worker together.

    ``uses``: {dispatcher: what is recorded of whom it used, in the order of time}. At an arrival that finds the
    dispatcher with nothing in hand, its workers stand in the order that these tell; those that it never used come
    first, lowest first. Dispatchers that go round one after the other meet at a worker or miss each other for long, as
    chance has it: without ``uses`` a replay soon has other chances than the recorded path.
    """
    checked_workers(workers)
    if credit < 1:
        raise ValueError(f"credit must be at least 1, got {credit}")
    due, held = checked_path(arrivals, occupancies)
    who = checked_numbers("dispatchers", dispatchers, due.shape)
    way = np.broadcast_to(np.asarray(ways, dtype=np.float64), due.shape)
    if not (np.isfinite(way).all() and (way >= 0).all()):
        raise ValueError("ways must be finite and at least 0")
    names, numbers = np.unique(who, return_inverse=True)
    dispatching = [_Dispatcher(workers, credit, (uses or {}).get(name, ())) for name in names.tolist()]
    return _Replay(due.tolist(), numbers.tolist(), held.tolist(), way.tolist(), workers, dispatching).played()


class _Dispatcher:
    """Its queue, and what it has at each worker."""

    def __init__(self, workers: int, credit: int, recorded: Sequence[Use]) -> None:
        self.credit = credit
        self.queue: deque[int] = deque()
        self.held = [0] * workers
        self.used = list(range(-workers, 0))
        """When each was last given to or got back from: the least goes first."""
        self.uses = 0
        self._recorded = deque(recorded)
        self._order = list(self.used) if recorded else None
        """As recorded until now."""

    def recall(self, now: float) -> None:
        """With nothing in hand, its workers stand as recorded."""
        if self._order is None:
            return
        while self._recorded and self._recorded[0].at < now:
            self._order[self._recorded.popleft().worker] = self.uses
            self.uses += 1
        if not self.queue and not any(self.held):
            self.used = list(self._order)

    def choose(self) -> int | None:
        """The worker whose turn it is; None: none has room."""
        least = min(self.held)
        if least >= self.credit:
            return None
        return min((used, worker) for worker, used in enumerate(self.used) if self.held[worker] == least)[1]

    def use(self, worker: int, more: int) -> None:
        """It holds one more, or one less."""
        self.held[worker] += more
        self.used[worker] = self.uses
        self.uses += 1


class _Replay:
    def __init__(
        self,
        arrivals: list[float],
        dispatcher_of: list[int],
        occupancies: list[float],
        ways: list[float],
        workers: int,
        dispatchers: Sequence[_Dispatcher],
    ) -> None:
        self._arrivals = arrivals
        self._occupancies = occupancies
        self._ways = ways
        self._dispatcher_of = dispatcher_of
        self._dispatchers = dispatchers
        self._worker_of = [0] * len(arrivals)
        self._at_worker: list[deque[int]] = [deque() for _ in range(workers)]
        """The first is in service."""
        self._delivered = [0.0] * len(arrivals)
        self._waits = [0.0] * len(arrivals)
        self._events: list[tuple[float, int, int]] = []
        """A heap: when, what, which transaction."""

    def played(self) -> SharedOut:
        for i, arrival in enumerate(self._arrivals):
            self._until(arrival)
            dispatcher = self._dispatchers[self._dispatcher_of[i]]
            dispatcher.recall(arrival)
            dispatcher.queue.append(i)
            self._hand_out(dispatcher, arrival)
        self._until(float("inf"))
        return SharedOut(np.array(self._waits, dtype=np.float64), np.array(self._worker_of, dtype=np.int64))

    def _until(self, end: float) -> None:
        """All that happens by then; what takes no time at its own instant too."""
        while self._events and self._events[0][0] <= end:
            now, what, i = heapq.heappop(self._events)
            if what == _RETURNED:
                self._returned(i, now)
            elif what == _FINISHED:
                self._finished(i, now)
            else:
                self._deliver(i, now)

    def _hand_out(self, dispatcher: _Dispatcher, now: float) -> None:
        while dispatcher.queue and (worker := dispatcher.choose()) is not None:
            i = dispatcher.queue.popleft()
            dispatcher.use(worker, +1)
            self._worker_of[i] = worker
            self._waits[i] = now - self._arrivals[i]
            if self._ways[i]:
                heapq.heappush(self._events, (now + self._ways[i] / 2, _DELIVERED, i))
            else:
                self._deliver(i, now)

    def _deliver(self, i: int, now: float) -> None:
        self._delivered[i] = now
        line = self._at_worker[self._worker_of[i]]
        line.append(i)
        if len(line) == 1:
            self._begin(i, now)

    def _begin(self, i: int, now: float) -> None:
        self._waits[i] += now - self._delivered[i]
        heapq.heappush(self._events, (now + self._occupancies[i], _FINISHED, i))

    def _finished(self, i: int, now: float) -> None:
        line = self._at_worker[self._worker_of[i]]
        line.popleft()
        if line:
            self._begin(line[0], now)
        if self._ways[i]:
            heapq.heappush(self._events, (now + self._ways[i] / 2, _RETURNED, i))
        else:
            self._returned(i, now)

    def _returned(self, i: int, now: float) -> None:
        dispatcher = self._dispatchers[self._dispatcher_of[i]]
        dispatcher.use(self._worker_of[i], -1)
        self._hand_out(dispatcher, now)
