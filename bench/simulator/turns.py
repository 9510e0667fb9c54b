"""Whose turn it is, where a DEALER has several peers: libzmq's order, which is round robin only while no pipe is full.

A pipe that turns out to be full loses its place: the last in line takes it. One that takes messages again stands at
the end. ``tests/bench/simulator/test_network.py`` holds this against libzmq itself.
"""

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar


class Writable(Protocol):
    """A pipe, as far as taking turns goes."""

    def write(self, frames: Sequence[bytes]) -> bool:
        """Take a message; False if it is full."""


Way = TypeVar("Way", bound=Writable)


class Turns(Generic[Way]):
    """The line of pipes that are not known to be full."""

    def __init__(self) -> None:
        self._line: list[Way] = []
        self._next = 0

    def join(self, pipe: Way) -> None:
        """The pipe takes messages, for the first time or again; harmless where it stands in line."""
        if pipe not in self._line:
            self._line.append(pipe)

    def leave(self, pipe: Way) -> None:
        """The pipe is gone."""
        if pipe in self._line:
            self._give_up_place(self._line.index(pipe))

    def write(self, frames: Sequence[bytes]) -> bool:
        """Hand the message to the pipe whose turn it is, or the next that is not full; False if all are."""
        while self._line:
            if self._line[self._next].write(frames):
                self._next = (self._next + 1) % len(self._line)
                return True
            self._give_up_place(self._next)
        return False

    def _give_up_place(self, place: int) -> None:
        last = self._line.pop()
        if place < len(self._line):
            self._line[place] = last
        if self._next == len(self._line):
            self._next = 0
