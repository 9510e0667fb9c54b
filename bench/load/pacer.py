"""When the generator wakes, and what is due then: an open loop's schedule, turned into wakes of a timerfd.

Invariant: every entry of the schedule is handed out exactly once, in order, never before its instant, and
never skipped: what a late wake missed is handed out at that wake, all of it.

epoll, and with it asyncio's ``call_later``, ticks in milliseconds; a timerfd on CLOCK_MONOTONIC does not, and
needs no busy wait. Two wakes are at least ``WAKE_GAP_NS`` apart, so that a high rate costs a bounded number
of them.
"""

import ctypes
import os
import struct
import sys
from collections.abc import Sequence
from typing import Any

WAKE_GAP_NS = 100_000
"""The least from one wake to the next: what is due in between is up to this much late, well below the
millisecond in which latency is told. Rates below a few thousand a second hardly notice."""


class Pacer:
    """Which entries of a schedule are due. Pure: ``now_ns`` is an argument."""

    def __init__(self, due_ns: Sequence[int], gap_ns: int = WAKE_GAP_NS) -> None:
        self._due_ns = due_ns
        self._gap_ns = gap_ns
        self._next = 0

    def __repr__(self) -> str:
        return f"<Pacer {self._next} of {len(self._due_ns)} handed out>"

    def due(self, now_ns: int) -> range:
        """The entries not handed out yet whose instant has come, by their place in the schedule."""
        first, count = self._next, len(self._due_ns)
        while self._next < count and self._due_ns[self._next] <= now_ns:
            self._next += 1
        return range(first, self._next)

    def wake_ns(self, now_ns: int) -> int | None:
        """When ``due`` is next worth calling, after a call at ``now_ns``; None when all was handed out."""
        if self._next == len(self._due_ns):
            return None
        return max(self._due_ns[self._next], now_ns + self._gap_ns)


TIMER_SPEC = struct.Struct("@qqqq")  # struct itimerspec: interval s, ns; value s, ns

if sys.version_info >= (3, 13):

    def _create() -> int:
        return os.timerfd_create(1, flags=os.TFD_NONBLOCK | os.TFD_CLOEXEC)  # time.CLOCK_MONOTONIC

    def _set(fd: int, at_ns: int) -> None:
        os.timerfd_settime_ns(fd, flags=os.TFD_TIMER_ABSTIME, initial=at_ns)

else:
    CLOCK_MONOTONIC = 1
    TFD_TIMER_ABSTIME = 1

    _libc: Any = ctypes.CDLL(None, use_errno=True)

    def _checked(status: int) -> int:
        if status < 0:
            number = ctypes.get_errno()
            raise OSError(number, f"timerfd: {os.strerror(number)}")
        return status

    def _create() -> int:
        return _checked(_libc.timerfd_create(CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC))

    def _set(fd: int, at_ns: int) -> None:
        value = TIMER_SPEC.pack(0, 0, *divmod(at_ns, 1_000_000_000))
        _checked(_libc.timerfd_settime(fd, TFD_TIMER_ABSTIME, value, None))


class Timer:
    """A timerfd: ``fd`` is readable from the instant it was armed for until it is armed anew. Linux only."""

    def __init__(self) -> None:
        self.fd = _create()

    def arm(self, at_ns: int) -> None:
        """Be readable at ``at_ns`` of CLOCK_MONOTONIC, at once if that is past."""
        _set(self.fd, max(at_ns, 1))  # 0 would disarm

    def close(self) -> None:
        """Close it; take it out of the loop first."""
        os.close(self.fd)
