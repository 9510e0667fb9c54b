"""Who gets the next transaction: the peer with the fewest outstanding, among those the least recently used.

At credit 1 this is the Paranoid Pirate's ready list; above, least recently used over *slots* would be worse than
blind (facts: p99 of 16 against 6.2 service times at credit 16, load 0.8). Every step is O(1) but for the look for
the lowest level, which is O(credit).
"""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

Peer = TypeVar("Peer", bound=Hashable)


class ReadyList(Generic[Peer]):
    """Peers with credit left, by how much they have outstanding."""

    def __init__(self) -> None:
        self._levels: list[OrderedDict[Peer, None]] = []
        self._level_of: dict[Peer, int] = {}
        self._lowest = 0

    def __len__(self) -> int:
        return len(self._level_of)

    def put(self, peer: Peer, outstanding: int) -> None:
        """The peer can take one more; it goes behind the others with as many outstanding."""
        if peer in self._level_of:
            self.discard(peer)
        while len(self._levels) <= outstanding:
            self._levels.append(OrderedDict())
        self._levels[outstanding][peer] = None
        self._level_of[peer] = outstanding
        if outstanding < self._lowest:
            self._lowest = outstanding

    def take(self) -> Peer | None:
        """Remove and return the one whose turn it is."""
        if not self._level_of:
            return None
        while not self._levels[self._lowest]:
            self._lowest += 1
        peer, _ = self._levels[self._lowest].popitem(last=False)
        del self._level_of[peer]
        return peer

    def discard(self, peer: Peer) -> None:
        """The peer can take nothing more."""
        level = self._level_of.pop(peer, None)
        if level is not None:
            del self._levels[level][peer]
