"""What a fault looked like over time: the same fault of several trials, laid over each other by its instant.

Invariant: a point says nothing of what came after it, except that a transaction counts where it was due, as its
caller would date it; goodput alone counts completions where they happened.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bench.analysis.goodput import WINDOW_NS, ratio, within
from bench.analysis.latency import latencies_ms
from bench.analysis.recording import CODES, NS_PER_MS, FloatArray, Instants, Step, Transactions
from bench.run_record import Injected

BEFORE_NS = 1000 * NS_PER_MS
AFTER_NS = 8000 * NS_PER_MS
GRID_NS = 10 * NS_PER_MS
LATENCY_BIN_NS = 200 * NS_PER_MS
FAILURE_BIN_NS = 100 * NS_PER_MS

FAILURES = ("rejected", "unknown", "refused", "broken")


class Timeline(NamedTuple):
    """Seconds are counted from the fault. Arrays of one group have one length."""

    t_s: FloatArray
    goodput: FloatArray
    """All trials together: completed over due. nan where nothing was due."""
    goodput_low: FloatArray
    goodput_high: FloatArray
    """The extremes of the trials by themselves."""

    latency_t_s: FloatArray
    """The middle of each bin."""
    p50_ms: FloatArray
    p99_ms: FloatArray
    """Of the transactions due in the bin, all trials together; nan where it falls among those without an answer."""

    failure_t_s: FloatArray
    """The begin of each bin of ``FAILURE_BIN_NS``."""
    failures: dict[str, FloatArray]
    """By fate, one trial's worth of transactions due in the bin that ended so (their mean over trials)."""

    n: int
    """Faults that were laid over each other."""


def overlay(events: Sequence[tuple[Step, Injected, int]]) -> Timeline | None:
    """The timeline of some faults, each with its step and the end of its span in ns; None where there are none, or not
    even a bin of ``FAILURE_BIN_NS`` can be looked at.

    It ends where the shortest of the spans does.
    """
    if not events:
        return None
    before_ns, after_ns = spans(events)
    at_ns = np.arange(-(before_ns - WINDOW_NS) // GRID_NS * GRID_NS, after_ns, GRID_NS)
    failure_bins_ns = _edges(before_ns, after_ns, FAILURE_BIN_NS)
    if not at_ns.size or not failure_bins_ns.size:
        return None
    rows = [_since(step.transactions, fault.t_ns) for step, fault, _ in events]
    return Timeline(
        *_goodput(rows, at_ns),
        *_latency(rows, _edges(before_ns, after_ns, LATENCY_BIN_NS)),
        *_failures(rows, failure_bins_ns),
        n=len(events),
    )


def spans(events: Sequence[tuple[Step, Injected, int]]) -> tuple[int, int]:
    """How far before and after their instant all of some faults, at least one, can be looked at: ns."""
    before_ns = min(BEFORE_NS, *(fault.t_ns - step.played.begin_ns for step, fault, _ in events))
    return before_ns, min(AFTER_NS, *(end_ns - fault.t_ns for _, fault, end_ns in events))


def _since(rows: Transactions, t_ns: int) -> Transactions:
    """The same with the fault at 0."""
    return rows._replace(scheduled_ns=rows.scheduled_ns - t_ns, done_ns=rows.done_ns - t_ns)


def _goodput(
    trials: list[Transactions], at_ns: Instants
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    completed = np.array([within(np.sort(rows.done_ns[rows.completed]), at_ns) for rows in trials])
    due = np.array([within(rows.scheduled_ns, at_ns) for rows in trials])
    alone = ratio(completed, due)
    gaps = np.isnan(alone)
    low = np.where(gaps, np.inf, alone).min(axis=0)
    high = np.where(gaps, -np.inf, alone).max(axis=0)
    together = ratio(completed.sum(axis=0), due.sum(axis=0))
    nothing = np.isnan(together)
    return at_ns / 1e9, together, np.where(nothing, np.nan, low), np.where(nothing, np.nan, high)


def _latency(trials: list[Transactions], begins_ns: Instants) -> tuple[FloatArray, FloatArray, FloatArray]:
    found = [
        [_quantile(ms, q) for q in (0.5, 0.99)]
        for ms in (_latencies(trials, begin, begin + LATENCY_BIN_NS) for begin in begins_ns)
    ]
    quantiles = np.array(found, dtype=np.float64).reshape(-1, 2)
    middles: FloatArray = (begins_ns.astype(np.float64) + LATENCY_BIN_NS / 2) / 1e9
    return middles, quantiles[:, 0], quantiles[:, 1]


def _latencies(trials: list[Transactions], begin_ns: int, end_ns: int) -> FloatArray:
    """Of those due in the bin, sorted; infinite without an answer."""
    due = [rows.where((rows.scheduled_ns >= begin_ns) & (rows.scheduled_ns < end_ns)) for rows in trials]
    return np.sort(np.concatenate([latencies_ms(rows) for rows in due]))


def _quantile(sorted_ms: FloatArray, q: float) -> float:
    """A real sample, here also the slowest of less than 1 / (1 - q)."""
    if not sorted_ms.size:
        return np.nan
    found = float(sorted_ms[int(np.ceil(round(q * sorted_ms.size, 6))) - 1])
    return found if np.isfinite(found) else np.nan


def _failures(trials: list[Transactions], begins_ns: Instants) -> tuple[FloatArray, dict[str, FloatArray]]:
    bins = np.append(begins_ns, begins_ns[-1] + FAILURE_BIN_NS)
    counts = {
        fate: sum(np.histogram(rows.scheduled_ns[rows.fate == CODES[fate]], bins)[0] for rows in trials)
        / len(trials)
        for fate in FAILURES
    }
    return begins_ns / 1e9, {fate: np.asarray(mean, dtype=np.float64) for fate, mean in counts.items()}


def _edges(before_ns: int, after_ns: int, width_ns: int) -> Instants:
    """Begins of whole bins, one of them at the fault."""
    return np.arange(-(before_ns // width_ns), after_ns // width_ns) * width_ns
