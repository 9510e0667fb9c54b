"""One side of a connection that the relay carries: what it receives goes to the other side, now or when it may.

Invariant: each side's bytes, its end (FIN) and its loss (RST) reach the other side in order, or not at all while the
line is cut; nothing is dropped, and what is held is bounded: past ``HOLD_BYTES`` it is not read any more, so that the
sender's own buffers fill up, as they do when nobody acknowledges.
"""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple, Protocol, cast

HOLD_BYTES = 1 << 20
"""In one direction of one connection."""

END = b""
"""In a queue: the sender has said that nothing more will come."""


class Lost:
    """In a queue: the sender's connection is gone."""


LOST = Lost()


class State(Protocol):
    """The line that a connection belongs to, as its ends see it."""

    clear: bool
    """Nothing is imposed: carry at once."""
    cut: bool
    held_bytes: int
    delayed: int
    delayed_s: float

    def lateness_s(self) -> float:
        """How late the next chunk is to be carried; 0 where nothing says so."""


class _Item(NamedTuple):
    due: float
    taken: float
    what: bytes | Lost


class End(asyncio.Protocol):
    """One side. ``other`` is set before anything is received."""

    other: "End"

    def __init__(self, line: State, changed: Callable[[], None]) -> None:
        """``changed`` is called when it is connected, when its peer has ended, and when it is connected no more."""
        self._line = line
        self._changed = changed
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[_Item] = deque()
        self._waiting_bytes = 0
        self._wake: asyncio.TimerHandle | None = None
        self._full = False
        self._told_end = False
        """The other side's end was passed on to this one."""
        self.connected = False

    # --- from the kernel ---------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """This side is connected: what waited for it may come."""
        self._transport = cast(asyncio.Transport, transport)
        self.connected = True
        self._changed()
        self.other.pump()

    def data_received(self, data: bytes) -> None:
        """The hot path: to the other side at once, where nothing is imposed and nothing waits."""
        if self._line.clear and not self._waiting and self.other.connected:
            self.other.write(data)
        else:
            self._keep(data)

    def eof_received(self) -> bool:
        """The other direction stays open."""
        self._keep(END)
        self._changed()
        return True

    def connection_lost(self, error: Exception | None) -> None:
        """By our own doing (no error) or the peer's."""
        self.connected = False
        self._transport = None
        if error:
            self._keep(LOST)
        self._changed()

    def pause_writing(self) -> None:
        """This side takes no more for now, so the other must not send."""
        self._full = True
        self.other.pace()

    def resume_writing(self) -> None:
        """It does again."""
        self._full = False
        self.other.pace()

    # --- to the other side -------------------------------------------------------------------------------

    def pump(self) -> None:
        """Carry what waits and is due; harmless where nothing is."""
        now = self._loop.time()
        while self._waiting and not self._line.cut and self.other.connected:
            item = self._waiting[0]
            if item.due > now:
                self._sleep(item.due)
                break
            self._waiting.popleft()
            if item.due > item.taken:
                self._line.delayed += 1
                self._line.delayed_s += now - item.taken
            self._carry(item.what)
        self.pace()

    def pace(self) -> None:
        """Read on, or stop reading."""
        if self._transport is None or self._transport.is_closing():
            return
        if self._waiting_bytes > HOLD_BYTES or self.other._full:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def write(self, data: bytes) -> None:
        """Send to this side's peer."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def finish(self) -> None:
        """Pass on the other side's end; close both once both have said so."""
        self._told_end = True
        if self._transport is not None and not self._transport.is_closing():
            # It may have been reset by its peer a moment ago, of which connection_lost is still to tell.
            with suppress(OSError):
                self._transport.write_eof()
        if self.other._told_end:
            self.close()
            self.other.close()

    def close(self) -> None:
        """Close in good order."""
        if self._wake:
            self._wake.cancel()
        if self._transport is not None:
            self._transport.close()

    def reset(self) -> bool:
        """RST to this side's peer; False where it is not connected."""
        if self._transport is None:
            return False
        peer: socket.socket = self._transport.get_extra_info("socket")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._waiting.clear()
        self._transport.abort()
        return True

    @property
    def over(self) -> bool:
        """Whether its peer has ended or lost the connection, as far as was seen."""
        return not self.connected or (bool(self._waiting) and self._waiting[-1].what in (END, LOST))

    def _keep(self, what: bytes | Lost) -> None:
        now = self._loop.time()
        due = now + self._line.lateness_s()
        if self._waiting:
            due = max(due, self._waiting[-1].due)
        self._waiting.append(_Item(due, now, what))
        if isinstance(what, bytes):
            self._waiting_bytes += len(what)
            if self._line.cut:
                self._line.held_bytes += len(what)
        self.pump()

    def _carry(self, what: bytes | Lost) -> None:
        if isinstance(what, Lost):
            self.other.reset()
        elif what == END:
            self.other.finish()
        else:
            self._waiting_bytes -= len(what)
            self.other.write(what)

    def _sleep(self, due: float) -> None:
        if self._wake:
            self._wake.cancel()
        self._wake = self._loop.call_at(due, self.pump)
