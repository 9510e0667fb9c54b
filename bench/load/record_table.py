"""Reads what ``records`` wrote, into one structured numpy array."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bench.load.exchange import Ending
from bench.load.records import ENTRY, LAYOUT

DTYPE = np.dtype([(name, kind if kind.startswith("S") else f"<{kind}") for name, kind in LAYOUT])
assert DTYPE.itemsize == ENTRY.size, "the struct and the dtype describe the same bytes"

ENDINGS = {ending.value: ending.text for ending in Ending}
"""The words of column ``ending``, which the tables call the fate."""


class RecordTable(NamedTuple):
    """A record file as it was read."""

    rows: npt.NDArray[Any]
    """``DTYPE``, one row per transaction, in the order in which they ended; of several processes one after
    another."""
    torn_bytes: int
    """Bytes of an incomplete last entry: its writer was killed in the middle. 0 else."""


def read_records(path: Path) -> RecordTable:
    """Every whole entry of the file.

    Raises:
        OSError: it cannot be read.
        ValueError: it holds an ending that no writer of ours writes.
    """
    octets = path.read_bytes()
    whole = len(octets) // DTYPE.itemsize
    rows = np.frombuffer(octets, DTYPE, whole)
    strange = ~np.isin(rows["ending"], list(ENDINGS))
    if strange.any():
        place = int(np.argmax(strange))
        raise ValueError(
            f"{path} is not a load record: entry {place} has the ending {rows['ending'][place]},"
            f" expected one of {sorted(ENDINGS)}"
        )
    return RecordTable(rows, len(octets) - whole * DTYPE.itemsize)
