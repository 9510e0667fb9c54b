"""Transactions that wait for a worker: one bounded queue, first come first served, each with a deadline."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

from common.deadlines import Deadlines

Item = TypeVar("Item", bound=Hashable)


class WaitingQueue(Generic[Item]):
    """Items in order of arrival; what comes back from a lost peer goes to the head."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._items: OrderedDict[Item, None] = OrderedDict()
        self._deadlines: Deadlines[Item] = Deadlines()

    def __len__(self) -> int:
        return len(self._items)

    @property
    def full(self) -> bool:
        """Whether a new item must be refused. What comes back to the head is never refused: its number is
        bounded by the credit of the peers.
        """
        return len(self._items) >= self._limit

    def push(self, item: Item, deadline: float) -> None:
        """Wait behind the others."""
        self._items[item] = None
        self._deadlines.set(item, deadline)

    def push_head(self, item: Item, deadline: float) -> None:
        """Wait before the others."""
        self.push(item, deadline)
        self._items.move_to_end(item, last=False)

    def pop(self) -> Item | None:
        """Remove and return the one that has waited longest."""
        if not self._items:
            return None
        item, _ = self._items.popitem(last=False)
        self._deadlines.discard(item)
        return item

    def discard(self, item: Item) -> None:
        """It waits no longer."""
        self._items.pop(item, None)
        self._deadlines.discard(item)

    def items(self) -> list[Item]:
        """All of them, the one that has waited longest first."""
        return list(self._items)

    def expired(self, now: float) -> list[Item]:
        """Remove and return those whose deadline has passed."""
        items = self._deadlines.due(now)
        for item in items:
            del self._items[item]
        return items

    def next_deadline(self) -> float:
        """The earliest deadline of those that wait; ``math.inf`` if none does."""
        return self._deadlines.next()
