"""How long transactions took, counted from the instant at which they were due.

Invariant: a transaction without an answer is slower than all that have one; it is never left out. A system
that drops its slowest transactions gets no better figure for it, and a percentile that falls among them is
none.

*Answered* is completed or failed: the service's own word, either way. From *scheduled*, not from *sent*: a
stall holds back what was due meanwhile, and that wait counts (Tene, How NOT to Measure Latency). Quantiles
are real samples (``inverted_cdf``), and there is none without at least one sample beyond it: no p999 of
500.
"""

import math
from typing import NamedTuple

import numpy as np

from bench.analysis.recording import COMPLETED, FAILED, NS_PER_MS, FloatArray, Transactions

NINES = np.round(np.arange(0.1, 4.01, 0.1), 1)
"""Where the tail is drawn: x nines stand for the quantile 1 - 10^-x."""


class Percentiles(NamedTuple):
    """Of one step of one trial, in milliseconds; None where there is none."""

    p50: float | None
    p99: float | None
    p999: float | None
    n: int
    """Transactions that were due, answered or not."""


def latencies_ms(transactions: Transactions) -> FloatArray:
    """From scheduled to done, sorted; infinite where there was no answer."""
    answered = (transactions.fate == COMPLETED) | (transactions.fate == FAILED)
    taken = (transactions.done_ns - transactions.scheduled_ns) / NS_PER_MS
    return np.sort(np.where(answered, taken, np.inf))


def percentiles(sorted_ms: FloatArray) -> Percentiles:
    """The three figures of a report, from ``latencies_ms``."""
    p50, p99, p999 = (_quantile(sorted_ms, q) for q in (0.5, 0.99, 0.999))
    return Percentiles(p50, p99, p999, sorted_ms.size)


def tail_ms(sorted_ms: FloatArray) -> FloatArray:
    """The latency at each of ``NINES``; nan where there is none."""
    found = (_quantile(sorted_ms, 1 - 10**-nines) for nines in NINES)
    return np.array([math.nan if ms is None else ms for ms in found])


def knowable(n: int, q: float) -> bool:
    """Whether n transactions tell that quantile: where there is none, it falls among the unanswered."""
    return n > 0 and round(n * (1 - q), 6) >= 1


def _quantile(sorted_ms: FloatArray, q: float) -> float | None:
    """The smallest latency that a fraction ``q`` does not exceed; None where it is unanswered or
    unknowable.
    """
    if not knowable(sorted_ms.size, q):
        return None
    rank = math.ceil(round(sorted_ms.size * q, 6))
    found = float(sorted_ms[max(rank, 1) - 1])
    return found if math.isfinite(found) else None
