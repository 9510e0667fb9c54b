"""What the bench itself did or saw during an episode: one JSON line each, in ``bench.jsonl``.

Invariant: a line is written whole and at once, so that what was written before a crash can be read.
"""

import time
from pathlib import Path
from types import TracebackType
from typing import Protocol

import msgspec

KINDS = {
    "start": "a process was started; detail: its pid",
    "exit": "a process ended; detail: how, and its pid",
    "ready": "every front answers and knows a worker",
    "warmup": "a step began, with its warm-up; subject: the step",
    "measured": "the measured part of a step began",
    "end": "the last transaction of a step was due",
    "fault": "a fault was applied; subject: the part; detail: kind-role, then what was seen",
    "healed": "a fault was taken back, or was through; subject: the part; detail: kind-role, then what was seen",
    "given-up": "a part died once too often for the restart policy, and stays dead; detail: after how many deaths",
    "stop": "the deployment was told to stop",
    "lag": "the bench's own loop was held up; detail: how long",
}
"""Every kind of mark and what it says; the parts' own notes stand beside them in marks.parquet."""


class Notebook(Protocol):
    """Somebody who is told."""

    def add(self, kind: str, subject: str = "", detail: str = "", t_ns: int | None = None) -> None:
        """Take note of one; ``t_ns`` is CLOCK_MONOTONIC, now where it is not given."""


class Marks:
    """The writer."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def __enter__(self) -> "Marks":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, kind: str, subject: str = "", detail: str = "", t_ns: int | None = None) -> None:
        """Write one; ``t_ns`` is CLOCK_MONOTONIC, now where it is not given."""
        assert kind in KINDS, kind
        t_ns = time.monotonic_ns() if t_ns is None else t_ns
        line = {"t_ns": t_ns, "part": "bench", "kind": kind, "subject": subject, "detail": detail}
        self._file.write(msgspec.json.encode(line) + b"\n")
