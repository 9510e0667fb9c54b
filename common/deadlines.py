"""When the next of many deadlines comes: a heap whose cancelled entries are skipped, and swept when they prevail.

Invariant: the heap holds at most twice the live entries plus a constant, however long the deadlines are.
"""

import heapq
import math
from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)

_SWEEP_ABOVE = 64


class Deadlines(Generic[Key]):
    """One deadline a key, seconds on the monotonic clock."""

    def __init__(self) -> None:
        self._at: dict[Key, tuple[float, int]] = {}
        self._heap: list[tuple[float, int, Key]] = []
        self._entries = 0

    def __len__(self) -> int:
        return len(self._at)

    def set(self, key: Key, at: float) -> None:
        """Set or move the key's deadline."""
        self._entries += 1
        self._at[key] = (at, self._entries)
        heapq.heappush(self._heap, (at, self._entries, key))
        if len(self._heap) > 2 * len(self._at) + _SWEEP_ABOVE:
            self._heap = [(at, entry, key) for key, (at, entry) in self._at.items()]
            heapq.heapify(self._heap)

    def discard(self, key: Key) -> None:
        """The key has no deadline any more."""
        self._at.pop(key, None)

    def next(self) -> float:
        """The earliest; ``math.inf`` if there is none."""
        while self._heap and not self._live(self._heap[0]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else math.inf

    def due(self, now: float) -> list[Key]:
        """Remove and return the keys whose deadline has come, earliest first."""
        keys = []
        while self.next() <= now:
            _, _, key = heapq.heappop(self._heap)
            del self._at[key]
            keys.append(key)
        return keys

    def _live(self, entry: tuple[float, int, Key]) -> bool:
        at, number, key = entry
        return self._at.get(key) == (at, number)
