"""What the load process tells while it plays: JSON lines, each flushed as it is written.

Invariant: a step's ``begin`` line is written before its ``begin_ns``, as soon as that instant is known, so
that faults can be timed by it; its ``end`` line comes after the last of its transactions is in the record
file. Instants are nanoseconds of CLOCK_MONOTONIC.
"""

import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np


class _Line(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    t_ns: int = msgspec.field(default_factory=time.monotonic_ns)
    """When the line was written."""


class Ready(_Line, frozen=True, kw_only=True, tag_field="kind", tag="ready"):
    """The process is up: connections are open, the first schedule is drawn."""

    pid: int


class Begin(_Line, frozen=True, kw_only=True, tag_field="kind", tag="begin"):
    """A step is about to begin."""

    step: int
    """Its place in the spec: the column ``step`` of the records."""
    name: str
    phase: str
    begin_ns: int
    warm_ns: int
    end_ns: int


class Offered(_Line, frozen=True, kw_only=True, tag_field="kind", tag="offered"):
    """A burst is over: what was really sent in it."""

    step: int
    name: str
    """The step's."""
    burst: int
    """Its place in the step's ``bursts``."""
    begin_ns: int
    end_ns: int
    """From when until when was counted."""
    rate_per_s: float
    """The step's, without the burst."""
    sent: int
    """First tries picked up meanwhile."""
    retried: int
    """Retries picked up meanwhile."""

    @property
    def sent_per_s(self) -> float:
        """What was offered, retries not counted."""
        return self.sent / ((self.end_ns - self.begin_ns) / 1e9)


class Lag(msgspec.Struct, frozen=True):
    """How much later than due the generator picked up transactions: its own fault, connecting not
    included.
    """

    p50_us: float = 0.0
    p99_us: float = 0.0
    max_us: float = 0.0


class End(_Line, frozen=True, kw_only=True, tag_field="kind", tag="end"):
    """A step is over, and so is every transaction of it."""

    step: int
    name: str
    phase: str
    begin_ns: int
    warm_ns: int
    end_ns: int
    done_ns: int
    """When the last transaction had ended."""
    complete: bool
    """False: the process was told to stop before the step was over."""
    sent: int
    """Transactions picked up, retries included, which is also the number of records."""
    retried: int = 0
    """Of these, retries."""
    dropped: int
    """Transactions that the generator itself could not send. Any at all makes the trial invalid."""
    lag: Lag
    """All zero at a closed step, where a transaction is due when it is sent."""
    cpu_s: float
    """Processor time of this process from begin to done: near ``done_ns - begin_ns`` it was the
    bottleneck."""
    connections: int = 0
    """Opened during the step, beyond those opened before it."""


class Trouble(_Line, frozen=True, kw_only=True, tag_field="kind", tag="trouble"):
    """The process could not do what it was told, and ends."""

    detail: str


class Stop(_Line, frozen=True, kw_only=True, tag_field="kind", tag="stop"):
    """The last line: ``complete`` only if every step was played to its end."""

    complete: bool


Line = Ready | Begin | Offered | End | Trouble | Stop


class Report:
    """The writer."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab")

    def write(self, line: Line) -> None:
        """Append a line; it can be read as soon as this returns."""
        self._file.write(msgspec.json.encode(line) + b"\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file; harmless the second time."""
        self._file.close()


def read_report(path: Path) -> list[Line]:
    """Every whole line so far.

    Raises:
        ValueError: a line that is not one of ours.
    """
    whole, _, _ = path.read_bytes().rpartition(b"\n")
    return [msgspec.json.decode(line, type=Line) for line in whole.splitlines()]


def lag_of(lags_ns: Sequence[int]) -> Lag:
    """Lags in nanoseconds, one per transaction, in brief. No interpolation: each number is some
    transaction's lag.
    """
    if not lags_ns:
        return Lag()
    p50, p99, most = np.quantile(lags_ns, (0.5, 0.99, 1.0), method="inverted_cdf") / 1e3
    return Lag(float(p50), float(p99), float(most))
