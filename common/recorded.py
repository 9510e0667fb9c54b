"""Service times as someone recorded them: a file's sample in place of a formula.

Invariant: like ``common.distributions``, a function of (seed, transaction id) and of nothing else; each time of the
file is as likely as any other.
"""

import math
from collections.abc import Sequence
from pathlib import Path

from common.columns import rows
from common.distributions import uniform

COLUMN = "ms"
TIME_MS_MAX = 3_600_000.0
"""An hour: the longest time to live."""


class Recorded:
    """A sample of service times, in ms."""

    def __init__(self, times_ms: Sequence[float]) -> None:
        self._sorted_ms = sorted(times_ms)
        self.mean_ms = math.fsum(times_ms) / len(times_ms)

    def service_time(self, mean_s: float, seed: int, id: bytes) -> float:
        """How long the transaction ``id`` takes, in seconds: one of the sample's times, found by the inverse of its
        cumulative function and scaled so that the sample's mean becomes ``mean_s``.
        """
        drawn_ms = self._sorted_ms[int(uniform(seed, id) * len(self._sorted_ms))]
        return drawn_ms * (mean_s / self.mean_ms)


def read_times(path: Path) -> Recorded:
    """The column ``ms`` of a CSV file.

    Raises:
        ValueError: it is not such a file, or the times are all 0; one line that says where and what was expected.
    """
    times_ms = [time.number(0, TIME_MS_MAX, "ms") for (time,) in rows(path, COLUMN)]
    if not any(times_ms):
        raise ValueError(f"{path.name}: {COLUMN}: expected a time above 0, got only zeros")
    return Recorded(times_ms)
