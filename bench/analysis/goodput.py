"""Goodput over time: what came back over what was due, in a sliding window of 100 ms.

Invariant: a window reaches back from its instant, so that nothing is seen before it happened.

1 is a system that keeps up, 0 one that gives nothing back, and above 1 it works off what it was late with.
The numerator counts transactions completed within the window, whenever they were due, the denominator those
due within it, whatever became of them.
"""

import numpy as np

from bench.analysis.recording import NS_PER_MS, FloatArray, Instants, Transactions

WINDOW_NS = 100 * NS_PER_MS


def goodput(transactions: Transactions, at_ns: Instants) -> FloatArray:
    """The goodput at each instant, which ends its window; nan where nothing was due in it."""
    completed = np.sort(transactions.done_ns[transactions.completed])
    return ratio(within(completed, at_ns), within(transactions.scheduled_ns, at_ns))


def within(sorted_ns: Instants, at_ns: Instants) -> FloatArray:
    """How many of the events fall into the window that ends at each instant."""
    upto = np.searchsorted(sorted_ns, at_ns, side="right")
    before = np.searchsorted(sorted_ns, at_ns - WINDOW_NS, side="right")
    return (upto - before).astype(np.float64)


def ratio(completed: FloatArray, due: FloatArray) -> FloatArray:
    """Completed over due; nan where nothing was due."""
    found = np.full(due.shape, np.nan)
    np.divide(completed, due, out=found, where=due > 0)
    return found
