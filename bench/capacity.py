"""How much was completed, from the load's records: what the runner needs to know before there are tables.

Invariant: the same definition as the analysis': completed within the measured part of a step, whenever it was due.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.load.exchange import Ending
from bench.load.record_table import read_records
from bench.run_record import PlayedStep


def completed_per_s(records: Path, steps: Sequence[PlayedStep]) -> list[float]:
    """For each step, transactions completed from ``warm_ns`` to ``end_ns``, over that time."""
    rows = read_records(records).rows
    good = rows[rows["ending"] == Ending.COMPLETED]
    rates = []
    for number, step in enumerate(steps):
        done = good["done_ns"][good["step"] == number]
        measured_s = (step.end_ns - step.warm_ns) / 1e9
        within = np.count_nonzero((done >= step.warm_ns) & (done < step.end_ns))
        rates.append(float(within / measured_s) if measured_s else 0.0)
    return rates
