"""The record that the load process keeps: one fixed-width entry per transaction, appended as each ends.

Invariant: what was flushed survives the death of any process, this one included; flushes are at most
``FLUSH_S`` apart as long as the loop turns. An entry is written whole or, where this process is killed in the
middle of a write, torn at the very end of the file, which the reader (``record_table``) reports. Imports no
numpy.
"""

import struct
from pathlib import Path
from typing import Literal

from bench.load.exchange import Exchange
from common.transaction import ID_LENGTH_MAX

FLUSH_S = 0.1

LAYOUT: tuple[tuple[str, str], ...] = (
    # name, numpy type (little endian)
    ("index", "u4"),
    ("step", "u2"),
    ("status", "u2"),
    ("method", "u1"),
    ("level", "u1"),
    ("ending", "u1"),
    ("flags", "u1"),
    ("front", "u1"),
    ("attempts", "u1"),
    ("retry", "u2"),
    ("origin", "u4"),
    ("scheduled_ns", "i8"),
    ("sent_ns", "i8"),
    ("done_ns", "i8"),
    ("deadline_ns", "i8"),
    ("bytes_out", "u4"),
    ("bytes_in", "u4"),
    ("waited_us", "u4"),
    ("slot_us", "u4"),
    ("worked_us", "u4"),
    ("timeout_ms", "u4"),
    ("id", f"S{ID_LENGTH_MAX}"),
)
"""The entry's fields, in order, without padding."""

_FORMAT = {"u1": "B", "u2": "H", "u4": "I", "i8": "q", f"S{ID_LENGTH_MAX}": f"{ID_LENGTH_MAX}s"}
ENTRY = struct.Struct("<" + "".join(_FORMAT[kind] for _, kind in LAYOUT))

METHODS = {"PUT": 1, "POST": 2}
LEVELS = {"rest": 1, "client": 2}

RETRY = 1
"""It may be sent again: PUT."""
WARMUP = 2
"""Due before the step's warm-up was over."""
ANSWER_OK = 4
DEFINITE = 8
UNNAMED = 16
"""``id`` is this side's own; the service would know the transaction by one that the front made, and no
answer told which: a POST without an answer. It cannot be joined with an execution by its id."""

U1_MAX, U4_MAX = 0xFF, 0xFFFF_FFFF


class Records:
    """The writer."""

    def __init__(
        self, path: Path, level: Literal["rest", "client"], method: Literal["PUT", "POST"], timeout_s: float
    ) -> None:
        self._file = path.open("ab", buffering=0)
        self._pending: list[bytes] = []
        self._level = LEVELS[level]
        self._method = METHODS[method]
        self._retry = RETRY if method == "PUT" else 0
        self._timeout_ms = min(round(timeout_s * 1000), U4_MAX)

    def add(self, exchange: Exchange) -> None:
        """Take an exchange that has ended; it is in the file after the next ``flush``."""
        ending = exchange.ending
        self._pending.append(
            ENTRY.pack(
                exchange.index,
                exchange.step,
                exchange.status,
                self._method,
                self._level,
                ending,
                self._retry
                | (WARMUP if exchange.warmup else 0)
                | (ANSWER_OK if exchange.answer_ok else 0)
                | (DEFINITE if ending.definite else 0)
                | (0 if exchange.named else UNNAMED),
                exchange.front,
                min(exchange.attempts, U1_MAX),
                exchange.retry,
                exchange.origin,
                exchange.scheduled_ns,
                exchange.sent_ns,
                exchange.done_ns,
                exchange.deadline_ns,
                min(exchange.bytes_out, U4_MAX),
                min(exchange.bytes_in, U4_MAX),
                min(exchange.waited_us, U4_MAX),
                min(exchange.slot_us, U4_MAX),
                min(exchange.worked_us, U4_MAX),
                self._timeout_ms,
                exchange.id,
            )
        )

    def flush(self) -> None:
        """Hand all that was added to the kernel.

        Raises:
            OSError: the disk is full, say; nothing is written from then on.
        """
        if not self._pending or self._file.closed:
            return
        left = memoryview(b"".join(self._pending))
        self._pending.clear()
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError:
            self._file.close()  # it may end in a torn entry: nothing must follow that
            raise

    def close(self) -> None:
        """Flush and close; harmless the second time."""
        if not self._file.closed:
            self.flush()
            self._file.close()
