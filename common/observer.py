"""Where a part's notes and depths go: the log for people, JSON lines for the bench, counts for /metrics.

Invariant: every note is counted; how many are written is bounded a second and kind, so that a flood of garbage fills
no disk.
"""

import logging
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import msgspec

from common.machine import Note

_LOGGED_PER_S = 20
_STORED_PER_S = 2000
_QUIET = frozenset({"rejected", "unknown", "stale", "late", "failover", "unroutable"})
"""Kinds that the ledger tells better: logged at DEBUG."""


class NoteLine(msgspec.Struct, frozen=True):
    """One line of ``notes/<part>.jsonl``."""

    t_ns: int
    part: str
    kind: str
    subject: str
    detail: str


class GaugeLine(msgspec.Struct, frozen=True):
    """One line of ``gauges/<part>.jsonl``."""

    t_ns: int
    part: str
    gauges: dict[str, int]


class Observer:
    """Records what one part has to say. ``folder`` None: the log only."""

    def __init__(self, part: str, folder: Path | None) -> None:
        self._part = part
        self._log = logging.getLogger(f"brokerbench.{part}")
        self._notes = _append(folder, "notes", part)
        self._gauges = _append(folder, "gauges", part)
        self.counts: Counter[str] = Counter()
        """Notes so far, by kind."""
        self._second = 0
        self._in_second: Counter[str] = Counter()

    def note(self, note: Note, now: float) -> None:
        """Count it, and write it down where the bounds allow."""
        kind, subject, detail = note
        self.counts[kind] += 1
        if int(now) != self._second:
            self._second = int(now)
            self._in_second.clear()
        self._in_second[kind] += 1
        if self._in_second[kind] <= _LOGGED_PER_S:
            self._log.log(
                logging.DEBUG if kind in _QUIET else logging.INFO, "%s %s: %s", kind, subject, detail
            )
        if self._notes is not None and self._in_second[kind] <= _STORED_PER_S:
            line = NoteLine(int(now * 1e9), self._part, kind, subject, detail)
            self._notes.write(msgspec.json.encode(line) + b"\n")

    def gauges(self, gauges: Mapping[str, int], now: float) -> None:
        """Write down the depths of this moment."""
        if self._gauges is not None:
            line = GaugeLine(int(now * 1e9), self._part, dict(gauges))
            self._gauges.write(msgspec.json.encode(line) + b"\n")

    def close(self) -> None:
        """Nothing more comes."""
        for file in (self._notes, self._gauges):
            if file is not None:
                file.close()


def _append(folder: Path | None, kind: str, part: str) -> IO[bytes] | None:
    """Unbuffered and appending: a line survives the process, and a restarted part goes on where it was."""
    if folder is None:
        return None
    (folder / kind).mkdir(parents=True, exist_ok=True)
    return open(folder / kind / f"{part}.jsonl", "ab", buffering=0)
