"""How long each connection may keep the front waiting. Pure.

Tornado's own ``idle_connection_timeout`` and ``body_timeout`` set up and cancel a timer for every request,
20 us each of a request's 110; here a request notes an instant, and a sweep every now and then closes what
is overdue.
"""

import math
from typing import Generic, Protocol, TypeVar


class Closable(Protocol):
    """A stream, as far as it matters here."""

    def closed(self) -> bool:
        """Whether nobody can read it any more."""

    def close(self) -> None:
        """Cut it."""


Stream = TypeVar("Stream", bound=Closable)


class Patience(Generic[Stream]):
    """When each open stream is overdue: ``{stream: seconds, monotonic}``."""

    def __init__(self, idle_s: float, transfer_s: float) -> None:
        self._idle_s = idle_s
        self._transfer_s = transfer_s
        self._overdue: dict[Stream, float] = {}

    def __repr__(self) -> str:
        return f"<Patience with {len(self._overdue)} connections>"

    @property
    def sweep_s(self) -> float:
        """How often to sweep: what is overdue is cut at most this much too late."""
        return min(1.0, self._idle_s / 4, self._transfer_s / 4)

    def idle(self, stream: Stream, now: float) -> None:
        """A request's head is due."""
        self._overdue[stream] = now + self._idle_s

    def transfer(self, stream: Stream, now: float) -> None:
        """A body is due, or a reader is to take a response."""
        self._overdue[stream] = now + self._transfer_s

    def suspend(self, stream: Stream) -> None:
        """It is the peer that waits: for a transaction, which has a deadline of its own."""
        self._overdue[stream] = math.inf

    def sweep(self, now: float) -> int:
        """Close what is overdue, forget what is closed. Returns how many were cut."""
        overdue = [stream for stream, due in self._overdue.items() if due <= now and not stream.closed()]
        for stream in overdue:
            stream.close()
        self._overdue = {stream: due for stream, due in self._overdue.items() if not stream.closed()}
        return len(overdue)
