"""What will happen, and when: virtual time moves from one entry to the next.

Invariant: time never goes back; entries of the same instant come in the order in which they were asked for. That
alone keeps the messages of a link in order.
"""

import heapq
from collections.abc import Callable
from typing import Any

_Entry = tuple[float, int, Callable[..., None], tuple[Any, ...]]


class Agenda:
    """Times are virtual seconds."""

    def __init__(self) -> None:
        self.now = 0.0
        self._entries: list[_Entry] = []
        self._asked = 0

    def __len__(self) -> int:
        return len(self._entries)

    def at(self, time: float, action: Callable[..., None], *arguments: Any) -> None:
        """Call ``action(*arguments)`` when ``time`` has come.

        Raises:
            ValueError: it has passed.
        """
        if not time >= self.now:
            raise ValueError(f"time must be at least now, {self.now} s, got {time}")
        self._asked += 1
        heapq.heappush(self._entries, (time, self._asked, action, arguments))

    def run(self, until: float) -> None:
        """Let everything happen that is due by ``until``, and stop there."""
        entries, pop = self._entries, heapq.heappop
        while entries and entries[0][0] <= until:
            self.now, _, action, arguments = pop(entries)
            action(*arguments)
        self.now = max(self.now, until)
