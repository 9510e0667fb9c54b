"""The machine's other clocks beside CLOCK_MONOTONIC, by which everything is timed: whether one of them was stepped.

Invariant: the three clocks are read so close together that what is told of them is right to ``APART_NS_MAX``, or
nothing is told.

CLOCK_MONOTONIC itself is never stepped. But where CLOCK_REALTIME is, whoever times anything by it (a database, a
user's service) took part in the measurement with a wrong length; and CLOCK_BOOTTIME runs on while the machine is
suspended, which no other clock shows.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

APART_NS_MAX = 1_000_000
TRIES = 3
"""A reader that is put aside between two clocks reads again, so often at most."""


class Ahead(NamedTuple):
    """By how much each clock is ahead of CLOCK_MONOTONIC, in seconds."""

    wall_s: float
    boot_s: float


def _boot_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


class Clocks(NamedTuple):
    """Where the time comes from, in nanoseconds."""

    monotonic_ns: Callable[[], int] = time.monotonic_ns
    wall_ns: Callable[[], int] = time.time_ns
    boot_ns: Callable[[], int] = _boot_ns

    def ahead(self) -> Ahead | None:
        """Where the others are; None: they could not be read close enough together."""
        for _ in range(TRIES):
            before_ns = self.monotonic_ns()
            wall_ns, boot_ns = self.wall_ns(), self.boot_ns()
            after_ns = self.monotonic_ns()
            if after_ns - before_ns <= APART_NS_MAX:
                middle_ns = (before_ns + after_ns) // 2
                return Ahead((wall_ns - middle_ns) / 1e9, (boot_ns - middle_ns) / 1e9)
        return None


MACHINE = Clocks()
"""The machine's own."""
