"""How two topologies differ, trial by trial, and whether that can be told from chance.

Invariant: pairs are trials of one number, which share arrivals and service times; the ratio is judged on a logarithmic
scale, on which twice as long and half as long are equally far from no difference.
"""

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from bench.statistics import Estimate, summarize

PAIRS_MIN = 6
"""With fewer, no verdict."""


class Difference(msgspec.Struct, frozen=True):
    """Of the first against the second."""

    ratio: Estimate
    """First over second."""
    p: float
    """Two-sided, of no difference."""


def paired(first: Sequence[float], second: Sequence[float]) -> Difference:
    """Compare pair by pair; all positive, as many of one as of the other, at least ``PAIRS_MIN``."""
    from scipy.stats import ttest_1samp  # 1 to 2 s to import

    ratios = np.array(first, dtype=float) / np.array(second, dtype=float)
    ratio = summarize(ratios)
    assert ratio is not None
    logs = np.log(ratios)
    if np.ptp(logs) == 0:
        return Difference(ratio, 1.0 if logs[0] == 0 else 0.0)
    p = float(ttest_1samp(logs, 0.0).pvalue)
    return Difference(ratio, p if math.isfinite(p) else 1.0)


def holm(ps: Sequence[float]) -> list[float]:
    """Each p after Holm's correction over all of them, in their order."""
    order = sorted(range(len(ps)), key=lambda index: ps[index])
    adjusted, least = [0.0] * len(ps), 0.0
    for place, index in enumerate(order):
        least = max(least, min(ps[index] * (len(ps) - place), 1.0))
        adjusted[index] = least
    return adjusted
