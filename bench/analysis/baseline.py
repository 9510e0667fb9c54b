"""What a step was like when nothing was wrong: all that a fault's effect is held against.

Invariant: made of quiet stretches only, each from where the fault before was over until just before the next.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bench.analysis.goodput import goodput
from bench.analysis.recording import NS_PER_S, FloatArray, Instants, Transactions
from bench.analysis.settling import GRID_NS
from bench.statistics import quantile

BASELINE_NS_MIN = NS_PER_S
BAND = (0.01, 0.99)

Stretch = tuple[int, int]
"""Begin and end in ns."""


class Baseline(NamedTuple):
    """Of one or more quiet stretches together."""

    mean: float
    """Of goodput, as are the next two."""
    low: float
    high: float
    backlog: float
    """Transactions under way, at most, in 99 of 100 moments."""
    slowest_ns: int
    """The longest that any took that was due and completed in it."""
    attempts: float
    """How often a transaction was handed on that was due and ended in it, on average."""


def baseline(rows: Transactions, quiet: Sequence[Stretch]) -> Baseline | None:
    """None where the stretches are too short together, or nothing was due."""
    if sum(end_ns - begin_ns for begin_ns, end_ns in quiet) < BASELINE_NS_MIN:
        return None
    at_ns = np.concatenate([np.arange(begin_ns, end_ns, GRID_NS) for begin_ns, end_ns in quiet])
    seen = goodput(rows, at_ns)
    seen = seen[~np.isnan(seen)]
    if not seen.size:
        return None
    whole = [rows.where((rows.scheduled_ns >= begin) & (rows.done_ns < end)) for begin, end in quiet]
    attempts = np.concatenate([each.attempts for each in whole])
    return Baseline(
        mean=float(seen.mean()),
        low=quantile(seen, BAND[0]),
        high=quantile(seen, BAND[1]),
        backlog=quantile(backlog(rows, at_ns), BAND[1]),
        slowest_ns=max(map(_slowest_ns, whole)),
        attempts=float(attempts.mean()) if attempts.size else 1.0,
    )


def backlog(rows: Transactions, at_ns: Instants) -> FloatArray:
    """How many transactions are due and have not ended, at each instant: wherever they wait, also where no part
    could count them.
    """
    due = np.searchsorted(rows.scheduled_ns, at_ns, side="right")
    ended = np.searchsorted(np.sort(rows.done_ns), at_ns, side="right")
    return (due - ended).astype(np.float64)


def _slowest_ns(rows: Transactions) -> int:
    completed = rows.where(rows.completed)
    return int((completed.done_ns - completed.scheduled_ns).max(initial=0))
