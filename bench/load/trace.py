"""A recorded arrival trace: when transactions came, and how large their bodies were.

Invariant: a ``Trace`` that exists has at least two arrivals, in the order of time, the first at 0. Imports no numpy:
who only checks one need not pay for it.
"""

from array import array
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from bench.load.spec import BODY_BYTES_MAX
from common.columns import rows

TIME, SIZE = "time_s", "bytes"
"""The columns."""
TIME_S_MAX = 1e11
"""Seconds since 1970 until the year 5138: a time in ms or ns is told from one in seconds."""


class Trace(NamedTuple):
    """See the module."""

    offsets_s: "array[float]"
    """From the first arrival."""
    sizes: "array[int]"
    """Bytes, of each; empty: the file does not say."""

    @property
    def rate_per_s(self) -> float:
        """The mean rate: arrivals after the first over the time that they took."""
        return (len(self.offsets_s) - 1) / self.offsets_s[-1]


def read_trace(path: Path, least: int = 0, most: int = BODY_BYTES_MAX) -> Trace:
    """The trace in a CSV file with a column ``time_s`` and perhaps one ``bytes``, of ``least`` to ``most``.

    Times count from the first row's, so that timestamps will do as well.

    Raises:
        ValueError: it is no such file; one line that says where and what was expected.
    """
    times_s, sizes = array("d"), array("q")
    for time, *size in rows(path, TIME, [SIZE]):
        time_s = time.number(0, TIME_S_MAX, "s")
        if times_s and time_s < times_s[-1]:
            raise time.bad(f"expected a time not before the row above's, {times_s[-1]:.15g}")
        times_s.append(time_s)
        sizes.extend(each.whole(least, most, "bytes") for each in size)
    if times_s[-1] == times_s[0]:
        raise ValueError(
            f"{path.name}: {TIME}: expected at least two different times, got only {times_s[0]:.15g}"
        )
    return Trace(array("d", (time_s - times_s[0] for time_s in times_s)), sizes)


@lru_cache(maxsize=1)
def of_run(path: str) -> Trace:
    """The trace in a run's folder, which nobody changes: read once for all that an episode asks of it."""
    return read_trace(Path(path))
